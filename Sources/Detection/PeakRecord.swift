internal import NetworkTypes
internal import Traffic

/// Remembers of the hour under way which hosts, networks and groups had most, so that it can be said later which alarms
/// a threshold would have raised.
///
/// A look is believed a minute or two later, and only if no attack on it began meanwhile: of attacks nothing is recorded,
/// nor of the ten minutes after them. Each direction and class of traffic of a subject is a lane, with room for so many
/// members of some 150 octets; where there are more, the lowest give way, and the hour says up to which rate something may
/// be missing.
struct PeakRecord: Sendable {
    /// For all lanes together, as long as each then has room for what is kept of an hour.
    static let maximumMembers = 14_336
    static let maximumSubjects = 256
    /// Minutes after an attack of which nothing is recorded.
    static let caution: Int64 = 10
    private static let maximumCautious = 65_536
    /// Of a day, should nobody take them.
    private static let maximumFinished = 24 * maximumSubjects
    static let lanesPerSubject = TrafficDirection.allCases.count * TrafficClass.allCases.count

    /// What is allowed of one direction and class, for the members of a subject.
    struct Lane: Sendable {
        let trafficClass: TrafficClass
        let capacity: Int
        /// What is never worth a note, per second.
        let least: PeakRates
        /// What is not worth a note at present.
        var floor: PeakRates
        /// The most of those that had to give way.
        var lost = PeakUnits(repeating: BaselineLevel.unknown)
        /// Of which units there may have been more than could be seen.
        var isUnknown = PeakUnits(repeating: false)
        var count = 0

        /// From what on something is to be looked at: what will not be told need not be.
        var notable: PeakRates {
            var rates = floor
            for unit in PeakRates.indices where isUnknown[unit] { rates[unit] = .infinity }
            return rates
        }
    }

    /// Where a key's members stand, by class; -1 for nowhere.
    private typealias Places = InlineArray<6, Int32>

    let subjects: [PeakSubject]
    /// By subject, direction and class.
    private(set) var lanes: [Lane] = []
    private(set) var members: [PeakMember] = []
    private var places: [TrafficKey: Places] = [:]
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

    /// - Parameter least: what is never worth a note, per second, of a subject's direction and class.
    init(_ subjects: [PeakSubject], least: (PeakSubject, TrafficDirection, TrafficClass) -> PeakRates) {
        self.subjects = Array(subjects.prefix(Self.maximumSubjects))
        // All traffic has twice the room of a part of it, as twice as many are kept.
        let parts = TrafficDirection.allCases.count * (TrafficClass.allCases.count + 1)
        let share = min(max(Self.maximumMembers / (parts * max(1, self.subjects.count)), 16), 512)
        for subject in self.subjects {
            for direction in TrafficDirection.allCases {
                for trafficClass in TrafficClass.allCases {
                    let least = least(subject, direction, trafficClass)
                    let capacity = trafficClass == .total ? 2 * share : share
                    lanes.append(Lane(trafficClass: trafficClass, capacity: capacity, least: least, floor: least))
                }
            }
        }
    }

    static func minute(of time: Timestamp) -> Int64 { time.nanoseconds / 60_000_000_000 }

    /// Where the first lane of a direction stands, that of all traffic; those of the other classes follow.
    @inline(__always)
    static func lane(_ subject: Int, _ direction: TrafficDirection) -> Int {
        subject * lanesPerSubject + (direction == .incoming ? 0 : TrafficClass.allCases.count)
    }

    // MARK: Looking

    /// Whether what comes of a key is to be recorded now.
    func isTrusted(_ key: TrafficKey) -> Bool {
        if !cautious.isEmpty, cautious[key] != nil { return false }
        if !cautiousWholes.isEmpty {
            if cautiousWholes[key] != nil { return false }
            guard key.isHost else { return true }
            let isWithin = cautiousWholes.contains { whole, caution in
                whole.direction == key.direction && caution.prefixes.contains { $0.contains(key.address) }
            }
            return !isWithin
        }
        return true
    }

    /// Takes note of rates per second: of those that would have been found above a threshold, and as they were estimated.
    ///
    /// - Parameter prefix: of a network or group; nil of a host.
    mutating func note(_ key: TrafficKey, _ prefix: IPPrefix?, lane: Int, certain: PeakRates, estimate: PeakRates) {
        guard let place = place(of: key, prefix, lane: lane, estimate) else { return }
        members[place].note(certain, estimate, minute: minute)
    }

    /// More of a unit may flow than can be seen, for the rest of the hour.
    mutating func noteUnknown(_ unit: TrafficUnit, lane: Int) {
        guard !lanes[lane].isUnknown[unit] else { return }
        lanes[lane].isUnknown[unit] = true
        floorsChanged = true
    }

    private mutating func place(of key: TrafficKey, _ prefix: IPPrefix?, lane: Int, _ estimate: PeakRates) -> Int? {
        let trafficClass = lanes[lane].trafficClass
        if let places = places[key], places[trafficClass.rawValue] >= 0 { return Int(places[trafficClass.rawValue]) }
        guard estimate.exceeds(lanes[lane].floor) else { return nil }
        if lanes[lane].count >= lanes[lane].capacity { makeRoom(lane) }
        setPlace(members.count, of: key, trafficClass)
        members.append(
            PeakMember(key: key, trafficClass: trafficClass, lane: lane, prefix: prefix ?? IPPrefix(host: key.address))
        )
        lanes[lane].count += 1
        return members.count - 1
    }

    private mutating func setPlace(_ place: Int, of key: TrafficKey, _ trafficClass: TrafficClass) {
        places[key, default: Places(repeating: -1)][trafficClass.rawValue] = Int32(place)
    }

    /// Adds a second's rates to what is summed up of a member over ever longer times.
    mutating func sumUp(_ place: Int, packets: Double, bits: Double, samplingRate: UInt32) {
        members[place].sumUp(packets: packets, bits: bits, samplingRate: samplingRate, minute: minute)
    }

    /// At the limit the heaviest quarter by any unit stays, and what is less than that is not looked at any more.
    private mutating func makeRoom(_ lane: Int) {
        let own = members.filter { $0.lane == lane }
        let kept = lanes[lane].capacity / 4
        func cutoff(_ level: (PeakMember) -> BaselineLevel) -> BaselineLevel {
            let all = own.map(level).sorted(by: >)
            return all.indices.contains(kept) ? all[kept] : .unknown
        }
        var least = PeakUnits(repeating: BaselineLevel.unknown)
        for unit in PeakRates.indices {
            least[unit] = cutoff { $0.rank[unit] }
            // A little more, so that many that are alike do not push each other out for ever.
            let floor = 1.01 * cutoff { $0.estimate[unit] }.rate
            lanes[lane].floor[unit] = max(lanes[lane].floor[unit], floor)
        }
        floorsChanged = true
        var alike = 0
        keep { member in
            guard member.lane == lane else { return true }
            let rank = member.rank
            if rank.exceeds(least) { return true }
            alike += 1
            return alike <= kept && PeakRates.indices.contains { rank[$0] == least[$0] }
        }
    }

    /// Lets go of all that are not to be kept.
    private mutating func keep(_ isKept: (PeakMember) -> Bool) {
        var count = 0
        for place in members.indices {
            let member = members[place]
            if isKept(member) {
                if count < place {
                    members[count] = member
                    setPlace(count, of: member.key, member.trafficClass)
                }
                count += 1
            } else {
                setPlace(-1, of: member.key, member.trafficClass)
                if let rest = places[member.key], rest.indices.allSatisfy({ rest[$0] < 0 }) { places[member.key] = nil }
                lanes[member.lane].count -= 1
                lanes[member.lane].lost.raise(to: member.rank)
            }
        }
        members.removeLast(members.count - count)
    }

    // MARK: Attacks

    /// Nothing is recorded of a key from now on, nor what was seen of it last; with a time, until then.
    mutating func distrust(_ key: TrafficKey, prefixes: [IPPrefix] = [], until: Int64 = .max) {
        if let places = places[key] {
            for index in places.indices where places[index] >= 0 { members[Int(places[index])].forgetLatest() }
        }
        if prefixes.isEmpty {
            guard until == .max || cautious.count < Self.maximumCautious || cautious[key] != nil else { return }
            cautious[key] = until
            return
        }
        for place in members.indices where members[place].key.isHost && members[place].key.direction == key.direction {
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
        for lane in lanes.indices {
            for unit in PeakRates.indices {
                lanes[lane].floor[unit] = max(lanes[lane].least[unit], lanes[lane].floor[unit] / 2)
            }
            lanes[lane].lost = PeakUnits(repeating: .unknown)
            lanes[lane].isUnknown = PeakUnits(repeating: false)
        }
        floorsChanged = true
        minutes = 0
        hour = waiting / 60
    }

    // MARK: Hours

    /// The hour under way as far as it is believed.
    var openHours: [PeakHour] {
        guard hour >= 0 else { return [] }
        var own = Array(repeating: [Int](), count: lanes.count)
        for place in members.indices { own[members[place].lane].append(place) }
        return subjects.indices.map { index in
            var result = PeakHour(subject: subjects[index], hour: hour)
            result.minutes = minutes
            for aspect in PeakAspect.all {
                let lane = Self.lane(index, aspect.direction) + aspect.trafficClass.rawValue
                guard !lanes[lane].isUnknown[aspect.unit] else { continue }
                result[aspect] = series(aspect, of: own[lane], lanes[lane])
            }
            return result
        }
    }

    private func series(_ aspect: PeakAspect, of own: [Int], _ lane: Lane) -> PeakSeries {
        let unit = aspect.unit.index
        // What is little of a part of the traffic says nothing: it is there as there is more of another unit.
        let least = aspect.trafficClass == .total ? .unknown : BaselineLevel(rate: lane.least[unit])
        let sorted = own.filter { members[$0].peak[unit].level > least }.sorted { first, second in
            let (one, other) = (members[first].peak[unit].level, members[second].peak[unit].level)
            return one != other ? one > other : members[first].key.address < members[second].key.address
        }
        let next = sorted.indices.contains(aspect.kept) ? members[sorted[aspect.kept]].peak[unit].level : .unknown
        return PeakSeries(
            peaks: sorted.prefix(aspect.kept).map { members[$0].traffic(unit) },
            beyond: max(next, lane.lost[unit], BaselineLevel(rate: lane.floor[unit])).rawValue
        )
    }

    /// Hours that are over since this was last asked.
    mutating func takeFinished() -> [PeakHour] {
        defer { finished = [] }
        return finished
    }

    /// Puts back what was kept of the hour under way; what is of another hour, or of what is recorded no more, is not.
    mutating func restore(_ kept: PeakHour, key: (IPPrefix, TrafficDirection) -> TrafficKey?) {
        guard kept.hour == hour, let subject = subjects.firstIndex(of: kept.subject) else { return }
        minutes = max(minutes, min(kept.minutes, 60))
        for aspect in PeakAspect.all {
            let lane = Self.lane(subject, aspect.direction) + aspect.trafficClass.rawValue
            guard let series = kept[aspect] else {
                noteUnknown(aspect.unit, lane: lane)
                continue
            }
            lanes[lane].lost[aspect.unit] = max(lanes[lane].lost[aspect.unit], BaselineLevel(rawValue: series.beyond))
            for peak in series.peaks.prefix(aspect.kept) {
                guard let key = key(peak.member, aspect.direction) else { continue }
                let all = PeakRates(repeating: .infinity)
                guard let place = place(of: key, peak.member, lane: lane, all) else { continue }
                members[place].restore(peak, aspect.unit)
            }
        }
    }
}
