import Control
import Foundation
import NetworkTypes
import Synchronization
import TestSupport
import Testing

@testable import Daemon

/// What the service manager is told, and when it is not.
@Suite(.serialized)
struct ServiceManagerTests {
    /// A manager that writes down what it hears.
    private final class Listener: Sendable {
        private let process: ChildProcess
        private let log: URL

        init?(_ folder: ScratchFolder, name: String) async throws {
            guard let python = ChildProcess.find("python3") else { return nil }
            let script = try folder.write(
                """
                import socket, sys
                name = sys.argv[1]
                s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                s.bind("\\0" + name[1:] if name[0] == "@" else name)
                print("bound", flush=True)
                while True: print(s.recv(4096).decode().replace("\\n", "|"), flush=True)
                """,
                to: "listener-\(UUID().uuidString.prefix(4)).py"
            )
            log = folder.url.appending(path: "heard-\(UUID().uuidString.prefix(4))")
            process = try ChildProcess(python, [script, name], log: log)
            guard await eventually({ self.heard.contains("bound") }) else { return nil }
        }

        var heard: [String] {
            ((try? String(contentsOf: log, encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
        }

        func hears(_ beginning: String) async -> Bool {
            await eventually(within: 15) { self.heard.contains { $0.hasPrefix(beginning) } }
        }

        func stop() { process.kill() }
    }

    @Test func theDaemonTellsItsLife() async throws {
        let daemon = try RunningDaemon(detection: ["quiet_period: 1s"])
        defer { daemon.folder.remove() }
        let path = daemon.folder.path("notify")
        guard let listener = try await Listener(daemon.folder, name: path) else {
            print("skipped: no python3 here")
            return
        }
        defer { listener.stop() }
        let process = try ChildProcess(
            RunningDaemon.program,
            ["run", "--config", daemon.configuration],
            environment: ["NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"],
            log: daemon.folder.url.appending(path: "log")
        )
        defer { process.kill() }
        #expect(await listener.hears("READY=1|STATUS=observe: 0 of 0 neighbors established, 0 attacks, 0 rules"))
        #expect(await listener.hears("WATCHDOG=1"))
        process.signal(SIGHUP)
        #expect(await listener.hears("RELOADING=1|MONOTONIC_USEC="))
        #expect(await eventually { listener.heard.count { $0.hasPrefix("READY=1") } == 2 })
        process.signal(SIGTERM)
        #expect(await listener.hears("STOPPING=1"))
        #expect(process.wait() == 0)
    }

    @Test func anAbstractNameServesAndNobodyThereIsNoHarm() async throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let name = "@floodgate-test-\(UUID().uuidString)"
        guard let listener = try await Listener(folder, name: name) else {
            print("skipped: no python3 here")
            return
        }
        defer { listener.stop() }
        let manager = ServiceManager(environment: ["NOTIFY_SOCKET": name], process: 7)
        manager.tellReady("two\nlines")
        #expect(await listener.hears("READY=1|STATUS=two lines"))
        for socket in ["", "/nowhere/at/all", "relative", "@", String(repeating: "/x", count: 200)] {
            ServiceManager(environment: ["NOTIFY_SOCKET": socket], process: 7).tellReady("unheard")
        }
    }

    @Test func aWatchdogIsOursOnlyIfItSaysSo() {
        func watchdog(_ environment: [String: String]) -> Duration? {
            ServiceManager(environment: environment, process: 7).watchdog
        }
        #expect(watchdog(["WATCHDOG_USEC": "30000000"]) == .seconds(30))
        #expect(watchdog(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"]) == .seconds(30))
        #expect(watchdog(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"]) == nil)
        #expect(watchdog(["WATCHDOG_USEC": "x"]) == nil && watchdog([:]) == nil)
        #expect(watchdog(["WATCHDOG_USEC": "0"]) == nil && watchdog(["WATCHDOG_USEC": "-5"]) == nil)
    }

    /// A hung engine or a ledger that does not answer is not alive; a tick longer than the time between two looks is.
    @Test func whatHangsIsNotAlive() {
        func alive(_ looks: [(ticks: UInt64, answered: Bool)], tick: Duration, between: Duration) -> [Bool] {
            var liveness = Liveness(tick: tick, between: between)
            return looks.map { liveness.isAlive(ticks: $0.ticks, mitigationAnswered: $0.answered) }
        }
        let usual = alive(
            [(100, true), (250, true), (250, true), (251, true), (400, false)],
            tick: .milliseconds(100),
            between: .seconds(15)
        )
        #expect(usual == [true, true, false, true, false], "the engine stood still; the ledger hangs")
        let slow = alive(
            [(1, true), (1, true), (1, true), (2, true), (2, true), (2, true), (2, true)],
            tick: .seconds(1),
            between: .milliseconds(400)
        )
        #expect(slow == [true, true, true, true, true, true, false])
    }

    /// The watchdog is not told while the actor that it asks does not come back.
    @Test func anActorThatDoesNotAnswerSilencesTheWatchdog() async throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        guard let listener = try await Listener(folder, name: folder.path("notify")) else {
            print("skipped: no python3 here")
            return
        }
        defer { listener.stop() }
        let environment = ["NOTIFY_SOCKET": folder.path("notify"), "WATCHDOG_USEC": "100000"]
        let ticks = Counter()
        let (hanging, release) = AsyncStream.makeStream(of: Void.self)
        let watchdog = Watchdog(
            manager: ServiceManager(environment: environment, process: 7),
            tick: .milliseconds(10),
            ticks: { ticks.next() },
            ask: {
                for await _ in hanging {}
                return "released"
            }
        )
        let running = Task { await watchdog.run() }
        try await Task.sleep(for: .milliseconds(500))
        #expect(listener.heard == ["bound"])
        release.finish()
        #expect(await listener.hears("WATCHDOG=1"))
        #expect(await listener.hears("STATUS=released"))
        running.cancel()
    }
}

private final class Counter: Sendable {
    private let count = Mutex<UInt64>(0)
    func next() -> UInt64 {
        count.withLock { count in
            count += 1
            return count
        }
    }
}
