public import NetworkTypes
internal import Synchronization
public import Telemetry

/// A loop over one socket of mirrored packets: each is a record of its own.
public struct MirrorWorker: Sendable {
    private let socket: PacketSocket
    private let port: MirrorPort?
    private let decoder: PacketDecoder
    private let tickNanoseconds: Int64
    private let now: @Sendable () -> Timestamp
    public let counters = CaptureCounters()

    private static let waitMilliseconds: Int32 = 10
    /// How old a packet may be that the kernel has not handed over yet: it does so every four milliseconds, by a clock of
    /// four at the coarsest.
    private static let latestNanoseconds: Int64 = 20_000_000

    /// - Parameters:
    ///   - port: the interface, which may go and come back; nil: it is not looked after.
    ///   - tick: batches do not reach across its boundaries.
    public init(
        socket: PacketSocket,
        port: MirrorPort? = nil,
        decoder: PacketDecoder,
        tick: Duration,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.socket = socket
        self.port = port
        self.decoder = decoder
        tickNanoseconds = max(1, tick.nanoseconds)
        self.now = now
    }

    /// Runs until `isStopped`, which is looked at every few milliseconds.
    public func run(into consumer: some RecordConsumer, until isStopped: @Sendable () -> Bool) {
        var handover = RecordHandover(tickNanoseconds: tickNanoseconds, at: now())
        var socket = socket
        /// By the sockets before.
        var droppedBefore: UInt64 = 0
        var nextLook: Int64 = 0
        while !isStopped() {
            let count = socket.receive(waitMilliseconds: Self.waitMilliseconds)
            let time = now()
            var unread: UInt64 = 0
            for index in 0..<max(0, count) {
                socket.withPacket(index) { bytes, originalLength, age in
                    let arrival = handover.begin(
                        at: Timestamp(nanoseconds: time.nanoseconds &- age),
                        in: socket.memory,
                        consumer
                    )
                    let isRead = decoder.decode(
                        bytes,
                        originalLength: originalLength,
                        on: socket.link,
                        receivedAt: arrival,
                        into: &handover.batch
                    )
                    if !isRead { unread &+= 1 }
                }
            }
            handover.flush(into: consumer, in: socket.memory)
            if count > 0 {
                counters.datagrams.wrappingAdd(UInt64(count), ordering: .relaxed)
                counters.unread.wrappingAdd(unread, ordering: .relaxed)
            } else {
                handover.reached(Timestamp(nanoseconds: time.nanoseconds &- Self.latestNanoseconds), consumer)
            }
            if time.nanoseconds >= nextLook {
                nextLook = time.nanoseconds &+ 1_000_000_000
                let drops = droppedBefore &+ socket.drops
                counters.dropped.store(drops, ordering: .relaxed)
                if let fresh = port?.look(after: socket) { (socket, droppedBefore) = (fresh, drops) }
            }
        }
    }
}
