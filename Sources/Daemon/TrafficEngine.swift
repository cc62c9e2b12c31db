import Capture
import Detection
import NetworkTypes
import Synchronization
import Traffic

/// What the engine tells of a tick.
struct EngineTick: Sendable {
    var time: Timestamp
    var events: [AttackEvent]
    /// Whether any exporter told of anything.
    var isHeard = true
    /// What the hosts under attack send, or get where the attack is theirs.
    var opposite: [Attack.ID: TrafficRates] = [:]
}

/// How traffic looks, for the status.
struct TrafficSummary: Sendable {
    var incoming = TrafficRates()
    var outgoing = TrafficRates()
    var other = TrafficRates()
    var trackedHosts = 0
    var memoryBytes = 0
    var records: UInt64 = 0
    var evictedHosts: UInt64 = 0
    var unfollowedAttacks: UInt64 = 0
    var lateTicks: UInt64 = 0
    var baselines = BaselineCounts()
}

/// Merges what the workers counted and judges it, tick by tick, on a thread of its own.
final class TrafficEngine: Sendable {
    let summary = Mutex(TrafficSummary())
    /// How many have been judged and handed on.
    let ticks = Atomic<UInt64>(0)
    let board: TrafficBoard
    let learning: LearningBoard
    /// For those whom figures are sent to; nil before the first, and where there are none.
    let overview = Mutex<TrafficOverview?>(nil)

    private let exchanges: [DeltaExchange]
    /// How often there is an overview, and of how many hosts; nil: never.
    private let survey: (period: Duration, hosts: Int)?
    private let clock: DaemonClock
    private let isStopped: @Sendable () -> Bool
    private let onTick: @Sendable (EngineTick) -> Void
    private let onLearnt: @Sendable (LearntTraffic) -> Void

    /// How long after a tick's end to wait for a worker that has not handed it over. Workers look up every ten
    /// milliseconds; one that is later than this is busy, and its records count in the next tick.
    private static let patience: Int64 = 50_000_000

    init(
        exchanges: [DeltaExchange],
        board: TrafficBoard,
        learning: LearningBoard,
        survey: (period: Duration, hosts: Int)? = nil,
        clock: DaemonClock,
        isStopped: @escaping @Sendable () -> Bool,
        onTick: @escaping @Sendable (EngineTick) -> Void,
        onLearnt: @escaping @Sendable (LearntTraffic) -> Void
    ) {
        self.exchanges = exchanges
        self.board = board
        self.learning = learning
        self.survey = survey
        self.clock = clock
        self.isStopped = isStopped
        self.onTick = onTick
        self.onLearnt = onLearnt
    }

    /// Runs until stopped.
    func run(merger: TrafficMerger, detector: Detector) {
        var merger = merger
        var detector = detector
        var nextSummary: Int64 = 0
        var minute = merger.tickEnd.nanoseconds / 60_000_000_000
        defer {
            let peaks = detector.takePeakHours() + detector.openPeakHours
            onLearnt(LearntTraffic(baselines: detector.learntBaselines(), peaks: peaks))
        }
        var records = merger.records
        var looks = TrafficSurvey()
        var overviews = survey.map { OverviewSurvey(period: $0.period, hosts: $0.hosts) }
        while !isStopped() {
            let tick = merger.tick
            let end = merger.tickEnd
            guard wait(for: tick, endingAt: end) else { return }
            // In the order of the workers, so that the result does not depend on who was first.
            for exchange in exchanges {
                var table: DeltaTable?
                exchange.take(upTo: tick, into: &table)
                guard table != nil else { continue }
                if let filled = table.take() {
                    merger.merge(filled)
                    table = consume filled
                }
                exchange.giveBack(&table)
            }
            let events = detector.judge(&merger)
            let isDue = end.nanoseconds >= nextSummary
            if !events.isEmpty || isDue { summarize(merger, detector) }
            if isDue {
                nextSummary = end.nanoseconds + 500_000_000
                let counts = detector.baselineCounts
                summary.withLock { $0.baselines = counts }
            }
            onTick(
                EngineTick(
                    time: end,
                    events: events,
                    isHeard: merger.records != records,
                    opposite: Self.opposite(events, merger)
                )
            )
            records = merger.records
            ticks.add(1, ordering: .relaxed)
            // After what is urgent; a part of the hosts each tick.
            looks.advance(through: merger, for: board)
            if end.nanoseconds / 60_000_000_000 > minute {
                minute = end.nanoseconds / 60_000_000_000
                tellLearnt(&detector, minute: minute)
            }
            learning.answer(detector, at: end)
            if let found = overviews?.advance(through: merger) { overview.withLock { $0 = found } }
            merger.advance(to: nextTick(after: tick, merger.configuration))
        }
    }

    /// A part of what was learnt, and with the first part the hour under way.
    private func tellLearnt(_ detector: inout Detector, minute: Int64) {
        let part = Int(minute % Int64(BaselineMemory.parts))
        var peaks = detector.takePeakHours()
        if part == 0 { peaks += detector.openPeakHours }
        let baselines = detector.learntBaselines(part: part, of: BaselineMemory.parts)
        onLearnt(LearntTraffic(baselines: baselines, peaks: peaks))
    }

    private static func opposite(_ events: [AttackEvent], _ merger: TrafficMerger) -> [Attack.ID: TrafficRates] {
        var opposite: [Attack.ID: TrafficRates] = [:]
        for event in events {
            guard case .host(let address) = event.attack.target else { continue }
            let key = TrafficKey(host: address, isIncoming: event.attack.direction == .outgoing)
            guard let position = merger.position(of: key) else { continue }
            opposite[event.attack.id] = merger.state(at: position).counters.rates(over: merger.configuration.window)
        }
        return opposite
    }

    /// Waits for the end of the tick and for the workers. False when the engine was stopped meanwhile.
    private func wait(for tick: Int64, endingAt end: Timestamp) -> Bool {
        while true {
            if isStopped() { return false }
            let now = clock.now
            let late = now.nanoseconds - end.nanoseconds
            if late >= 0 {
                if exchanges.allSatisfy({ $0.completedBefore.load(ordering: .acquiring) > tick }) { return true }
                if late > Self.patience {
                    summary.withLock { $0.lateTicks &+= 1 }
                    return true
                }
            }
            PlatformThread.sleep(nanoseconds: late < -2_000_000 ? min(-late - 1_000_000, 50_000_000) : 500_000)
        }
    }

    /// The next tick; or, after the machine stood still, the one that is now.
    private func nextTick(after tick: Int64, _ configuration: TrafficConfiguration) -> Int64 {
        let now = configuration.tickIndex(of: clock.now)
        return now - tick > 100 ? now : tick + 1
    }

    private func summarize(_ merger: TrafficMerger, _ detector: Detector) {
        let fresh = (merger.totalRates(.incoming), merger.totalRates(.outgoing), merger.otherRates)
        summary.withLock { summary in
            (summary.incoming, summary.outgoing, summary.other) = fresh
            summary.trackedHosts = merger.trackedHosts
            summary.memoryBytes = merger.memoryBytes
            summary.records = merger.records
            summary.evictedHosts = merger.evictedHosts
            summary.unfollowedAttacks = detector.unfollowedAttacks
        }
    }
}
