import Capture
import Foundation
import NetworkTypes
import TestSupport
import Testing

/// `replay --against` by the program itself: what it prints, and how it ends.
struct ReplayAgainstTests {
    private let folder: ScratchFolder

    init() throws {
        folder = try ScratchFolder()
        try FloodCapture.write(to: folder.path("floods.pcap"), endingAt: Timestamp(seconds: 1_800_000_000))
    }

    private func configuration(_ name: String, threshold: String, _ more: String = "") throws -> String {
        let lines = [
            "networks: [198.51.100.0/24]", "store: /nowhere/floodgate.db",
            "detection: {thresholds: {total: {packets: \(threshold) packets/s}}, quiet_period: 1s}", more,
        ]
        return try folder.write(lines.joined(separator: "\n") + "\n", to: name)
    }

    private func replay(_ first: String, against second: String, _ more: [String] = []) throws -> String {
        let capture = ["replay", folder.path("floods.pcap"), "--as", "packets"]
        return try ChildProcess.output(
            RunningDaemon.program,
            capture + ["--config", first, "--against", second] + more
        )
    }

    @Test func theTableHasWhatOnlyOneOfTheTwoWouldHaveDone() throws {
        defer { folder.remove() }
        // That one of them only observes is no difference.
        let low = try configuration("low.yaml", threshold: "1k", "mitigation: {mode: observe}")
        let high = try configuration("high.yaml", threshold: "10k")
        let lines = try replay(low, against: high).split(separator: "\n").map(String.init)
        try #require(lines.count == 8, "\(lines)")
        let head = lines[0].split(separator: " ", omittingEmptySubsequences: true)
        #expect(head == ["WHAT", "SUBJECT", Substring(low), Substring(high)])
        let rows = lines[1...6].map { $0.split(separator: " ", omittingEmptySubsequences: true) }
        #expect(rows.map { $0[0] }.sorted() == ["attack", "attack", "attack", "rule", "rule", "rule"], "\(lines)")
        for victim in [FloodCapture.udpVictim, FloodCapture.synVictim, FloodCapture.icmpVictim] {
            #expect(rows.count { $0.contains { $0.hasPrefix("\(victim)") } } == 2, "\(victim): \(lines)")
        }
        #expect(rows.allSatisfy { $0.last == "-" }, "\(lines)")
        #expect(lines[7] == "0 attacks and 0 rules are the same")
        let turned = try replay(high, against: low)
        #expect(turned.contains("udp_flood, 2027-01-15T07:59:5"), "\(turned)")
    }

    @Test func theSameConfigurationMakesNoDifference() throws {
        defer { folder.remove() }
        let one = try configuration("one.yaml", threshold: "1k")
        let other = try configuration("other.yaml", threshold: "1k", "mitigation: {max_rules: 77}")
        #expect(try replay(one, against: other) == "no difference\n3 attacks and 3 rules are the same\n")
    }

    @Test func programsGetTheSameAsAnObject() throws {
        defer { folder.remove() }
        let low = try configuration("low.yaml", threshold: "1k")
        let high = try configuration("high.yaml", threshold: "10k")
        let text = try replay(low, against: high, ["--json"])
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let rows = try #require(object["differences"] as? [[String: Any]])
        #expect(rows.count == 6 && object["alike_attacks"] as? Int == 0 && object["alike_rules"] as? Int == 0)
        #expect(rows.allSatisfy { $0["first"] != nil && $0["second"] == nil }, "\(text)")
    }

    @Test func aMistakeInTheOtherConfigurationIsNamed() throws {
        defer { folder.remove() }
        let one = try configuration("one.yaml", threshold: "1k")
        let wrong = try configuration("wrong.yaml", threshold: "many")
        let process = try ChildProcess(
            RunningDaemon.program,
            ["replay", folder.path("floods.pcap"), "--config", one, "--against", wrong],
            log: folder.url.appending(path: "log")
        )
        #expect(process.wait() != 0)
        let said = try String(contentsOf: process.log, encoding: .utf8)
        #expect(said.contains("wrong.yaml") && said.contains("thresholds.total.packets"), "\(said)")
    }

    /// A capture of telemetry is one for whichever of the two listens on its port, and that the other does not is told.
    @Test(arguments: [true, false])
    func anotherPortIsNamed(_ isFirst: Bool) throws {
        defer { folder.remove() }
        func configuration(_ name: String, port: Int) throws -> String {
            let lines = [
                "networks: [198.51.100.0/24]", "store: /nowhere/floodgate.db",
                "telemetry: {netflow: {listen: \"127.0.0.1:\(port)\"}}",
                "detection: {thresholds: {total: {packets: 1k packets/s}}}",
            ]
            return try folder.write(lines.joined(separator: "\n") + "\n", to: name)
        }
        // One datagram of NetFlow 5 without records, to port 2055.
        let telemetry: [UInt8] = [0, 5, 0, 0] + Array(repeating: 0, count: 20)
        let udp: [UInt8] = [0x10, 0, 8, 7, 0, UInt8(8 + telemetry.count), 0, 0]
        let length = UInt8(20 + udp.count + telemetry.count)
        let ip: [UInt8] = [0x45, 0, 0, length, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]
        let frame = Array(repeating: UInt8(2), count: 12) + [8, 0] + ip + udp + telemetry
        let octets = PcapWriter.fileHeader + PcapWriter.packet(frame, at: Timestamp(seconds: 1_800_000_000))
        try Data(octets).write(to: URL(filePath: folder.path("telemetry.pcap")))
        let heard = try configuration("heard.yaml", port: 2055)
        let deaf = try configuration("deaf.yaml", port: 2056)
        let pair = isFirst ? [deaf, heard] : [heard, deaf]
        let process = try ChildProcess(
            RunningDaemon.program,
            ["replay", folder.path("telemetry.pcap"), "--config", pair[0], "--against", pair[1]],
            log: folder.url.appending(path: "log")
        )
        #expect(process.wait() == 1)
        let said = try String(contentsOf: process.log, encoding: .utf8)
        #expect(said.contains("nothing to take for \(deaf)") && !said.contains("for \(heard)"), "\(said)")
        #expect(said.contains("\(pair[0]) takes \(isFirst ? 0 : 1) datagrams of it and \(pair[1]) "), "\(said)")
    }
}
