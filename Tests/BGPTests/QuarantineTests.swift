import FlowSpec
import NetworkTypes
import Simulation
import Testing

@testable import BGP

/// One bad rule among many is found in a logarithm of sessions; all others are back.
@Test(arguments: [1, 2, 3, 100, 3000])
func theRuleThatANeighborCannotBearIsFound(_ count: Int) throws {
    var random = SeededGenerator(seed: UInt64(count))
    let rules = try (0..<count).map { try udpRule("198.51.\($0 / 250).\($0 % 250)/32") }
    let culprit = try #require(rules.randomElement(using: &random))
    var router = PickyRouter(bad: [culprit.route])
    router.start()
    router.carryOut(router.session.update(announce: rules, withdraw: [], at: time(0)))
    router.carryOut(router.session.transmitAll(at: time(0)))
    router.run(until: 600)
    #expect(router.found == [culprit.route])
    #expect(router.session.state == .established)
    #expect(router.held == Set(rules.map(\.route)).subtracting([culprit.route]))
    #expect(router.session.routeState(culprit.route) == .quarantined)
    #expect(!router.session.isSearchingForFault)
    #expect(router.resets <= 2 + Int(Double(count).squareRoot()), "\(router.resets) sessions")
    // Once withdrawn it is forgotten; it may come again with something else.
    _ = router.session.update(announce: [], withdraw: [culprit.route], at: time(601))
    #expect(router.session.quarantined.isEmpty)
}

@Test func severalBadRulesAreFoundOneByOne() throws {
    let rules = try (0..<64).map { try udpRule("198.51.100.\($0)/32") }
    let bad = Set([rules[0], rules[31], rules[63]].map(\.route))
    var router = PickyRouter(bad: bad)
    router.start()
    router.carryOut(router.session.update(announce: rules, withdraw: [], at: time(0)))
    router.run(until: 1200)
    #expect(Set(router.found) == bad)
    #expect(router.held == Set(rules.map(\.route)).subtracting(bad))
}

/// What the neighbor has had for long is not suspected: only the rule that came last.
@Test func rulesThatStoodForLongAreBeyondSuspicion() throws {
    let good = try (0..<50).map { try udpRule("198.51.100.\($0)/32") }
    let bad = try udpRule("198.51.100.99/32")
    var router = PickyRouter(bad: [bad.route])
    router.start()
    router.carryOut(router.session.update(announce: good, withdraw: [], at: time(0)))
    router.run(until: 20)
    router.carryOut(router.session.update(announce: [bad], withdraw: [], at: time(20)))
    #expect(router.found == [bad.route], "at once")
    router.run(until: 40)
    #expect(router.resets == 1)
    #expect(router.held == Set(good.map(\.route)))
}

/// Rules that come in the middle of the search are sent, and tried like the others if the neighbor complains.
@Test func rulesOfTheMeantimeAreNotHeldBack() throws {
    let rules = try (0..<32).map { try udpRule("198.51.100.\($0)/32") }
    var router = PickyRouter(bad: [rules[7].route])
    router.start()
    router.carryOut(router.session.update(announce: rules, withdraw: [], at: time(0)))
    router.run(until: 3)
    #expect(router.session.isSearchingForFault)
    let late = try udpRule("198.51.100.200/32")
    router.carryOut(router.session.update(announce: [late], withdraw: [rules[3].route], at: time(3)))
    router.run(until: 4)
    #expect(router.held.contains(late.route))
    router.run(until: 600)
    #expect(router.found == [rules[7].route])
    #expect(router.held == Set(rules.map(\.route)).subtracting([rules[7].route, rules[3].route]).union([late.route]))
}
