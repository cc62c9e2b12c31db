import Detection
import Logging
import NetworkTypes
import Store
import Synchronization

/// What the engine has learnt, to be kept.
struct LearntTraffic: Sendable {
    var baselines: [Detector.LearntBaseline]
    var peaks: [PeakHour]
}

/// Keeps what was learnt to be normal and what was highest: of baselines the engine hands over a part each minute, all of it in ten, and all at the end.
final class BaselineMemory: Sendable {
    private let store: Store
    private let logger: Logger
    private let news = Mutex<[Detector.LearntBaseline]>([])
    private let peaks = Mutex<[PeakHour]>([])

    /// In how many parts all is handed over, a minute between them.
    static let parts = 10
    private static let interval = Duration.seconds(1)
    /// So many at a time, so that nothing that is urgent waits for long behind them.
    private static let rowsAtOnce = 250

    init(store: Store, logger: Logger) {
        self.store = store
        self.logger = logger
    }

    /// What was kept. Damaged rows come without what makes them usable, and are counted where they are restored.
    func load() -> [Detector.LearntBaseline] {
        do {
            return try store.baselines().map { row in
                .init(target: Self.target(row.subject), minutes: row.minutes, levels: row.levels)
            }
        } catch {
            logger.warning("what was learnt to be normal cannot be read", metadata: ["reason": "\(error)"])
            return []
        }
    }

    /// What was highest in the hour under way, before a restart.
    func loadPeaks(at time: Timestamp) -> [PeakHour] {
        do {
            return try store.peakHours(from: PeakHour.hour(of: time))
        } catch {
            logger.warning("what was highest in the past cannot be read", metadata: ["reason": "\(error)"])
            return []
        }
    }

    /// From the engine's thread.
    func note(_ learnt: LearntTraffic) {
        note(learnt.baselines)
        guard !learnt.peaks.isEmpty else { return }
        peaks.withLock { waiting in
            // With a disk that takes nothing: an hour under way comes again, one that is over is lost.
            if waiting.count > 10_000 { waiting.removeAll() }
            waiting += learnt.peaks
        }
    }

    private func note(_ learnt: [Detector.LearntBaseline]) {
        guard !learnt.isEmpty else { return }
        news.withLock { waiting in
            // With a disk that takes nothing: the next round has it again.
            if waiting.count > 100_000 { waiting.removeAll() }
            waiting += learnt
        }
    }

    func run(clock: DaemonClock) async {
        while (try? await Task.sleep(for: Self.interval)) != nil {
            _ = flush(atMost: Self.rowsAtOnce, at: clock.now)
            flushPeaks()
        }
    }

    /// Writes the hours that wait.
    func flushPeaks() {
        let next = peaks.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        do {
            try store.write(next)
        } catch {
            logger.warning("what was highest in an hour is not kept", metadata: ["reason": "\(error)"])
        }
    }

    /// Writes what waits, as many as are asked for. False where nothing was written.
    func flush(atMost limit: Int = .max, at time: Timestamp) -> Bool {
        let next = news.withLock { waiting in
            let next = Array(waiting.prefix(limit))
            waiting.removeFirst(next.count)
            return next
        }
        guard !next.isEmpty else { return false }
        let rows = next.map {
            Store.BaselineRow(subject: Self.subject($0.target), minutes: $0.minutes, levels: $0.levels)
        }
        do {
            try store.write(rows, at: time)
            return true
        } catch {
            logger.warning("what was learnt to be normal is not kept", metadata: ["reason": "\(error)"])
            return false
        }
    }

    static func subject(_ target: AttackTarget) -> String {
        switch target {
        case .host(let address): "host \(address)"
        case .network(let prefix): "network \(prefix)"
        case .group(let name, _): "group \(name)"
        }
    }

    /// Of a subject that is none, a group that is none.
    private static func target(_ subject: String) -> AttackTarget {
        let (kind, name) = (subject.prefix { $0 != " " }, String(subject.drop { $0 != " " }.dropFirst()))
        switch kind {
        case "host": if let address = IPAddress(name) { return .host(address) }
        case "network": if let prefix = IPPrefix(name) { return .network(prefix) }
        case "group": return .group(name: name, prefixes: [])
        default: break
        }
        return .group(name: "", prefixes: [])
    }
}
