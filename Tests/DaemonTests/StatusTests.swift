import Capture
import Control
import Foundation
import TestSupport
import Testing

@testable import Daemon

/// What `status` says beside its figures.
@Suite(.serialized)
struct StatusTests {
    private func status(_ daemon: RunningDaemon) async throws -> StatusReport? {
        guard case .status(let report) = try await daemon.ask(.init(.status)) else { return nil }
        return report
    }

    /// A session stands, and the family of a route is on none: nobody has it.
    @Test func aRouteWithoutItsFamilyIsWarnedOf() async throws {
        guard RouterPeer.Kind.gobgpd.isInstalled else {
            print("skipped: gobgpd is not installed")
            return
        }
        let router = try await RouterPeer(.gobgpd)
        defer { router.stop() }
        let neighbor =
            "address: \(router.address), port: \(router.port), local_address: 127.0.0.1, remote_as: 65001, "
            + "families: [ipv4-flowspec]"
        let daemon = try RunningDaemon(
            detection: ["quiet_period: 1s"],
            bgp: ["router_id: 192.0.2.10", "local_as: 65001", "neighbors: [{\(neighbor)}]"]
        )
        defer { daemon.folder.remove() }
        let process = try await daemon.start()
        defer { process.stop() }
        #expect(await eventually { (try? await self.status(daemon)?.establishedNeighbors) == 1 })
        let rule = "flow route destination 198.51.100.5/32 protocol =udp discard"
        func answer(_ text: String) async throws -> String {
            guard case .done(let text) = try await daemon.ask(.init(.announce, text: text)) else { return "refused" }
            return text
        }
        #expect(!(try await answer(rule)).contains("no router"))
        #expect(try await status(daemon)?.warnings.contains { $0.contains("of the family") } == false)
        let told = try await answer("route 198.51.100.6/32 next-hop self")
        let why = "\(router.address) family not agreed"
        #expect(told.hasSuffix("; no router gets it: \(why)"), "\(told)")
        let held = try await daemon.rules().map { $0.unheld ?? "" }
        #expect(held == ["", why], "\(held)")
        let warnings = try await status(daemon)?.warnings ?? []
        #expect(
            warnings.contains { $0.hasPrefix("1 announced rule is of the family ipv4-unicast, which no established") },
            "\(warnings)"
        )
        guard case .diagnosis(let report) = try await daemon.ask(.init(.doctor)) else {
            Issue.record("no diagnosis")
            return
        }
        let rules = report.findings.filter { $0.subject == "rules" }
        #expect(rules.contains { $0.level == .ok && $0.text.hasPrefix("1 of 2 rules were sent") }, "\(rules)")
        #expect(rules.contains { $0.level == .fail && $0.text.hasPrefix("r2 ") }, "\(rules)")
        #expect(report.findings.contains { $0.subject == "sessions" && $0.level == .ok })
        router.stop()
        #expect(await eventually { (try? await self.status(daemon)?.establishedNeighbors) == 0 })
        guard case .done(let banned) = try await daemon.ask(.init(.ban, target: "198.51.100.7")) else {
            Issue.record("not banned")
            return
        }
        #expect(banned.hasSuffix("; no router gets it: \(router.address) waits for the session"), "\(banned)")
    }

    /// It is refused before it has bound or written anything.
    @Test func aSecondDaemonOnTheSameControlSocketTouchesNothing() async throws {
        let daemon = try RunningDaemon(detection: ["quiet_period: 1s"])
        defer { daemon.folder.remove() }
        let process = try await daemon.start()
        defer { process.stop() }
        let text = try String(contentsOfFile: daemon.configuration, encoding: .utf8)
            .replacing("floodgate.db", with: "other/floodgate.db")
        let other = try daemon.folder.write(text, to: "other.yaml")
        let recording = daemon.folder.path("other.pcap")
        let second = try ChildProcess(
            RunningDaemon.program,
            ["run", "--config", other, "--record", recording],
            log: daemon.folder.url.appending(path: "other.log")
        )
        #expect(second.wait() != 0)
        let said = try String(contentsOf: second.log, encoding: .utf8)
        #expect(said.contains("control.sock: another daemon answers there"), "\(said)")
        #expect(!said.contains("listening"), "\(said)")
        // The log of a start, at the level debug, is no place for the passwords of the configuration.
        #expect(said.contains("lifecycle") && !said.contains("DaemonConfiguration"))
        for path in [daemon.folder.path("other"), recording] {
            #expect(!FileManager.default.fileExists(atPath: path), "\(path)")
        }
        #expect(try await status(daemon) != nil)
    }

    /// On a disk of 64 KiB of its own.
    @Test func aRecordingOnAFullDiskEndsAndSaysSo() async throws {
        guard geteuid() == 0, let unshare = ChildProcess.find("unshare") else {
            print("skipped: a small disk can only be mounted by root")
            return
        }
        let daemon = try RunningDaemon(detection: ["quiet_period: 1s"])
        defer { daemon.folder.remove() }
        let disk = daemon.folder.url.appending(path: "disk")
        try FileManager.default.createDirectory(at: disk, withIntermediateDirectories: true)
        let recording = disk.appending(path: "telemetry.pcap").path()
        let script = #"mount -t tmpfs -o size=64k none "$1" && shift && exec "$0" "$@""#
        let process = try ChildProcess(
            unshare,
            ["-m", "/bin/sh", "-c", script, RunningDaemon.program, disk.path()]
                + ["run", "--config", daemon.configuration, "--record", recording],
            log: daemon.folder.url.appending(path: "log")
        )
        defer { process.stop() }
        #expect(await eventually { (try? await self.status(daemon)) != nil || !process.isRunning })
        let begun = try String(contentsOf: process.log, encoding: .utf8)
        if ["unshare:", "mount:"].contains(where: { begun.hasPrefix($0) }) {
            print("skipped: \(begun)")
            return
        }
        let flood = try Flood(to: daemon.sFlowPort, packetsPerSecond: 40_000)
        defer { flood.stop() }
        #expect(await eventually { (try? await self.status(daemon)?.recording?.lost ?? 0) ?? 0 > 1 })
        let report = try #require(try await status(daemon))
        let state = try #require(report.recording)
        #expect(state.datagrams > 0 && state.bytes <= 65_536 && state.fault == "No space left on device", "\(state)")
        let text = "the recording \(recording) has ended"
        #expect(report.warnings.contains { $0.hasPrefix("\(text): No space left on device") }, "\(report.warnings)")
        func events() async throws -> [String] {
            guard case .events(let events) = try await daemon.ask(.init(.events)) else { return [] }
            return events.map(\.text).filter { $0.hasPrefix(text) }
        }
        #expect(try await eventually { try await events().count == 1 })
        let log = try String(contentsOf: process.log, encoding: .utf8)
        #expect(log.components(separatedBy: text).count == 2, "once: \(log)")
        #expect(try await events().count == 1)
        // The file is in the daemon's own tree of mounts; all that is in it can be replayed.
        var file = try CaptureFile("/proc/\(report.processIdentifier)/root\(recording)")
        var packets: UInt64 = 0
        while try file.next() != nil { packets += 1 }
        #expect(packets == state.datagrams)
    }

    @Test func processesAreListed() async throws {
        let daemon = try RunningDaemon(
            detection: ["quiet_period: 1s"],
            more: [
                "processes:", "  - {name: talker, run: [/bin/sh, -c, \"echo version; echo nonsense; sleep 1000\"]}",
                "  - {name: gone, respawn: false, run: [/bin/sh, -c, \"exit 3\"]}",
            ]
        )
        defer { daemon.folder.remove() }
        let process = try await daemon.start()
        defer { process.stop() }
        let isThere = await eventually {
            guard let processes = try? await self.status(daemon)?.processes, processes.count == 2 else { return false }
            return processes[0].commands == 2 && processes[0].refused == 1 && processes[0].processIdentifier != nil
                && processes[1].processIdentifier == nil && processes[1].lastEnd != nil
        }
        let last = try await status(daemon)?.processes
        #expect(isThere, "\(String(describing: last))")
    }
}
