import FlowSpec
import NetworkTypes
import Simulation
import Testing

@testable import BGP

/// A neighbor that keeps routes over a restart (RFC 4724) and purges what a resend does not name (RFC 7313).
private struct ModelReceiver {
    var held: [AnnouncedRoute: Announcement] = [:]
    /// Told on the session that stands.
    var told: Set<AnnouncedRoute> = []
    var stale: Set<AnnouncedRoute> = []
    var ended: Set<BGPFamily> = []
    var refreshing: Set<BGPFamily> = []
    var faults: [String] = []

    mutating func restart() {
        stale = Set(held.keys)
        told = []
        ended = []
        refreshing = []
    }

    /// - Parameter table: what it should have; nothing of that may be purged.
    mutating func apply(_ batch: AdjRIBOut.Batch, table: [AnnouncedRoute: Announcement]) {
        switch batch {
        case .routes(let announce, let withdraw):
            for route in withdraw {
                if told.remove(route) == nil { faults.append("\(route) was withdrawn, and never announced") }
                held[route] = nil
                stale.remove(route)
            }
            for announcement in announce {
                held[announcement.route] = announcement
                told.insert(announcement.route)
                stale.remove(announcement.route)
            }
        case .mark(.beginRefresh(let family)):
            if !ended.contains(family) { faults.append("BoRR before the End-of-RIB") }
            if !refreshing.insert(family).inserted { faults.append("BoRR within a refresh") }
            stale.formUnion(held.keys.filter { $0.bgpFamily == family })
        case .mark(.endRefresh(let family)):
            if refreshing.remove(family) == nil { faults.append("EoRR without BoRR") }
            purge(family, table)
        case .mark(.endOfRIB(let family)):
            if !ended.insert(family).inserted { faults.append("a second End-of-RIB") }
            purge(family, table)
        }
    }

    private mutating func purge(_ family: BGPFamily, _ table: [AnnouncedRoute: Announcement]) {
        for route in stale where route.bgpFamily == family {
            if table[route] != nil { faults.append("\(route) was purged, and is in the table") }
            held[route] = nil
            told.remove(route)
            stale.remove(route)
        }
    }
}

private struct RIBSimulation {
    static let families: [BGPFamily] = [.ipv4Unicast, .ipv6Unicast]
    var rib: AdjRIBOut
    var receiver = ModelReceiver()
    var table: [AnnouncedRoute: Announcement] = [:]
    var random: SeededGenerator
    let limit: Int
    let marked: Bool
    var hasSession = false

    init(seed: UInt64, limit: Int, marked: Bool) {
        random = SeededGenerator(seed: seed)
        self.limit = limit
        self.marked = marked
        rib = AdjRIBOut(maximum: limit)
    }

    /// With this metric a route cannot be said.
    private static func obstacle(to announcement: Announcement) -> UpdatePacker.Obstacle? {
        announcement.metric == 3 ? .nextHop : nil
    }

    /// What the neighbor should have, as far as that is settled.
    private var due: [AnnouncedRoute: Announcement] {
        table.filter { Self.obstacle(to: $0.value) == nil && rib[$0.key]?.hold != .overLimit }
    }

    private mutating func anyRoute() -> AnnouncedRoute? {
        let host = UInt8.random(in: 0..<40, using: &random)
        let text = Bool.random(using: &random) ? "198.51.100.\(host)/32" : "2001:db8::\(host)/128"
        return IPPrefix(text).map { .unicast($0) }
    }

    mutating func transmit(_ limit: Int) {
        guard hasSession, let batch = rib.next(limit, at: time(1), obstacle: Self.obstacle) else { return }
        if case .mark = batch { receiver.apply(batch, table: due) } else { receiver.apply(batch, table: [:]) }
    }

    mutating func step() {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<40:
            guard let route = anyRoute() else { return }
            let metric = UInt32.random(in: 0...(limit == .max ? 3 : 2), using: &random)
            let announcement = Announcement(route: route, metric: metric)
            table[route] = announcement
            rib.announce(announcement, at: time(0))
        case 40..<55:
            guard let route = anyRoute() else { return }
            table[route] = nil
            rib.withdraw(route, at: time(0))
        case 55..<65:
            for family in Self.families where Bool.random(using: &random) { rib.resend(family, marked: marked) }
        case 65..<67:
            hasSession = Bool.random(using: &random)
            receiver.restart()
            if hasSession { rib.beginSession(Self.families, at: time(0)) } else { rib.forgetSession(at: time(0)) }
        default: transmit(Int.random(in: 1...12, using: &random))
        }
    }

    /// Everything that waits is sent.
    mutating func settle() {
        if !hasSession {
            hasSession = true
            receiver.restart()
            rib.beginSession(Self.families, at: time(0))
        }
        for _ in 0..<10_000 where rib.hasPending { transmit(Int.random(in: 1...12, using: &random)) }
    }

    var faults: [String] {
        var faults = receiver.faults
        if rib.hasPending { faults.append("something waits for ever") }
        if limit == .max {
            if receiver.held != due { faults.append("\(receiver.held.count) held where \(due.count) are due") }
        } else {
            if receiver.held.count != min(limit, table.count) {
                faults.append("\(receiver.held.count) held of \(table.count) where \(limit) may be")
            }
            for (route, held) in receiver.held where table[route] != held { faults.append("\(route) is not as it is") }
        }
        if rib.sentCount != receiver.held.count { faults.append("\(rib.sentCount) count as sent") }
        if receiver.ended.count != 2 || !receiver.refreshing.isEmpty { faults.append("a mark is missing") }
        return faults
    }
}

/// Whatever comes between whatever: once all is sent, the neighbor has exactly the table, and no mark has purged what is
/// in it.
@Test(arguments: [true, false], [Int.max, 15])
func theNeighborHasExactlyTheTable(_ marked: Bool, _ limit: Int) {
    for seed in 1...50 as ClosedRange<UInt64> {
        var simulation = RIBSimulation(seed: seed, limit: limit, marked: marked)
        for round in 0..<4 {
            for _ in 0..<120 { simulation.step() }
            simulation.settle()
            let faults = simulation.faults
            #expect(faults.isEmpty, "seed \(seed), round \(round)")
            guard faults.isEmpty else { return }
        }
    }
}
