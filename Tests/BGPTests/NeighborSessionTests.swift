import FlowSpec
import NetworkTypes
import Testing

@testable import BGP

@Test func aSessionComesUpAndSaysWhatItHasBeforeEndOfRIB() throws {
    var session = connectedSession()
    #expect(session.update(announce: [try udpRule()], withdraw: [], at: time(0)).isEmpty, "nobody to tell yet")
    #expect(sentMessages(session.received(openMessage(), on: .outgoing, at: time(1))) == [.keepalive])
    #expect(session.state == .openConfirm)
    let effects = session.received(keepaliveMessage, on: .outgoing, at: time(1))
    #expect(session.state == .established)
    #expect(session.parameters?.families == [.ipv4FlowSpec], "only what both speak")
    let updates = sentMessages(effects).compactMap { if case .update(let update) = $0 { update } else { nil } }
    #expect(updates.count == 2)
    #expect(updates.first?.announced == [try udpRule().route])
    #expect(updates.first?.attributes?.asPath == [ASN(65001)], "eBGP")
    #expect(updates.last?.endOfRIB == .ipv4FlowSpec)
}

@Test func faultyOpensAreAnsweredByTheirSubcodes() {
    let cases: [([UInt8], BGPError)] = [
        (openMessage(version: 3), .unsupportedVersion), (openMessage(asn: 65003), .badPeerAS),
        (openMessage(routerID: 0), .badBGPIdentifier),
        (openMessage(holdTime: 2), .unacceptableHoldTime), (keepaliveMessage, .unexpectedInOpenSent(4)),
    ]
    for (message, error) in cases {
        var session = connectedSession()
        let effects = session.received(message, on: .outgoing, at: time(1))
        #expect(sentNotification(effects) == error)
        #expect(effects.contains(.close(.outgoing)))
        #expect(session.nextDeadline != nil, "it will try again")
    }
}

@Test func faultyHeadersAreAnsweredByTheirSubcodes() {
    var badMarker = keepaliveMessage
    badMarker[3] = 0
    var badLength = keepaliveMessage
    badLength[17] = 18
    var badType = keepaliveMessage
    badType[18] = 9
    let cases: [([UInt8], BGPError)] = [
        (badMarker, .connectionNotSynchronized), (badLength, .badMessageLength(18)), (badType, .badMessageType(9)),
        ([UInt8](repeating: 0x55, count: 64), .connectionNotSynchronized),
    ]
    for (message, error) in cases {
        var session = establishedSession()
        #expect(sentNotification(session.received(message, on: .outgoing, at: time(1))) == error)
        #expect(session.state != .established)
    }
}

@Test func aSilentNeighborIsGivenUpAndKeepalivesGoOut() {
    var session = establishedSession()
    var keepalives = 0
    for second in 1...89 {
        let effects = session.advance(to: time(Double(second)))
        keepalives += sentMessages(effects).filter { $0 == .keepalive }.count
    }
    #expect(keepalives == 2, "every third of the hold time")
    let effects = session.advance(to: time(90))
    #expect(sentNotification(effects) == .holdTimerExpired)
    #expect(session.state == .active)
}

@Test func aNeighborThatNeverAnswersTheOpenIsGivenUp() {
    var session = connectedSession()
    #expect(session.advance(to: time(239)).isEmpty)
    #expect(sentNotification(session.advance(to: time(240))) == .holdTimerExpired)
}

@Test func reconnectionsBackOffToAMinute() {
    var session = NeighborSession(configuration: testConfiguration)
    _ = session.start(at: time(0))
    var now = 0.0
    var waits: [Double] = []
    for _ in 0..<9 {
        _ = session.disconnected(.outgoing, reason: "refused", at: time(now))
        let next = session.nextDeadline.map { ($0 - time(now)).inSeconds } ?? 0
        waits.append(next)
        now += next
        #expect(session.advance(to: time(now)) == [.connect])
    }
    #expect((0.7...1).contains(waits[0]))
    #expect((45...60).contains(waits[8]))
    #expect(zip(waits, waits.dropFirst()).prefix(5).allSatisfy { $0 < $1 })
}

@Test func ofTwoConnectionsTheOneOfTheHigherIdentifierStays() {
    for (routerID, survivor) in [(UInt32(50), NeighborSession.Side.outgoing), (200, .incoming)] {
        var session = connectedSession()
        _ = session.received(openMessage(routerID: routerID), on: .outgoing, at: time(1))
        _ = session.connected(.incoming, localAddress: nil, at: time(1))
        let effects = session.received(openMessage(routerID: routerID), on: .incoming, at: time(1))
        let loser: NeighborSession.Side = survivor == .outgoing ? .incoming : .outgoing
        #expect(effects.contains(.close(loser)))
        #expect(!effects.contains(.close(survivor)))
        _ = session.received(keepaliveMessage, on: survivor, at: time(2))
        #expect(session.state == .established)
    }
}

@Test func changesBeforeTheyAreSentBecomeOne() throws {
    var session = establishedSession()
    _ = session.writabilityChanged(.outgoing, false, at: time(1))
    #expect(session.update(announce: [try udpRule()], withdraw: [], at: time(1)).isEmpty)
    #expect(session.update(announce: [], withdraw: [try udpRule().route], at: time(1)).isEmpty)
    #expect(session.update(announce: [try udpRule("198.51.100.6/32")], withdraw: [], at: time(1)).isEmpty)
    let updates = sentMessages(session.writabilityChanged(.outgoing, true, at: time(2)))
    #expect(updates.count == 1, "the rule that came and went is not mentioned")
}

@Test func routesArePackedIntoFullMessages() throws {
    var session = establishedSession()
    let rules = try (0..<2000).map { try udpRule("198.51.\($0 / 250).\($0 % 250)/32") }
    let before = session.messagesSent
    let effects = session.update(announce: rules, withdraw: [], at: time(1))
    let updates = sentMessages(effects).compactMap { if case .update(let update) = $0 { update } else { nil } }
    #expect(updates.reduce(0) { $0 + $1.announced.count } == 2000)
    #expect(updates.count <= 6, "10 octets a rule, 4096 a message")
    #expect(session.messagesSent == before + UInt64(updates.count))
    let withdrawals = sentMessages(session.update(announce: [], withdraw: rules.map(\.route), at: time(2)))
    #expect(withdrawals.count <= 6)
}

@Test func everyTruncationAndManyMutationsOfMessagesAreErrorsAndNoTraps() throws {
    let announcement = try udpRule()
    let update = UpdateMessage(
        attributes: PathAttributes(
            asPath: [ASN(65001)],
            localPreference: 100,
            communities: [.blackhole],
            actions: [.discard]
        ),
        announced: [announcement.route],
        withdrawn: [try udpRule("198.51.100.9/32").route]
    )
    let messages = [openMessage(), BGPMessage.update(update).encoded(as: MessageContext())]
    #expect(try BGPMessage.decode(messages[1][...], as: MessageContext()) == .update(update))
    for message in messages {
        for length in 0..<message.count {
            #expect(throws: BGPError.self) { _ = try BGPMessage.decode(message.prefix(length), as: MessageContext()) }
        }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<5000 {
            var mutated = message
            mutated[Int.random(in: 19..<mutated.count, using: &random)] = .random(in: 0...255, using: &random)
            var session = establishedSession()
            _ = session.received(mutated, on: .outgoing, at: time(1))
            _ = try? BGPMessage.decode(mutated[...], as: MessageContext())
        }
    }
}

@Test func afterALossTheNextSessionBeginsWithAllThatIsValid() throws {
    var session = establishedSession()
    let kept = try udpRule("198.51.100.6/32")
    _ = session.update(announce: [try udpRule(), kept], withdraw: [], at: time(1))
    #expect(session.announcedRoutes == 2)
    _ = session.disconnected(.outgoing, reason: "the connection was closed", at: time(2))
    #expect(session.announcedRoutes == 0)
    #expect(session.update(announce: [], withdraw: [try udpRule().route], at: time(3)).isEmpty)
    #expect(session.advance(to: time(4)) == [.connect])
    _ = session.connected(.outgoing, localAddress: nil, at: time(4))
    _ = session.received(openMessage(), on: .outgoing, at: time(4))
    let updates = sentMessages(session.received(keepaliveMessage, on: .outgoing, at: time(4)))
    #expect(updates.count == 2)
    guard case .update(let first)? = updates.first, case .update(let last)? = updates.last else {
        Issue.record("\(updates)")
        return
    }
    #expect(first.announced == [kept.route])
    #expect(first.withdrawn.isEmpty)
    #expect(last.endOfRIB == .ipv4FlowSpec)
}

@Test func aRouteRefreshIsAnsweredWithTheRoutesOfItsFamily() throws {
    var session = establishedSession()
    _ = session.update(announce: [try udpRule()], withdraw: [], at: time(1))
    func refresh(_ family: BGPFamily) -> [UInt8] {
        BGPMessage.routeRefresh(RouteRefresh(.request, family)).encoded(as: MessageContext())
    }
    #expect(sentMessages(session.received(refresh(.ipv4FlowSpec), on: .outgoing, at: time(2))).count == 1)
    #expect(session.received(refresh(.ipv6FlowSpec), on: .outgoing, at: time(2)).isEmpty)
    // RFC 7313 puts a subtype where the reserved octet was.
    var enhanced = refresh(.ipv4FlowSpec)
    enhanced[21] = 1
    _ = session.received(enhanced, on: .outgoing, at: time(2))
    #expect(session.state == .established)
}

@Test func messagesOutOfPlaceAreAnsweredByTheirSubcodes() {
    var confirming = connectedSession()
    _ = confirming.received(openMessage(), on: .outgoing, at: time(1))
    #expect(
        sentNotification(confirming.received(openMessage(), on: .outgoing, at: time(1))) == .unexpectedInOpenConfirm(1)
    )
    var standing = establishedSession()
    #expect(
        sentNotification(standing.received(openMessage(), on: .outgoing, at: time(1))) == .unexpectedInEstablished(1)
    )
}

@Test func anHoldTimeOfZeroMeansNoTimers() {
    var session = connectedSession()
    _ = session.received(openMessage(holdTime: 0), on: .outgoing, at: time(1))
    _ = session.received(keepaliveMessage, on: .outgoing, at: time(1))
    #expect(session.parameters?.holdTime == nil)
    session.deliverAll(.outgoing, at: time(1))
    #expect(session.nextDeadline == nil)
}

@Test func aPassiveNeighborIsWaitedFor() {
    var passive = testConfiguration
    passive.isPassive = true
    var session = NeighborSession(configuration: passive)
    #expect(session.start(at: time(0)).isEmpty)
    #expect(session.nextDeadline == nil)
    _ = session.connected(.incoming, localAddress: nil, at: time(5))
    _ = session.received(openMessage(), on: .incoming, at: time(5))
    _ = session.received(keepaliveMessage, on: .incoming, at: time(5))
    #expect(session.state == .established)
    _ = session.disconnected(.incoming, reason: "the connection was closed", at: time(6))
    #expect(session.nextDeadline == nil, "it is the neighbor's to come again")
}

@Test func noMessageIsLongerThanTheProtocolAllows() throws {
    var session = establishedSession()
    let communities = (0..<200).map { Community(rawValue: UInt32($0)) }
    let rules = try (0..<1000).map { index in
        var one = try udpRule("198.51.\(index / 250).\(index % 250)/32")
        one.communities = communities
        return one
    }
    for case .send(_, let octets) in session.update(announce: rules, withdraw: [], at: time(1)) {
        var rest = octets[...]
        while !rest.isEmpty {
            let length = try #require(try BGPMessage.length(ofHeader: rest))
            #expect(length <= 4096)
            rest = rest.dropFirst(length)
        }
    }
    #expect(session.announcedRoutes == 1000)
}
