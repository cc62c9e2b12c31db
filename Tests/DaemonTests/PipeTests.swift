import Control
import Foundation
import TestSupport
import Testing

/// The pipe itself: who may write, what is refused, what outlives the daemon.
@Suite(.serialized)
struct PipeTests {
    private static let rule = "flow route destination 198.51.100.5/32 protocol =udp discard"

    private static func daemon(_ more: [String], mitigation: [String] = []) throws -> RunningDaemon {
        // Nobody takes rules here, and they are enforced all the same.
        try RunningDaemon(
            detection: ["quiet_period: 1s"],
            mitigation: mitigation,
            more: ["exabgp_writer: {path: $FOLDER/nobody.cmd}"] + more
        )
    }

    private static func events(_ daemon: RunningDaemon) async throws -> [String] {
        guard case .events(let events) = try await daemon.ask(.init(.events)) else { return [] }
        return events.map(\.text)
    }

    @Test func thePipeHasItsModeAndOutlivesTheDaemon() async throws {
        let daemon = try Self.daemon(["exabgp_pipe: {path: $FOLDER/a.cmd, mode: 0622, expires: 2h}"])
        defer { daemon.folder.remove() }
        let process = try await daemon.start()
        let path = daemon.folder.path("a.cmd")
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o622)
        try PipeWriting.write("announce \(Self.rule)\n", to: path)
        #expect(await eventually { (try? await daemon.rules().count) == 1 })
        let rule = try #require(try await daemon.rules().first)
        #expect(rule.requesters == ["pipe \(path)"] && rule.match == "destination 198.51.100.5/32 protocol =udp")
        process.stop()
        #expect(FileManager.default.fileExists(atPath: path))
        // What is a pipe already is taken as it is.
        let again = try await daemon.start()
        defer { again.stop() }
        #expect(try await daemon.rules().map(\.requesters) == [["pipe \(path)"]], "the rule is still its own")
        try PipeWriting.write("withdraw \(Self.rule)\n", to: path)
        #expect(await eventually { (try? await daemon.rules().isEmpty) == true })
    }

    /// A line that nobody ended is carried out before anything of the pipe that takes its place.
    @Test func whatStoodInAPipeThatWasReplacedComesFirst() async throws {
        let daemon = try Self.daemon(["exabgp_pipe: {path: $FOLDER/a.cmd}"])
        defer { daemon.folder.remove() }
        let process = try await daemon.start()
        defer { process.stop() }
        let path = daemon.folder.path("a.cmd")
        let rule = "flow route { match { destination 198.51.100.5/32; protocol udp; } then { discard; } }"
        try PipeWriting.write("announce \(rule)", to: path)
        try FileManager.default.removeItem(atPath: path)
        _ = try ChildProcess.output(try #require(ChildProcess.find("mkfifo")), [path])
        try PipeWriting.write("withdraw \(Self.rule)\n", to: path)
        let isGone = try await eventually {
            try await Self.events(daemon).contains { $0.hasPrefix("withdrew") && $0.contains("198.51.100.5/32") }
        }
        let events = try await Self.events(daemon)
        #expect(isGone, "\(events)")
        #expect(try await daemon.rules().isEmpty)
    }

    @Test func anotherKindOfFileIsRefusedWithTheReason() async throws {
        let daemon = try Self.daemon(["exabgp_pipe: {path: $FOLDER/a.cmd}"])
        defer { daemon.folder.remove() }
        _ = try daemon.folder.write("a file that a shell made\n", to: "a.cmd")
        let process = try await daemon.start()
        #expect(process.wait() == 1)
        let log = try String(contentsOf: process.log, encoding: .utf8)
        #expect(log.contains("a.cmd: it is another kind of file than a named pipe; move it away"), "\(log)")
    }

    @Test func whatIsRefusedStandsAmongTheEvents() async throws {
        let daemon = try Self.daemon(["exabgp_pipe: [{path: $FOLDER/a.cmd}, {path: $FOLDER/b.cmd}]"])
        defer { daemon.folder.remove() }
        let process = try await daemon.start()
        defer { process.stop() }
        let path = daemon.folder.path("a.cmd")
        let commands = [
            "announce flow route destination 203.0.113.5/32 discard",
            "announce flow route { match { } then { discard; } }",
            "announce route 0.0.0.0/0 next-hop 192.0.2.1", "announce flow route destination 198.51.100.5/33 discard",
            "neighbor 192.0.2.77 announce \(Self.rule)", "withdraw route 198.51.100.99/32", "shutdown", "nonsense",
        ]
        try PipeWriting.write(commands.map { "\($0)\n" }.joined(), to: path)
        try PipeWriting.write("announce flow route {\n", to: path)
        try PipeWriting.write("# a comment\nshow neighbor\n\nannounce \(Self.rule)\n", to: path)
        try PipeWriting.write(
            "announce flow route destination 198.51.100.6/32 discard\n",
            to: daemon.folder.path("b.cmd")
        )
        #expect(await eventually { (try? await daemon.rules().count) == 2 })
        let refused = try await Self.events(daemon).filter { $0.hasPrefix("refused a command (pipe \(path))") }
        #expect(refused.count == commands.count + 1, "\(refused)")
        for (command, event) in zip(commands, refused) { #expect(event.hasSuffix(": \(command)"), "\(event)") }
        #expect(refused[0].contains("not inside one of the configured networks"))
        #expect(refused[3].contains("a prefix length from 0 to 32 was expected"))
        #expect(refused[4].contains("no neighbor is neighbor 192.0.2.77"))
        #expect(refused[5].contains("no rule in force is 198.51.100.99/32"))
        guard case .status(let status) = try await daemon.ask(.init(.status)) else { return }
        #expect(status.pipes.map(\.refused) == [UInt64(commands.count + 1), 0], "\(status.pipes)")
        #expect(status.warnings.contains { $0.contains("nobody.cmd") })
    }

    @Test func theSocketTakesTheSameCommandsAndNumbersItsAnswers() async throws {
        let daemon = try Self.daemon([])
        defer { daemon.folder.remove() }
        let process = try await daemon.start()
        defer { process.stop() }
        func ask(_ request: ControlRequest) async throws -> ControlResponse { try await daemon.ask(request) }
        guard case .done(let made) = try await ask(.init(.announce, durationSeconds: 60, text: Self.rule)) else {
            Issue.record("refused")
            return
        }
        #expect(made.hasPrefix("r1 announced: \(Self.rule)"))
        let withVerb = ControlRequest(.announce, text: "announce route 198.51.100.6/32 next-hop self")
        guard case .done = try await ask(withVerb) else { throw Refused() }
        guard case .done(let shown) = try await ask(.init(.command, text: "show adj-rib out")) else { throw Refused() }
        #expect(shown == "\(Self.rule)\nroute 198.51.100.6/32 next-hop self")
        guard case .refused(let why) = try await ask(.init(.announce, text: "route 198.51.100.6/33 next-hop self"))
        else { throw Refused() }
        #expect(why.contains("a prefix length from 0 to 32 was expected"))
        guard case .refused = try await ask(.init(.announce, text: "withdraw \(Self.rule)")) else { throw Refused() }
        #expect(try await ask(.init(.withdraw, text: "r1")) == .done("withdrawn: r1"))
        #expect(try await ask(.init(.withdraw, text: "r1")) == .refused("no rule r1 is in force"))
        #expect(try await ask(.init(.withdraw, text: "route 198.51.100.6/32")) == .done("withdrawn: r2"))

        let python = try #require(ChildProcess.find("python3"))
        let script = """
            import socket
            s = socket.socket(socket.AF_UNIX); s.connect("\(daemon.folder.path("control.sock"))")
            s.sendall(b'{"command":"command","id":"a","text":"version"}\\n{"command":"announce","id":"b","text":"x"}\\n')
            f = s.makefile(); print(f.readline().strip()); print(f.readline().strip())
            """
        let answers = try ChildProcess.output(python, ["-c", script]).split(separator: "\n")
        #expect(answers.count == 2 && answers[0].contains(#""id":"a""#) && answers[0].contains("floodgate "))
        #expect(answers.last?.contains(#""id":"b""#) == true && answers.last?.contains("refused") == true)
    }

    private struct Refused: Error {}

    /// Eight writers at once, the daemon killed twice in between: what `rules` has shown is there afterwards.
    ///
    /// `FLOODGATE_PIPE_COMMANDS` says how many commands; 10,000 unless it does.
    @Test(.enabled(if: ChildProcess.find("python3") != nil, "no python3 here"))
    func whatWasAcknowledgedOutlivesTheDaemon() async throws {
        let total = ProcessInfo.processInfo.environment["FLOODGATE_PIPE_COMMANDS"].flatMap { Int($0) } ?? 10_000
        let daemon = try Self.daemon(
            ["exabgp_pipe: {path: $FOLDER/a.cmd}"],
            mitigation: ["max_rules: 1000000", "max_changes_per_minute: 10000000"]
        )
        defer { daemon.folder.remove() }
        var process = try await daemon.start()
        let path = daemon.folder.path("a.cmd")
        let script = try daemon.folder.write(Self.writer, to: "writer.py")
        let python = try #require(ChildProcess.find("python3"))
        let writers = try (0..<8).map { number in
            try ChildProcess(
                python,
                [script, path, "\(number)", "\(total / 8)"],
                log: daemon.folder.url.appending(path: "writer-\(number)")
            )
        }
        var acknowledged: Set<String> = []
        let patience = 60 + Double(total) / 200
        for _ in 1...2 {
            let part = acknowledged.count + total / 8
            let isReached = await eventually(within: patience) {
                acknowledged.formUnion((try? await daemon.rules().map(\.match)) ?? [])
                // On a slow machine all may be written between two looks.
                let areDone = !acknowledged.isEmpty && !writers.contains(where: \.isRunning)
                return acknowledged.count >= part || areDone
            }
            #expect(isReached, "\(acknowledged.count) of \(part)")
            process.kill()
            process = try await daemon.start()
            let restored = Set(try await daemon.rules().map(\.match))
            #expect(acknowledged.isSubset(of: restored), "\(acknowledged.subtracting(restored).count) were lost")
        }
        for writer in writers { #expect(writer.wait() == 0) }
        // What lay in the pipe when the daemon was killed is gone, as POSIX has it: the rest is there.
        try PipeWriting.write("announce \(Self.rule)\n", to: path)
        #expect(
            await eventually(within: patience) {
                (try? await daemon.rules().contains { $0.match == "destination 198.51.100.5/32 protocol =udp" }) == true
            }
        )
        let final = Set(try await daemon.rules().map(\.match))
        #expect(acknowledged.isSubset(of: final))
        guard case .status(let status) = try await daemon.ask(.init(.status)) else { return }
        print("\(total) commands, 2 kills: \(acknowledged.count) seen before them, \(final.count) in the end")
        #expect(status.pipes[0].refused <= 16, "whole lines only, but where a kill cut them: \(status.pipes)")
        process.stop()
    }

    /// Writes lines, some of them many at once; opens the pipe again when its reader is gone.
    private static let writer = """
        import os, sys, time
        path, number, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
        lines = [("announce flow route destination 198.51.100.%d/32 protocol =udp source-port =%d discard\\n"
                  % (number + 10, 1024 + i)).encode() for i in range(count)]
        fd = os.open(path, os.O_WRONLY)
        i = 0
        while i < count:
            # No more than a pipe takes whole.
            some = lines[i:i + 1 + i % 30]
            try:
                os.write(fd, b"".join(some))
                i += len(some)
            except BrokenPipeError:
                os.close(fd)
                time.sleep(0.05)
                fd = os.open(path, os.O_WRONLY)
        """
}
