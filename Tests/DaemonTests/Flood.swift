import Capture
import Foundation
import NetworkTypes
import Simulation
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A UDP flood in simulated sFlow for as long as it lives.
///
/// On a thread of its own: in the cooperative pool it would wait for other tests, and be no flood.
final class Flood: Sendable {
    private final class Flag: Sendable {
        private let value = Mutex(false)
        var isSet: Bool { value.withLock { $0 } }
        func set() { value.withLock { $0 = true } }
    }

    private let thread: PlatformThread
    private let isStopped = Flag()

    init(to port: UInt16, packetsPerSecond: Double, victim: IPAddress = IPAddress(198, 51, 100, 10)) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        try #require(descriptor >= 0)
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = port.bigEndian
        target.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = unsafe withUnsafePointer(to: &target) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(connected == 0)
        let isStopped = isStopped
        thread = try #require(
            PlatformThread(name: "flood") {
                func now() -> Timestamp { Timestamp(seconds: Date().timeIntervalSince1970) }
                let pattern = TrafficPattern(kind: .udpFlood, hosts: [victim], packetsPerSecond: packetsPerSecond)
                var exporter = SimulatedExporter(patterns: [pattern], startingAt: now())
                while !isStopped.isSet {
                    for datagram in exporter.datagrams(until: now()) {
                        _ = unsafe datagram.withUnsafeBytes { unsafe send(descriptor, $0.baseAddress, $0.count, 0) }
                    }
                    PlatformThread.sleep(nanoseconds: 5_000_000)
                }
                close(descriptor)
            }
        )
    }

    deinit { isStopped.set() }

    /// To be called once.
    func stop() {
        isStopped.set()
        thread.join()
    }
}
