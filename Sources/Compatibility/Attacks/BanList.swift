public import Detection
public import NetworkTypes

/// Who is banned, as FastNetMon keeps it: what its scripts and its log are told, and when.
///
/// A host is banned once, however many attacks there are on it; told of again with samples a second later; and let go
/// when its ban time is over and, unless that is not waited for, its attacks are. No rule of ours comes or goes by it.
public struct BanList: Sendable {
    /// How long bans last.
    public struct Terms: Sendable, Hashable {
        public var banTime: Duration
        /// A ban lasts as long as its attack at least.
        public var onlyIfFinished: Bool

        public init(banTime: Duration, onlyIfFinished: Bool) {
            self.banTime = banTime
            self.onlyIfFinished = onlyIfFinished
        }
    }

    private struct Ban {
        var began: Timestamp
        /// By an operator's order, until then.
        var ends: Timestamp?
        var direction: TrafficDirection?
        var kind: AttackKind?
        /// Packets per second when it began.
        var power: UInt64
        /// Those under way.
        var attacks: Set<Attack.ID> = []
        /// The one that it began with, as last told, and what the host sends meanwhile, or gets.
        var attack: Attack?
        var opposite = TrafficRates()
        var areDetailsTold: Bool
    }

    private var bans: [IPPrefix: Ban] = [:]
    /// Attacks against which an operator wants nothing done any more.
    private var overruled: Set<Attack.ID> = []

    /// How long after a ban its details are told: by then the attack can be seen.
    private static let patience = Duration.seconds(1)

    public init() {}

    /// In the order of their addresses.
    public var banned: [IPPrefix] { bans.keys.sorted() }

    // MARK: Attacks

    /// - Parameter opposite: the target's traffic in the direction that the attack is not in.
    public mutating func handle(_ event: AttackEvent, opposite: TrafficRates, at time: Timestamp) -> [BanCall] {
        let attack = event.attack
        if case .ended = event { return finish(attack, at: time) }
        guard !overruled.contains(attack.id) else { return [] }
        return attack.target.prefixes.compactMap { target -> BanCall? in
            guard var ban = bans[target] else { return begin(attack, opposite, on: target, at: time) }
            ban.attacks.insert(attack.id)
            if ban.attack?.id == attack.id { (ban.attack, ban.opposite) = (attack, opposite) }
            let isDue = !ban.areDetailsTold && time - ban.began >= Self.patience
            ban.areDetailsTold = ban.areDetailsTold || isDue
            bans[target] = ban
            return isDue ? Self.call(.attackDetails, target, ban, at: time) : nil
        }
    }

    private mutating func begin(
        _ attack: Attack,
        _ opposite: TrafficRates,
        on target: IPPrefix,
        at time: Timestamp
    ) -> BanCall {
        let ban = Ban(
            began: time,
            direction: attack.direction,
            kind: attack.kind,
            power: Self.whole(attack.rates[.total, .packets]),
            attacks: [attack.id],
            attack: attack,
            opposite: opposite,
            areDetailsTold: false
        )
        bans[target] = ban
        return Self.call(.ban, target, ban, at: time)
    }

    private mutating func finish(_ attack: Attack, at time: Timestamp) -> [BanCall] {
        overruled.remove(attack.id)
        return attack.target.prefixes.compactMap { target -> BanCall? in
            guard var ban = bans[target], ban.attacks.remove(attack.id) != nil else { return nil }
            if ban.attack?.id == attack.id { ban.attack = attack }
            let isDue = !ban.areDetailsTold
            ban.areDetailsTold = true
            bans[target] = ban
            return isDue ? Self.call(.attackDetails, target, ban, at: time) : nil
        }
    }

    /// A ban of a former daemon's, which was told of by that.
    ///
    /// - Parameter isUnderWay: whether the attack is.
    public mutating func resume(_ attack: Attack, on target: IPPrefix, since time: Timestamp, isUnderWay: Bool) {
        guard bans[target] == nil else {
            if isUnderWay { bans[target]?.attacks.insert(attack.id) }
            return
        }
        bans[target] = Ban(
            began: time,
            direction: attack.direction,
            kind: attack.kind,
            power: Self.whole(attack.peak[.total, .packets]),
            attacks: isUnderWay ? [attack.id] : [],
            attack: attack,
            areDetailsTold: true
        )
    }

    // MARK: Operators

    public mutating func ban(_ target: IPPrefix, until end: Timestamp, at time: Timestamp) -> [BanCall] {
        if let ban = bans[target] {
            bans[target]?.ends = max(ban.ends ?? end, end)
            return []
        }
        let ban = Ban(began: time, ends: end, power: 0, areDetailsTold: true)
        bans[target] = ban
        return [Self.call(.ban, target, ban, at: time)]
    }

    public mutating func unban(_ target: IPPrefix, at time: Timestamp) -> [BanCall] {
        guard let ban = bans.removeValue(forKey: target) else { return [] }
        overruled.formUnion(ban.attacks)
        return [Self.call(.unban, target, ban, at: time)]
    }

    // MARK: Time

    /// Lets go whose time is over.
    public mutating func advance(to time: Timestamp, _ terms: Terms) -> [BanCall] {
        let due = bans.filter { _, ban in
            let end = max(ban.began + terms.banTime, ban.ends ?? ban.began)
            return (ban.attack == nil ? ban.ends ?? end : end) <= time
                && (ban.attacks.isEmpty || !terms.onlyIfFinished)
        }
        return due.sorted { $0.key < $1.key }.map { target, ban in
            bans[target] = nil
            return Self.call(.unban, target, ban, at: time)
        }
    }

    private static func call(_ action: BanCall.Action, _ target: IPPrefix, _ ban: Ban, at time: Timestamp) -> BanCall {
        var attack = ban.attack
        if action == .unban, let kind = ban.kind { attack?.kind = kind }
        return BanCall(
            action: action,
            target: target,
            direction: ban.direction,
            power: ban.power,
            attack: attack,
            opposite: ban.opposite,
            banned: ban.began,
            time: time
        )
    }

    static func whole(_ rate: Double) -> UInt64 { rate >= 1 ? UInt64(min(rate, 1e18)) : 0 }
}
