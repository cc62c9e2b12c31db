import Capture
import Foundation
import NetworkTypes
import Telemetry
import TestSupport
import Testing

/// Real exporters' captures with the records that they hold.
@Suite(.enabled(if: SharedFiles.isPresent, "no ../shared beside the package, and FLOODGATE_SHARED names none"))
struct VendorCaptureTests {
    static let cases: [String] = {
        guard let index = try? SharedFiles.json("captures/index.json") as? [String: Any],
            let cases = index["cases"] as? [[String: Any]]
        else { return [] }
        // NetFlow v1 is none of ours.
        return cases.filter { $0["format"] as? String != "netflow1" }.compactMap { $0["name"] as? String }
    }()

    private static func entry(_ name: String) throws -> [String: Any] {
        let index = try #require(SharedFiles.json("captures/index.json") as? [String: Any])
        let cases = try #require(index["cases"] as? [[String: Any]])
        return try #require(cases.first { $0["name"] as? String == name })
    }

    private static func decode(_ file: String) throws -> [FlowRecord] {
        var pcap = try PcapFile([UInt8](SharedFiles.data("captures/\(file)")))
        var decoder = TelemetryDecoder()
        var records: [FlowRecord] = []
        var batch = RecordBatch()
        while let datagram = try pcap.next() {
            let isSFlow = datagram.payload.prefix(4) == [0, 0, 0, 5]
            let octets = datagram.payload.span
            unsafe decoder.decode(
                octets.bytes,
                protocol: isSFlow ? .sFlow : .netFlow,
                from: datagram.source,
                receivedAt: datagram.time,
                into: &batch
            )
            records += list(batch)
            batch.removeAll()
        }
        return records
    }

    private static func list(_ batch: borrowing RecordBatch) -> [FlowRecord] {
        let records = batch.records
        return records.indices.map { records[$0] }
    }

    @Test func theIndexIsNotEmpty() { #expect(Self.cases.count > 100) }

    @Test(arguments: cases)
    func decodesToWhatTheIndexSays(_ name: String) throws {
        let entry = try Self.entry(name)
        let tags = entry["tags"] as? [String] ?? []
        let file = try #require(entry["file"] as? String)
        var records = try Self.decode(file)
        guard !tags.contains("must-survive") else {
            // What hostile datagrams hold is of no account; afterwards the exporter must still be understood.
            if let marker = entry["marker_dst"] as? String {
                #expect(records.contains { $0.destination == IPAddress(marker) }, "the record after the hostile ones")
            }
            return
        }
        let expectedFile = try #require(entry["expected"] as? String)
        let expected = try #require(SharedFiles.json("captures/\(expectedFile)") as? [String: Any])
        var wanted = try #require(expected["records"] as? [[String: Any]]).filter { Self.isFlow($0) }
        if name == "ipfix-ixia-256" {
            // Its biflow has a reverse half without counters, which says nothing of traffic: we make no record of it.
            wanted.removeAll { $0["reverse"] as? Bool == true }
            records.removeAll { $0.traits.contains(.isReverse) }
        }
        #expect(records.count == wanted.count, "number of records")
        for (index, (record, want)) in zip(records, wanted).enumerated() {
            let differences = Self.differences(record, want)
            #expect(differences.isEmpty, "record \(index): \(differences.joined(separator: ", "))")
            if !differences.isEmpty { return }
        }
    }

    private static func isFlow(_ record: [String: Any]) -> Bool {
        let kind = record["kind"] as? String
        return (kind == nil || kind == "flow") && record["src"] != nil && record["dst"] != nil
    }

    private static func differences(_ record: FlowRecord, _ want: [String: Any]) -> [String] {
        var differences: [String] = []
        func compare(_ key: String, _ found: Int) {
            guard let value = want[key] as? NSNumber else { return }
            if value.intValue != found { differences.append("\(key) is \(found), not \(value)") }
        }
        func compare(_ key: String, _ found: IPAddress) {
            guard let text = want[key] as? String, let value = IPAddress(text) else { return }
            if value != found { differences.append("\(key) is \(found), not \(value)") }
        }
        compare("src", record.source)
        compare("dst", record.destination)
        compare("proto", Int(record.ipProtocol.rawValue))
        if !record.ipProtocol.isICMP {
            compare("sport", Int(record.sourcePort))
            compare("dport", Int(record.destinationPort))
        } else {
            compare("icmp_type", Int(record.icmpType))
            compare("icmp_code", Int(record.icmpCode))
        }
        compare("bytes", Int(record.bytes))
        compare("packets", Int(record.packets))
        if record.ipProtocol == .tcp { compare("tcp_flags", Int(record.tcpFlags.rawValue)) }
        compare("sampling", Int(record.samplingRate))
        if want["sampling"] is NSNull, record.samplingRate > 1 {
            differences.append("sampling is \(record.samplingRate), though none was told")
        }
        if want["frag"] != nil, !record.traits.contains(.isFragment) { differences.append("not a fragment") }
        return differences
    }
}
