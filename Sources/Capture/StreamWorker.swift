internal import CFloodgate
public import NetworkTypes
internal import Synchronization
internal import Telemetry

/// A listening socket for IPFIX over TCP.
// Safe: the descriptor is set once and closed in deinit.
@safe
public final class StreamListener: Sendable {
    fileprivate let descriptor: Int32
    public let port: UInt16

    public init(address: IPAddress, port: UInt16) throws(UDPSocket.OpenError) {
        let octets = address.bytes
        var bound: UInt16 = 0
        let result = unsafe floodgate_tcp_listen(octets, Int32(octets.count), port, &bound)
        guard result >= 0 else {
            throw UDPSocket.OpenError(address: address, port: port, code: -result, transport: "tcp")
        }
        descriptor = result
        self.port = bound
    }

    deinit { floodgate_close(descriptor) }
}

/// A loop over the connections of IPFIX exporters (RFC 7011 section 10.4). Each is a transport session with templates of
/// its own, which go when it ends.
public struct StreamWorker: Sendable {
    private let listener: StreamListener
    private let settings: IntakeSettings
    private let now: @Sendable () -> Timestamp
    public let counters = CaptureCounters()

    /// Connections at a time; further ones are closed at once. An exporter has one.
    public static let maximumConnections = 512
    /// Of one address, so that one alone cannot keep all others out.
    public static let maximumConnectionsOfOne = 64
    private static let waitMilliseconds: Int32 = 10
    /// EAGAIN: there is nothing to read yet.
    private static let wouldBlock: Int32 = 11
    private static let pieceLength = 65_536
    /// Messages of one connection that are read before the others have their turn.
    private static let piecesPerTurn = 4

    private struct Connection {
        var descriptor: Int32
        var exporter: IPAddress
        var port: UInt16
        var framer = IPFIXMessageFramer()
    }

    public init(listener: StreamListener, settings: IntakeSettings, now: @escaping @Sendable () -> Timestamp) {
        self.listener = listener
        self.settings = settings
        self.now = now
    }

    /// Runs until `isStopped`, which is looked at every few milliseconds.
    public func run(into consumer: some RecordConsumer, until isStopped: @Sendable () -> Bool) {
        var intake = TelemetryIntake(settings: settings, port: listener.port, counters: counters, at: now())
        var connections: [Connection] = []
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceLength, alignment: 16)
        defer {
            unsafe piece.deallocate()
            for connection in connections { floodgate_close(connection.descriptor) }
        }
        while !isStopped() {
            let descriptors = [listener.descriptor] + connections.map(\.descriptor)
            var ready = [UInt8](repeating: 0, count: descriptors.count)
            _ = unsafe floodgate_wait(descriptors, &ready, UInt32(descriptors.count), Self.waitMilliseconds)
            let time = now()
            // From the last, as those that have ended are taken out.
            for index in connections.indices.reversed() where ready[index + 1] != 0 {
                if unsafe !read(&connections[index], by: piece, into: &intake, consumer) {
                    let ended = connections.remove(at: index)
                    floodgate_close(ended.descriptor)
                    intake.endConnection(from: ended.exporter, port: ended.port)
                }
            }
            if ready[0] != 0 { accept(into: &connections, intake) }
            intake.flush(into: consumer, in: RawSpan())
            intake.reached(Timestamp(nanoseconds: time.nanoseconds &- 2_000_000), consumer: consumer)
            intake.upkeep(at: time, consumer: consumer)
        }
        intake.finish(at: now(), consumer: consumer)
    }

    private func accept(into connections: inout [Connection], _ intake: borrowing TelemetryIntake) {
        while true {
            var octets = [UInt8](repeating: 0, count: 16)
            var length: Int32 = 0
            var port: UInt16 = 0
            let descriptor = unsafe floodgate_tcp_accept(listener.descriptor, &octets, &length, &port)
            guard descriptor >= 0 else {
                // Out of descriptors, say: the connection waits, and asking at once again would be all that is done.
                if descriptor != -Self.wouldBlock { PlatformThread.sleep(nanoseconds: 10_000_000) }
                return
            }
            guard let exporter = IPAddress(bytes: octets.prefix(Int(length))), intake.isAllowed(exporter),
                connections.count < Self.maximumConnections,
                connections.count(where: { $0.exporter == exporter }) < Self.maximumConnectionsOfOne
            else {
                counters.refused.wrappingAdd(1, ordering: .relaxed)
                floodgate_close(descriptor)
                continue
            }
            connections.append(Connection(descriptor: descriptor, exporter: exporter, port: port))
        }
    }

    /// Reads what is there; false when the connection has ended or speaks no IPFIX.
    private func read(
        _ connection: inout Connection,
        by piece: UnsafeMutableRawBufferPointer,
        into intake: inout TelemetryIntake,
        _ consumer: some RecordConsumer
    ) -> Bool {
        for _ in 0..<Self.piecesPerTurn {
            let count = unsafe floodgate_read(connection.descriptor, piece.baseAddress, piece.count)
            if count <= 0 { return count == -Self.wouldBlock }
            unsafe connection.framer.append(UnsafeRawBufferPointer(rebasing: piece[..<Int(count)]))
            let time = now()
            do {
                while let place = try connection.framer.next() {
                    counters.datagrams.wrappingAdd(1, ordering: .relaxed)
                    let message = connection.framer.buffered.extracting(place)
                    intake.take(
                        message,
                        in: message,
                        from: connection.exporter,
                        port: connection.port,
                        isConnection: true,
                        at: time,
                        into: consumer
                    )
                    // The next message may lie elsewhere.
                    if intake.holdsPackets { intake.flush(into: consumer, in: message) }
                }
            } catch {
                // Nobody knows where in the stream the next message begins.
                counters.refused.wrappingAdd(1, ordering: .relaxed)
                intake.refuse(
                    error == .invalidLength ? .invalidLength : .unknownVersion,
                    from: connection.exporter,
                    at: time
                )
                return false
            }
        }
        return true
    }
}
