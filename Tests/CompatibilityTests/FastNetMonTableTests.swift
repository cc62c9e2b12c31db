import DaemonConfiguration
import Foundation
import NetworkTypes
import Testing

@testable import Compatibility

/// The table of keys, the documentation and the program that the keys come from.
struct FastNetMonTableTests {
    private static let debian = "/etc/fastnetmon.conf"

    private func guide() throws -> String {
        let file = URL(filePath: #filePath).appending(path: "../../../docs/migrating-from-fastnetmon.md")
            .standardizedFileURL
        return try String(contentsOf: file, encoding: .utf8)
    }

    @Test func theDocumentationHasTheTable() throws {
        let table = try #require(try guide().components(separatedBy: "## Key by key").last)
        let lines = Set(table.split(separator: "\n").map(String.init))
        let missing = FastNetMonKeys.all.map(\.row).filter { !lines.contains($0) }
        #expect(missing.isEmpty, "\(missing.joined(separator: "\n"))")
        let rows = lines.filter { $0.hasPrefix("| `") }.count
        #expect(rows == FastNetMonKeys.all.count, "and no other key")
    }

    @Test func eachKeyStandsOnceAndSwitchesAreKeys() {
        let names = FastNetMonKeys.all.map(\.name)
        #expect(Set(names).count == names.count)
        for key in FastNetMonKeys.all {
            #expect(!key.words.isEmpty && !key.words.contains("|"))
            if let switchedBy = key.switchedBy { #expect(FastNetMonKeys.byName[switchedBy]?.kind == .toggle) }
            #expect((key.fate == .taken) != key.words.hasPrefix("No effect"), "\(key.name)")
        }
    }

    /// A key that is said to have its effect has one: without it something else comes out, or something else is said.
    @Test func keysThatAreTakenHaveTheirEffect() {
        let base: [String: String] = [
            "ban_for_flows": "on", "threshold_flows": "9", "exabgp": "on", "exabgp_announce_host": "on",
            "exabgp_announce_whole_subnet": "on", "exabgp_community": "65001:1", "gobgp": "off",
        ]
        let gobgp: [String: String] = ["gobgp": "on", "exabgp": "off", "gobgp_announce_whole_subnet": "on"]
        let others: [String: [String: String]] = [
            "interfaces": ["mirror_afpacket": "on"],
            "netmap_sampling_ratio": ["mirror_netmap": "on", "interfaces": "e"],
            "mirror_af_packet_custom_sampling_rate": ["mirror_afpacket": "on", "interfaces": "e"],
            "mirror_afpacket": ["interfaces": "e"], "mirror_afxdp": ["interfaces": "e"], "pcap": ["interfaces": "e"],
            "mirror_netmap": ["interfaces": "e"],
            "notify_script_arguments": ["notify_script_path": "/bin/true"],
            "notify_script_format": ["notify_script_path": "/bin/true"],
            "ban_details_records_count": ["notify_script_path": "/bin/true"],
            "influxdb_auth": ["influxdb": "on", "influxdb_user": "u"],
            "influxdb_user": ["influxdb": "on", "influxdb_auth": "on"],
            "influxdb_password": ["influxdb": "on", "influxdb_auth": "on"],
            "influxdb_host": ["influxdb": "on"], "influxdb_port": ["influxdb": "on"],
            "influxdb_database": ["influxdb": "on"], "influxdb_push_period": ["influxdb": "on"],
            "graphite_host": ["graphite": "on"], "graphite_port": ["graphite": "on"],
            "graphite_prefix": ["graphite": "on"], "graphite_push_period": ["graphite": "on"],
        ]
        for key in FastNetMonKeys.all where key.fate == .taken && key.kind != .hostGroup {
            var lines = key.name.hasPrefix("gobgp") ? gobgp : base
            lines.merge(others[key.name] ?? [:]) { $1 }
            if key.name.hasPrefix("threshold_") {
                lines[key.name.replacing("threshold_", with: "ban_for_").replacing("mbps", with: "bandwidth")] = "on"
            }
            let results = values(for: key).map { value in
                lines[key.name] = value
                return read(lines)
            }
            lines[key.name] = nil
            #expect(results.contains { $0 != read(lines) }, "\(key.name)")
        }
    }

    private func values(for key: FastNetMonKey) -> [String] {
        switch key.kind {
        case .toggle: ["on", "off"]
        case .number(let range): ["\(min(range.lowerBound + 77, range.upperBound))"]
        case .ports: ["7001"]
        case .address: [key.name.contains("ipv6") ? "2001:db8::7" : "192.0.2.7"]
        case .communities: ["65001:99"]
        case .path: ["/etc/other"]
        case .names: ["eth9"]
        case .choice(let words): words
        case .text, .hostGroup: ["x"]
        }
    }

    private func read(_ lines: [String: String]) -> String {
        var files = FastNetMonText.networks
        files["/etc/other"] = "192.0.2.0/24\n"
        let text = lines.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)" }.joined(separator: "\n")
        let document = FastNetMonText.read(text, files: files)
        return document.document.yaml + document.remarks.map { "\($0.key) \($0.message)" }.joined(separator: "\n")
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: debian), "the package fastnetmon is not installed"))
    func everyKeyOfThePackageIsKnown() throws {
        let text = try String(contentsOfFile: Self.debian, encoding: .utf8)
        // Those that are commented out as well.
        let keys = text.split(separator: "\n").compactMap { line -> String? in
            let parts = line.drop { $0 == "#" || $0 == " " }.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { return nil }
            let key = FastNetMonLines.trim(parts[0])
            return key.contains(" ") || key.isEmpty ? nil : key
        }
        #expect(keys.count > 100)
        let unknown = keys.filter { FastNetMonKeys.byName[$0] == nil && FastNetMonKeys.ofGroup($0) == nil }
        #expect(unknown.isEmpty, "\(unknown)")
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: debian), "the package fastnetmon is not installed"))
    func thePackagesConfigurationIsTaken() throws {
        let text = try String(contentsOfFile: Self.debian, encoding: .utf8)
        let configuration = try FastNetMonText.load(text)
        #expect(configuration.detection.thresholds.all.count == 2, "packets and bits")
        #expect(configuration.mitigation.banTime == .seconds(1900))
        #expect(configuration.mitigation.unbanOnlyIfAttackFinished)
        #expect(!configuration.mitigation.enforces, "as there is nobody to tell")
        #expect(configuration.telemetry.sFlow.count == 1 && configuration.telemetry.netFlow.count == 1)
        // As it comes, it answers by blackhole routes.
        let on = text.replacing("exabgp = off", with: "exabgp = on")
        let announcing = try FastNetMonText.load(on)
        #expect(announcing.mitigation.enforces && !announcing.mitigation.announcesRules)
        #expect(announcing.mitigation.blackholes.hosts == [.ipv4, .ipv6])
        #expect(announcing.mitigation.blackholes.nextHop?.description == "10.0.3.114")
    }
}
