import Compatibility
import Control
import Daemon
import DaemonConfiguration
import Foundation
import Logging
import TestSupport
import Testing

/// A daemon of an exabgp.conf, with a gobgpd as its neighbor.
private final class ExaBGPConfigured: Sendable {
    let router: RouterPeer
    let folder: ScratchFolder
    let daemon: Task<Void, any Error>

    /// - Parameter text: `$ROUTER` and `$FOLDER` in it are the router's address and the test's folder.
    init(
        router settings: RouterPeer.Settings = .init(),
        _ text: @Sendable (RouterPeer, ScratchFolder) throws -> String
    ) async throws {
        router = try await RouterPeer(.gobgpd, settings)
        folder = try ScratchFolder()
        let whole = try text(router, folder).replacing("$ROUTER", with: router.address)
            .replacing("$PORT", with: "\(router.port)").replacing("$FOLDER", with: folder.url.path())
        let read = ExaBGPFile.read(whole, file: folder.path("exabgp.conf"))
        #expect(!read.remarks.contains { $0.severity == .error }, "\(read.remarks.map(\.description))")
        let own = try DaemonConfiguration.document(
            yaml: """
                networks: [198.51.100.0/24, "2001:db8:100::/48"]
                store: \(folder.path("floodgate.db"))
                control_socket: \(folder.path("control.sock"))
                """,
            file: "floodgate.yaml"
        )
        let configuration = try DaemonConfiguration.load(read.document.overlaid(by: own)) { path in
            throw CocoaError(.fileNoSuchFile, userInfo: [NSFilePathErrorKey: path])
        }
        let logger = Logger(label: "floodgate") { _ in SwiftLogNoOpLogHandler() }
        daemon = Task { try await DaemonRuntime(configuration: configuration, logger: logger).run() }
    }

    func routerHas(_ parts: String...) async -> Bool { await router.comesToHold(parts) }

    func lines(of name: String) -> [String] {
        let text = try? String(contentsOfFile: folder.path(name), encoding: .utf8)
        return (text ?? "").split(separator: "\n").map(String.init)
    }

    func stop() async {
        daemon.cancel()
        _ = await daemon.result
        router.stop()
        folder.remove()
    }
}

@Suite(.serialized, .enabled(if: RouterPeer.Kind.gobgpd.isInstalled, "no gobgpd here"))
struct ExaBGPConfigurationTests {
    private static let neighbor = """
        neighbor $ROUTER {
            router-id 192.0.2.10; local-address 127.0.0.1; local-as 65001; peer-as 65001; connect $PORT;
            family { ipv4 unicast; ipv4 flow; ipv6 flow; }

        """

    /// Only addresses and paths are others than in the guide, and the port, as the router may not have 179.
    @Test(.enabled(if: SharedFiles.isPresent, Comment(rawValue: SharedFiles.absence)))
    func theGuidesFileBringsItsRuleToTheRouter() async throws {
        let configured = try await ExaBGPConfigured { router, folder in
            String(decoding: try SharedFiles.data("guide/etc/exabgp/exabgp.conf"), as: UTF8.self)
                .replacing("neighbor 192.0.2.1 {", with: "neighbor $ROUTER {\n    connect $PORT;")
                .replacing("local-address 192.0.2.10", with: "local-address 127.0.0.1")
                .replacing("/var/run/exabgp.cmd", with: folder.path("exabgp.cmd"))
        }
        let rule = String(decoding: try SharedFiles.data("guide/rules/announce-multiline.txt"), as: UTF8.self)
        let pipe = configured.folder.path("exabgp.cmd")
        #expect(await eventually(within: 60) { FileManager.default.fileExists(atPath: pipe) })
        try PipeWriting.write(rule, to: pipe)
        #expect(await configured.routerHas("destination: 198.51.100.50/32", "protocol: ==udp", "discard"))
        await configured.stop()
    }

    @Test func routesOfTheFileAreAnnouncedToTheirNeighbor() async throws {
        let configured = try await ExaBGPConfigured { _, _ in
            Self.neighbor + """
                static { route 198.51.100.1/32 next-hop 192.0.2.1 community [65001:666]; }
                flow { route a { match { destination 198.51.100.2/32; protocol tcp; } then { discard; } } } }
                """
        }
        #expect(await configured.routerHas("198.51.100.1/32", "65001:666"))
        #expect(await configured.routerHas("destination: 198.51.100.2/32", "protocol: ==tcp"))
        let client = ControlClient(path: configured.folder.path("control.sock"))
        guard case .rules(let rules) = try await client.send(.init(.rules)) else {
            Issue.record("no rules")
            return
        }
        #expect(rules.count == 2 && rules.allSatisfy { $0.reason == "it stands in the configuration" })
        await configured.stop()
    }

    /// The rule of a VPN goes in the VPN's family, and the path identifiers and next hops that are offered besides are
    /// no hindrance to a router that agrees to none.
    @Test func rulesOfAVPNArriveInIt() async throws {
        let configured = try await ExaBGPConfigured(router: .init { $0.hasVPN = true }) { _, _ in
            Self.neighbor.replacing("ipv6 flow;", with: "ipv6 flow; ipv4 flow-vpn; ipv6 flow-vpn;") + """
                capability { add-path send/receive; nexthop enable; }
                flow { route a { rd 65001:7; match { destination 198.51.100.2/32; } then { discard; } } }
                announce { ipv6 { flow-vpn rd 65001:8 destination 2001:db8:100::2/128 discard; } } }
                """
        }
        #expect(await configured.routerHas("65001:7", "destination: 198.51.100.2/32", "discard"))
        #expect(await configured.routerHas("65001:8", "destination: 2001:db8:100::2/128", "discard"))
        await configured.stop()
    }

    @Test func processesAnnounceAndAreAnswered() async throws {
        let configured = try await ExaBGPConfigured { _, folder in
            let script = """
                echo $$ > \(folder.path("pid"))
                ls /proc/self/fd > \(folder.path("descriptors"))
                echo 'announce flow route destination 198.51.100.7/32 protocol udp discard'
                echo 'announce flow route destination 192.0.2.7/32 discard'
                echo version
                echo 'a complaint' >&2
                exec cat >> \(folder.path("answers"))
                """
            _ = try folder.write(script, to: "feed.sh")
            return "process feed { run /bin/sh $FOLDER/feed.sh; encoder text; }\n" + Self.neighbor
                + "api { processes [ feed ]; neighbor-changes; } }"
        }
        #expect(await configured.routerHas("destination: 198.51.100.7/32", "protocol: ==udp", "discard"))
        let wanted = ["done", "error", "neighbor \(configured.router.address) up"]
        #expect(
            await eventually(within: 60) { Set(wanted).isSubset(of: configured.lines(of: "answers")) },
            "\(configured.lines(of: "answers"))"
        )
        #expect(
            await eventually(within: 60) { configured.lines(of: "answers").contains { $0.hasPrefix("floodgate ") } },
            "the version"
        )
        #expect(configured.lines(of: "descriptors") == ["0", "1", "2", "3"], "its streams, and the folder itself")
        let process = try #require(configured.lines(of: "pid").first.flatMap { Int32($0) })
        #expect(kill(process, 0) == 0 && getpgid(process) == process)
        configured.daemon.cancel()
        _ = await configured.daemon.result
        #expect(kill(process, 0) != 0, "it ends with the daemon")
        await configured.stop()
    }

    /// What freezes ExaBGP after 13107 commands: answers that nobody reads.
    @Test func whoReadsNothingStopsNobody() async throws {
        let configured = try await ExaBGPConfigured { _, folder in
            let script = """
                yes 'announce route 198.51.100.9/32 next-hop 192.0.2.1' | head -n 30000
                echo 'announce route 198.51.100.10/32 next-hop 192.0.2.1'
                trap '' TERM
                while true; do sleep 100; done
                """
            _ = try folder.write(script, to: "deaf.sh")
            return "process deaf { run /bin/sh $FOLDER/deaf.sh; }\n" + Self.neighbor + "api { processes [ deaf ]; } }"
        }
        #expect(
            await eventually(within: 60) { (try? configured.router.routes())?.contains("198.51.100.10/32") == true }
        )
        // It does not listen to SIGTERM either.
        await configured.stop()
    }

    @Test func whatDiesIsStartedAgainUnlessItIsNotTo() async throws {
        let configured = try await ExaBGPConfigured { _, _ in
            "process a { run /bin/sh -c \"echo x >> $FOLDER/again; exit 3\"; }\n"
                + "process b { run /bin/sh -c \"echo x >> $FOLDER/once; exit 3\"; respawn false; }\n"
                + "process c { run /nonexistent/program; }\n" + Self.neighbor
                + "static { route 198.51.100.1/32 next-hop 192.0.2.1; } api { processes [ a b c ]; } }"
        }
        #expect(await configured.routerHas("198.51.100.1/32"))
        #expect(await eventually(within: 30) { configured.lines(of: "again").count >= 3 })
        #expect(configured.lines(of: "once").count == 1)
        await configured.stop()
    }
}
