import FlowSpec
import NetworkTypes
import Testing

@testable import BGP

private func route(_ text: String) throws -> AnnouncedRoute { .unicast(try #require(IPPrefix(text))) }
private func announcement(_ text: String) throws -> Announcement { Announcement(route: try route(text)) }

extension AdjRIBOut {
    fileprivate mutating func takePending(_ limit: Int) -> (announce: [Announcement], withdraw: [AnnouncedRoute]) {
        guard case .routes(let announce, let withdraw)? = next(limit, at: time(1)) else { return ([], []) }
        return (announce, withdraw)
    }

    /// A session that has said all it had.
    fileprivate mutating func begin(_ families: [BGPFamily]) {
        beginSession(families, at: time(0))
        while next(1000, at: time(0)) != nil {}
    }

    fileprivate mutating func order() -> [String] {
        var order: [String] = []
        while let batch = next(1000, at: time(1)) {
            switch batch {
            case .mark(let mark): order.append("\(mark)")
            case .routes(let announce, let withdraw):
                order += announce.map { "+\($0.route)" } + withdraw.map { "-\($0)" }
            }
        }
        return order
    }
}

@Test func withoutASessionNothingIsKeptButTheRoutes() throws {
    var rib = AdjRIBOut()
    for index in 0..<100 {
        let prefix = "198.51.100.\(index)/32"
        rib.announce(try announcement(prefix), at: time(0))
        if index > 0 { rib.withdraw(try route(prefix), at: time(0)) }
    }
    #expect(!rib.hasPending, "rules that come and go while a neighbor is away leave nothing behind")
    #expect(rib.slots.count <= 2, "and their places are used again")
    rib.beginSession([.ipv4Unicast], at: time(0))
    #expect(rib.order() == ["+198.51.100.0/32", "endOfRIB(BGP.BGPFamily.ipv4Unicast)"])
}

@Test func onlyWhatWasToldIsWithdrawn() throws {
    var rib = AdjRIBOut()
    rib.begin([.ipv4Unicast])
    rib.announce(try announcement("198.51.100.1/32"), at: time(0))
    rib.announce(try announcement("2001:db8::1/128"), at: time(0))
    let first = rib.takePending(1000)
    #expect(first.announce == [try announcement("198.51.100.1/32")], "IPv6 was not negotiated")
    #expect(rib.sentCount == 1)
    rib.withdraw(try route("2001:db8::1/128"), at: time(0))
    rib.withdraw(try route("198.51.100.1/32"), at: time(0))
    rib.withdraw(try route("198.51.100.9/32"), at: time(0))
    let second = rib.takePending(1000)
    #expect(second.withdraw == [try route("198.51.100.1/32")])
    #expect(rib.sentCount == 0)
    let gone = try #require(rib.entries().first)
    #expect(gone.state == .withdrawn && gone.withdrawnAt == time(1), "it is remembered when")
}

@Test func changedAttributesAreToldAgainAndEqualOnesAreNot() throws {
    var rib = AdjRIBOut()
    rib.begin([.ipv4Unicast])
    var changed = try announcement("198.51.100.1/32")
    rib.announce(changed, at: time(0))
    _ = rib.takePending(10)
    rib.announce(changed, at: time(0))
    #expect(!rib.hasPending)
    changed.communities = [.blackhole]
    rib.announce(changed, at: time(0))
    #expect(rib.takePending(10).announce == [changed])
    #expect(rib.sentCount == 1)
}

@Test func aBurstLeavesTheRestInOrder() throws {
    var rib = AdjRIBOut()
    rib.begin([.ipv4Unicast])
    let all = try (0..<10).map { try announcement("198.51.100.\($0)/32") }
    for one in all { rib.announce(one, at: time(0)) }
    #expect(rib.takePending(4).announce == Array(all[..<4]))
    #expect(rib.takePending(100).announce == Array(all[4...]))
    #expect(!rib.hasPending)
}

/// What was announced before the mark would count as gone after the other one.
@Test func aMarkedResendHasAllRoutesBetweenItsMarks() throws {
    var rib = AdjRIBOut()
    rib.begin([.ipv4Unicast])
    rib.announce(try announcement("198.51.100.1/32"), at: time(0))
    _ = rib.takePending(10)
    rib.announce(try announcement("198.51.100.2/32"), at: time(0))
    rib.announce(try announcement("198.51.100.3/32"), at: time(0))
    rib.resend(.ipv4Unicast, marked: true)
    rib.withdraw(try route("198.51.100.3/32"), at: time(0))
    rib.announce(try announcement("198.51.100.4/32"), at: time(0))
    let order = rib.order()
    #expect(order.first == "beginRefresh(BGP.BGPFamily.ipv4Unicast)")
    #expect(Set(order.dropFirst().prefix(2)) == ["+198.51.100.1/32", "+198.51.100.2/32"])
    #expect(order.suffix(2) == ["endRefresh(BGP.BGPFamily.ipv4Unicast)", "+198.51.100.4/32"])
    #expect(!rib.hasPending)
}

@Test func whatIsOverTheLimitWaitsForItsTurn() throws {
    var rib = AdjRIBOut(maximum: 2)
    rib.begin([.ipv4Unicast])
    for index in 1...4 { rib.announce(try announcement("198.51.100.\(index)/32"), at: time(0)) }
    #expect(rib.takePending(10).announce.count == 2)
    #expect(rib.state(of: try route("198.51.100.3/32")) == .overLimit)
    rib.withdraw(try route("198.51.100.4/32"), at: time(0))
    rib.withdraw(try route("198.51.100.1/32"), at: time(0))
    let next = rib.takePending(10)
    #expect(next.withdraw == [try route("198.51.100.1/32")])
    #expect(next.announce == [try announcement("198.51.100.3/32")])
    #expect(rib.sentCount == 2)
}

/// It gave up its place with the withdrawal: until that has left the neighbor holds it, and must be told to let it go.
@Test func whatComesBackBeforeItsWithdrawalLeftIsWithdrawnWhenOverTheLimit() throws {
    var rib = AdjRIBOut(maximum: 2)
    rib.begin([.ipv4Unicast])
    for index in 1...4 { rib.announce(try announcement("198.51.100.\(index)/32"), at: time(0)) }
    _ = rib.takePending(10)
    let first = try route("198.51.100.1/32")
    rib.withdraw(first, at: time(0))
    rib.announce(try announcement("198.51.100.1/32"), at: time(0))
    #expect(rib.state(of: first) == .withdrawing, "the neighbor holds it still")
    let next = rib.takePending(10)
    #expect(next.withdraw == [first])
    #expect(next.announce == [try announcement("198.51.100.3/32")])
    #expect(rib.sentCount == 2)
    #expect(rib.state(of: first) == .overLimit)
    // It waits for its turn like the others, the last of them.
    for index in [2, 3, 4] { rib.withdraw(try route("198.51.100.\(index)/32"), at: time(0)) }
    _ = rib.takePending(10)
    #expect(rib.state(of: first) == .sent)
    #expect(rib.sentCount == 1)
}

@Test func ofAWithdrawnRouteItIsKnownWhenItWasQueuedAndSent() throws {
    var rib = AdjRIBOut()
    rib.begin([.ipv4Unicast])
    for last in 1...2 { rib.announce(try announcement("198.51.100.\(last)/32"), at: time(10)) }
    _ = rib.next(10, at: time(12))
    rib.withdraw(try route("198.51.100.1/32"), at: time(20))
    let going = try #require(rib.entries().first { $0.state == .withdrawing })
    #expect(going.queuedAt == time(10) && going.sentAt == time(12) && going.withdrawnAt == nil)
    _ = rib.next(10, at: time(22))
    // The other one goes with the session.
    rib.withdraw(try route("198.51.100.2/32"), at: time(25))
    rib.forgetSession(at: time(30))
    let gone = rib.entries()
    #expect(gone.map(\.state) == [.withdrawn, .withdrawn])
    #expect(gone.map(\.queuedAt) == [time(10), time(10)])
    #expect(gone.map(\.sentAt) == [time(12), time(12)])
    #expect(gone.map(\.withdrawnAt) == [time(22), time(30)])
}
