import Capture
import Foundation
import NetworkTypes
import Simulation
import Synchronization
import Telemetry
import Testing

final class Collected: RecordConsumer {
    let records = Mutex<[FlowRecord]>([])
    let exporters = Mutex<[ExporterStatistics]>([])

    func consume(_ batch: borrowing RecordBatch, in memory: RawSpan, at time: Timestamp) {
        let records = batch.records
        for index in records.indices {
            let record = records[index]
            self.records.withLock { $0.append(record) }
        }
    }
    func reached(_ time: Timestamp) {}
    func report(_ exporters: [ExporterStatistics]) { self.exporters.withLock { $0 = exporters } }
}

extension Collected: @unchecked Sendable {}  // Its state is in mutexes.

func now() -> Timestamp { Timestamp(seconds: Date().timeIntervalSince1970) }

/// The kernel would give a part of the datagrams to each of two programs, neither of which would see the whole.
@Test(arguments: [(1, 1), (3, 1), (1, 3), (2, 2)])
func whereSomebodyListensNobodyElseDoes(_ first: Int, _ second: Int) throws {
    let loopback = IPAddress(127, 0, 0, 1)
    let port: UInt16
    do {
        let sockets = try UDPSocket.group(address: loopback, port: 0, workers: first)
        port = sockets[0].port
        for address in [loopback, IPAddress(0, 0, 0, 0)] {
            let failure = #expect(throws: UDPSocket.OpenError.self) {
                _ = try UDPSocket.group(address: address, port: port, workers: second)
            }
            #expect(failure?.description == "cannot listen on \(address):\(port)/udp: another program listens there")
        }
        withExtendedLifetime(sockets) {}
    }
    #expect(try UDPSocket.group(address: loopback, port: port, workers: second).count == second, "it is free again")
}

/// Sends datagrams to workers on loopback; how many records came, per worker, and what was refused.
private func receive(
    on address: IPAddress,
    workers: Int,
    allowed: [IPPrefix]?,
    sources: [String],
    datagrams: [[UInt8]]
) throws -> (records: [Int], refused: UInt64) {
    let sockets = try UDPSocket.group(address: address, port: 0, workers: workers)
    let stop = Stop()
    let running = sockets.map { socket -> (PlatformThread?, Collected, CaptureWorker) in
        let collected = Collected()
        let worker = CaptureWorker(
            socket: socket,
            settings: IntakeSettings(allowed: allowed, tick: .milliseconds(100)),
            now: { now() }
        )
        let thread = PlatformThread(name: "test") { worker.run(into: collected, until: { stop.isSet }) }
        return (thread, collected, worker)
    }
    for source in sources {
        for datagram in datagrams { try send(datagram, from: source, to: address, port: sockets[0].port) }
    }
    let deadline = Date().addingTimeInterval(5)
    let wanted = sources.count * datagrams.count
    func seen() -> Int { running.reduce(0) { $0 + Int($1.2.counters.datagrams.load(ordering: .relaxed)) } }
    while Date() < deadline, seen() < wanted { usleep(10_000) }
    usleep(50_000)
    stop.set()
    for (thread, _, _) in running { thread?.join() }
    return (
        running.map { $0.1.records.withLock { $0.count } },
        running.reduce(0) { $0 + $1.2.counters.refused.load(ordering: .relaxed) }
    )
}

final class Stop: Sendable {
    private let flag = Atomic(false)
    var isSet: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
}

/// Sends with the system's own tools, so that the socket under test is alone.
private func send(_ datagram: [UInt8], from source: String, to address: IPAddress, port: UInt16) throws {
    let isIPv4 = address.isIPv4
    let descriptor = socket(isIPv4 ? AF_INET : AF_INET6, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(descriptor) }
    func withAddress(_ text: String, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Void) {
        var v4 = sockaddr_in()
        var v6 = sockaddr_in6()
        if isIPv4 {
            v4.sin_family = sa_family_t(AF_INET)
            v4.sin_port = port.bigEndian
            _ = unsafe inet_pton(AF_INET, text, &v4.sin_addr)
            unsafe withUnsafePointer(to: &v4) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    unsafe body(pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        } else {
            v6.sin6_family = sa_family_t(AF_INET6)
            v6.sin6_port = port.bigEndian
            _ = unsafe inet_pton(AF_INET6, text, &v6.sin6_addr)
            unsafe withUnsafePointer(to: &v6) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    unsafe body(pointer, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        }
    }
    unsafe withAddress(source, 0) { _ = unsafe bind(descriptor, $0, $1) }
    unsafe withAddress(address.description, port) { target, size in
        _ = unsafe datagram.withUnsafeBytes { unsafe sendto(descriptor, $0.baseAddress, $0.count, 0, target, size) }
    }
}

private func sFlow(_ count: Int) -> [[UInt8]] {
    let pattern = TrafficPattern(kind: .udpFlood, hosts: [IPAddress(198, 51, 100, 1)], packetsPerSecond: 70_000)
    var exporter = SimulatedExporter(patterns: [pattern], startingAt: Timestamp(seconds: 1))
    return Array(exporter.datagrams(until: Timestamp(seconds: 2)).prefix(count))
}

@Test func workersShareAnAddressAndAnExporterStaysWithOne() throws {
    let sources = (1...6).map { "127.0.5.\($0)" }
    let (records, _) = try receive(
        on: IPAddress(127, 0, 0, 1),
        workers: 2,
        allowed: nil,
        sources: sources,
        datagrams: sFlow(10)
    )
    #expect(records.reduce(0, +) == 6 * 10 * 7)
    // All of one exporter's ten datagrams of seven samples are at one worker.
    #expect(records.allSatisfy { $0 % 70 == 0 })
}

@Test func ipv6IsReceivedToo() throws {
    let (records, _) = try receive(
        on: IPAddress(high: 0, low: 1),
        workers: 2,
        allowed: nil,
        sources: ["::1"],
        datagrams: sFlow(5)
    )
    #expect(records.reduce(0, +) == 35)
}

@Test func strangersAreCountedAndDropped() throws {
    let allowed = [IPPrefix("127.0.6.1/32")].compactMap { $0 }
    let (records, refused) = try receive(
        on: IPAddress(127, 0, 0, 1),
        workers: 1,
        allowed: allowed,
        sources: ["127.0.6.1", "127.0.6.2"],
        datagrams: sFlow(4)
    )
    #expect(records == [28])
    #expect(refused == 4)
}

@Test func anAddressThatIsNotOursIsAnErrorThatSaysSo() {
    let error = #expect(throws: UDPSocket.OpenError.self) {
        _ = try UDPSocket(address: IPAddress(192, 0, 2, 1), port: 5000)
    }
    #expect(error?.description.contains("not one of this machine's") == true)
}
