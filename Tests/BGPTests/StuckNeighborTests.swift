import FlowSpec
import NetworkTypes
import Testing

@testable import BGP

/// A connection that is full holds the rules back, not the keepalives; one that takes nothing at all is given up.
@Test func aStuckNeighborHearsKeepalivesAndIsGivenUp() throws {
    var session = establishedSession()
    let rules = try manyRules(100_000)
    _ = session.writabilityChanged(.outgoing, false, at: time(1))
    #expect(session.update(announce: rules, withdraw: [], at: time(1)).isEmpty)
    #expect(!session.hasMoreToSend && session.announcedRoutes == 0)
    var keepalives: [Double] = []
    var second = 1.0
    while session.state == .established, second < 600 {
        second += 1
        _ = session.received(keepaliveMessage, on: .outgoing, at: time(second))
        let messages = sentMessages(session.advance(to: time(second)))
        if messages.contains(.keepalive) { keepalives.append(second) }
        if case .notification(let error)? = messages.last { #expect(error == .sendHoldTimerExpired) }
    }
    #expect(zip(keepalives, keepalives.dropFirst()).allSatisfy { $1 - $0 == 30 }, "\(keepalives)")
    // The first of them never left; 480 s later the session ends.
    #expect(second == (keepalives.first ?? 0) + 480)
}

private func manyRules(_ count: Int) throws -> [Announcement] {
    let template = try #require(RuleTemplate.builtIn["udp_flood"])
    return try (0..<count).map { index in
        try template.announcement(for: IPPrefix(host: IPAddress(v4: 0xC600_0000 + UInt32(index))), direction: .incoming)
    }
}

/// A connection that takes a burst and then nothing for 70 seconds, again and again, until all 100,000 rules are through:
/// the neighbor hears something at least every third of its hold time.
@Test func keepalivesAreOnTimeWhileManyRulesAreInFlight() throws {
    var session = establishedSession()
    let rules = try manyRules(100_000)
    var last = 1.0
    var longest = 0.0
    var keepalives = 0
    var announced = 0
    func hear(_ effects: [NeighborSession.Effect], at second: Double) {
        guard !effects.isEmpty else { return }
        longest = max(longest, second - last)
        last = second
        let messages = sentMessages(effects)
        keepalives += messages.count { $0 == .keepalive }
        announced += sentUpdates(effects).reduce(0) { $0 + $1.announced.count }
    }
    hear(session.update(announce: rules, withdraw: [], at: time(1)), at: 1)
    var second = 1.0
    while session.hasMoreToSend, second < 10_000 {
        hear(session.writabilityChanged(.outgoing, false, at: time(second)), at: second)
        for _ in 0..<70 {
            second += 1
            _ = session.received(keepaliveMessage, on: .outgoing, at: time(second))
            hear(session.advance(to: time(second)), at: second)
        }
        session.deliverAll(.outgoing, at: time(second))
        hear(session.writabilityChanged(.outgoing, true, at: time(second)), at: second)
    }
    #expect(session.state == .established && announced == rules.count)
    #expect(longest <= 30 && keepalives >= 2 * (rules.count / NeighborSession.burst))
}

/// End-of-RIB comes behind all that was to be said, however long the connection takes for it.
@Test func endOfRIBWaitsForAllInitialRoutes() throws {
    var session = connectedSession()
    let rules = try (0..<10_000).map { try udpRule("198.\(51 + $0 / 60_000).\($0 / 250).\($0 % 250)/32") }
    _ = session.update(announce: rules, withdraw: [], at: time(0))
    _ = session.received(openMessage(), on: .outgoing, at: time(0))
    var effects = session.received(keepaliveMessage, on: .outgoing, at: time(0))
    #expect(sentUpdates(effects).allSatisfy { $0.endOfRIB == nil }, "a burst is not all")
    effects += session.writabilityChanged(.outgoing, false, at: time(1))
    let late = try udpRule("203.0.113.1/32")
    effects += session.update(announce: [late], withdraw: [rules[9999].route], at: time(2))
    effects += session.writabilityChanged(.outgoing, true, at: time(3)) + session.transmitAll(at: time(3))
    let updates = sentUpdates(effects)
    let end = try #require(updates.firstIndex { $0.endOfRIB == .ipv4FlowSpec })
    let before = Set(updates[..<end].flatMap(\.announced))
    // The neighbor may have the late one from the session before, and would drop it at End-of-RIB.
    let isAll = before == Set(rules.dropLast().map(\.route) + [late.route])
    #expect(isAll && updates[end...].allSatisfy { $0.announced.isEmpty })
}
