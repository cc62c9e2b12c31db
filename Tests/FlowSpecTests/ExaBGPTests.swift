import FlowSpec
import Foundation
import NetworkTypes
import TestSupport
import Testing

/// What is printed is a form that ExaBGP takes: asked of ExaBGP itself.
@Suite(.enabled(if: ChildProcess.find("exabgp") != nil, "exabgp is not installed"))
struct ExaBGPTests {
    private static let preamble = """
        neighbor 127.0.0.9 {
          router-id 10.0.0.2; local-address 127.0.0.1; local-as 65001; peer-as 65001;
          family { ipv4 unicast; ipv6 unicast; ipv4 flow; ipv6 flow; ipv4 flow-vpn; ipv6 flow-vpn; }

        """

    /// Rules of every kind, but for what ExaBGP has no word for: an IPv6 rule without a prefix, a copy or a VRF with an
    /// IPv6 address, a DSCP that is written as a traffic class, operators that are always or never true, and route
    /// distinguishers and route targets that look like another type's.
    private static func announcements(_ count: Int) -> [Announcement] {
        var random = RandomRules(seed: 2024)
        var announcements: [Announcement] = []
        while announcements.count < count {
            guard let announcement = random.announcement(), case .flowSpec(let rule) = announcement.route else {
                continue
            }
            let hasPrefix = rule.components.contains { $0.type <= .sourcePrefix }
            let isSpoken = announcement.actions.allSatisfy { action in
                switch action {
                case .redirect(.ipv6): false
                // It reads them and then trips over its own octets.
                case .redirect(.fourOctetAS), .interfaceSet: false
                case .redirectToIP(let address, let copy): address.isIPv4 || !copy
                default: true
                }
            }
            let text = announcement.description
            // Debian's ExaBGP 4.2 recurses without end where it has to sort several extended communities.
            guard announcement.actions.count + announcement.extendedCommunities.count <= 1 else { continue }
            guard rule.family == .ipv4 || hasPrefix, isSpoken, !text.contains("L:"), !text.contains("true"),
                !text.contains("false")
            else { continue }
            announcements.append(announcement)
        }
        return announcements
    }

    @Test func whatIsPrintedInBracesIsAConfigurationOfExaBGP() throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let routes = Self.announcements(150).enumerated().map { "    \($1.block(name: "r\($0)"))" }
        let unicast = try FlowSpecText.parse(
            "route 198.51.100.0/24 next-hop 192.0.2.1 origin egp as-path [ 65001 65002 ] med 5 local-preference 200 "
                + "community [ blackhole 65001:1 ] large-community 1:2:3 extended-community target:65001:1"
        ).compactMap { if case .announce(let route) = $0.order { "    " + route.block() } else { nil } }
        let text =
            Self.preamble + "  static {\n\(unicast.joined(separator: "\n"))\n  }\n"
            + "  flow {\n\(routes.joined(separator: "\n"))\n  }\n}\n"
        let file = try folder.write(text, to: "exabgp.conf")
        let process = try ChildProcess(
            ChildProcess.find("exabgp") ?? "",
            ["--test", file],
            environment: ["exabgp_daemon_user": "root", "exabgp_log_destination": "stdout", "exabgp_log_level": "ERR"],
            log: folder.url.appending(path: "log")
        )
        #expect(process.wait() == 0, "\((try? String(contentsOf: process.log, encoding: .utf8)) ?? "")")
        // The test can fail: the same with a rule that ExaBGP does not take.
        let wrong = try folder.write(
            text.replacing("match {", with: "match { ttl 5; ", maxReplacements: 1),
            to: "wrong.conf"
        )
        let other = try ChildProcess(
            ChildProcess.find("exabgp") ?? "",
            ["--test", wrong],
            environment: ["exabgp_daemon_user": "root", "exabgp_log_destination": "stdout"],
            log: folder.url.appending(path: "log2")
        )
        #expect(other.wait() != 0)
    }

    /// Line by line as a process of ExaBGP's would say it; each is answered by done or error.
    @Test func whatIsPrintedOnALineIsACommandOfExaBGP() async throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let spoken = Self.announcements(120).filter {
            // ExaBGP 4.2 knows packets in braces only, and takes them for bytes there.
            !$0.redirectsToNextHop && !$0.actionText.contains("packets")
        }
        let lines = spoken.map { "announce \($0)" }
        let commands = try folder.write(lines.joined(separator: "\n") + "\n", to: "commands")
        let answers = folder.path("answers")
        let script = try folder.write(
            "#!/bin/sh\nwhile read line; do echo \"$line\"; read answer; echo \"$answer\" >> \(answers); done < \(commands)\n"
                .replacing("read answer;", with: "read answer <&3;").replacing(
                    "#!/bin/sh\n",
                    with: "#!/bin/sh\nexec 3<&0\n"
                )
                + "echo end >> \(answers)\nsleep 60\n",
            to: "script.sh"
        )
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
        let file = try folder.write(
            "process say { run \(script); encoder text; }\n" + Self.preamble + "  api { processes [ say ]; }\n}\n",
            to: "exabgp.conf"
        )
        let process = try ChildProcess(
            ChildProcess.find("exabgp") ?? "",
            [file],
            environment: [
                "exabgp_daemon_user": "root", "exabgp_log_destination": "stdout", "exabgp_api_cli": "false",
                "exabgp_tcp_port": "\(FreePort.tcp())", "exabgp_daemon_daemonize": "false",
            ],
            log: folder.url.appending(path: "log")
        )
        defer { process.stop() }
        func said() -> [String] {
            let text = (try? String(contentsOfFile: answers, encoding: .utf8)) ?? ""
            return text.split(separator: "\n").map(String.init)
        }
        // It gives no answer at all to what it cannot read, and then reads no further.
        _ = await eventually(within: 30) { said().contains("end") }
        // On a busy machine it may take the program for dead and start it once more.
        let all = said()
        let answered = all.prefix((all.firstIndex(of: "end") ?? all.count) + 1)
        #expect(answered.count == lines.count + 1)
        for (line, answer) in zip(lines, answered) { #expect(answer == "done", "\(line)") }
    }
}
