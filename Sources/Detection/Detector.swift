public import NetworkTypes
public import Traffic

/// Sees attacks begin, last and end in the counters. For each tick, after the deltas were merged: `judge`.
public struct Detector: Sendable {
    /// The number of the next attack.
    public var nextID: Attack.ID
    /// Attacks that were not followed because too many were already.
    public private(set) var unfollowedAttacks: UInt64 = 0

    private let configuration: DetectionConfiguration
    let measures: [TrafficMeasure]
    let limits: LimitTable
    /// Nil where nothing is held against what is normal.
    var baselines: BaselineTable?
    /// The place up to which was looked at for what is normal.
    var baselineHand = 0
    /// How many records had been told of, and when there was last one more.
    var baselineSource: (records: UInt64, heard: Timestamp) = (0, Timestamp(nanoseconds: 0))
    /// What was highest in the hour under way, and where things stand in it.
    var peaks: PeakRecord
    var noted = NotedPeaks()
    let peakPlaces: PeakPlaces
    private(set) var active: [TrafficKey: ActiveAttack] = [:]
    private var beginnings = AttackBeginnings()
    /// When what is over was last active, for as long as averages go back.
    private(set) var lately: [TrafficKey: Timestamp] = [:]
    /// Of before a restart, until the next tick keeps what comes apart from their usual traffic.
    private var resumed: [TrafficKey] = []

    struct ActiveAttack {
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
    static let updateInterval = Duration.seconds(1)
    private static let fewAttacks = 100
    /// Of many that are young each is named anew in one of so many ticks.
    private static let youngTurns: Int64 = 5
    /// How long before the traffic that crossed a threshold an attack may have begun, as it takes time to rise.
    private static let margin = Duration.seconds(2)

    public init(configuration: DetectionConfiguration, nextID: Attack.ID = Attack.ID(rawValue: 1)) {
        self.configuration = configuration
        self.nextID = nextID
        measures = configuration.measures
        limits = LimitTable(configuration, measures: measures)
        baselines = configuration.baselines.isEmpty ? nil : BaselineTable()
        (peaks, peakPlaces) = Self.peakRecord(configuration, networks: limits.networks, measures: measures)
    }

    func isActive(_ key: TrafficKey) -> Bool { active[key] != nil }

    /// Attacks under way in the order of their numbers.
    public var activeAttacks: [Attack] { active.values.map(\.attack).sorted { $0.id < $1.id } }

    /// Takes up attacks of before a restart: they end when their traffic has been quiet from now on.
    ///
    /// - Returns: the end of those that nobody can follow any more, as their group is gone from the configuration.
    public mutating func resume(_ attacks: [Attack], at time: Timestamp) -> [AttackEvent] {
        var events: [AttackEvent] = []
        for var attack in attacks {
            nextID = max(nextID, Attack.ID(rawValue: attack.id.rawValue &+ 1))
            guard let key = key(of: attack.target, isIncoming: attack.direction == .incoming), active[key] == nil,
                active.count < configuration.maximumActiveAttacks
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
                limits: limits.limits(for: key, group: group ?? -1) + limit(of: attack.crossing),
                lastUpdate: time,
                lastProfile: time
            )
            resumed.append(key)
        }
        distrustPeaks(of: resumed)
        return events
    }

    // MARK: Judging

    /// Judges what may be above a limit within the tick, and the attacks under way.
    ///
    /// - Returns: what happened, in an order that depends on nothing but the traffic.
    public mutating func judge(_ merger: inout TrafficMerger) -> [AttackEvent] {
        let time = merger.tickEnd
        // Attacks do not depend on each other, and there may be many: only what happened is put in order.
        var followed: [(key: TrafficKey, event: AttackEvent)] = []
        for key in Array(active.keys) {
            guard let event = follow(key, merger, at: time) else { continue }
            if case .ended(let attack) = event {
                merger.forgetHistory(of: key)
                merger.endAttack(on: key)
                lately[key] = attack.lastActive
            }
            followed.append((key, event))
        }
        if !lately.isEmpty { lately = lately.filter { time - $0.value < Self.longestAverage } }
        followed.sort { Self.precedes($0.key, $1.key, limits) }
        var events = followed.map(\.event)
        // Hosts come first, and what lies in another before it: a whole is under attack by what those do not account for.
        var unfollowed: [TrafficKey] = []
        for found in takeBeginnings(merger, at: time)
        where active[found.key] == nil && (found.key.isHost || isOfTheWhole(found.crossing, found.key, merger)) {
            guard let position = merger.position(of: found.key) else { continue }
            guard let event = begin(found.key, at: position, found.limits, found.crossing, &merger) else {
                unfollowed.append(found.key)
                continue
            }
            events.append(event)
        }
        for key in resumed where active[key]?.isSetApart == false {
            merger.beginAttack(on: key, since: time)
            active[key]?.isSetApart = true
        }
        resumed = []
        learn(from: merger, events, at: time)
        recordPeaks(from: &merger, events, unfollowed: unfollowed, at: time)
        return events
    }

    /// What is above a limit and no attack so far, as far as it may begin now.
    private mutating func takeBeginnings(
        _ merger: borrowing TrafficMerger,
        at time: Timestamp
    ) -> [AttackBeginning] {
        var found = beginnings.takeWaiting()
        let waiting = Set(found.map(\.key))
        for position in merger.suspects {
            let state = merger.state(at: position)
            guard active[state.key] == nil, !waiting.contains(state.key) else { continue }
            var limits = self.limits.limits(for: state.key, group: Int(state.group))
            if baselines != nil { limits += baselineLimits(for: state.key, group: Int(state.group), at: time) }
            guard !limits.isEmpty,
                let crossing = RateJudge.crossing(at: position, limits: limits, merger: merger)
            else { continue }
            found.append(AttackBeginning(key: state.key, limits: limits, crossing: crossing))
        }
        found.sort { Self.precedes($0.key, $1.key, self.limits) }
        // Of those that there is no room to follow none has to wait.
        return active.count < configuration.maximumActiveAttacks ? beginnings.admit(found) : found
    }

    private static let longestAverage = Duration.seconds(64)

    private mutating func begin(
        _ key: TrafficKey,
        at position: Int,
        _ limits: [RateJudge.Limit],
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
        let (samples, packets, seconds) = Self.evidence(of: key, limit, crossing, longestFlow, merger)
        merger.beginAttack(
            on: key,
            since: merger.tickEnd - max(crossing.window, longestFlow) - Self.margin,
            isToldLate: merger.hasLateFlows(at: position)
        )
        let normal = merger.earlierTraffic(of: key, limit: Attack.normalSampleLimit(activeAttacks: active.count))
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
        attack.samplesDuration = .seconds(seconds)
        attack.rateWindow = merger.configuration.window
        attack.samplingRate = state.samplingRate
        attack.peakSamplingRate = state.samplingRate
        attack.exceeded = [crossing]
        attack.packets.add(packets, limit: limit / 2)
        attack.profile.add(samples, direction: key.direction, unit: crossing.unit)
        // Of thousands that begin at once not all are looked at in the same tick of each second.
        let early = active.count < Self.fewAttacks ? 0 : Int64(nextID.rawValue % 10)
        nextID.rawValue &+= 1
        active[key] = ActiveAttack(
            attack: attack,
            limits: limits,
            lastUpdate: merger.tickEnd - .milliseconds(100 * early),
            longestFlow: .seconds(Int64(state.longestFlow)),
            isSetApart: true,
            lastProfile: merger.tickEnd
        )
        return .began(attack)
    }

    private mutating func follow(
        _ key: TrafficKey,
        _ merger: borrowing TrafficMerger,
        at time: Timestamp
    ) -> AttackEvent? {
        guard var current = active[key] else { return nil }
        var kindChanged = false
        let isDue = time - current.lastUpdate >= Self.updateInterval
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
            current.attack.rateWindow = merger.configuration.window
            current.attack.samplingRate = state.samplingRate
            current.attack.notePeak(at: time, samplingRate: state.samplingRate)
            // Named anew only from traffic of now that is itself above a limit: what is left of an attack says nothing.
            let isPresent = seen == time || merger.hasLateFlows(at: position)
            // At once while it is young, then once a second: there may be ten thousand of them.
            let isYoung = time - current.attack.began < Self.updateInterval
            let turn = (merger.tick &+ Int64(truncatingIfNeeded: current.attack.id.rawValue)) % Self.youngTurns
            let isToBeNamed = isDue || isYoung && (active.count < Self.fewAttacks || turn == 0)
            var present: PresentTraffic?
            if isToBeNamed {
                current.attack.exceeded =
                    isPresent ? RateJudge.crossings(at: position, limits: current.limits, merger: merger) : []
                if let crossing = RateJudge.worst(of: current.attack.exceeded) {
                    (kindChanged, present) = name(&current, key, crossing, state.counters, merger, at: time)
                }
            }
            if isDue || kindChanged { current.attack.present = present ?? look(at: key, current.longestFlow, merger) }
        } else {
            current.attack.rates = TrafficRates()
            current.attack.exceeded = []
            current.attack.present = PresentTraffic()
        }
        // A flow of a minute is told of once a minute: until then its silence is not quiet.
        let patience = configuration.quietPeriod + min(current.longestFlow, TrafficMerger.longestMemory)
        if time - current.attack.lastActive >= patience {
            active[key] = nil
            current.attack.ended = time
            return .ended(current.attack)
        }
        if isDue || kindChanged { current.lastUpdate = time }
        active[key] = current
        return isDue || kindChanged ? .updated(current.attack) : nil
    }

    /// What comes now, though it be too little to be named.
    private func look(at key: TrafficKey, _ longestFlow: Duration, _ merger: borrowing TrafficMerger) -> PresentTraffic
    {
        Self.present(of: key, Attack.sampleLimit(activeAttacks: active.count), longestFlow, merger)
    }

    /// Looks anew at what an attack is made of; whether it is called another than before, and what comes now where that was
    /// seen on the way.
    private func name(
        _ current: inout ActiveAttack,
        _ key: TrafficKey,
        _ crossing: ThresholdCrossing,
        _ counters: TrafficCounters,
        _ merger: borrowing TrafficMerger,
        at time: Timestamp
    ) -> (isOther: Bool, present: PresentTraffic?) {
        let limit = Attack.sampleLimit(activeAttacks: active.count)
        let (samples, packets, seconds) = Self.evidence(
            of: key,
            limit,
            crossing,
            min(current.longestFlow, .seconds(64)),
            lasting: time - current.attack.began,
            merger
        )
        let normal = EarlierTraffic(samples: current.attack.normal, duration: current.attack.normalDuration)
        let classifier = AttackClassifier(crossing, current.attack.rates, counters, key.direction, normal)
        let before = current.attack.kind
        if classifier.knowsMore(from: samples, than: current.attack.samples) {
            let vectors = classifier.vectors(of: samples)
            current.attack.kind = vectors.first?.kind ?? .flood
            current.attack.kindShare = vectors.first?.share ?? 1
            current.attack.vectors = vectors
            if !samples.isEmpty {
                current.attack.samples = samples
                current.attack.samplesDuration = .seconds(seconds)
            }
        }
        current.attack.packets.add(packets, limit: limit / 2)
        let unseen = time - current.lastProfile
        if unseen >= Self.updateInterval {
            let fresh = merger.samples(of: key, limit: limit, over: unseen)
            current.attack.profile.add(fresh, direction: key.direction, unit: current.attack.crossing.unit)
            current.lastProfile = time
        }
        let isOfNow = current.longestFlow == .zero && .seconds(seconds) <= PresentTraffic.longest
        let present = isOfNow ? PresentTraffic(samples: samples, duration: .seconds(seconds)) : nil
        return (current.attack.kind != before, present)
    }

    // MARK: Keys

    func target(of key: TrafficKey) -> AttackTarget? {
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

    func key(of target: AttackTarget, isIncoming: Bool) -> TrafficKey? {
        switch target {
        case .host(let address): return TrafficKey(host: address, isIncoming: isIncoming)
        case .network(let prefix):
            return limits.networks.firstIndex(of: prefix).map { TrafficKey(network: $0, isIncoming: isIncoming) }
        case .group(let name, _):
            return configuration.groups.firstIndex { $0.name == name && $0.measure == .group }
                .map { TrafficKey(group: $0, isIncoming: isIncoming) }
        }
    }

    /// What is under attack, incoming.
    var activeTargets: [AttackTarget] {
        active.values.compactMap { $0.attack.direction == .incoming ? $0.attack.target : nil }
    }

    /// Hosts, then networks and groups, what lies in another before it.
    static func precedes(_ left: TrafficKey, _ right: TrafficKey, _ limits: LimitTable) -> Bool {
        let (one, other) = (limits.width(of: left), limits.width(of: right))
        if one != other { return one < other }
        return left.scope != right.scope
            ? left.scope.rawValue < right.scope.rawValue : left.address < right.address
    }
}
