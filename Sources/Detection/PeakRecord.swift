internal import NetworkTypes
internal import Traffic

/// Remembers of the hour under way which hosts, networks and groups had most, so that it can be said later which alarms
/// a threshold would have raised.
///
/// A look is believed a minute or two later, and only if no attack on it began meanwhile: of attacks nothing is recorded,
/// nor of the ten minutes after them. At most `maximumMembers` are followed, some 150 octets each; where there are more,
/// the lowest give way, and the hour says up to which rate something may be missing.
struct PeakRecord: Sendable {
    static let maximumMembers = 8192
    static let maximumSubjects = 256
    /// Minutes after an attack of which nothing is recorded.
    static let caution: Int64 = 10
    private static let maximumCautious = 65_536
    /// Of a day, should nobody take them.
    private static let maximumFinished = 24 * maximumSubjects

    struct Subject: Sendable {
        let name: PeakSubject
        let capacity: Int
        /// What is never worth a note, in packets and bits per second.
        let least: (packets: Double, bits: Double)
        /// What is not worth a note at present.
        var floor: (packets: Double, bits: Double)
        /// The most of those that had to give way.
        var lost: (packets: BaselineLevel, bits: BaselineLevel) = (.unknown, .unknown)
        var count = 0
    }

    private(set) var subjects: [Subject]
    private(set) var members: [PeakMember] = []
    private var places: [TrafficKey: Int] = [:]
    /// Until which minute nothing is recorded of a key; for ever while it is under attack.
    private var cautious: [TrafficKey: Int64] = [:]
    /// The same of all hosts in networks and groups.
    private var cautiousWholes: [TrafficKey: (prefixes: [IPPrefix], until: Int64)] = [:]
    /// The minute under way since the epoch, the one before that waits to be believed, and the hour that is recorded.
    private(set) var minute: Int64 = -1
    private var waiting: Int64 = -1
    private(set) var hour: Int64 = -1
    private var minutes: UInt8 = 0
    private var finished: [PeakHour] = []
    /// Whether the floors have changed since they were last asked for.
    var floorsChanged = true

    init(_ subjects: [(name: PeakSubject, least: (packets: Double, bits: Double))]) {
        let capacity = min(max(Self.maximumMembers / max(1, subjects.count), 32), 1024)
        self.subjects = subjects.prefix(Self.maximumSubjects).map { name, least in
            Subject(name: name, capacity: capacity, least: least, floor: least)
        }
    }

    static func minute(of time: Timestamp) -> Int64 { time.nanoseconds / 60_000_000_000 }

    // MARK: Looking

    /// Whether what comes of a key is to be recorded now.
    func isTrusted(_ key: TrafficKey) -> Bool {
        if !cautious.isEmpty, cautious[key] != nil { return false }
        if !cautiousWholes.isEmpty {
            if cautiousWholes[key] != nil { return false }
            guard key.isHost else { return true }
            let isWithin = cautiousWholes.values.contains { $0.prefixes.contains { $0.contains(key.address) } }
            return !isWithin
        }
        return true
    }

    /// Takes note of rates per second: of those that would have been found above a threshold, and as they were estimated.
    ///
    /// - Parameter prefix: of a network or group; nil of a host.
    mutating func note(
        _ key: TrafficKey,
        _ prefix: IPPrefix?,
        subject: Int,
        certain: PeakRates,
        estimate: PeakRates
    ) {
        guard let place = place(of: key, prefix, subject: subject, estimate) else { return }
        members[place].note(certain, estimate, minute: minute)
    }

    private mutating func place(of key: TrafficKey, _ prefix: IPPrefix?, subject: Int, _ estimate: PeakRates) -> Int? {
        if let place = places[key] { return place }
        let floor = subjects[subject].floor
        guard estimate.packets > floor.packets || estimate.bits > floor.bits else { return nil }
        if subjects[subject].count >= subjects[subject].capacity { makeRoom(subject) }
        places[key] = members.count
        members.append(PeakMember(key: key, subject: subject, prefix: prefix ?? IPPrefix(host: key.address)))
        subjects[subject].count += 1
        return members.count - 1
    }

    /// Adds a second's rates to what is summed up of a member over ever longer times.
    mutating func sumUp(_ place: Int, _ rates: PeakRates, samplingRate: UInt32) {
        members[place].sumUp(rates, samplingRate: samplingRate, minute: minute)
    }

    /// At the limit the heaviest quarter by either unit stays, and what is less than that is not looked at any more.
    private mutating func makeRoom(_ subject: Int) {
        let own = members.filter { $0.subject == subject }
        let kept = subjects[subject].capacity / 4
        func cutoff(_ level: (PeakMember) -> BaselineLevel) -> BaselineLevel {
            let all = own.map(level).sorted(by: >)
            return all.indices.contains(kept) ? all[kept] : .unknown
        }
        let (packets, bits) = (cutoff { $0.rank.packets }, cutoff { $0.rank.bits })
        // A little more, so that many that are alike do not push each other out for ever.
        let floor = subjects[subject].floor
        subjects[subject].floor.packets = max(floor.packets, 1.01 * cutoff { $0.estimate.packets }.rate)
        subjects[subject].floor.bits = max(floor.bits, 1.01 * cutoff { $0.estimate.bits }.rate)
        floorsChanged = true
        var alike = 0
        keep { member in
            guard member.subject == subject else { return true }
            let rank = member.rank
            if rank.packets > packets || rank.bits > bits { return true }
            alike += 1
            return alike <= kept && (rank.packets == packets || rank.bits == bits)
        }
    }

    /// Lets go of all that are not to be kept.
    private mutating func keep(_ isKept: (PeakMember) -> Bool) {
        var rest: [PeakMember] = []
        rest.reserveCapacity(members.count)
        for member in members {
            if isKept(member) {
                places[member.key] = rest.count
                rest.append(member)
            } else {
                places[member.key] = nil
                let subject = member.subject
                subjects[subject].count -= 1
                subjects[subject].lost.packets = max(subjects[subject].lost.packets, member.rank.packets)
                subjects[subject].lost.bits = max(subjects[subject].lost.bits, member.rank.bits)
            }
        }
        members = rest
    }

    // MARK: Attacks

    /// Nothing is recorded of a key from now on, nor what was seen of it last; with a time, until then.
    mutating func distrust(_ key: TrafficKey, prefixes: [IPPrefix] = [], until: Int64 = .max) {
        if let place = places[key] { members[place].forgetLatest() }
        if prefixes.isEmpty {
            guard until == .max || cautious.count < Self.maximumCautious || cautious[key] != nil else { return }
            cautious[key] = until
            return
        }
        for place in members.indices where members[place].key.isHost {
            let address = members[place].key.address
            if prefixes.contains(where: { $0.contains(address) }) { members[place].forgetLatest() }
        }
        cautiousWholes[key] = (prefixes, until)
    }

    /// An attack is over: in a while what comes is recorded again.
    mutating func trustLater(_ key: TrafficKey) {
        let until = minute &+ Self.caution
        if cautiousWholes[key] != nil { cautiousWholes[key]?.until = until }
        if cautious[key] != nil { cautious[key] = cautious.count > Self.maximumCautious ? nil : until }
    }

    // MARK: Time

    /// Goes on to a minute: what was seen two minutes ago is believed, and an hour all of which is known is finished.
    mutating func turn(to next: Int64) {
        if minute < 0 { (minute, waiting, hour) = (next, next, next / 60) }
        guard next > minute else { return }
        for _ in 0..<min(next - minute, 3) {
            if waiting / 60 > hour { finishHour() }
            for place in members.indices { members[place].believe() }
            if minutes < 60 { minutes += 1 }
            waiting = minute
            minute += 1
        }
        if minute < next { (minute, waiting) = (next, next) }
        if !cautious.isEmpty { cautious = cautious.filter { $0.value > next } }
        if !cautiousWholes.isEmpty { cautiousWholes = cautiousWholes.filter { $0.value.until > next } }
    }

    private mutating func finishHour() {
        let hours = openHours
        if finished.count + hours.count <= Self.maximumFinished { finished += hours }
        keep { !$0.isIdle }
        for place in members.indices { members[place].beginHour() }
        for subject in subjects.indices {
            let (least, floor) = (subjects[subject].least, subjects[subject].floor)
            subjects[subject].floor = (max(least.packets, floor.packets / 2), max(least.bits, floor.bits / 2))
            subjects[subject].lost = (.unknown, .unknown)
        }
        floorsChanged = true
        minutes = 0
        hour = waiting / 60
    }

    /// The hour under way as far as it is believed.
    var openHours: [PeakHour] {
        guard hour >= 0 else { return [] }
        var own = Array(repeating: [PeakMember](), count: subjects.count)
        for member in members { own[member.subject].append(member) }
        return subjects.indices.map { index in
            let subject = subjects[index]
            var result = PeakHour(subject: subject.name, hour: hour)
            result.minutes = minutes
            func highest(_ spot: (PeakMember) -> PeakSpot) -> (peaks: [TrafficPeak], next: BaselineLevel) {
                let sorted = own[index].filter { spot($0).level != .unknown }.sorted { first, second in
                    let (one, other) = (spot(first).level, spot(second).level)
                    return one != other ? one > other : first.key.address < second.key.address
                }
                let next = sorted.indices.contains(PeakHour.kept) ? spot(sorted[PeakHour.kept]).level : .unknown
                return (sorted.prefix(PeakHour.kept).map { $0.traffic(spot($0)) }, next)
            }
            let (packets, bits) = (highest { $0.peak.packets }, highest { $0.peak.bits })
            result.packets = packets.peaks
            result.bits = bits.peaks
            result.packetsBeyond =
                max(packets.next, subject.lost.packets, BaselineLevel(rate: subject.floor.packets)).rawValue
            result.bitsBeyond = max(bits.next, subject.lost.bits, BaselineLevel(rate: subject.floor.bits)).rawValue
            return result
        }
    }

    /// Hours that are over since this was last asked.
    mutating func takeFinished() -> [PeakHour] {
        defer { finished = [] }
        return finished
    }

    /// Puts back what was kept of the hour under way; what is of another hour, or of what is recorded no more, is not.
    mutating func restore(_ kept: PeakHour, key: (IPPrefix) -> TrafficKey?) {
        guard kept.hour == hour, let subject = subjects.firstIndex(where: { $0.name == kept.subject }) else { return }
        minutes = max(minutes, min(kept.minutes, 60))
        subjects[subject].lost.packets = max(
            subjects[subject].lost.packets,
            BaselineLevel(rawValue: kept.packetsBeyond)
        )
        subjects[subject].lost.bits = max(subjects[subject].lost.bits, BaselineLevel(rawValue: kept.bitsBeyond))
        for unit in PeakHour.units {
            for peak in kept.peaks(unit).prefix(PeakHour.kept) {
                guard let key = key(peak.member) else { continue }
                let all = PeakRates(packets: .infinity, bits: .infinity)
                guard let place = place(of: key, peak.member, subject: subject, all) else { continue }
                members[place].restore(peak, unit)
            }
        }
    }
}
