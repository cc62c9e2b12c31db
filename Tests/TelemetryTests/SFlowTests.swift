import NetworkTypes
import Testing

@testable import Telemetry

/// What sFlow agents say beside the packets that they sample.
struct SFlowTests {
    private typealias D = Datagrams

    private static let header = D.ethernet(0x0800) + D.ipv4(17, to: 5, D.udp(53, 4444))

    private static func counters(_ index: Int, octets: Int) -> [UInt8] {
        let interface =
            D.big32(index) + D.big32(6) + D.big64(10_000_000_000) + D.big32(1) + D.big32(3) + D.big64(octets)
            + D.big32(1) + D.big32(2) + D.big32(3) + D.big32(11) + D.big32(12) + D.big32(0) + D.big64(octets + 1)
            + D.big32(1) + D.big32(2) + D.big32(3) + D.big32(21) + D.big32(22) + D.big32(0)
        let body = D.big32(1) + D.big32(7) + D.big32(1) + D.big32(1) + D.big32(interface.count) + interface
        return D.big32(2) + D.big32(body.count) + body
    }

    @Test func interfacesAreKeptWithWhatTheyToldLast() throws {
        var intake = Intake(limiting: TelemetryLimits(interfacesPerExporter: 2))
        intake.take(D.sFlow([Self.counters(9, octets: 100), Self.counters(4, octets: 7)]))
        intake.take(D.sFlow([Self.counters(9, octets: 200), Self.counters(5, octets: 1)], sequence: 2))
        let statistics = intake.statistics
        let interfaces = try #require(statistics).interfaces.all
        #expect(interfaces.map(\.index) == [4, 9], "no more than allowed")
        #expect(interfaces[1].inputBytes == 200 && interfaces[1].outputBytes == 201 && interfaces[1].isUp)
        #expect(interfaces[1].bitsPerSecond == 10_000_000_000)
        #expect(interfaces[1].inputDiscards == 11 && interfaces[1].inputErrors == 12)
        #expect(interfaces[1].outputDiscards == 21 && interfaces[1].outputErrors == 22)
    }

    @Test func gapsAndDropsAreCountedByAgentAndSubAgent() {
        var intake = Intake()
        func send(_ agent: UInt8, _ subAgent: Int, _ sequence: Int, drops: Int = 0) {
            let sample = D.flowSample(Self.header, drops: drops)
            intake.take(D.sFlow([sample], agent: [192, 0, 2, agent], subAgent: subAgent, sequence: sequence))
        }
        send(1, 0, 10, drops: 5)
        send(1, 0, 13, drops: 9)
        send(1, 1, 100)
        send(1, 1, 101)
        send(2, 0, 50)
        send(2, 0, 52)
        // An agent that began anew has lost nothing.
        send(1, 0, 1, drops: 1)
        let domains = intake.statistics?.domains ?? []
        #expect(domains.map(\.lost) == [2, 0, 1])
        #expect(domains.map { $0.agent?.bytes.last } == [1, 1, 2] && domains.map(\.id) == [0, 1, 0])
        #expect(intake.statistics?.lost == 3)
        #expect(intake.statistics?.exporterDrops == 4)
    }

    @Test func interfacesAndDiscardsAreReadOutOfTheirBits() {
        var intake = Intake()
        let discarded = D.flowSample(Self.header, output: 1 << 30 | 257)
        let several = D.flowSample(Self.header, output: 2 << 30 | 8)
        let records = intake.take(D.sFlow([D.flowSample(Self.header), discarded, several]))
        #expect(records.map(\.outputInterface) == [2, 257, 8])
        #expect(records.map { $0.traits.contains(.isDropped) } == [false, true, false])
    }

    @Test func aPacketThatTheSwitchDiscardedIsNoFurtherTraffic() {
        var intake = Intake()
        let raw = D.big32(1) + D.big32(518) + D.big32(4) + D.big32(Self.header.count) + Self.header + [0, 0]
        let body =
            D.big32(1) + D.big32(0) + D.big32(3) + D.big32(2) + D.big32(7) + D.big32(8) + D.big32(263) + D.big32(1)
            + D.big32(1) + D.big32(raw.count) + raw
        let records = intake.take(D.sFlow([D.big32(5) + D.big32(body.count) + body]))
        #expect(records.isEmpty)
        #expect(intake.statistics?.discardedPackets == 1)
        #expect(intake.log.records.first?[.reason] == .unsigned(263))
    }

    @Test func aSampleThatCannotBeReadCostsNoneOfTheOthers() {
        var intake = Intake()
        var broken = D.flowSample(Self.header)
        // The length of its only record.
        broken.replaceSubrange(44..<48, with: [0xFF, 0xFF, 0xFF, 0xFF])
        let records = intake.take(D.sFlow([broken, D.flowSample(Self.header)]))
        #expect(records.count == 1)
        #expect(intake.statistics?.malformed(.truncated) == 1)
    }

    @Test func sFlowIsReadOnWhateverPortAndBesideNetFlow() {
        var intake = Intake()
        intake.take(D.sFlow([D.flowSample(Self.header)]))
        let plain = D.template(256, [(8, 4), (12, 4)])
        #expect(intake.take(D.v9(plain + D.set(256, [10, 0, 0, 1, 198, 51, 100, 5]))).count == 1)
        #expect(intake.statistics?.formats == [.netFlow9, .sFlow5])
    }

    @Test func addressResolutionAndTheLikeIsNoTraffic() {
        var intake = Intake()
        #expect(intake.take(D.sFlow([D.flowSample(D.ethernet(0x0806) + [UInt8](repeating: 0, count: 28))])).isEmpty)
        #expect(intake.statistics?.uncounted(.notIP) == 1)
        #expect(intake.statistics?.malformedDatagrams == 0)
    }

    /// Jumbograms and packets that the network card was to cut up: their frame says how long they are.
    @Test func aPacketWhoseHeaderTellsNoLengthIsAsLongAsItsFrameWithoutTheLinkLayer() {
        var intake = Intake()
        func bytes(_ frame: [UInt8], headerProtocol: Int = 1, length: Int) -> [UInt64] {
            let sample = D.flowSample(frame, headerProtocol: headerProtocol, frameLength: length)
            return intake.take(D.sFlow([sample])).map(\.bytes)
        }
        let ipv6 = D.ipv6(17, to: 5, length: 0, D.udp(53, 4444))
        // Four octets of checksum are stripped.
        #expect(bytes(D.ethernet(0x86DD) + ipv6, length: 9018) == [9000])
        #expect(bytes(D.ethernet(0x8100) + [0, 7, 0x86, 0xDD] + ipv6, length: 9022) == [9000])
        #expect(bytes(D.ethernet(0x0800) + D.ipv4(17, to: 5, length: 0, D.udp(53, 4444)), length: 9018) == [9000])
        #expect(bytes(ipv6, headerProtocol: 12, length: 9004) == [9000])
        // A packet that has no payload says so; a header that tells a length is believed.
        #expect(bytes(D.ethernet(0x86DD) + D.ipv6(59, to: 5, length: 0, []), length: 64) == [40])
        #expect(bytes(D.ethernet(0x86DD) + D.ipv6(17, to: 5, length: 460, D.udp(53, 4444)), length: 9018) == [500])
        // A frame that is said to be shorter than what was captured of it.
        #expect(bytes(D.ethernet(0x86DD) + ipv6, length: 3) == [40])
    }
}
