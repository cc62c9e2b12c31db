import FlowSpec
import NetworkTypes
import Testing

@testable import BGP

private func manyRules(_ count: Int) throws -> [Announcement] {
    try (0..<count).map { try udpRule("198.51.\($0 / 250).\($0 % 250)/32") }
}

/// One router with one bad rule among many, at the end.
private func expectFound(_ culprit: Announcement, of rules: [Announcement], by router: PickyRouter, resets: Int) {
    #expect(router.session.quarantined.map(\.route) == [culprit.route])
    #expect(router.session.state == .established)
    #expect(router.held == Set(rules.map(\.route)).subtracting([culprit.route]))
    let isSearching = router.session.isSearchingForFault
    #expect(!isSearching)
    let count = router.resets
    #expect(count <= resets)
}

/// A slow router complains when all that it was sent is long beyond probation.
@Test(arguments: [(1, 6.0, 2), (61, 6.0, 8), (3000, 6.0, 14), (3000, 70.0, 14), (500, 200.0, 24)])
func aLateComplaintFindsItsRule(_ count: Int, delay: Double, resets: Int) throws {
    let rules = try manyRules(count)
    let culprit = rules[count * 2 / 3]
    var router = PickyRouter(bad: [culprit.route], delay: delay)
    router.start()
    router.announce(rules)
    router.run(until: 20_000)
    expectFound(culprit, of: rules, by: router, resets: resets)
}

/// The rules that come meanwhile are always the last ones, and never what the router complains of.
@Test(arguments: [0.5, 6.0, 20.0])
func theLastRulesAreNotBlamedForAnOlderOne(_ delay: Double) throws {
    var rules = try manyRules(100)
    let culprit = rules[40]
    var router = PickyRouter(bad: [culprit.route], delay: delay)
    router.start()
    router.announce(rules)
    for second in 1..<1000 {
        router.run(until: Double(second) * 2)
        let late = try udpRule("203.0.\(second / 250).\(second % 250)/32")
        rules.append(late)
        router.announce([late])
    }
    router.run(until: 4000)
    expectFound(culprit, of: rules, by: router, resets: 40)
}

/// It bore the rule until it came back with other software.
@Test func whatWasBorneBeforeIsSuspectedWhenTheRouterHasChanged() throws {
    let rules = try manyRules(61)
    var router = PickyRouter(bad: [])
    router.start()
    router.announce(rules)
    router.run(until: 100)
    #expect(router.held.count == 61)
    router.restart(bad: [rules[44].route])
    router.run(until: 700)
    expectFound(rules[44], of: rules, by: router, resets: 8)
}

/// As above, with rules that are new to the router too: they are suspected first, and let go again.
@Test func newRulesAreLetGoWhenAnOldOneWasIt() throws {
    var rules = try manyRules(61)
    var router = PickyRouter(bad: [])
    router.start()
    router.announce(rules)
    router.run(until: 100)
    router.restart(bad: [rules[3].route])
    let late = try (0..<7).map { try udpRule("203.0.113.\($0)/32") }
    rules += late
    router.announce(late)
    router.run(until: 2000)
    expectFound(rules[3], of: rules, by: router, resets: 20)
}

/// A second bad rule, of those that were not suspected, while the first is searched.
@Test func aBadRuleBesideTheSuspectsIsFoundToo() throws {
    let old = try manyRules(64)
    let new = try (0..<16).map { try udpRule("203.0.113.\($0)/32") }
    var router = PickyRouter(bad: [])
    router.start()
    router.announce(old)
    router.run(until: 100)
    router.bad = [old[7].route, new[5].route]
    router.announce(new)
    router.run(until: 3000)
    #expect(Set(router.session.quarantined.map(\.route)) == router.bad)
    #expect(router.held == Set((old + new).map(\.route)).subtracting(router.bad))
    #expect(router.resets <= 24, "\(router.resets) sessions")
}

/// A template that the router cannot bear: one session for each of its rules, and the others stay.
@Test func badRulesThatComeOneByOneAreFoundAtOnce() throws {
    let good = try manyRules(200)
    let bad = try (0..<3).map { try udpRule("203.0.113.\($0)/32") }
    var router = PickyRouter(bad: Set(bad.map(\.route)))
    router.start()
    router.announce(good)
    router.run(until: 1000)
    for (index, rule) in bad.enumerated() {
        router.announce([rule])
        #expect(router.found.count == index + 1, "at once")
        router.run(until: 1000 + 60 * Double(index + 1))
    }
    #expect(router.resets == 3)
    router.run(until: 2000)
    #expect(router.held == Set(good.map(\.route)))
}

/// With graceful restart a router says what was wrong inside of a hard reset (RFC 8538 section 3).
@Test func aComplaintInsideOfAHardResetCounts() throws {
    let rules = try manyRules(10)
    var router = PickyRouter(bad: [rules[9].route], complaint: .hardReset(.optionalAttributeError))
    router.start()
    router.announce(rules)
    router.run(until: 600)
    expectFound(rules[9], of: rules, by: router, resets: 5)
    #expect(router.session.quarantined.first?.error == .optionalAttributeError)
}

/// A search that has no end is damped like any other sequence of resets.
@Test func aRouterThatBearsNothingIsNotAskedForEver() throws {
    let rules = try manyRules(1000)
    var router = PickyRouter(bad: Set(rules.map(\.route)))
    router.start()
    router.announce(rules)
    router.run(until: 3600)
    #expect(router.resets <= 128 + 3600 / 30 + 10, "\(router.resets) sessions")
}

/// A router that takes long rules complains before it has heard all: of two bad rules the one that was not said yet must
/// not be taken for one of those that are tried.
@Test func whatWasNotSaidAtTheFirstComplaintIsSuspectedByItself() throws {
    let rules = try manyRules(5000)
    let bad = [rules[40].route, rules[4990].route]
    var router = PickyRouter(bad: Set(bad))
    router.start()
    // Nothing after the first message.
    router.carryOut(router.session.update(announce: rules, withdraw: [], at: time(router.now)))
    router.run(until: 600)
    #expect(Set(router.found) == Set(bad), "no other was ever taken for it")
    #expect(router.held == Set(rules.map(\.route)).subtracting(bad))
    #expect(router.resets <= 2 * 14, "\(router.resets) sessions")
}

/// Once the only bad one is found all others are back after one trial.
@Test func theOthersAreBackSoonAfterTheVerdict() throws {
    let rules = try manyRules(3000)
    var router = PickyRouter(bad: [rules[7].route])
    router.start()
    router.announce(rules)
    while router.found.isEmpty, router.now < 600 { router.run(until: router.now + 0.25) }
    let verdict = router.now
    while router.held.count < rules.count - 1, router.now < 600 { router.run(until: router.now + 0.25) }
    #expect(router.now - verdict < 30, "\(router.now - verdict) s")
}

/// What has nothing to do with the search is damped while it goes on, be it a complaint of what is no rule.
@Test(arguments: [BGPError.invalidNetworkField, .outOfResources])
func otherEndsOfSessionsAreDampedInTheMiddleOfASearch(_ end: BGPError) throws {
    let rules = try manyRules(16)
    var router = PickyRouter(bad: [rules[9].route])
    router.start()
    router.announce(rules)
    while router.resets < 1 { router.run(until: router.now + 0.25) }
    router.run(until: router.now + 0.5)
    #expect(router.session.isSearchingForFault)
    router.answerToEndOfRIB = end
    router.resets = 0
    let begin = router.now
    router.run(until: begin + 3600)
    #expect(router.resets > 20, "it is tried still")
    // Waits of up to a minute, less a quarter; and in the search no more than its steps without one.
    #expect(router.resets <= 3600 / 45 + 12, "\(router.resets) sessions")
    router.answerToEndOfRIB = nil
    router.run(until: begin + 3600 + 300)
    #expect(router.found == [rules[9].route])
    #expect(router.held == Set(rules.map(\.route)).subtracting(router.found))
}

/// The bad rule goes while the router has yet to complain of it: what was tried with it is not found guilty for it.
@Test func nobodyIsFoundGuiltyForARuleThatWasWithdrawn() throws {
    let rules = try manyRules(4)
    let culprit = rules[0].route
    var router = PickyRouter(bad: [culprit], delay: 6)
    router.start()
    router.announce(rules)
    while router.resets < 1 || !router.held.contains(rules[1].route), router.now < 100 {
        router.run(until: router.now + 0.25)
    }
    // Two are tried.
    #expect(router.held == [culprit, rules[1].route])
    router.carryOut(router.session.update(announce: [], withdraw: [culprit], at: time(router.now)))
    router.run(until: 300)
    #expect(router.resets == 2 && router.found.isEmpty)
    #expect(router.held == Set(rules.dropFirst().map(\.route)))
}

/// What is worth knowing of a neighbor out of a range when it has left.
@Test func aNeighborIsRememberedForItsFaults() throws {
    var session = establishedSession()
    #expect(session.memory == nil)
    _ = session.received(notificationMessage(.outOfResources), on: .outgoing, at: time(1))
    #expect(session.memory == .seconds(120), "the next one may be damped")
    session = establishedSession()
    _ = session.update(announce: [try udpRule()], withdraw: [], at: time(1))
    _ = session.received(notificationMessage(.optionalAttributeError), on: .outgoing, at: time(2))
    #expect(session.memory == .seconds(3600))
    _ = session.stop(at: time(3))
    #expect(session.memory == nil, "it is a neighbor no more")
}
