import Foundation
import NetworkTypes
import Simulation
import Telemetry
import TestSupport
import Testing

@testable import Capture

/// The octets of sampled packets, from the datagram to a capture file that others read.
struct SampledPacketTests {
    private static let time = Timestamp(seconds: 1_800_000_000)

    /// The packets of a datagram's records, as far as they lie in the memory.
    private static func packets(of datagram: [UInt8], in other: [UInt8]? = nil) -> (records: Int, [SampledPacket]) {
        var decoder = TelemetryDecoder()
        var batch = RecordBatch()
        let span = datagram.span
        // Octets of arrays, which last longer than the call.
        let bytes = unsafe span.bytes
        decoder.decode(bytes, from: IPAddress(192, 0, 2, 1), port: 6343, receivedAt: time, into: &batch)
        let elsewhere = other ?? datagram
        let memory = elsewhere.span
        var found: [SampledPacket] = []
        for index in 0..<batch.count {
            if let packet = packet(batch, index, in: unsafe memory.bytes) { found.append(packet) }
        }
        return (batch.count, found)
    }

    private static func packet(_ batch: borrowing RecordBatch, _ index: Int, in memory: RawSpan) -> SampledPacket? {
        batch.packet(ofRecord: index, in: memory, at: time)
    }

    private static func sFlow() -> [UInt8] {
        let pattern = TrafficPattern(
            kind: .udpFlood,
            hosts: [IPAddress(198, 51, 100, 10)],
            packetsPerSecond: 100_000
        )
        var exporter = SimulatedExporter(patterns: [pattern], startingAt: time)
        return exporter.datagrams(until: time + .milliseconds(100)).first ?? []
    }

    @Test func thePacketOfARecordIsWhatItsDatagramHolds() throws {
        let datagram = Self.sFlow()
        let (records, packets) = Self.packets(of: datagram)
        #expect(records > 3 && packets.count == records)
        for packet in packets {
            let octets = packet.octets
            #expect(packet.link == .ethernet && packet.time == Self.time)
            #expect((42...128).contains(octets.count) && Int(packet.originalLength) >= octets.count)
            #expect(octets[12..<14] == [0x08, 0x00] && octets[30..<34] == [198, 51, 100, 10], "IPv4 to the victim")
            let isThere = datagram.indices.contains { datagram[$0...].starts(with: octets) }
            #expect(isThere)
        }
        #expect(Set(packets).count == packets.count, "each is of its own record")
    }

    @Test func octetsOfOtherMemoryAreNobodys() {
        let (records, packets) = Self.packets(of: Self.sFlow(), in: [UInt8](repeating: 7, count: 9000))
        #expect(records > 0 && packets.isEmpty)
    }

    @Test(.enabled(if: SharedFiles.isPresent, "no ../shared beside the package"))
    func packetSectionsOfIPFIXArePackets() throws {
        var capture = CaptureFile(octets: [UInt8](try SharedFiles.data("captures/syn-ipfix-315.pcap")))
        var decoder = TelemetryDecoder()
        var packets: [SampledPacket] = []
        var batch = RecordBatch()
        try capture.forEachDatagram { datagram, payload, time in
            decoder.decode(payload, from: datagram.source, port: 4739, receivedAt: time, into: &batch)
            for index in 0..<batch.count {
                if let packet = Self.packet(batch, index, in: payload) { packets.append(packet) }
            }
            batch.removeAll()
        }
        #expect(!packets.isEmpty)
        #expect(packets.allSatisfy { $0.link == .ethernet && $0.octets.count >= 34 })
    }

    // MARK: Files

    private static func ip(_ last: UInt8) -> [UInt8] {
        Array(
            PcapWriter.frame(
                of: [1, 2, 3, 4],
                from: IPAddress(203, 0, 113, last),
                port: 53,
                to: IPAddress(198, 51, 100, 10),
                port: 4000
            ).dropFirst(14)
        )
    }

    private static func read(_ packets: [SampledPacket]) throws -> [[String]]? {
        guard let tshark = ChildProcess.find("tshark") else {
            print("skipped: tshark is not installed")
            return nil
        }
        let file = FileManager.default.temporaryDirectory.appending(path: "floodgate-\(UUID().uuidString).pcap")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(PcapWriter.file(of: packets)).write(to: file)
        let fields = ["frame.protocols", "ip.src", "udp.dstport", "frame.len", "frame.cap_len", "frame.time_epoch"]
        let text = try ChildProcess.output(
            tshark,
            ["-r", file.path(), "-T", "fields", "-E", "separator=;"] + fields.flatMap { ["-e", $0] }
        )
        return text.split(separator: "\n").filter { $0.contains(";") }.map { line in
            line.split(separator: ";", omittingEmptySubsequences: false).map(String.init)
        }
    }

    @Test func tsharkReadsPacketsOfEveryLink() throws {
        let mac = [UInt8](repeating: 2, count: 12)
        let all = [
            SampledPacket(mac + [8, 0] + Self.ip(1), link: .ethernet, originalLength: 1500, time: Self.time),
            SampledPacket([0, 1, 1, 64] + Self.ip(2), link: .mpls, originalLength: 900, time: Self.time),
            SampledPacket(Self.ip(3), link: .ip, originalLength: 0, time: Self.time + .nanoseconds(7)),
        ]
        guard let mixed = try Self.read(all) else { return }
        #expect(mixed.map { $0[1] } == ["203.0.113.1", "203.0.113.2", "203.0.113.3"])
        #expect(mixed.map { $0[2] } == ["4000", "4000", "4000"])
        #expect(mixed.map { $0[3] } == ["1500", "914", "46"], "as long as they were, with the header that stands in")
        #expect(mixed.map { $0[4] } == ["46", "50", "46"])
        #expect(mixed.allSatisfy { $0[0].hasPrefix("eth:ethertype") })
        let raw = try #require(try Self.read([all[2]]))
        #expect(raw.map { $0[0] } == ["raw:ip:udp:dns"] || raw.map { $0[0].hasPrefix("raw:ip:udp") } == [true])
        #expect(raw.map { $0[3] } == ["32"])
        #expect(raw[0][5].contains("1800000000.000000007"), "\(raw[0][5])")
    }
}
