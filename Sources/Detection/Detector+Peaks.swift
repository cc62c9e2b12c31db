public import NetworkTypes
internal import Traffic

/// What was highest in the past hours, recorded whether or not anything is held against what is normal.
extension Detector {
    /// Where what is counted stands in the record.
    struct PeakPlaces: Sendable {
        /// By group plus one: of its hosts; -1 where there was no room for them.
        var hosts: [Int] = []
        /// Networks and groups that are judged as a whole, or might be.
        var wholes: [(key: TrafficKey, prefix: IPPrefix, subject: Int)] = []
        /// Of packets and bits, where their histories stand.
        var measures: [Int?] = []
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
        for (index, group) in configuration.groups.enumerated() where group.measure == .group {
            guard let prefix = group.prefixes.first else { continue }
            places.wholes.append((TrafficKey(group: index, isIncoming: true), prefix, place(.group(group.name))))
        }
        for (index, network) in networks.enumerated() {
            let subject = place(.networks(group: configuration.group(measuring: network)?.name))
            places.wholes.append((TrafficKey(network: index, isIncoming: true), network, subject))
        }
        // Each is looked at in each tick.
        places.wholes = Array(places.wholes.filter { $0.subject >= 0 }.prefix(PeakRecord.maximumSubjects))
        places.measures = PeakHour.units.map { unit in
            measures.firstIndex { $0.trafficClass == .total && $0.unit == unit }
        }
        let subjects = names.map { name in
            let thresholds = configuration.thresholds(of: name)
            return (name: name, least: (packets: leastPeak(thresholds, .packets), bits: leastPeak(thresholds, .bits)))
        }
        return (PeakRecord(subjects), places)
    }

    /// A sixteenth of what is allowed, and no more than what hardly anybody is alarmed about.
    static func leastPeak(_ thresholds: Thresholds, _ unit: TrafficUnit) -> Double {
        max(1, min(unit == .bits ? 5e6 : 500, (thresholds[.total, unit] ?? .infinity) / 16))
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
        for event in events where event.attack.direction == .incoming { note(event, merger) }
        for key in unfollowed where key.direction == .incoming {
            peaks.distrust(key, prefixes: prefixes(of: key), until: peaks.minute &+ PeakRecord.caution)
        }
        for position in merger.heavyHosts { notePeak(at: position, merger) }
        for position in merger.suspects where merger.hasLateFlows(at: position) { notePeak(at: position, merger) }
        for whole in peakPlaces.wholes {
            guard let position = merger.position(of: whole.key) else { continue }
            notePeak(at: position, whole.prefix, subject: whole.subject, merger)
        }
        sumUpPeaks(merger)
        if peaks.floorsChanged { setNotices(of: &merger) }
    }

    private mutating func notePeak(at position: Int, _ merger: TrafficMerger) {
        guard let state = merger.heldState(at: position), state.key.scope == .hostIncoming else { return }
        let group = Int(state.group) + 1
        let subject = peakPlaces.hosts.indices.contains(group) ? peakPlaces.hosts[group] : 0
        guard subject >= 0 else { return }
        notePeak(at: position, nil, subject: subject, merger)
    }

    private mutating func notePeak(at position: Int, _ prefix: IPPrefix?, subject: Int, _ merger: TrafficMerger) {
        let state = merger.state(at: position)
        guard peaks.isTrusted(state.key) else { return }
        let seconds = merger.configuration.window.inSeconds
        let packets = peakRate(.packets, 0, at: position, state, seconds, merger)
        let bits = peakRate(.bits, 1, at: position, state, seconds, merger)
        let floor = peaks.subjects[subject].floor
        guard packets.estimate > floor.packets || bits.estimate > floor.bits else { return }
        peaks.note(
            state.key,
            prefix,
            subject: subject,
            certain: PeakRates(packets: packets.certain, bits: bits.certain),
            estimate: PeakRates(packets: packets.estimate, bits: bits.estimate)
        )
    }

    /// The rate that is judged, and the highest limit that it would be found to be above.
    private func peakRate(
        _ unit: TrafficUnit,
        _ index: Int,
        at position: Int,
        _ state: TrafficState,
        _ seconds: Double,
        _ merger: TrafficMerger
    ) -> (estimate: Double, certain: Double) {
        let sum = state.counters.sum(.total, unit)
        var estimate = sum / seconds
        var amount = sum
        if let measure = peakPlaces.measures[index], merger.hasHistory(at: position) {
            if let smoothing = merger.configuration.smoothing {
                let smoothed = merger.smoothedRate(at: position, measure: measure, smoothing)
                (estimate, amount) = (smoothed.rate, smoothed.evidence)
            } else if merger.hasLateFlows(at: position) {
                let peak = merger.historyPeak(at: position, measure: measure)
                if peak > estimate { (estimate, amount) = (peak, peak) }
                let long = merger.longHistoryPeak(at: position, measure: measure)
                if long > estimate { (estimate, amount) = (long, long * 8) }
            }
        }
        guard state.samplingRate > 1 else { return (estimate, estimate) }
        let samples =
            unit == .bits
            ? SampledRate.samples(bits: amount, samplingRate: state.samplingRate)
            : SampledRate.samples(packets: amount, samplingRate: state.samplingRate)
        return (estimate, SampledRate.certain(estimate, samples: samples))
    }

    /// Once a second for each that is followed, a part of them each tick.
    private mutating func sumUpPeaks(_ merger: TrafficMerger) {
        let ticks = Int(max(1, 1_000_000_000 / merger.configuration.tick.nanoseconds))
        let seconds = merger.configuration.window.inSeconds
        for place in stride(from: Int(merger.tick % Int64(ticks)), to: peaks.members.count, by: ticks) {
            let key = peaks.members[place].key
            guard peaks.isTrusted(key) else { continue }
            // Silence counts as well.
            guard let position = merger.position(of: key) else {
                peaks.sumUp(place, PeakRates(packets: 0, bits: 0), samplingRate: 1)
                continue
            }
            let state = merger.state(at: position)
            let rates = PeakRates(
                packets: state.counters.sum(.total, .packets) / seconds,
                bits: state.counters.sum(.total, .bits) / seconds
            )
            peaks.sumUp(place, rates, samplingRate: state.samplingRate)
        }
    }

    private mutating func setNotices(of merger: inout TrafficMerger) {
        peaks.floorsChanged = false
        let seconds = merger.configuration.window.inSeconds
        merger.notices = peakPlaces.hosts.map { subject in
            guard subject >= 0 else { return HeavyNotice(packets: .max, bytes: .max) }
            let floor = peaks.subjects[subject].floor
            return HeavyNotice(
                packets: UInt64(min(floor.packets * seconds, 1e18)),
                bytes: UInt64(min(floor.bits * seconds / 8, 1e18))
            )
        }
    }

    // MARK: Attacks

    private mutating func note(_ event: AttackEvent, _ merger: TrafficMerger) {
        let attack = event.attack
        if let key = key(of: attack.target, isIncoming: true) {
            switch event {
            case .began: peaks.distrust(key, prefixes: prefixes(of: key))
            case .updated: break
            case .ended: peaks.trustLater(key)
            }
        }
        // What it is a part of has it in its sum.
        guard !peakPlaces.wholes.isEmpty else { return }
        for prefix in attack.target.prefixes {
            for key in merger.wholes(around: prefix.address) where !isActive(key) {
                peaks.distrust(key, until: peaks.minute &+ PeakRecord.caution)
            }
        }
    }

    /// Of a network or group; none of a host.
    private func prefixes(of key: TrafficKey) -> [IPPrefix] { key.isHost ? [] : target(of: key)?.prefixes ?? [] }

    /// Attacks of before a restart go on.
    mutating func distrustPeaks(of keys: [TrafficKey]) {
        for key in keys where key.direction == .incoming { peaks.distrust(key, prefixes: prefixes(of: key)) }
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
        for hour in hours {
            peaks.restore(hour) { prefix in
                switch hour.subject {
                case .hosts: prefix.isHost ? TrafficKey(host: prefix.address, isIncoming: true) : nil
                case .networks: detector.key(of: .network(prefix), isIncoming: true)
                case .group(let name): detector.key(of: .group(name: name, prefixes: []), isIncoming: true)
                }
            }
        }
    }
}

extension DetectionConfiguration {
    /// What is judged of incoming traffic, with what is inherited.
    public func thresholds(of subject: PeakSubject) -> Thresholds {
        func own(_ name: String) -> Thresholds { groups.first { $0.name == name }?.thresholds ?? Thresholds() }
        return switch subject {
        case .hosts(let name): name.map { own($0).inheriting(from: thresholds) } ?? thresholds
        case .networks(let name): name.map { own($0).inheriting(from: networkThresholds) } ?? networkThresholds
        case .group(let name): own(name)
        }
    }
}
