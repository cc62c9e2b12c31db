public import NetworkTypes
internal import Synchronization
internal import Telemetry

/// A loop over one socket: receive, decode, hand on.
public struct CaptureWorker: Sendable {
    private let socket: UDPSocket
    private let settings: IntakeSettings
    private let now: @Sendable () -> Timestamp
    public let counters = CaptureCounters()

    /// How long to wait for a datagram before the consumer is told that time has passed.
    private static let waitMilliseconds: Int32 = 10
    /// Where datagrams come faster than one each `napNanoseconds`, waking up for each costs more than reading it.
    private static let napNanoseconds: Int64 = 1_000_000
    /// Octets of receive buffer that hold what comes meanwhile at any rate that a worker can take.
    private static let bufferForNaps = 1 << 20

    public init(socket: UDPSocket, settings: IntakeSettings, now: @escaping @Sendable () -> Timestamp) {
        self.socket = socket
        self.settings = settings
        self.now = now
    }

    /// Runs until `isStopped`, which is looked at every few milliseconds.
    public func run(into consumer: some RecordConsumer, until isStopped: @Sendable () -> Bool) {
        var intake = TelemetryIntake(settings: settings, port: socket.port, counters: counters, at: now())
        var lastReceived = Timestamp(nanoseconds: 0)
        var nextDropCount: Int64 = 0
        while !isStopped() {
            let count = socket.receive(waitMilliseconds: Self.waitMilliseconds)
            let time = now()
            if count < 0 {
                // ICMP errors of connected sockets and the like: nothing is lost by going on.
                counters.dropped.store(UInt64(socket.drops), ordering: .relaxed)
                continue
            }
            var datagrams = 0
            for index in 0..<max(0, count) {
                datagrams &+= socket.withDatagrams(index) { bytes, source, port, age in
                    let arrival = Timestamp(nanoseconds: time.nanoseconds &- age)
                    intake.take(bytes, in: socket.memory, from: source, port: port, at: arrival, into: consumer)
                }
            }
            if count > 0 { counters.datagrams.wrappingAdd(UInt64(datagrams), ordering: .relaxed) }
            intake.flush(into: consumer, in: socket.memory)
            if count < Int(UDPSocket.slots) {
                // The socket is empty, so what came before this moment has been seen; what came while we looked will
                // carry a later time.
                let seen = count == 0 ? time.nanoseconds &- 2_000_000 : 0
                intake.reached(Timestamp(nanoseconds: seen), consumer: consumer)
            }
            if time.nanoseconds >= nextDropCount {
                nextDropCount = time.nanoseconds &+ 1_000_000_000
                counters.dropped.store(UInt64(socket.drops), ordering: .relaxed)
            }
            intake.upkeep(at: time, consumer: consumer)
            if count > 0 {
                let isDense = time.nanoseconds &- lastReceived.nanoseconds < 2 &* Self.napNanoseconds
                lastReceived = time
                if isDense, count < Int(UDPSocket.slots) / 4 * 3, socket.receiveBuffer >= Self.bufferForNaps {
                    PlatformThread.sleep(nanoseconds: Self.napNanoseconds)
                }
            }
        }
        intake.finish(at: now(), consumer: consumer)
    }
}
