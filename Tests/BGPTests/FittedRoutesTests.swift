import FlowSpec
import NetworkTypes
import Testing

@testable import BGP

private func rule(_ ports: ClosedRange<UInt64>, host: UInt8 = 1) throws -> Announcement {
    let target = PrefixPattern(IPPrefix(host: IPAddress(198, 51, 100, host)))
    let components: [MatchComponent] = [.destination(target), .destinationPort(ports.map { NumericTerm(.equal, $0) })]
    return Announcement(
        route: .flowSpec(try FlowSpecRule(family: .ipv4, components: components)),
        actions: [.discard]
    )
}

/// A rule of seven ports goes as two, and is with the neighbor when both are; they go together.
@Test func aRuleTheRouterCannotReadIsCut() throws {
    var session = establishedSession()
    let whole = try rule(1...7)
    let updates = sentUpdates(session.update(announce: [whole], withdraw: [], at: time(1)))
    #expect(updates.flatMap(\.announced).count == 2)
    #expect(session.routeState(whole.route) == .sent)
    #expect(session.routeStates().allSatisfy { $0.parents == [whole.route] })
    let withdrawn = sentUpdates(session.update(announce: [], withdraw: [whole.route], at: time(2))).flatMap(\.withdrawn)
    #expect(Set(withdrawn) == Set(updates.flatMap(\.announced)))
    #expect(session.routeState(whole.route) == nil)
    #expect(session.announcedRoutes == 0)
}

/// A piece of one rule may be a rule of its own: it stays until both are gone.
@Test(arguments: [true, false])
func aPieceThatIsARuleItselfStaysForIt(_ directFirst: Bool) throws {
    var session = establishedSession()
    let whole = try rule(1...7)
    let cut = try CompatibilityProfile.compatible.fit(whole)
    let piece = try #require(cut.first)
    for one in directFirst ? [piece, whole] : [whole, piece] {
        _ = session.update(announce: [one], withdraw: [], at: time(1))
    }
    #expect(session.announcedRoutes == 2)
    _ = session.update(announce: [], withdraw: [whole.route], at: time(2))
    #expect(session.routeState(piece.route) == .sent && session.announcedRoutes == 1)
    _ = session.update(announce: [], withdraw: [piece.route], at: time(3))
    #expect(session.announcedRoutes == 0)
}

@Test func anUnrestrictedNeighborGetsRulesAsTheyAre() throws {
    var configuration = testConfiguration
    configuration.profile = .unrestricted
    var session = establishedSession(configuration)
    let whole = try rule(1...7)
    let updates = sentUpdates(session.update(announce: [whole], withdraw: [], at: time(1)))
    #expect(updates.flatMap(\.announced) == [whole.route])
}

/// A chain of values that belong together cannot be cut: it is kept from the neighbor, and said so.
@Test func whatCannotBeCutIsRefused() throws {
    var session = establishedSession()
    let target = PrefixPattern(IPPrefix(host: IPAddress(198, 51, 100, 1)))
    let chain = (1...7).map { NumericTerm(.notEqual, $0, and: $0 > 1) }
    let components: [MatchComponent] = [.destination(target), .destinationPort(chain)]
    let route = AnnouncedRoute.flowSpec(try FlowSpecRule(family: .ipv4, components: components))
    let announcement = Announcement(route: route, actions: [.discard])
    let effects = session.update(announce: [announcement], withdraw: [], at: time(1))
    #expect(sentUpdates(effects).isEmpty)
    guard case .unsayable(1, route, let reason)? = effects.first else {
        Issue.record("nothing of it is told to the log")
        return
    }
    #expect(reason == "\(try #require(session.routeStates().first?.refusal))")
    #expect(session.routeState(route) == .refused)
    #expect(session.routeStates().first?.refusal != nil)
    _ = session.update(announce: [], withdraw: [route], at: time(2))
    #expect(session.refusedRoutes == 0)
}
