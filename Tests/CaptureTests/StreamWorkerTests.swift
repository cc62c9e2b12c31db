import Capture
import Foundation
import NetworkTypes
import Synchronization
import Telemetry
import Testing

/// IPFIX over TCP (RFC 7011 section 10.4).
struct StreamWorkerTests {
    private static func big16(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }

    private static func message(_ sets: [UInt8]) -> [UInt8] {
        big16(10) + big16(16 + sets.count) + [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1] + sets
    }

    /// Template 256: source and destination.
    private static let template = message(
        big16(2) + big16(16) + big16(256) + big16(2) + big16(8) + big16(4) + big16(12) + big16(4)
    )

    private static func data(_ host: UInt8) -> [UInt8] {
        message(big16(256) + big16(12) + [192, 0, 2, 1, 198, 51, 100, host])
    }

    /// Runs a worker while `body` talks to it, and gives the last octet of each record's destination.
    private static func hosts(
        allowed: [IPPrefix]? = nil,
        expecting count: Int,
        reports: ([ExporterStatistics]) -> Void = { _ in },
        _ body: (UInt16, CaptureCounters) throws -> Void
    ) throws -> [UInt8] {
        let listener = try StreamListener(address: IPAddress(127, 0, 0, 1), port: 0)
        let worker = StreamWorker(
            listener: listener,
            settings: IntakeSettings(allowed: allowed, tick: .milliseconds(100)),
            now: { now() }
        )
        let collected = Collected()
        let stop = Stop()
        let thread = PlatformThread(name: "test") { worker.run(into: collected, until: { stop.isSet }) }
        try body(listener.port, worker.counters)
        let deadline = Date().addingTimeInterval(5)
        while Date() < deadline, collected.records.withLock({ $0.count }) < count { usleep(5000) }
        usleep(30_000)
        stop.set()
        thread?.join()
        reports(collected.exporters.withLock { $0 })
        return collected.records.withLock { $0.map { $0.destination.bytes[3] } }
    }

    @Test func messagesAreReadHoweverTheStreamIsCut() throws {
        let stream = Self.template + Self.data(1) + Self.data(2) + Self.data(3)
        for piece in [1, 7, 16, 33, stream.count] {
            let hosts = try Self.hosts(expecting: 3) { port, _ in
                let connection = LoopbackSocket.connection(to: port)
                for start in stride(from: 0, to: stream.count, by: piece) {
                    connection.send(Array(stream[start..<min(start + piece, stream.count)]))
                    if piece < 10 { usleep(200) }
                }
                usleep(100_000)
            }
            #expect(hosts == [1, 2, 3], "in pieces of \(piece)")
        }
    }

    @Test func eachConnectionHasTemplatesOfItsOwnThatEndWithIt() throws {
        let hosts = try Self.hosts(expecting: 2) { port, _ in
            let first = LoopbackSocket.connection(to: port)
            let second = LoopbackSocket.connection(to: port)
            first.send(Self.template + Self.data(1))
            // Not told over this one.
            second.send(Self.data(2))
            usleep(50_000)
            second.send(Self.template + Self.data(3))
            usleep(50_000)
        }
        #expect(hosts == [1, 3])
    }

    @Test func aConnectionThatSpeaksNoIPFIXIsClosedAndTheOthersGoOn() throws {
        var reasons: [UInt64] = []
        func note(_ reports: [ExporterStatistics]) {
            reasons = [DecodeError.unknownVersion, .invalidLength].map { reports.first?.malformed($0) ?? 0 }
        }
        let hosts = try Self.hosts(expecting: 2, reports: note) { port, counters in
            let good = LoopbackSocket.connection(to: port)
            good.send(Self.template + Self.data(1))
            let bad = LoopbackSocket.connection(to: port)
            bad.send(Array("GET / HTTP/1.1\r\n\r\n".utf8))
            #expect(bad.isClosedByPeer)
            let short = LoopbackSocket.connection(to: port)
            short.send(Self.big16(10) + Self.big16(3) + [0, 0, 0, 0])
            #expect(short.isClosedByPeer)
            good.send(Self.data(4))
            usleep(50_000)
            #expect(counters.refused.load(ordering: .relaxed) == 2)
        }
        #expect(hosts == [1, 4])
        #expect(reasons == [1, 1], "with the exporter, as over UDP")
    }

    @Test func strangersAndTooManyConnectionsAreClosed() throws {
        let elsewhere = try #require(IPPrefix("192.0.2.0/24"))
        let refused = try Self.hosts(allowed: [elsewhere], expecting: 0) { port, _ in
            let connection = LoopbackSocket.connection(to: port)
            connection.send(Self.template + Self.data(1))
            #expect(connection.isClosedByPeer)
        }
        #expect(refused.isEmpty)
        let hosts = try Self.hosts(expecting: 1) { port, counters in
            let idle = (0..<StreamWorker.maximumConnectionsOfOne).map { _ in LoopbackSocket.connection(to: port) }
            let deadline = Date().addingTimeInterval(5)
            var next = LoopbackSocket.connection(to: port)
            while Date() < deadline, counters.refused.load(ordering: .relaxed) == 0 {
                next = LoopbackSocket.connection(to: port)
                usleep(10_000)
            }
            #expect(next.isClosedByPeer)
            idle.last?.send(Self.template + Self.data(9))
            usleep(50_000)
        }
        #expect(hosts == [9])
    }
}
