public import NetworkTypes
internal import Traffic

/// What was highest in the past hours, recorded whether or not anything is held against what is normal.
extension Detector {
    /// Where what is counted stands in the record.
    struct PeakPlaces: Sendable {
        /// By group plus one: the subject that its hosts are; -1 where there was no room for them.
        var hosts: [Int] = []
        /// Networks and groups that are judged as a whole, or might be, in either direction.
        var wholes: [(key: TrafficKey, prefix: IPPrefix, subject: Int)] = []
        /// By class and unit, where their histories stand; -1 where no threshold is set, and none are kept.
        var measures = Array(repeating: -1, count: TrafficClass.allCases.count * TrafficUnit.allCases.count)

        static func measure(_ trafficClass: TrafficClass, _ unit: Int) -> Int {
            trafficClass.rawValue * TrafficUnit.allCases.count + unit
        }
    }

    /// A record of nothing, and where things will stand in it.
    static func peakRecord(_ configuration: DetectionConfiguration, networks: [IPPrefix], measures: [TrafficMeasure])
        -> (PeakRecord, PeakPlaces)
    {
        var names: [PeakSubject] = [.hosts(group: nil)]
        var places = PeakPlaces()
        func place(_ subject: PeakSubject) -> Int {
            if let found = names.firstIndex(of: subject) { return found }
            guard names.count < PeakRecord.maximumSubjects else { return -1 }
            names.append(subject)
            return names.count - 1
        }
        places.hosts = [0] + configuration.groups.map { $0.measure == .host ? place(.hosts(group: $0.name)) : 0 }
        var wholes: [(key: (Bool) -> TrafficKey, prefix: IPPrefix, subject: Int)] = []
        for (index, group) in configuration.groups.enumerated() where group.measure == .group {
            guard let prefix = group.prefixes.first else { continue }
            wholes.append(({ TrafficKey(group: index, isIncoming: $0) }, prefix, place(.group(group.name))))
        }
        for (index, network) in networks.enumerated() {
            let subject = place(.networks(group: configuration.group(measuring: network)?.name))
            wholes.append(({ TrafficKey(network: index, isIncoming: $0) }, network, subject))
        }
        // Each is looked at in each tick.
        places.wholes = wholes.filter { $0.subject >= 0 }.prefix(PeakRecord.maximumSubjects).flatMap { whole in
            [true, false].map { (whole.key($0), whole.prefix, whole.subject) }
        }
        for (index, measure) in measures.enumerated() {
            places.measures[PeakPlaces.measure(measure.trafficClass, measure.unit.index)] = index
        }
        let record = PeakRecord(names) { subject, direction, trafficClass in
            let thresholds = configuration.thresholds(of: subject, direction)
            func least(_ unit: TrafficUnit) -> Double { leastPeak(thresholds[trafficClass, unit], unit) }
            return PeakRates(packets: least(.packets), bits: least(.bits), flows: least(.flows))
        }
        return (record, places)
    }

    /// A sixteenth of what is allowed, and no more than what hardly anybody is alarmed about.
    static func leastPeak(_ threshold: Double?, _ unit: TrafficUnit) -> Double {
        let little =
            switch unit {
            case .packets: 500.0
            case .bits: 5e6
            case .flows: 200.0
            }
        return max(1, min(little, (threshold ?? .infinity) / 16))
    }

    // MARK: Each tick

    /// Takes note of what is high, once it was judged.
    ///
    /// - Parameter unfollowed: what is under attack, though there was no room to follow it.
    mutating func recordPeaks(
        from merger: inout TrafficMerger,
        _ events: [AttackEvent],
        unfollowed: [TrafficKey],
        at time: Timestamp
    ) {
        peaks.turn(to: PeakRecord.minute(of: time))
        for event in events { note(event) }
        distrustWholes(around: events, merger)
        for key in unfollowed { distrustPeaks(of: key, until: peaks.minute &+ PeakRecord.caution) }
        for position in merger.heavyHosts { noteWindow(at: position, merger) }
        // A history tells of the fullest second for a minute: once a second is often enough.
        let ticks = max(1, 1_000_000_000 / merger.configuration.tick.nanoseconds)
        for position in merger.followed(part: Int(merger.tick % ticks), of: Int(ticks))
        where merger.isToldLate(at: position) {
            notePeaks(at: position, merger)
        }
        for whole in peakPlaces.wholes {
            guard let position = merger.position(of: whole.key) else { continue }
            notePeaks(at: position, whole.prefix, subject: whole.subject, merger)
        }
        sumUpPeaks(merger)
        if peaks.floorsChanged { setNotices(of: &merger) }
    }

    /// A host whose window alone says what it has.
    private mutating func noteWindow(at position: Int, _ merger: borrowing TrafficMerger) {
        let hasHistory = merger.hasHistory(at: position)
        if hasHistory, merger.isToldLate(at: position) { return }
        let isSmoothed = hasHistory && merger.configuration.smoothing != nil
        guard isSmoothed || noted.raise(merger.state(at: position), at: position, minute: peaks.minute) else { return }
        notePeaks(at: position, merger)
    }

    private mutating func notePeaks(at position: Int, _ merger: borrowing TrafficMerger) {
        guard let state = merger.heldState(at: position), state.key.isHost else { return }
        let group = Int(state.group) + 1
        let subject = peakPlaces.hosts.indices.contains(group) ? peakPlaces.hosts[group] : 0
        guard subject >= 0 else { return }
        notePeaks(at: position, nil, subject: subject, merger)
    }

    private mutating func notePeaks(
        at position: Int,
        _ prefix: IPPrefix?,
        subject: Int,
        _ merger: borrowing TrafficMerger
    ) {
        let state = merger.state(at: position)
        let isToldLate = merger.isToldLate(at: position)
        let first = PeakRecord.lane(subject, state.key.direction)
        var isTrusted: Bool?
        for trafficClass in TrafficClass.allCases where isToldLate || !state.counters[trafficClass].isZero {
            let lane = first + trafficClass.rawValue
            let floor = peaks.lanes[lane].floor
            var (estimate, amount) = (PeakRates(repeating: 0), PeakRates(repeating: 0))
            for unit in TrafficUnit.allCases {
                let found = peakRate(trafficClass, unit, at: position, state, isToldLate, merger)
                if isToldLate, found == nil { peaks.noteUnknown(unit, lane: lane) }
                (estimate[unit], amount[unit]) = found ?? (0, 0)
            }
            guard estimate.exceeds(floor) else { continue }
            let isToBeNoted = isTrusted ?? peaks.isTrusted(state.key)
            isTrusted = isToBeNoted
            guard isToBeNoted else { return }
            let certain = Self.certain(estimate, restingOn: amount, samplingRate: state.samplingRate)
            peaks.note(state.key, prefix, lane: lane, certain: certain, estimate: estimate)
        }
    }

    /// The rate that is judged, and the amount it rests on; nil where flows are told of late, and as no threshold is set for
    /// it nobody has put them into the seconds in which they flowed.
    private func peakRate(
        _ trafficClass: TrafficClass,
        _ unit: TrafficUnit,
        at position: Int,
        _ state: TrafficState,
        _ isToldLate: Bool,
        _ merger: borrowing TrafficMerger
    ) -> (estimate: Double, amount: Double)? {
        let measure = peakPlaces.measures[PeakPlaces.measure(trafficClass, unit.index)]
        if measure < 0, isToldLate { return nil }
        let sum = state.counters.sum(trafficClass, unit)
        let rate = sum / merger.configuration.window.inSeconds
        guard measure >= 0, merger.hasHistory(at: position) else { return (rate, sum) }
        if let smoothing = merger.configuration.smoothing {
            let smoothed = merger.smoothedRate(at: position, measure: measure, smoothing)
            return (smoothed.rate, smoothed.evidence)
        }
        guard isToldLate else { return (rate, sum) }
        var found = (estimate: rate, amount: sum)
        let peak = merger.historyPeak(at: position, measure: measure)
        if peak > found.estimate { found = (peak, peak) }
        let long = merger.longHistoryPeak(at: position, measure: measure)
        if long > found.estimate { found = (long, long * 8) }
        return found
    }

    /// The highest limits that rates would be found to be above. A flow is one record, sampled or not.
    private static func certain(_ rates: PeakRates, restingOn amounts: PeakRates, samplingRate: UInt32) -> PeakRates {
        guard samplingRate > 1 else { return rates }
        return PeakRates(
            packets: SampledRate.certain(
                rates[.packets],
                samples: SampledRate.samples(packets: amounts[.packets], samplingRate: samplingRate)
            ),
            bits: SampledRate.certain(
                rates[.bits],
                samples: SampledRate.samples(bits: amounts[.bits], samplingRate: samplingRate)
            ),
            flows: rates[.flows]
        )
    }

    /// Once a second for each that is followed, a part of them each tick.
    private mutating func sumUpPeaks(_ merger: borrowing TrafficMerger) {
        let ticks = Int(max(1, 1_000_000_000 / merger.configuration.tick.nanoseconds))
        let seconds = merger.configuration.window.inSeconds
        for place in stride(from: Int(merger.tick % Int64(ticks)), to: peaks.members.count, by: ticks) {
            let (key, trafficClass) = (peaks.members[place].key, peaks.members[place].trafficClass)
            guard peaks.isTrusted(key) else { continue }
            // Silence counts as well.
            guard let position = merger.position(of: key) else {
                peaks.sumUp(place, packets: 0, bits: 0, samplingRate: 1)
                continue
            }
            let state = merger.state(at: position)
            peaks.sumUp(
                place,
                packets: state.counters.sum(trafficClass, .packets) / seconds,
                bits: state.counters.sum(trafficClass, .bits) / seconds,
                samplingRate: state.samplingRate
            )
        }
    }

    private mutating func setNotices(of merger: inout TrafficMerger) {
        peaks.floorsChanged = false
        noted.forget()
        let seconds = merger.configuration.window.inSeconds
        merger.notices = peakPlaces.hosts.flatMap { subject in
            TrafficDirection.allCases.map { direction in
                var notice = HeavyNotice()
                guard subject >= 0 else { return notice }
                let first = PeakRecord.lane(subject, direction)
                for trafficClass in TrafficClass.allCases {
                    let floor = peaks.lanes[first + trafficClass.rawValue].notable
                    notice[trafficClass] = TrafficAmount(
                        packets: UInt64(min(floor[.packets] * seconds, 1e18)),
                        bytes: UInt64(min(floor[.bits] * seconds / 8, 1e18)),
                        flows: UInt32(min(floor[.flows] * seconds, 4e9))
                    )
                }
                return notice
            }
        }
    }

    // MARK: Attacks

    private mutating func note(_ event: AttackEvent) {
        guard let key = key(of: event.attack.target, isIncoming: event.attack.direction == .incoming) else { return }
        switch event {
        case .began: distrustPeaks(of: key)
        case .updated: break
        case .ended:
            peaks.trustLater(key)
            if let answer = answer(to: key) { peaks.trustLater(answer) }
        }
    }

    /// What an attacked host is a part of has the attack in its sum.
    private mutating func distrustWholes(around events: [AttackEvent], _ merger: borrowing TrafficMerger) {
        guard !peakPlaces.wholes.isEmpty else { return }
        var wholes: Set<TrafficKey> = []
        for event in events {
            let isIncoming = event.attack.direction == .incoming
            for prefix in event.attack.target.prefixes {
                wholes.formUnion(merger.wholes(around: prefix.address, isIncoming: isIncoming))
            }
        }
        for key in wholes where !isActive(key) {
            let until = peaks.minute &+ PeakRecord.caution
            peaks.distrust(key, until: until)
            if let answer = answer(to: key) { peaks.distrust(answer, until: until) }
        }
    }

    /// What a target of an attack sends: it answers the attack, and that is none of what it usually sends.
    private func answer(to key: TrafficKey) -> TrafficKey? {
        let answer: TrafficKey? =
            switch key.scope {
            case .hostIncoming: TrafficKey(host: key.address, isIncoming: false)
            case .networkIncoming: TrafficKey(network: key.index, isIncoming: false)
            case .groupIncoming: TrafficKey(group: key.index, isIncoming: false)
            case .hostOutgoing, .networkOutgoing, .groupOutgoing, .other: nil
            }
        return answer.flatMap { isActive($0) ? nil : $0 }
    }

    private mutating func distrustPeaks(of key: TrafficKey, until: Int64 = .max) {
        let prefixes = key.isHost ? [] : target(of: key)?.prefixes ?? []
        peaks.distrust(key, prefixes: prefixes, until: until)
        if let answer = answer(to: key) { peaks.distrust(answer, prefixes: prefixes, until: until) }
    }

    /// Attacks of before a restart go on.
    mutating func distrustPeaks(of keys: [TrafficKey]) {
        for key in keys { distrustPeaks(of: key) }
    }

    // MARK: What is kept

    /// The hours that are over since this was last asked.
    public mutating func takePeakHours() -> [PeakHour] { peaks.takeFinished() }

    /// The hour under way, as far as it is believed.
    public var openPeakHours: [PeakHour] { peaks.openHours }

    /// Goes on with the hour that was under way before a restart.
    public mutating func restore(_ hours: [PeakHour], at time: Timestamp) {
        peaks.turn(to: PeakRecord.minute(of: time))
        let detector = self
        noted.forget()
        for hour in hours {
            peaks.restore(hour) { prefix, direction in
                let isIncoming = direction == .incoming
                return switch hour.subject {
                case .hosts: prefix.isHost ? TrafficKey(host: prefix.address, isIncoming: isIncoming) : nil
                case .networks: detector.key(of: .network(prefix), isIncoming: isIncoming)
                case .group(let name): detector.key(of: .group(name: name, prefixes: []), isIncoming: isIncoming)
                }
            }
        }
    }
}

extension DetectionConfiguration {
    /// What is judged of a direction, with what is inherited.
    public func thresholds(of subject: PeakSubject, _ direction: TrafficDirection) -> Thresholds {
        func own(_ name: String) -> Thresholds {
            groups.first { $0.name == name }?.thresholds(direction) ?? Thresholds()
        }
        return switch subject {
        case .hosts(nil): thresholds(direction)
        case .networks(nil): networkThresholds(direction)
        case .hosts(let name?): own(name).inheriting(from: thresholds(direction))
        case .networks(let name?): own(name).inheriting(from: networkThresholds(direction))
        case .group(let name): own(name)
        }
    }
}
