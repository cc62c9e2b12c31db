internal import NetworkTypes
internal import Traffic

/// What was found above a limit, and is an attack unless it lies in another.
struct AttackBeginning {
    var key: TrafficKey
    var limits: [RateJudge.Limit]
    var crossing: ThresholdCrossing
    /// Whether it was put off in the tick before.
    var isLate = false

    var strength: Double { crossing.rate / crossing.threshold }
}

/// Lets so many attacks on hosts begin in a tick that none takes long, and the others in the next.
struct AttackBeginnings {
    /// Found while as many began as may in a tick.
    private(set) var waiting: [AttackBeginning] = []

    static let perTick = 2000

    mutating func takeWaiting() -> [AttackBeginning] {
        defer { waiting = [] }
        return waiting
    }

    /// Those that begin now: of very many hosts those that waited, then those that are farthest above their limit. No whole
    /// begins before them, as what they have is no part of its attack.
    ///
    /// - Parameter found: in the order in which they are to begin, hosts first.
    mutating func admit(_ found: [AttackBeginning]) -> [AttackBeginning] {
        let hosts = found.prefix { $0.key.isHost }
        guard hosts.count > Self.perTick else { return found }
        let byTurn = hosts.indices.sorted { one, other in
            let (first, second) = (hosts[one], hosts[other])
            if first.isLate != second.isLate { return first.isLate }
            return first.strength != second.strength ? first.strength > second.strength : one < other
        }
        let others = byTurn.dropFirst(Self.perTick).sorted() + Array(hosts.endIndex..<found.endIndex)
        waiting = others.map { place in
            var late = found[place]
            late.isLate = true
            return late
        }
        return byTurn.prefix(Self.perTick).sorted().map { found[$0] }
    }
}
