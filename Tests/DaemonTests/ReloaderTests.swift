import Control
import DaemonConfiguration
import Foundation
import Logging
import Mitigation
import Speaker
import Store
import Synchronization
import TestSupport
import Testing

@testable import Daemon

/// Reloads that come upon each other, and a start that fails half way.
@Suite(.serialized)
struct ReloaderTests {
    private final class Later: Sendable {
        let reloader = Mutex<Reloader?>(nil)
        let loads = Mutex(0)
    }

    /// What asks during a reload is not dropped: the configuration is read once more.
    @Test func aRequestDuringAReloadIsNotLost() async throws {
        let clock = DaemonClock()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let configuration = DaemonConfiguration()
        let speaker = Speaker(neighbors: [], listen: [], logger: logger, now: { clock.now }, observer: { _ in })
        let thread = LedgerThread()
        let mitigation = MitigationService(
            on: thread,
            ledger: Ledger(policy: configuration.mitigationPolicy),
            store: try Store(path: ":memory:"),
            speaker: speaker,
            attacks: [],
            logger: logger,
            observer: { _ in }
        )
        let later = Later()
        let reloader = Reloader(
            configuration: configuration,
            load: {
                let count = later.loads.withLock { loads in
                    loads += 1
                    return loads
                }
                if count == 1 {
                    let reloader = later.reloader.withLock { $0 }
                    Task { await reloader?.request() }
                    // The actor is ours until this returns: the request waits for it.
                    usleep(100_000)
                }
                return configuration
            },
            speaker: speaker,
            mitigation: mitigation,
            clock: clock,
            logger: logger
        )
        later.reloader.withLock { $0 = reloader }
        _ = try await reloader.reload()
        #expect(await eventually { later.loads.withLock { $0 } == 2 })
        // Nothing is left over from it.
        _ = try await reloader.reload()
        #expect(later.loads.withLock { $0 } == 3)
        await thread.stop()
    }

    /// With the control socket open already and the BGP port taken the daemon says so, and takes its socket away.
    @Test func aPortThatIsTakenEndsTheStartInGoodOrder() async throws {
        let bgp = [
            "router_id: 192.0.2.10", "local_as: 65001", "listen: \"127.0.0.1:\(FreePort.tcp())\"",
            "neighbors: [{address: 127.0.0.1, remote_as: 65001, passive: true, families: [ipv4-flowspec]}]",
        ]
        let first = try RunningDaemon(detection: ["quiet_period: 1s"], bgp: bgp)
        defer { first.folder.remove() }
        let running = try await first.start()
        defer { running.stop() }
        #expect(running.isRunning)
        let second = try RunningDaemon(detection: ["quiet_period: 1s"], bgp: bgp)
        defer { second.folder.remove() }
        let process = try await second.start()
        #expect(process.wait() == 1)
        let log = try String(contentsOf: process.log, encoding: .utf8)
        #expect(log.contains("cannot accept BGP connections"), "\(log)")
        #expect(!FileManager.default.fileExists(atPath: second.folder.path("control.sock")))
    }

    /// SIGHUP has the log file opened anew: what rotation moved away gets no more lines.
    @Test func theLogFileIsOpenedAnew() async throws {
        let daemon = try RunningDaemon(detection: ["quiet_period: 1s"])
        defer { daemon.folder.remove() }
        let path = daemon.folder.path("floodgate.log")
        let text = try String(contentsOfFile: daemon.configuration, encoding: .utf8)
        _ = try daemon.folder.write(
            text.replacing("log: {level: debug}", with: "log: {level: info, file: \(path)}"),
            to: "floodgate.yaml"
        )
        let process = try await daemon.start()
        defer { process.stop() }
        try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
        process.signal(SIGHUP)
        let isThere = await eventually {
            ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").contains("reloaded: ")
        }
        #expect(isThere)
    }
}
