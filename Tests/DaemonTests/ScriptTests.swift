import Compatibility
import Control
import Foundation
import Logging
import NetworkTypes
import Store
import TestSupport
import Testing

@testable import Daemon
@testable import DaemonConfiguration

/// Scripts that are told of attacks, by the real program.
@Suite(.serialized)
struct ScriptTests {
    private static let detection = ["thresholds: {total: {packets: 20k packets/s}}", "quiet_period: 1s"]

    private func scripts(_ settings: String) -> [String] { ["scripts: {\(settings)}"] }

    private func events(_ daemon: RunningDaemon) async throws -> [String] {
        guard case .events(let events) = try await daemon.ask(.init(.events)) else { return [] }
        return events.map(\.text)
    }

    @Test func anAttackIsToldOfFromItsBeginningToItsEnd() async throws {
        let daemon = try RunningDaemon(
            detection: Self.detection,
            mitigation: ["ban_time: 3s"],
            more: scripts("notify: $FOLDER/notify.sh")
        )
        defer { daemon.folder.remove() }
        let script = try RecordingScript(in: daemon.folder)
        let process = try await daemon.start()
        defer { process.stop() }
        let flood = try Flood(to: daemon.sFlowPort, packetsPerSecond: 200_000)
        let isTold = await eventually { script.actions().count == 2 }
        #expect(isTold, "\(script.actions())")
        flood.stop()
        let isOver = await eventually { script.actions().count == 3 }
        #expect(isOver)
        let calls = try script.calls()
        #expect(calls.compactMap(\.arguments.last) == ["ban", "attack_details", "unban"])
        try #require(calls.count == 3)
        for call in calls {
            #expect(call.arguments.count == 4 && call.arguments.prefix(2) == ["198.51.100.10", "incoming"])
            #expect(call.arguments[2] == calls[0].arguments[2], "the power that it was banned for")
            #expect(call.variables["ATTACK_TARGET_IP"] == "198.51.100.10")
            #expect(call.variables["ATTACK_TYPE"] == "udp_flood")
        }
        #expect(try #require(Int(calls[0].arguments[2])) > 20_000)
        #expect(try #require(calls[0].variables["ATTACK_POWER"].flatMap { Int($0) }) > 100, "Mbit/s")
        #expect(calls[0].input.contains("Incoming\n\nUDP flows: "))
        #expect(calls[1].input.contains(" protocol: udp frag: 0  packets: 1 size: "))
        #expect(calls[2].input.isEmpty)
        let told = try await eventually { try await events(daemon).count { $0.contains("unban: exit status 0") } == 1 }
        #expect(told)
        let log = try String(contentsOf: process.log, encoding: .utf8)
        #expect(log.contains("told of 198.51.100.10"), "what it says is in the log")
        guard case .status(let status) = try await daemon.ask(.init(.status)) else { return }
        #expect(status.scripts.map(\.made) == [3] && status.scripts.map(\.failed) == [0])
    }

    /// A real FastNetMon with the same flood and the same script: line for line the same but for the figures.
    @Test(.enabled(if: ChildProcess.find("fastnetmon") != nil, "no fastnetmon here"))
    func theTextsHaveTheShapeOfFastNetMons() async throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let theirs = try RecordingScript(in: folder)
        let port = FreePort.udp()
        let fastnetmon = try FastNetMonProcess(in: folder, sFlowPort: port, notify: theirs.path, details: 20)
        defer { fastnetmon.process.kill() }
        #expect(try await eventually { try fastnetmon.isListening() })
        let first = try Flood(to: port, packetsPerSecond: 200_000)
        #expect(await eventually(within: 30) { theirs.actions().count >= 2 }, "\(fastnetmon.log)")
        first.stop()
        #expect(await eventually(within: 30) { theirs.actions().contains("unban") })

        let daemon = try RunningDaemon(
            detection: Self.detection,
            mitigation: ["ban_time: 3s"],
            more: scripts("notify: $FOLDER/notify.sh")
        )
        defer { daemon.folder.remove() }
        let ours = try RecordingScript(in: daemon.folder)
        let process = try await daemon.start()
        defer { process.stop() }
        let second = try Flood(to: daemon.sFlowPort, packetsPerSecond: 200_000)
        #expect(await eventually { ours.actions().count >= 2 })
        second.stop()
        #expect(await eventually { ours.actions().contains("unban") })
        for action in ["ban", "attack_details", "unban"] {
            let (left, right) = (
                try theirs.calls().first { $0.arguments.last == action },
                try ours.calls().first { $0.arguments.last == action }
            )
            let (their, our) = (try #require(left), try #require(right))
            #expect(shape(their.arguments.joined(separator: "\n")) == shape(our.arguments.joined(separator: "\n")))
            #expect(shape(their.input) == shape(our.input), "\(action)\n\(their.input)\n\(our.input)")
        }
    }

    /// Figures are `N`, and of lines that are then the same there is one.
    private func shape(_ text: String) -> [String] {
        var lines: [String] = []
        for line in text.components(separatedBy: "\n") {
            // Whether there is more to tell than room depends on the moment.
            if line.hasPrefix("Flows have cropped") { continue }
            let shape = line.replacing(/[0-9]+/, with: "N")
            if lines.last != shape || shape.isEmpty { lines.append(shape) }
        }
        return lines
    }

    @Test func scriptsRunWithinTheirBounds() async throws {
        let daemon = try RunningDaemon(
            detection: Self.detection,
            more: scripts("notify: $FOLDER/slow.sh, timeout: 700ms, at_once: 2")
        )
        defer { daemon.folder.remove() }
        let folder = daemon.folder.url.path()
        // Its child holds the standard streams, and would live on.
        let script = """
            #!/bin/bash
            ls \(folder)/running.* 2> /dev/null | wc -l >> \(folder)/seen
            touch \(folder)/running.$1
            trap '' TERM
            sleep 60

            """
        _ = try RecordingScript.write(script, to: "slow.sh", in: daemon.folder)
        let process = try await daemon.start()
        defer { process.stop() }
        for host in 1...4 { _ = try await daemon.ask(.init(.ban, target: "198.51.100.\(host)")) }
        let ended = try await eventually(within: 30) {
            try await events(daemon).count { $0.contains("it took longer than 0.7 s, signal") } == 4
        }
        let told = try await events(daemon)
        #expect(ended, "\(told)")
        #expect(try String(contentsOfFile: folder + "/seen", encoding: .utf8).split(separator: "\n").count == 4)
        let living = try ChildProcess.output("/bin/ps", ["-eo", "args"]).contains("\(folder)/slow.sh")
        #expect(!living)
        // Whatever they do, the daemon answers.
        guard case .status(let status) = try await daemon.ask(.init(.status)) else { return }
        #expect(status.scripts.map(\.failed) == [4])
    }

    /// A script whose calls wait for a file `go`, all or those that `waits` says, and are written down as they begin and end.
    private static func waiting(_ folder: ScratchFolder, waits: String = "true") throws {
        let path = folder.url.path()
        let script = """
            #!/bin/bash
            echo "begin $4 $1" >> \(path)/log
            if \(waits); then while [ ! -e \(path)/go ]; do sleep 0.02; done; fi
            echo "end $4 $1" >> \(path)/log

            """
        _ = try RecordingScript.write(script, to: "waiting.sh", in: folder)
    }

    private static func log(_ folder: ScratchFolder) -> [String] {
        let text = (try? String(contentsOfFile: folder.path("log"), encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    @Test func noMoreRunAtOnceThanMay() async throws {
        let daemon = try RunningDaemon(
            detection: Self.detection,
            more: scripts("notify: $FOLDER/waiting.sh, at_once: 3, timeout: 60s")
        )
        defer { daemon.folder.remove() }
        try Self.waiting(daemon.folder)
        let process = try await daemon.start()
        defer { process.stop() }
        for host in 1...9 { _ = try await daemon.ask(.init(.ban, target: "198.51.100.\(host)")) }
        let full = await eventually { Self.log(daemon.folder).count == 3 }
        guard case .status(let status) = try await daemon.ask(.init(.status)) else { return }
        #expect(full && status.scripts.map(\.running) == [3], "\(Self.log(daemon.folder))")
        #expect(status.scripts.map(\.waiting) == [6])
        _ = try daemon.folder.write("", to: "go")
        #expect(await eventually { Self.log(daemon.folder).count { $0.hasPrefix("end") } == 9 })
        var running = 0
        for line in Self.log(daemon.folder) {
            running += line.hasPrefix("begin") ? 1 : -1
            #expect(running <= 3)
        }
    }

    /// A host is let go only after the script that banned it has ended; others do not wait for that.
    @Test func aHostIsToldOfInOrder() async throws {
        let daemon = try RunningDaemon(
            detection: Self.detection,
            more: scripts("notify: $FOLDER/waiting.sh, at_once: 2, timeout: 60s")
        )
        defer { daemon.folder.remove() }
        try Self.waiting(daemon.folder, waits: "[ \"$4 $1\" = \"ban 198.51.100.1\" ]")
        let process = try await daemon.start()
        defer { process.stop() }
        for host in ["198.51.100.1", "198.51.100.2"] {
            _ = try await daemon.ask(.init(.ban, target: host))
            _ = try await daemon.ask(.init(.unban, target: host))
        }
        #expect(await eventually { Self.log(daemon.folder).contains("end unban 198.51.100.2") })
        #expect(!Self.log(daemon.folder).contains("begin unban 198.51.100.1"), "its ban is still told")
        _ = try daemon.folder.write("", to: "go")
        #expect(await eventually { Self.log(daemon.folder).contains("end unban 198.51.100.1") })
        for host in ["198.51.100.1", "198.51.100.2"] {
            let lines = Self.log(daemon.folder).filter { $0.hasSuffix(host) }
            #expect(lines == ["begin ban", "end ban", "begin unban", "end unban"].map { "\($0) \(host)" })
        }
    }

    @Test func ofTooManyCallsTheOldestAreNotMade() async throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        var settings = DaemonConfiguration.Scripts()
        settings.notify = "/bin/true"
        let runner = ScriptRunner(
            settings,
            isMuted: false,
            store: try Store(path: folder.path("store")),
            clock: DaemonClock(),
            logger: Logger(label: "test")
        )
        var bans = BanList()
        let now = DaemonClock().now
        for number in 0..<(ScriptRunner.queue + 7) {
            let host = IPPrefix(host: IPAddress(v4: 0xC633_0000 + UInt32(number)))
            runner.take(bans.ban(host, until: now, at: now))
        }
        #expect(runner.report.dropped == 7 && runner.report.waiting == ScriptRunner.queue)
    }

    @Test func watchingRunsNoneUnlessAsked() async throws {
        for (settings, isCalled) in [("", false), (", when_observing: true", true)] {
            let daemon = try RunningDaemon(
                detection: Self.detection,
                mitigation: ["mode: observe"],
                more: scripts("notify: $FOLDER/notify.sh\(settings)")
            )
            defer { daemon.folder.remove() }
            let script = try RecordingScript(in: daemon.folder)
            let process = try await daemon.start()
            defer { process.stop() }
            _ = try await daemon.ask(.init(.ban, target: "198.51.100.1"))
            _ = try await daemon.ask(.init(.unban, target: "198.51.100.1"))
            if isCalled {
                #expect(await eventually { script.actions() == ["ban", "unban"] })
            } else {
                try await Task.sleep(for: .milliseconds(500))
                #expect(script.actions().isEmpty)
            }
        }
    }

    @Test func whatCannotBeRunIsSaidBefore() throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let plain = try folder.write("#!/bin/sh\n", to: "plain.sh")
        let yaml = """
            networks: [198.51.100.0/24]
            scripts: [{notify: /nowhere/x}, {notify: \(plain), unban: /bin/true}]

            """
        let configuration = try DaemonConfiguration.load(yaml: yaml, file: "f.yaml") { _ in "" }
        let warnings = configuration.machineWarnings
        #expect(warnings.count == 2 && warnings[0] == "scripts: /nowhere/x is not there", "\(warnings)")
        #expect(warnings[1].hasSuffix("may not be executed: chmod +x \(plain)"))
    }
}
