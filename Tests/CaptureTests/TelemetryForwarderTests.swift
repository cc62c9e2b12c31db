import Capture
import Foundation
import NetworkTypes
import Synchronization
import Testing

struct TelemetryForwarderTests {
    private static let datagram: [UInt8] = [0, 9] + (0..<1399).map { UInt8(truncatingIfNeeded: $0) }
    private static let exporter = IPAddress(192, 0, 2, 7)

    private static func forward(_ forwarder: TelemetryForwarder, from exporter: IPAddress) {
        let octets = datagram.span
        unsafe forwarder.forward(octets.bytes, from: exporter, port: 50_123)
    }

    private static func collector(_ port: UInt16, exporters: [IPPrefix]? = nil, keepsSource: Bool = false)
        -> TelemetryForwarder.Collector
    {
        .init(address: IPAddress(127, 0, 0, 1), port: port, exporters: exporters, keepsSource: keepsSource)
    }

    @Test func everyCollectorGetsTheDatagramsOfItsExportersUnchanged() throws {
        let (first, firstPort) = try LoopbackSocket.receiver()
        let (second, secondPort) = try LoopbackSocket.receiver()
        let only = try #require(IPPrefix("192.0.2.8/32"))
        let forwarder = try TelemetryForwarder([
            Self.collector(firstPort), Self.collector(secondPort, exporters: [only]),
        ])
        Self.forward(forwarder, from: Self.exporter)
        Self.forward(forwarder, from: IPAddress(192, 0, 2, 8))
        #expect(first.receive()?.octets == Self.datagram)
        #expect(first.receive()?.octets == Self.datagram)
        #expect(second.receive()?.octets == Self.datagram)
        #expect(forwarder.targets.map { $0.sent.load(ordering: .relaxed) } == [2, 1])
    }

    @Test(.enabled(if: getuid() == 0, "raw sockets need root"))
    func theExportersAddressAndPortAreKeptWhereAskedFor() throws {
        let (receiver, port) = try LoopbackSocket.receiver()
        let forwarder = try TelemetryForwarder([Self.collector(port, keepsSource: true)])
        // An address of this machine, as the kernel drops foreign ones on loopback.
        Self.forward(forwarder, from: IPAddress(127, 0, 0, 77))
        let received = receiver.receive()
        #expect(received?.octets == Self.datagram)
        #expect(received?.source == IPAddress(127, 0, 0, 77))
        #expect(received?.port == 50_123)
        // An IPv6 exporter's address cannot stand in an IPv4 datagram.
        Self.forward(forwarder, from: IPAddress(high: 0x2001_0DB8_0000_0000, low: 1))
        #expect(forwarder.targets[0].failed.load(ordering: .relaxed) == 1)
        #expect(forwarder.targets[0].otherFamily.load(ordering: .relaxed) == 1)
    }

    @Test func aCollectorThatIsNotThereCostsNothingButItsOwnDatagrams() throws {
        let (receiver, port) = try LoopbackSocket.receiver()
        // Taken and closed again: nobody listens there.
        let closed = try LoopbackSocket.receiver().port
        let forwarder = try TelemetryForwarder([Self.collector(closed), Self.collector(port)])
        for _ in 0..<3 { Self.forward(forwarder, from: Self.exporter) }
        for _ in 0..<3 { #expect(receiver.receive()?.octets == Self.datagram) }
    }

    @Test func nothingIsSentOnToWhereItIsReadHere() {
        for keepsSource in [false] + (geteuid() == 0 ? [true] : []) {
            let error = #expect(throws: TelemetryForwarder.OpenError.self) {
                _ = try TelemetryForwarder([
                    .init(
                        address: IPAddress(127, 0, 0, 1),
                        port: 2055,
                        exporters: nil,
                        keepsSource: keepsSource,
                        isListenedTo: true
                    )
                ])
            }
            #expect(error?.description.contains("would go round for ever") == true)
        }
    }
}
