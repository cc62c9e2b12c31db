public import NetworkTypes
public import Traffic

/// Sees attacks begin, last and end in the counters. For each tick, after the deltas were merged: `judge`.
public struct Detector: Sendable {
    /// The number of the next attack.
    public var nextID: Attack.ID
    /// Attacks that were not followed because too many were already.
    public private(set) var unfollowedAttacks: UInt64 = 0

    private let configuration: DetectionConfiguration
    private let measures: [TrafficMeasure]
    private let limits: LimitTable
    private var active: [TrafficKey: ActiveAttack] = [:]

    private struct ActiveAttack {
        var attack: Attack
        var limits: [RateJudge.Limit]
        var lastUpdate: Timestamp
        /// The longest flow that told of the attack: silence between two reports of it is not quiet.
        var longestFlow: Duration = .zero
    }

    /// How often the progress of an attack is told.
    private static let updateInterval = Duration.seconds(1)

    public init(configuration: DetectionConfiguration, nextID: Attack.ID = Attack.ID(rawValue: 1)) {
        self.configuration = configuration
        self.nextID = nextID
        measures = configuration.measures
        limits = LimitTable(configuration, measures: measures)
    }

    /// Attacks under way in the order of their numbers.
    public var activeAttacks: [Attack] { active.values.map(\.attack).sorted { $0.id < $1.id } }

    /// Takes up attacks of before a restart: they end when their traffic has been quiet from now on.
    ///
    /// - Returns: the end of those that nobody can follow any more, as their group is gone from the configuration.
    public mutating func resume(_ attacks: [Attack], at time: Timestamp) -> [AttackEvent] {
        var events: [AttackEvent] = []
        for var attack in attacks {
            nextID = max(nextID, Attack.ID(rawValue: attack.id.rawValue &+ 1))
            guard let key = key(of: attack), active[key] == nil, active.count < configuration.maximumActiveAttacks
            else {
                attack.ended = time
                events.append(.ended(attack))
                continue
            }
            attack.lastActive = time
            attack.ended = nil
            let group = attack.crossing.group.flatMap { name in configuration.groups.firstIndex { $0.name == name } }
            active[key] = ActiveAttack(
                attack: attack,
                limits: limits.limits(for: key, group: group ?? -1),
                lastUpdate: time
            )
        }
        return events
    }

    // MARK: Judging

    /// Judges what may be above a limit within the tick, and the attacks under way.
    ///
    /// - Returns: what happened, in an order that depends on nothing but the traffic.
    public mutating func judge(_ merger: inout TrafficMerger) -> [AttackEvent] {
        let time = merger.tickEnd
        var events: [AttackEvent] = []
        for key in active.keys.sorted(by: Self.precedes) {
            guard let event = follow(key, merger, at: time) else { continue }
            if case .ended = event { merger.forgetHistory(of: key) }
            events.append(event)
        }
        var begun: [(key: TrafficKey, position: Int, crossing: ThresholdCrossing)] = []
        for position in merger.suspects {
            let state = merger.state(at: position)
            guard active[state.key] == nil else { continue }
            let limits = self.limits.limits(for: state.key, group: Int(state.group))
            guard !limits.isEmpty,
                let crossing = RateJudge.crossing(at: position, limits: limits, merger: merger)
            else { continue }
            begun.append((state.key, position, crossing))
        }
        begun.sort { Self.precedes($0.key, $1.key) }
        for (key, position, crossing) in begun where active[key] == nil {
            if let event = begin(key, at: position, crossing, merger) { events.append(event) }
        }
        return events
    }

    private mutating func begin(
        _ key: TrafficKey,
        at position: Int,
        _ crossing: ThresholdCrossing,
        _ merger: TrafficMerger
    ) -> AttackEvent? {
        guard let target = target(of: key) else { return nil }
        guard active.count < configuration.maximumActiveAttacks else {
            unfollowedAttacks &+= 1
            return nil
        }
        let state = merger.state(at: position)
        let samples = merger.samples(of: key, limit: Attack.maximumSamples)
        let (kind, share) = AttackClassifier.classify(crossing, counters: state.counters, samples: samples)
        let attack = Attack(
            id: nextID,
            target: target,
            direction: key.direction,
            began: merger.tickEnd,
            kind: kind,
            kindShare: share,
            crossing: crossing,
            rates: RateJudge.rates(at: position, measures: measures, merger: merger),
            samples: samples
        )
        nextID.rawValue &+= 1
        active[key] = ActiveAttack(
            attack: attack,
            limits: limits.limits(for: key, group: Int(state.group)),
            lastUpdate: merger.tickEnd,
            longestFlow: .seconds(Int64(state.longestFlow))
        )
        return .began(attack)
    }

    private mutating func follow(
        _ key: TrafficKey,
        _ merger: TrafficMerger,
        at time: Timestamp
    ) -> AttackEvent? {
        guard var current = active[key] else { return nil }
        var kindChanged = false
        if let position = merger.position(of: key) {
            let state = merger.state(at: position)
            let seen = RateJudge.lastActive(
                at: position,
                limits: current.limits,
                share: configuration.endsBelow,
                merger: merger
            )
            if let seen { current.attack.lastActive = max(current.attack.lastActive, seen) }
            current.longestFlow = max(current.longestFlow, .seconds(Int64(state.longestFlow)))
            current.attack.rates = RateJudge.rates(at: position, measures: measures, merger: merger)
            current.attack.peak = current.attack.peak.maximum(current.attack.rates)
            // Named anew only from traffic of now that is itself above a limit: what is left of an attack says nothing.
            let isPresent = seen == time || merger.hasLateFlows(at: position)
            if isPresent, let crossing = RateJudge.crossing(at: position, limits: current.limits, merger: merger) {
                let samples = merger.samples(of: key, limit: Attack.maximumSamples)
                let (kind, share) = AttackClassifier.classify(crossing, counters: state.counters, samples: samples)
                kindChanged = kind != current.attack.kind
                current.attack.kind = kind
                current.attack.kindShare = share
                if !samples.isEmpty { current.attack.samples = samples }
            }
        } else {
            current.attack.rates = TrafficRates()
        }
        // A flow of a minute is told of once a minute: until then its silence is not quiet.
        let patience = configuration.quietPeriod + min(current.longestFlow, TrafficMerger.longestMemory)
        if time - current.attack.lastActive >= patience {
            active[key] = nil
            current.attack.ended = time
            return .ended(current.attack)
        }
        let isDue = time - current.lastUpdate >= Self.updateInterval
        if isDue || kindChanged { current.lastUpdate = time }
        active[key] = current
        return isDue || kindChanged ? .updated(current.attack) : nil
    }

    // MARK: Keys

    private func target(of key: TrafficKey) -> AttackTarget? {
        switch key.scope {
        case .hostIncoming, .hostOutgoing: .host(key.address)
        case .networkIncoming, .networkOutgoing:
            limits.networks.indices.contains(key.index) ? .network(limits.networks[key.index]) : nil
        case .groupIncoming, .groupOutgoing:
            configuration.groups.indices.contains(key.index)
                ? .group(name: configuration.groups[key.index].name, prefixes: configuration.groups[key.index].prefixes)
                : nil
        case .other: nil
        }
    }

    private func key(of attack: Attack) -> TrafficKey? {
        let isIncoming = attack.direction == .incoming
        switch attack.target {
        case .host(let address): return TrafficKey(host: address, isIncoming: isIncoming)
        case .network(let prefix):
            return limits.networks.firstIndex(of: prefix).map { TrafficKey(network: $0, isIncoming: isIncoming) }
        case .group(let name, _):
            return configuration.groups.firstIndex { $0.name == name && $0.measure == .group }
                .map { TrafficKey(group: $0, isIncoming: isIncoming) }
        }
    }

    private static func precedes(_ left: TrafficKey, _ right: TrafficKey) -> Bool {
        left.scope != right.scope ? left.scope.rawValue < right.scope.rawValue : left.address < right.address
    }
}
