import DaemonConfiguration
import FlowSpec
import Foundation
import NetworkTypes
import TestSupport
import Testing

@testable import Compatibility

/// The files of the guide, as they are: what their author meant comes out, and what had no effect is said.
@Suite(.enabled(if: SharedFiles.isPresent, Comment(rawValue: SharedFiles.absence)))
struct FastNetMonGuideTests {
    /// Each file of `etc` under the path that the guide has it at.
    private func files(_ main: String, without absent: Set<String> = []) throws -> [String: String] {
        let names = [
            "networks_list", "fastnetmon_whitelist.conf", "fastnetmon/flowspec_templates.conf", "exabgp/exabgp.conf",
        ]
        var files: [String: String] = [:]
        for name in names where !absent.contains(name) {
            files["/etc/\(name)"] = String(decoding: try SharedFiles.data("guide/etc/\(name)"), as: UTF8.self)
        }
        files["/etc/fastnetmon.conf"] = String(decoding: try SharedFiles.data("guide/etc/\(main)"), as: UTF8.self)
        return files
    }

    private func read(_ files: [String: String], hasNeighbors: Bool = true) -> LegacyDocument {
        FastNetMonText.read(files["/etc/fastnetmon.conf"] ?? "", hasNeighbors: hasNeighbors, files: files)
    }

    private func load(_ files: [String: String], hasNeighbors: Bool = true) throws -> DaemonConfiguration {
        try FastNetMonText.load(files["/etc/fastnetmon.conf"] ?? "", hasNeighbors: hasNeighbors, files: files)
    }

    @Test func theBasicConfiguration() throws {
        let files = try files("fastnetmon.conf")
        let configuration = try load(files)
        #expect(configuration.networks.map(\.description) == ["198.51.100.0/24", "203.0.113.0/24"])
        #expect(configuration.detection.thresholds.all.map(\.perSecond) == [1e9], "bits alone: pps is switched off")
        #expect(configuration.detection.outgoingThresholds.all.map(\.perSecond) == [1e9])
        #expect(configuration.mitigation.communities.map(\.description) == ["65001:666"])
        #expect(configuration.mitigation.announcesRules && configuration.mitigation.kinds == nil)
        #expect(!configuration.mitigation.synthesizes, "what the template file says is what is announced")
        #expect(configuration.exabgpPipes.map(\.path) == ["/var/run/exabgp.cmd"])
        #expect(configuration.scripts.map(\.notify) == ["/etc/fastnetmon/scripts/notify.sh"])
        #expect(
            configuration.telemetry.sFlow.first?.port == 6343 && configuration.telemetry.netFlow.first?.port == 2055
        )
        let said = read(files).remarks.map(\.description).joined(separator: "\n")
        for part in [
            "fastnetmon.conf: warning: switches no capture engine on", "note: enable_ban: left out",
            "warning: threshold_pps: does not count: ban_for_pps is off", "warning: threshold_flows: does not count",
        ] {
            #expect(said.contains(part), "\(part)")
        }
    }

    @Test func theExaBGPPart() throws {
        let files = try files("fastnetmon-exabgp.conf")
        let configuration = try load(files, hasNeighbors: false)
        #expect(configuration.exabgpWriters == ["/var/run/exabgp.cmd"])
        #expect(configuration.mitigation.enforces && configuration.mitigation.announcesRules)
        #expect(
            configuration.mitigation.blackholes.hosts.isEmpty && configuration.mitigation.blackholes.networks.isEmpty
        )
        #expect(configuration.mitigation.communities.map(\.description) == ["65001:666"])
        let said = read(files, hasNeighbors: false).said(of: "exabgp_next_hop")
        #expect(said == ["13 warning no effect: a FlowSpec rule has no next hop (RFC 8955 section 4.1)"])
    }

    @Test func theBestPractices() throws {
        let files = try files("fastnetmon-best-practices.conf")
        let configuration = try load(files)
        #expect(configuration.detection.thresholds[.total, .packets] == 20_000)
        #expect(configuration.detection.thresholds[.total, .bits] == 1e9)
        #expect(configuration.mitigation.banTime == .seconds(1900))
        #expect(configuration.scripts.map(\.unban) == ["/etc/fastnetmon/scripts/exabgp-unban.py"])
        #expect(read(files).said(of: "threshold_pps").first?.hasPrefix("5 note counts") == true)
    }

    /// As written, it would keep every attack from being acted on.
    @Test func theWhitelistDoesNotSwitchEverythingOff() throws {
        let files = try files("fastnetmon.conf")
        #expect(try load(files).whitelistedDestinations.isEmpty)
        let said = read(files).remarks.filter { $0.place.file == "/etc/fastnetmon_whitelist.conf" }
        #expect(said.map(\.severity) == [.note, .warning, .warning])
        #expect(said.map(\.place.line) == [0, 2, 3])
    }

    @Test func theTemplates() throws {
        let files = try files("fastnetmon.conf")
        let templates = try load(files).mitigation.templates
        let expected = [
            "udp_flood": "flow route destination 198.51.100.50/32 protocol =udp rate-limit 100000",
            "syn_flood": "flow route destination 198.51.100.50/32 protocol =tcp tcp-flags syn discard",
            "icmp_flood": "flow route destination 198.51.100.50/32 protocol =icmp rate-limit 10000",
        ]
        let target = try #require(IPPrefix("198.51.100.50/32"))
        for (name, text) in expected {
            let announcement = try #require(try templates[name]?.announcement(for: target, direction: .incoming))
            #expect("\(announcement)" == text)
        }
        let six = try #require(IPPrefix("2001:db8:100::50/128"))
        #expect(
            "\(try #require(try templates["icmp_flood"]?.announcement(for: six, direction: .incoming)))".contains(
                "2001:db8:100::50/128"
            )
        )
        let said = read(files).said(of: "rate-limit")
        #expect(
            said.first?.contains("100000 is in octets per second, which is 800 kbit/s; where 100 Mbit/s is meant")
                == true
        )
    }

    /// What is printed for floodgate.yaml, and the files themselves: the same.
    @Test(arguments: ["fastnetmon.conf", "fastnetmon-exabgp.conf", "fastnetmon-best-practices.conf"], [true, false])
    func importedAndRunAreTheSame(main: String, hasSpeaker: Bool) throws {
        let files = try files(main)
        let reading = FastNetMonText(files: files)
        let document = LegacyFiles.read(
            fastnetmon: "/etc/fastnetmon.conf",
            exabgp: hasSpeaker ? "/etc/exabgp/exabgp.conf" : nil,
            hasNeighbors: false,
            readExaBGP: SpeakerStub.read,
            readFile: reading.readFile
        )
        #expect(document.errors.isEmpty)
        let run = try DaemonConfiguration.load(document.document, readFile: reading.readFile)
        let imported = try DaemonConfiguration.load(
            yaml: document.yaml,
            file: "floodgate.yaml",
            readFile: reading.readFile
        )
        #expect(run == imported)
        #expect(run.bgp.neighbors.count == (hasSpeaker ? 1 : 0))
        #expect(document.yaml.contains("warning: switches no capture engine on"))
    }
}

/// A neighbor and the pipe of the guide's `exabgp.conf`.
enum SpeakerStub {
    static func read(_ text: String, _ file: String) -> LegacyDocument {
        let yaml = """
            bgp:
              router_id: 192.0.2.10
              local_as: 65001
              neighbors: [{address: 192.0.2.1, remote_as: 65001, families: [ipv4-flowspec, ipv6-flowspec]}]
            exabgp_pipe: {path: /var/run/exabgp.cmd, mode: "0660"}
            """
        let empty = ConfigurationNode(.mapping([]), place: .init(file: file))
        return LegacyDocument(document: (try? DaemonConfiguration.document(yaml: yaml, file: file)) ?? empty)
    }
}
