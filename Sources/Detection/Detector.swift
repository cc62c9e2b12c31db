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
    /// By direction, then by group plus one; 0 for hosts in no group.
    private let hostLimits: [[[RateJudge.Limit]]]
    /// By direction, then by group.
    private let groupLimits: [[[RateJudge.Limit]]]
    private var active: [TrafficKey: ActiveAttack] = [:]

    private struct ActiveAttack {
        var attack: Attack
        var limits: [RateJudge.Limit]
        var lastUpdate: Timestamp
        /// The longest flow that told of the attack: silence between two reports of it is not quiet.
        var longestFlow: Duration = .zero
        /// Whether what comes is kept apart from the target's usual traffic.
        var isSetApart = false
        /// Up to when samples were added to the profile.
        var lastProfile: Timestamp
    }

    /// How often the progress of an attack is told.
    private static let updateInterval = Duration.seconds(1)
    /// How long before the traffic that crossed a threshold an attack may have begun, as it takes time to rise.
    private static let margin = Duration.seconds(2)

    public init(configuration: DetectionConfiguration, nextID: Attack.ID = Attack.ID(rawValue: 1)) {
        self.configuration = configuration
        self.nextID = nextID
        let measures = configuration.measures
        self.measures = measures
        func limits(_ thresholds: Thresholds, own: Thresholds?, group: String?) -> [RateJudge.Limit] {
            thresholds.all.compactMap { entry in
                guard
                    let measure = measures.firstIndex(where: {
                        $0.trafficClass == entry.trafficClass && $0.unit == entry.unit
                    })
                else { return nil }
                let isOwn = own?[entry.trafficClass, entry.unit] != nil
                return RateJudge.Limit(
                    measure: measure,
                    trafficClass: entry.trafficClass,
                    unit: entry.unit,
                    perSecond: entry.perSecond,
                    group: isOwn ? group : nil
                )
            }
        }
        hostLimits = [TrafficDirection.incoming, .outgoing].map { direction in
            let defaults = configuration.thresholds(direction)
            return [limits(defaults, own: nil, group: nil)]
                + configuration.groups.map { group in
                    guard !group.measuresWhole else { return limits(defaults, own: nil, group: nil) }
                    let own = group.thresholds(direction)
                    return limits(own.inheriting(from: defaults), own: own, group: group.name)
                }
        }
        groupLimits = [TrafficDirection.incoming, .outgoing].map { direction in
            configuration.groups.map { group in
                let own = group.thresholds(direction)
                return group.measuresWhole ? limits(own, own: own, group: group.name) : []
            }
        }
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
                limits: limits(for: key, group: group ?? -1),
                lastUpdate: time,
                lastProfile: time
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
            if case .ended = event {
                merger.forgetHistory(of: key)
                merger.endAttack(on: key)
            }
            events.append(event)
        }
        var begun: [(key: TrafficKey, position: Int, crossing: ThresholdCrossing)] = []
        for position in merger.suspects {
            let state = merger.state(at: position)
            guard active[state.key] == nil else { continue }
            let limits = limits(for: state.key, group: Int(state.group))
            guard !limits.isEmpty,
                let crossing = RateJudge.crossing(at: position, limits: limits, merger: merger)
            else { continue }
            begun.append((state.key, position, crossing))
        }
        begun.sort { Self.precedes($0.key, $1.key) }
        for (key, position, crossing) in begun where active[key] == nil {
            if let event = begin(key, at: position, crossing, &merger) { events.append(event) }
        }
        // Those of before a restart as well.
        for key in active.keys where active[key]?.isSetApart == false {
            merger.beginAttack(on: key, since: time)
            active[key]?.isSetApart = true
        }
        return events
    }

    private mutating func begin(
        _ key: TrafficKey,
        at position: Int,
        _ crossing: ThresholdCrossing,
        _ merger: inout TrafficMerger
    ) -> AttackEvent? {
        guard let target = target(of: key) else { return nil }
        guard active.count < configuration.maximumActiveAttacks else {
            unfollowedAttacks &+= 1
            return nil
        }
        let state = merger.state(at: position)
        let limit = Attack.sampleLimit(activeAttacks: active.count)
        let longestFlow = Duration.seconds(Int64(min(state.longestFlow, 64)))
        let samples = merger.samples(of: key, limit: limit, over: Self.reach(crossing, longestFlow))
        merger.beginAttack(on: key, since: merger.tickEnd - max(crossing.window, longestFlow) - Self.margin)
        let normal = merger.earlierTraffic(of: key, limit: limit)
        let rates = RateJudge.rates(at: position, measures: measures, merger: merger)
        let vectors = AttackClassifier(crossing, rates, state.counters, key.direction, normal).vectors(of: samples)
        var attack = Attack(
            id: nextID,
            target: target,
            direction: key.direction,
            began: merger.tickEnd,
            kind: vectors.first?.kind ?? .flood,
            kindShare: vectors.first?.share ?? 1,
            crossing: crossing,
            rates: rates,
            vectors: vectors,
            samples: samples,
            normal: normal.samples,
            normalDuration: normal.duration
        )
        attack.peakSamplingRate = state.samplingRate
        attack.profile.add(samples, direction: key.direction, unit: crossing.unit)
        nextID.rawValue &+= 1
        active[key] = ActiveAttack(
            attack: attack,
            limits: limits(for: key, group: Int(state.group)),
            lastUpdate: merger.tickEnd,
            longestFlow: .seconds(Int64(state.longestFlow)),
            isSetApart: true,
            lastProfile: merger.tickEnd
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
            current.attack.notePeak(at: time, samplingRate: state.samplingRate)
            // Named anew only from traffic of now that is itself above a limit: what is left of an attack says nothing.
            let isPresent = seen == time || merger.hasLateFlows(at: position)
            // In its first second as soon as there is more to see, later as often as is told.
            let isDue = time - current.attack.began <= .seconds(1) || time - current.lastUpdate >= Self.updateInterval
            if isPresent, isDue,
                let crossing = RateJudge.crossing(at: position, limits: current.limits, merger: merger)
            {
                kindChanged = name(&current, key, crossing, state.counters, merger, at: time)
            }
        } else {
            current.attack.rates = TrafficRates()
        }
        // A flow of a minute is told of once a minute: until then its silence is not quiet.
        let patience = configuration.quietPeriod + min(current.longestFlow, .seconds(64))
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

    /// Looks anew at what an attack is made of; whether it is called another than before.
    private func name(
        _ current: inout ActiveAttack,
        _ key: TrafficKey,
        _ crossing: ThresholdCrossing,
        _ counters: TrafficCounters,
        _ merger: TrafficMerger,
        at time: Timestamp
    ) -> Bool {
        let limit = Attack.sampleLimit(activeAttacks: active.count)
        let reach = Self.reach(crossing, min(current.longestFlow, .seconds(64)))
        let samples = merger.samples(of: key, limit: limit, over: reach)
        let normal = EarlierTraffic(samples: current.attack.normal, duration: current.attack.normalDuration)
        let vectors = AttackClassifier(crossing, current.attack.rates, counters, key.direction, normal)
            .vectors(of: samples)
        let kind = vectors.first?.kind ?? .flood
        let isOther = kind != current.attack.kind
        current.attack.kind = kind
        current.attack.kindShare = vectors.first?.share ?? 1
        current.attack.vectors = vectors
        if !samples.isEmpty { current.attack.samples = samples }
        let unseen = time - current.lastProfile
        if unseen >= Self.updateInterval {
            let fresh = reach == unseen ? samples : merger.samples(of: key, limit: limit, over: unseen)
            current.attack.profile.add(fresh, direction: key.direction, unit: current.attack.crossing.unit)
            current.lastProfile = time
        }
        return isOther
    }

    /// How far back the samples lie that a crossing rests on.
    private static func reach(_ crossing: ThresholdCrossing, _ longestFlow: Duration) -> Duration {
        max(crossing.window, longestFlow, updateInterval)
    }

    // MARK: Keys

    private func limits(for key: TrafficKey, group: Int) -> [RateJudge.Limit] {
        let direction = key.direction == .incoming ? 0 : 1
        switch key.scope {
        case .hostIncoming, .hostOutgoing:
            let row = hostLimits[direction]
            return row[row.indices.contains(group + 1) ? group + 1 : 0]
        case .groupIncoming, .groupOutgoing:
            let row = groupLimits[direction]
            return row.indices.contains(key.index) ? row[key.index] : []
        case .networkIncoming, .networkOutgoing, .other:
            return []
        }
    }

    private func target(of key: TrafficKey) -> AttackTarget? {
        switch key.scope {
        case .hostIncoming, .hostOutgoing: .host(key.address)
        case .groupIncoming, .groupOutgoing:
            configuration.groups.indices.contains(key.index)
                ? .group(name: configuration.groups[key.index].name, prefixes: configuration.groups[key.index].prefixes)
                : nil
        case .networkIncoming, .networkOutgoing, .other: nil
        }
    }

    private func key(of attack: Attack) -> TrafficKey? {
        switch attack.target {
        case .host(let address): TrafficKey(host: address, isIncoming: attack.direction == .incoming)
        case .group(let name, _):
            configuration.groups.firstIndex { $0.name == name }
                .map { TrafficKey(group: $0, isIncoming: attack.direction == .incoming) }
        case .network: nil
        }
    }

    private static func precedes(_ left: TrafficKey, _ right: TrafficKey) -> Bool {
        left.scope != right.scope ? left.scope.rawValue < right.scope.rawValue : left.address < right.address
    }
}
