import FlowSpec
import NetworkTypes
import Testing

@testable import BGP

/// Rules and attributes that are too long for a message of 4096 octets (RFC 8654).
@Suite struct MessageLengthTests {
    private func configured(_ profile: CompatibilityProfile) -> NeighborConfiguration {
        var configuration = testConfiguration
        configuration.profile = profile
        return configuration
    }

    private func rule(ports: Int) throws -> Announcement {
        let target = PrefixPattern(IPPrefix(host: IPAddress(198, 51, 100, 1)))
        let terms = (0..<ports).map { NumericTerm(.equal, UInt64(1000 + $0)) }
        let rule = try FlowSpecRule(family: .ipv4, components: [.destination(target), .destinationPort(terms)])
        return Announcement(route: .flowSpec(rule), actions: [.discard])
    }

    /// The messages, cut by their length fields.
    private func messages(_ effects: [NeighborSession.Effect]) throws -> [[UInt8]] {
        let context = MessageContext(maximumLength: BGPMessage.maximumExtendedLength)
        var messages: [[UInt8]] = []
        for case .send(_, let octets) in effects {
            var rest = octets[...]
            while let length = try BGPMessage.length(ofHeader: rest, as: context) {
                messages.append(Array(rest.prefix(length)))
                rest = rest.dropFirst(length)
            }
        }
        return messages
    }

    private func announced(_ message: [UInt8]) -> [AnnouncedRoute] {
        let context = MessageContext(maximumLength: BGPMessage.maximumExtendedLength)
        return UpdateMessage(decoding: message.dropFirst(19), as: context).announced
    }

    @Test func aLongRuleGoesInALongMessageWhereThatWasAgreed() throws {
        let long = try rule(ports: 1351)
        var session = establishedSession(configured(.unrestricted), open: openMessage { $0.extendedMessages = true })
        let sent = try messages(session.update(announce: [long], withdraw: [], at: time(1)))
        #expect(sent.count == 1 && sent.allSatisfy { $0.count > BGPMessage.maximumLength })
        #expect(sent.flatMap(announced) == [long.route])
        #expect(session.routeState(long.route) == .sent && session.refusedRoutes == 0)
        let gone = try messages(session.update(announce: [], withdraw: [long.route], at: time(2)))
        #expect(gone.count == 1 && session.announcedRoutes == 0)
    }

    /// It is not said to be sent, and goes out when a session can say it.
    @Test func aRuleThatNoMessageHoldsIsRefused() throws {
        let (long, short) = (try rule(ports: 1351), try rule(ports: 1000))
        var session = establishedSession(configured(.unrestricted))
        let effects = session.update(announce: [long, short], withdraw: [], at: time(1))
        let told = effects.compactMap { effect -> (Int, AnnouncedRoute)? in
            if case .unsayable(let count, let route, _) = effect { (count, route) } else { nil }
        }
        #expect(told.count == 1 && told[0] == (1, long.route), "the log tells of it")
        let sent = try messages(effects)
        #expect(sent.flatMap(announced) == [short.route])
        #expect(sent.allSatisfy { $0.count <= BGPMessage.maximumLength })
        #expect(session.routeState(long.route) == .refused && session.announcedRoutes == 1)
        #expect(session.refusedRoutes == 1)
        let entry = try #require(session.routeStates().first { $0.route == long.route })
        #expect(entry.state == .refused && entry.sentAt == nil)
        guard case .tooLongForMessage(let octets, limit: 4096)? = entry.refusal else {
            Issue.record("\(String(describing: entry.refusal))")
            return
        }
        #expect(octets > 4096)

        _ = session.disconnected(.outgoing, reason: "lost", at: time(2))
        #expect(session.refusedRoutes == 0 && session.routeState(long.route) == .waitsForSession)
        _ = session.start(at: time(3))
        _ = session.connected(.outgoing, localAddress: IPAddress(192, 0, 2, 2), at: time(3))
        _ = session.received(openMessage { $0.extendedMessages = true }, on: .outgoing, at: time(3))
        let again = session.received(keepaliveMessage, on: .outgoing, at: time(3))
        #expect(Set(try messages(again).filter { $0[18] == 2 }.flatMap(announced)) == [long.route, short.route])
        #expect(session.routeState(long.route) == .sent)

        _ = session.update(announce: [], withdraw: [long.route], at: time(4))
        #expect(session.routeState(long.route) == nil)
    }

    /// What the router had with fewer communities is taken from it, and comes back with them.
    @Test func aRuleThatGrowsTooLongIsWithdrawn() throws {
        var session = establishedSession()
        var grown = try udpRule()
        let plain = grown
        grown.communities = (0..<1100).map { Community(rawValue: $0) }
        _ = session.update(announce: [plain], withdraw: [], at: time(1))
        let updates = sentUpdates(session.update(announce: [grown], withdraw: [], at: time(2)))
        #expect(updates.map(\.withdrawn) == [[plain.route]] && updates.flatMap(\.announced).isEmpty)
        #expect(session.routeState(plain.route) == .refused && session.announcedRoutes == 0)
        let back = sentUpdates(session.update(announce: [plain], withdraw: [], at: time(3)))
        #expect(back.flatMap(\.announced) == [plain.route])
        #expect(session.routeState(plain.route) == .sent && session.refusedRoutes == 0)
    }

    /// FRR agrees to long messages, and takes no longer attributes.
    @Test func aCompatibleNeighborGetsNoLongMessages() throws {
        var session = establishedSession(open: openMessage { $0.extendedMessages = true })
        let many = try (0..<1000).map { try udpRule("198.51.\($0 / 256).\($0 % 256)/32") }
        let sent = try messages(session.update(announce: many, withdraw: [], at: time(1)))
        #expect(sent.count > 1 && sent.allSatisfy { $0.count <= BGPMessage.maximumLength })
        #expect(sent.flatMap(announced).count == many.count)
    }
}
