import CFloodgate
import NetworkTypes
import Synchronization

/// Tells the service manager how the daemon fares, as sd_notify(3) has it. Without one, or where it does not listen,
/// nothing happens.
struct ServiceManager: Sendable {
    private let socket: String?
    /// How often the manager wants to hear of us; nil: it does not watch.
    let watchdog: Duration?

    /// - Parameter process: our own number: a watchdog may be meant for another process.
    init(environment: [String: String], process: Int32) {
        socket = environment["NOTIFY_SOCKET"].flatMap { $0.isEmpty ? nil : $0 }
        let isForUs = environment["WATCHDOG_PID"].map { $0 == "\(process)" } ?? true
        let microseconds = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
        watchdog = isForUs && (1000...1_000_000_000_000).contains(microseconds) ? .microseconds(microseconds) : nil
    }

    var isThere: Bool { socket != nil }

    /// We listen, and the rules are restored.
    func tellReady(_ status: String) { tell(["READY=1", "STATUS=\(Self.line(status))"]) }

    func tell(status: String) { tell(["STATUS=\(Self.line(status))"]) }

    func tellAlive() { tell(["WATCHDOG=1"]) }

    /// To be followed by `tellReady`. The time is the monotonic clock's, so that the manager can tell one reload from
    /// another.
    func tellReloading(atMonotonic nanoseconds: Int64) {
        tell(["RELOADING=1", "MONOTONIC_USEC=\(nanoseconds / 1000)"])
    }

    func tellStopping() { tell(["STOPPING=1"]) }

    private func tell(_ assignments: [String]) {
        guard let socket else { return }
        let message = Array(assignments.joined(separator: "\n").utf8)
        // A manager that does not listen is no reason to stop protecting a network.
        _ = unsafe message.withUnsafeBytes { unsafe floodgate_notify(socket, $0.baseAddress, $0.count) }
    }

    /// An assignment ends with its line.
    private static func line(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 })
    }
}

/// Whether the parts that detection and mitigation hang on still go round, judged each time the manager is to be told.
struct Liveness: Sendable {
    private var ticks: UInt64
    private var stoodStill = 0
    /// How many looks in a row the engine may show no new tick: more than one only where a tick is longer than the time
    /// between two looks.
    private let patience: Int

    init(ticks: UInt64 = 0, tick: Duration, between looks: Duration) {
        self.ticks = ticks
        let wanted = tick.nanoseconds / max(looks.nanoseconds, 1)
        patience = Int(clamping: wanted)
    }

    /// - Parameters:
    ///   - ticks: how many the engine has done.
    ///   - mitigationAnswered: whether the mitigation actor has answered what it was asked at the look before.
    mutating func isAlive(ticks now: UInt64, mitigationAnswered: Bool) -> Bool {
        stoodStill = now == ticks ? stoodStill + 1 : 0
        ticks = now
        return stoodStill <= patience && mitigationAnswered
    }
}

/// Tells the manager every half of its interval that all is well, as long as it is, and what goes on.
struct Watchdog: Sendable {
    let manager: ServiceManager
    let tick: Duration
    /// How many ticks the engine has done.
    let ticks: @Sendable () -> UInt64
    /// Comes back once the mitigation actor has had its turn, with what goes on in words.
    let ask: @Sendable () async -> String

    private static let statusInterval = Duration.seconds(5)

    /// Runs until the task is cancelled.
    func run() async {
        let interval = manager.watchdog.map { $0 / 2 } ?? Self.statusInterval
        var liveness = Liveness(tick: tick, between: interval)
        let answer = Answer()
        answer.expect()
        // Not awaited in the loop: who hangs must not keep us from seeing it.
        var asking = Task { [ask] in answer.set(await ask()) }
        var told: String?
        while (try? await Task.sleep(for: interval)) != nil {
            let status = answer.take()
            guard manager.isThere else { continue }
            if manager.watchdog != nil, liveness.isAlive(ticks: ticks(), mitigationAnswered: status != nil) {
                manager.tellAlive()
            }
            guard let status else { continue }
            if status != told { manager.tell(status: status) }
            told = status
            answer.expect()
            asking = Task { [ask] in answer.set(await ask()) }
        }
        asking.cancel()
    }

    private final class Answer: Sendable {
        private let text = Mutex<String?>(nil)
        func expect() { text.withLock { $0 = nil } }
        func set(_ value: String) { text.withLock { $0 = value } }
        func take() -> String? { text.withLock { $0 } }
    }
}
