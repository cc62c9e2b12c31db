import Control
import Foundation
import TestSupport
import Testing

/// The guide's files, each through the real program to the rule at the router, and the rule gone again.
///
/// | File | Also in |
/// |---|---|
/// | `etc/fastnetmon.conf`, `networks_list`, `fastnetmon_whitelist.conf`, `flowspec_templates.conf` | `LegacyRunTests` |
/// | `etc/exabgp/exabgp.conf`, `rules/announce-multiline.txt` | `ExaBGPConfigurationTests`, `GuideFilesTests` |
/// | `etc/fastnetmon/scripts/*` | `GuideFilesTests`, started by hand |
/// | `usr/local/bin/monitor-ddos-mitigation.sh` | `LegacyLogTests` |
@Suite(
    .serialized,
    .enabled(if: SharedFiles.isPresent, Comment(rawValue: SharedFiles.absence)),
    .enabled(if: RouterPeer.Kind.gobgpd.isInstalled, "no gobgpd here")
)
struct GuideRunTests {
    private static let unban = "unban_script_path = /etc/fastnetmon/scripts/exabgp-unban.py"

    /// As `fastnetmon.conf` names them. With `exabgp = off` nobody else answers the attack.
    @Test(
        arguments: [
            // Which of its limits depends on the first second's figure: 10000 or 100000.
            ("exabgp-integration.py", "", ["protocol: ==udp", "rate: 10000"]),
            ("exabgp-integration.py", "notify_script_arguments = guide", ["protocol: ==udp", "rate: 10000"]),
            // Of FastNetMon's arguments it takes the direction for the kind, which it then does not know.
            ("exabgp-integration.sh", "", ["discard"]),
            ("exabgp-integration.sh", "notify_script_arguments = guide", ["protocol: ==udp", "discard"]),
        ]
    )
    func scriptsOfTheFileAnswerTheAttack(notify: String, more: String, rule: [String]) async throws {
        let site = try await GuideSite(beside: ["networks_list", "fastnetmon_whitelist.conf"]) { text in
            text.replacing("scripts/notify.sh", with: "scripts/\(notify)")
                .replacing("exabgp = on", with: "exabgp = off") + "\n\(Self.unban)\n\(more)\n"
        }
        defer { site.stop() }
        for name in [notify, "exabgp-unban.py"] { try site.install("etc/fastnetmon/scripts/\(name)") }
        let process = try await site.start()
        defer { process.stop() }

        // More than 1000 Mbit/s, less than 10,000.
        let flood = try Flood(to: site.daemon.sFlowPort, packetsPerSecond: 500_000)
        let isSeen = await site.routerHas("destination: 198.51.100.10/32", rule)
        let sofar = try await site.events()
        #expect(isSeen, "\(sofar)")
        #expect(try await site.daemon.rules().count == 1, "the script's alone")
        flood.stop()
        #expect(await site.routerLacks("198.51.100.10/32"))
        let events = try await site.events()
        #expect(
            events.contains { $0.contains("exabgp-unban.py 198.51.100.10 ") && $0.contains(": exit status 0") },
            "\(events)"
        )
        #expect(!events.contains { $0.hasPrefix("refused a command") }, "\(events)")
    }

    /// All of the guide together: the template's rule, and a `notify.sh` that is told as FastNetMon tells it.
    @Test func theNotifyScriptOfTheFileIsToldAsFastNetMonTells() async throws {
        let site = try await GuideSite(
            beside: ["networks_list", "fastnetmon_whitelist.conf", "fastnetmon/flowspec_templates.conf"]
        )
        defer { site.stop() }
        let guide = try site.install("etc/fastnetmon/scripts/exabgp-integration.py")
        let script = try RecordingScript(in: site.daemon.folder, then: guide)
        let process = try await site.start()
        defer { process.stop() }
        let flood = try Flood(to: site.daemon.sFlowPort, packetsPerSecond: 500_000)
        #expect(await site.routerHas("destination: 198.51.100.10/32", ["protocol: ==udp", "rate: 100000"]))
        let isTold = await eventually { script.actions().count == 2 }
        #expect(isTold, "\(script.actions())")
        flood.stop()
        #expect(await eventually { script.actions().count == 3 })
        let calls = try script.calls()
        try #require(calls.count == 3)
        for (call, action) in zip(calls, ["ban", "attack_details", "unban"]) {
            #expect(call.arguments.count == 4 && call.arguments.prefix(2) == ["198.51.100.10", "incoming"])
            #expect(try #require(Int(call.arguments[2])) > 100_000, "packets per second")
            #expect(call.arguments.last == action && call.variables["ATTACK_ACTION"] == action)
            #expect(call.variables["ATTACK_TARGET_IP"] == "198.51.100.10")
            #expect(call.variables["ATTACK_TYPE"] == "udp_flood")
            let power = try #require(call.variables["ATTACK_POWER"].flatMap { Int($0) })
            #expect(power >= 1000, "Mbit/s")
        }
        #expect(calls[0].input.hasPrefix("IP: 198.51.100.10\nAttack type: udp_flood\n"), "\(calls[0].input)")
        #expect(calls[0].input.contains("\nAttack direction: incoming\nAttack protocol: udp\n"))
        #expect(calls[2].input.isEmpty)
    }

    /// Rules of synthesis, as there is no template file; a script that is told when the host is let go.
    @Test func theBestPracticesProtectAndLetGo() async throws {
        let site = try await GuideSite("fastnetmon-best-practices.conf")
        defer { site.stop() }
        try site.install("etc/fastnetmon/scripts/exabgp-unban.py")
        let process = try await site.start()
        defer { process.stop() }
        let flood = try Flood(to: site.daemon.sFlowPort, packetsPerSecond: 60_000)
        #expect(await site.routerHas("destination: 198.51.100.10/32", ["protocol: ==udp"]))
        flood.stop()
        #expect(await site.routerLacks("198.51.100.10/32"))
        let isTold = try await eventually {
            try await site.events().contains { $0.contains("exabgp-unban.py 198.51.100.10 incoming ") }
        }
        #expect(isTold)
    }

    /// It has no thresholds: what an operator says is announced, in the community of the file.
    @Test func theExaBGPPartAnnouncesWhatAnOperatorSays() async throws {
        let site = try await GuideSite("fastnetmon-exabgp.conf")
        defer { site.stop() }
        let process = try await site.start()
        defer { process.stop() }
        _ = try await site.daemon.ask(.init(.ban, target: "198.51.100.20", durationSeconds: 600))
        #expect(await site.routerHas("destination: 198.51.100.20/32", ["65001:666"]))
        _ = try await site.daemon.ask(.init(.unban, target: "198.51.100.20"))
        #expect(await site.routerLacks("198.51.100.20/32"))
    }

    /// Without `--exabgp` its pipe is for an ExaBGP.
    @Test(
        arguments: [RouterPeer.Kind.exabgp, .exabgp5].filter(\.isInstalled)
    )
    func theExaBGPPartDrivesARealOne(kind: RouterPeer.Kind) async throws {
        let site = try await GuideSite(
            "fastnetmon-exabgp.conf",
            beside: ["networks_list", "systemd/system/exabgp-pipe.service"]
        )
        defer { site.stop() }
        let exabgp = try Self.drive(kind, site)
        defer { exabgp.stop() }
        let process = try await site.start(speaks: false)
        defer { process.stop() }
        _ = try await site.daemon.ask(.init(.ban, target: "198.51.100.20", durationSeconds: 600))
        let isSeen = await site.routerHas("destination: 198.51.100.20/32", ["65001:666"])
        #expect(isSeen, "\((try? String(contentsOf: exabgp.log, encoding: .utf8))?.suffix(2000) ?? "")")
        _ = try await site.daemon.ask(.init(.unban, target: "198.51.100.20"))
        #expect(await site.routerLacks("198.51.100.20/32"))
    }

    /// An attack, the template's rule, and its end, with an ExaBGP between the detector and the router.
    @Test(arguments: [RouterPeer.Kind.exabgp, .exabgp5].filter(\.isInstalled))
    func anAttackIsAnsweredByARealOne(kind: RouterPeer.Kind) async throws {
        let site = try await GuideSite(
            beside: [
                "networks_list", "fastnetmon_whitelist.conf", "fastnetmon/flowspec_templates.conf",
                "systemd/system/exabgp-pipe.service",
            ]
        )
        defer { site.stop() }
        let exabgp = try Self.drive(kind, site)
        defer { exabgp.stop() }
        let process = try await site.start(speaks: false)
        defer { process.stop() }
        let flood = try Flood(to: site.daemon.sFlowPort, packetsPerSecond: 500_000)
        let isSeen = await site.routerHas("destination: 198.51.100.10/32", ["protocol: ==udp", "rate: 100000"])
        #expect(isSeen, "\((try? String(contentsOf: exabgp.log, encoding: .utf8))?.suffix(2000) ?? "")")
        flood.stop()
        #expect(await site.routerLacks("198.51.100.10/32"))
    }

    /// The pipe of the unit, and an ExaBGP that has the guide's file but for the program that was to read it.
    private static func drive(_ kind: RouterPeer.Kind, _ site: GuideSite) throws -> ChildProcess {
        try runService(of: site)
        let path = site.daemon.folder.path("exabgp.conf")
        let file = try String(contentsOfFile: path, encoding: .utf8)
        let reading = file.replacing(
            "run /usr/bin/mkfifo \(site.pipe) && /bin/cat \(site.pipe);",
            with: "run /usr/bin/setpriv --pdeathsig TERM /bin/cat \(site.pipe);"
        )
        try #require(reading != file)
        _ = try site.daemon.folder.write(reading, to: "exabgp.conf")
        return try DrivenExaBGP.start(kind, file: path)
    }

    /// The lines of the unit, run as systemd would; the daemon takes the pipe that is there, as it is.
    @Test func thePipeOfTheUnitIsRead() async throws {
        let site = try await GuideSite(beside: ["networks_list", "systemd/system/exabgp-pipe.service"])
        defer { site.stop() }
        try Self.runService(of: site)
        let process = try await site.start()
        defer { process.stop() }
        let rule = try GuideSite.text("rules/announce-multiline.txt")
        try PipeWriting.write(rule, to: site.pipe)
        #expect(await site.routerHas("destination: 198.51.100.50/32", ["protocol: ==udp", "discard"]))
        try PipeWriting.write(rule.replacing("announce", with: "withdraw"), to: site.pipe)
        #expect(await site.routerLacks("198.51.100.50/32"))
        let mode = try FileManager.default.attributesOfItem(atPath: site.pipe)[.posixPermissions] as? Int
        #expect(mode == 0o660)
    }

    private static let packaged = "/etc/fastnetmon.conf"

    /// The 300 lines that come with FastNetMon: as they are, with which attacks are told and operators obeyed, and with
    /// `exabgp = on`, with which hosts are blackholed.
    @Test(
        .enabled(if: FileManager.default.fileExists(atPath: packaged), "the package fastnetmon is not installed"),
        arguments: [false, true]
    )
    func thePackagesConfigurationRuns(announces: Bool) async throws {
        let site = try await GuideSite()
        defer { site.stop() }
        let text = try String(contentsOfFile: Self.packaged, encoding: .utf8)
        try site.configure(announces ? text.replacing("exabgp = off", with: "exabgp = on") : text)
        let speaker = try String(contentsOfFile: site.daemon.folder.path("exabgp.conf"), encoding: .utf8)
        let unicast = speaker.replacing("ipv4 flow;", with: "ipv4 flow; ipv4 unicast;")
        _ = try site.daemon.folder.write(unicast, to: "exabgp.conf")
        let process = try await site.start()
        defer { process.stop() }
        let flood = try Flood(to: site.daemon.sFlowPort, packetsPerSecond: 100_000)
        let isFound = try await eventually { try await site.daemon.attacks().count == 1 }
        #expect(isFound)
        if announces {
            #expect(await site.routerHas("198.51.100.10/32", ["10.0.3.114", "65001:666"]))
            flood.stop()
        } else {
            #expect(try await site.daemon.rules().isEmpty)
            flood.stop()
            _ = try await site.daemon.ask(.init(.ban, target: "198.51.100.10", durationSeconds: 600))
            #expect(await site.routerHas("198.51.100.10/32", ["discard"]))
            _ = try await site.daemon.ask(.init(.unban, target: "198.51.100.10"))
        }
        #expect(await site.routerLacks("198.51.100.10/32"))
    }

    private static func runService(of site: GuideSite) throws {
        let unit = try String(contentsOfFile: site.daemon.folder.path("exabgp-pipe.service"), encoding: .utf8)
        let hasExaBGP = unsafe getpwnam("exabgp") != nil
        let commands = unit.split(separator: "\n").filter { $0.hasPrefix("ExecStart=") }
            .map { $0.dropFirst("ExecStart=".count).split(separator: " ").map(String.init) }
        #expect(commands.count == 2)
        for command in commands {
            // Only root can give it away, and only to a user that there is.
            if command[0].hasSuffix("chown"), geteuid() != 0 || !hasExaBGP { continue }
            let said = try ChildProcess.output(command[0], Array(command.dropFirst()))
            #expect(said.isEmpty, "\(said)")
        }
        #expect(FileManager.default.fileExists(atPath: site.pipe))
    }
}
