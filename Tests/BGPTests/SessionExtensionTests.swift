import FlowSpec
import NetworkTypes
import Testing

@testable import BGP

private let host = AnnouncedRoute.unicast(IPPrefix(host: IPAddress(198, 51, 100, 7)))
private let wideHop = IPAddress(high: 0x2001_0DB8_0000_0000, low: 1)

private func configured(_ change: (inout NeighborConfiguration) -> Void) -> NeighborConfiguration {
    var configuration = testConfiguration
    configuration.families = [.ipv4Unicast, .ipv4FlowSpec]
    change(&configuration)
    return configuration
}

/// The octets of the UPDATEs that announce or withdraw something.
private func octetsSent(_ effects: [NeighborSession.Effect]) -> [[UInt8]] {
    effects.compactMap { if case .send(_, let octets) = $0 { octets } else { nil } }
}

/// What the neighbor reads of that, with its own view of what was agreed.
private func read(_ message: [UInt8], _ context: MessageContext) throws -> UpdateMessage {
    guard case .update(let update) = try BGPMessage.decode(message[...], as: context) else {
        throw BGPError.malformedAttributeList
    }
    #expect(update.faults.isEmpty, "\(update.faults)")
    return update
}

struct SessionExtensionTests {
    // MARK: RFC 9234

    /// Section 5: to those below us and beside us, of prefixes only, and never within our AS.
    @Test(arguments: SpeakerRole.allCases)
    func prefixesForCustomersPeersAndClientsAreMarked(_ role: SpeakerRole) throws {
        var session = establishedSession(configured { $0.role = role })
        let prefix = Announcement(route: host, nextHop: IPAddress(192, 0, 2, 2))
        let updates = sentUpdates(session.update(announce: [prefix, try udpRule()], withdraw: [], at: time(1)))
        let marked = updates.filter { $0.attributes?.onlyToCustomer == ASN(65001) }.flatMap(\.announced)
        #expect(marked == ([.provider, .peer, .routeServer].contains(role) ? [host] : []))
        #expect(updates.flatMap(\.announced).count == 2)
        var internally = configured { $0.role = role }
        internally.remoteAS = internally.localAS
        var inside = establishedSession(internally, open: openMessage(asn: 65001))
        let quiet = sentUpdates(inside.update(announce: [prefix], withdraw: [], at: time(1)))
        #expect(quiet.flatMap(\.announced) == [host])
        #expect(quiet.allSatisfy { $0.attributes?.onlyToCustomer == nil })
    }

    @Test func theMarkIsReadAndHeldToItsLength() throws {
        let sound: [UInt8] = [0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 192, 0, 2, 1]
        func read(_ mark: [UInt8]) -> UpdateMessage {
            let path = sound + mark
            let body = [0, 0, 0, UInt8(path.count)] + path + [32, 198, 51, 100, 7]
            return UpdateMessage(decoding: body[...], as: MessageContext(), isInternal: false)
        }
        let good = read([0xC0, 35, 4, 0, 0, 0xFD, 0xE9])
        #expect(good.attributes?.onlyToCustomer == ASN(65001) && good.announced == [host])
        let short = read([0xC0, 35, 2, 0xFD, 0xE9])
        #expect(short.announced.isEmpty && short.withdrawn == [host])
        #expect(short.faults.map(\.handling) == [.treatAsWithdraw])
        #expect(read([0x80, 35, 4, 0, 0, 0xFD, 0xE9]).announced.isEmpty, "it is transitive")
    }

    // MARK: RFC 7606

    /// The session knows whether its neighbor is one of our AS: an external one has no say in LOCAL_PREF.
    @Test(arguments: [65001, 65002])
    func localPreferenceCountsWithinTheASOnly(_ asn: UInt32) throws {
        var session = establishedSession(configured { $0.remoteAS = ASN(asn) }, open: openMessage(asn: asn))
        let path: [UInt8] = [
            0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 192, 0, 2, 1, 0x40, 5, 4, 0, 0, 0, 200,
        ]
        let body = [0, 0, 0, UInt8(path.count)] + path + [32, 198, 51, 100, 7]
        _ = session.received(BGPMessage.frame(type: 2, body), on: .outgoing, at: time(1))
        let attributes = try #require(session.adjRIBIn.routes[host], "the route itself stands")
        #expect(attributes.localPreference == (asn == 65001 ? 200 : nil))
        #expect(session.lastFault?.handling == (asn == 65001 ? nil : .discardAttribute))
        #expect(session.state == .established)
    }

    // MARK: RFC 8950

    /// With the capability on both sides, and not before: what cannot be said is kept back, and shown so.
    @Test(arguments: [true, false])
    func anIPv4PrefixHasAnIPv6NextHopWhereThatWasAgreed(_ agrees: Bool) throws {
        let open = openMessage { if agrees { $0.extendedNextHop = [.ipv4Unicast] } }
        var session = establishedSession(configured { $0.extendedNextHop = true }, open: open)
        #expect(session.parameters?.extendedNextHop == (agrees ? [.ipv4Unicast] : []))
        let announcement = Announcement(route: host, nextHop: wideHop)
        let sent = octetsSent(session.update(announce: [announcement], withdraw: [], at: time(1)))
        guard agrees else {
            #expect(sent.isEmpty, "what was never announced is not withdrawn either")
            #expect(session.routeState(host) == .withoutNextHop && session.announcedRoutes == 0)
            // With a next hop of its own family it goes out; with the other again it is taken away.
            let plain = Announcement(route: host, nextHop: IPAddress(192, 0, 2, 2))
            #expect(sentUpdates(session.update(announce: [plain], withdraw: [], at: time(2))).count == 1)
            #expect(session.routeState(host) == .sent && session.announcedRoutes == 1)
            let back = sentUpdates(session.update(announce: [announcement], withdraw: [], at: time(3)))
            #expect(back.map(\.withdrawn) == [[host]] && session.announcedRoutes == 0)
            return
        }
        #expect(session.routeState(host) == .sent)
        let update = try read(try #require(sent.first), MessageContext(extendedNextHop: [.ipv4Unicast]))
        #expect(update.announced == [host] && update.attributes?.nextHop == wideHop)
        // A neighbor that had not agreed would have to give up the family.
        let stranger = UpdateMessage(decoding: try #require(sent.first).dropFirst(19), as: MessageContext())
        #expect(stranger.faults.map(\.handling) == [.disableFamily(.ipv4Unicast)])
        let gone = try octetsSent(session.update(announce: [], withdraw: [host], at: time(2))).map {
            try read($0, MessageContext())
        }
        #expect(gone.flatMap(\.withdrawn) == [host])
    }

    /// `next-hop self` on a session over IPv6.
    @Test func ourOwnIPv6AddressServesAsNextHop() throws {
        let configuration = configured { $0.extendedNextHop = true }
        var session = NeighborSession(configuration: configuration)
        _ = session.start(at: time(0))
        _ = session.connected(.outgoing, localAddress: wideHop, at: time(0))
        let open = openMessage { $0.extendedNextHop = [.ipv4Unicast] }
        _ = session.received(open + keepaliveMessage, on: .outgoing, at: time(0))
        let sent = octetsSent(session.update(announce: [Announcement(route: host)], withdraw: [], at: time(1)))
        let update = try read(try #require(sent.first), MessageContext(extendedNextHop: [.ipv4Unicast]))
        #expect(update.attributes?.nextHop == wideHop)
    }

    // MARK: RFC 7911

    @Test func pathIdentifiersAreSentWhereAgreed() throws {
        let theirs = openMessage { $0.addPath = [.ipv4Unicast: .receive, .ipv4FlowSpec: .send] }
        var session = establishedSession(configured { $0.addPath = .send }, open: theirs)
        #expect(session.parameters?.sentAddPath == [.ipv4Unicast])
        #expect(session.parameters?.addPath.isEmpty == true, "we did not offer to take any")
        let prefix = Announcement(route: host, nextHop: IPAddress(192, 0, 2, 2))
        let rule = try udpRule()
        let context = MessageContext(addPathFamilies: [.ipv4Unicast])
        var announced = octetsSent(session.update(announce: [prefix, rule], withdraw: [], at: time(1)))
        announced += octetsSent(session.update(announce: [], withdraw: [host, rule.route], at: time(2)))
        // A write may hold several messages.
        var framer = MessageFramer()
        framer.append(announced.flatMap { $0 })
        var updates: [UpdateMessage] = []
        while let message = try framer.next() { updates.append(try read(Array(message), context)) }
        #expect(Set(updates.flatMap(\.announced)) == [host, rule.route])
        #expect(updates.compactMap { $0.announcedPaths[host] } == [[1]])
        #expect(updates.allSatisfy { $0.announcedPaths[rule.route] == nil })
        #expect(Set(updates.flatMap(\.withdrawn)) == [host, rule.route])
        #expect(updates.compactMap { $0.withdrawnPaths[host] } == [[1]])
    }

    /// Routers that offer to take them before rules may not be able to: it takes a profile that says they are.
    @Test func rulesHaveIdentifiersOnlyWhereTheRouterReadsThem() {
        let theirs = openMessage { $0.addPath = [.ipv4Unicast: .both, .ipv4FlowSpec: .both] }
        for mode in [Capabilities.AddPathMode.send, .both] {
            let session = establishedSession(configured { $0.addPath = mode }, open: theirs)
            #expect(session.parameters?.sentAddPath == [.ipv4Unicast])
            #expect(session.parameters?.addPath == (mode == .both ? [.ipv4Unicast, .ipv4FlowSpec] : []))
        }
        let able = configured {
            $0.addPath = .send
            $0.profile = .unrestricted
        }
        #expect(establishedSession(able, open: theirs).parameters?.sentAddPath == [.ipv4Unicast, .ipv4FlowSpec])
    }

    /// Identifiers count where messages are filled.
    @Test func identifiedRoutesDoNotOverfillMessages() throws {
        let routes = (0..<3000).map { AnnouncedRoute.unicast(IPPrefix(host: IPAddress(v4: 0x0A00_0000 + UInt32($0)))) }
        let context = MessageContext(addPathFamilies: [.ipv4Unicast], sentAddPathFamilies: [.ipv4Unicast])
        let packer = UpdatePacker(manner: .init(context: context, isInternal: true, localAS: ASN(65001)))
        let announcements = routes.map { Announcement(route: $0, nextHop: IPAddress(192, 0, 2, 1)) }
        for messages in [packer.announce(announcements), packer.withdraw(routes)] {
            #expect(messages.allSatisfy { $0.count <= BGPMessage.maximumLength })
            let updates = try messages.map { try read($0, context) }
            #expect(updates.flatMap { $0.announced + $0.withdrawn } == routes)
        }
    }

    /// Of two paths to one prefix one may go, and the other stands; both count towards the limit.
    @Test func aRouteStandsAsLongAsOneOfItsPaths() throws {
        let theirs = openMessage { $0.addPath = [.ipv4Unicast: .send] }
        let configuration = configured {
            $0.addPath = .receive
            $0.maximumReceived = 3
        }
        var session = establishedSession(configuration, open: theirs)
        let path: [UInt8] = [0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 192, 0, 2, 1]
        func nlri(_ identifiers: [UInt8]) -> [UInt8] {
            identifiers.flatMap { [0, 0, 0, $0, 32, 198, 51, 100, 7] }
        }
        func say(announcing: [UInt8] = [], withdrawing: [UInt8] = []) {
            let gone = nlri(withdrawing)
            let attributes = announcing.isEmpty ? [] : path
            let body = [0, UInt8(gone.count)] + gone + [0, UInt8(attributes.count)] + attributes + nlri(announcing)
            _ = session.received(BGPMessage.frame(type: 2, body), on: .outgoing, at: time(1))
        }
        say(announcing: [1, 2])
        #expect(session.adjRIBIn.counts == [.ipv4Unicast: 1])
        say(withdrawing: [1])
        #expect(session.adjRIBIn.routes[host] != nil, "the other path stands")
        say(withdrawing: [1])
        #expect(session.adjRIBIn.routes[host] != nil, "nobody had that one any more")
        say(withdrawing: [2])
        #expect(session.adjRIBIn.routes.isEmpty)
        say(announcing: [1, 2, 3])
        #expect(session.adjRIBIn.passedOver == 0)
        say(announcing: [4])
        #expect(session.adjRIBIn.passedOver == 1, "a fourth path is one too many")
        say(announcing: [2])
        #expect(session.adjRIBIn.passedOver == 1, "one that is known may be said again")
        // Sent anew, and only the second: the others are gone.
        for refresh in [RouteRefresh(.begin, .ipv4Unicast), RouteRefresh(.end, .ipv4Unicast)] {
            let mark = BGPMessage.routeRefresh(refresh).encoded(as: MessageContext())
            _ = session.received(mark, on: .outgoing, at: time(2))
            if refresh.kind == .begin { say(announcing: [2]) }
        }
        say(withdrawing: [2])
        #expect(session.adjRIBIn.routes.isEmpty)
    }

    // MARK: SAFI 134

    /// Rules of no VPN go into the neighbor's, with its route targets; a rule with a distinguisher keeps its own.
    @Test func rulesAreAnnouncedWithinTheNeighborsVPN() throws {
        let distinguisher = try #require(RouteDistinguisher("65001:100"))
        let target = try #require(ExtendedCommunity(routeTarget: "65001:7"))
        let configuration = configured {
            $0.families = [.ipv4FlowSpec, .ipv4FlowSpecVPN]
            $0.profile.vpn = .init(distinguisher, targets: [target])
        }
        var session = establishedSession(configuration, open: openMessage(families: [.ipv4FlowSpec, .ipv4FlowSpecVPN]))
        let plain = try udpRule()
        guard case .flowSpec(let rule) = plain.route else { return }
        let other = try FlowSpecRule(
            family: .ipv4,
            routeDistinguisher: RouteDistinguisher("192.0.2.1:5"),
            components: rule.components
        )
        let own = Announcement(route: .flowSpec(other), actions: [.discard])
        let updates = sentUpdates(session.update(announce: [plain, own], withdraw: [], at: time(1)))
        let placed = try FlowSpecRule(family: .ipv4, routeDistinguisher: distinguisher, components: rule.components)
        #expect(Set(updates.flatMap(\.announced)) == [.flowSpec(placed), .flowSpec(other)])
        #expect(updates.flatMap(\.announced).allSatisfy { $0.bgpFamily == .ipv4FlowSpecVPN })
        let first = try #require(updates.first { $0.announced.contains(.flowSpec(placed)) })
        #expect(first.attributes?.extendedCommunities == [target])
        #expect(first.attributes?.actions == plain.actions)
        let second = try #require(updates.first { $0.announced.contains(.flowSpec(other)) })
        #expect(second.attributes?.extendedCommunities.isEmpty == true)
        #expect(session.routeState(plain.route) == .sent)
        #expect(session.routeStates().first { $0.route == .flowSpec(placed) }?.parents == [plain.route])
        let gone = sentUpdates(session.update(announce: [], withdraw: [plain.route, own.route], at: time(2)))
        #expect(Set(gone.flatMap(\.withdrawn)) == [.flowSpec(placed), .flowSpec(other)])
        #expect(session.announcedRoutes == 0)
    }

    /// The distinguisher takes eight of the octets that the neighbor's router reads.
    @Test func aRuleThatIsTooLongWithItsDistinguisherIsCut() throws {
        var profile = CompatibilityProfile.unrestricted
        profile.maximumNLRI = 239
        profile.vpn = .init(try #require(RouteDistinguisher("65001:100")))
        let ports = (0..<76).map { NumericTerm(.equal, 1000 + $0) }
        let target = MatchComponent.destination(PrefixPattern(IPPrefix(host: IPAddress(198, 51, 100, 7))))
        let rule = try FlowSpecRule(family: .ipv4, components: [target, .destinationPort(ports)])
        #expect(rule.encodedNLRI.count == 236)
        let pieces = try profile.fit(Announcement(route: .flowSpec(rule), actions: [.discard]))
        #expect(pieces.count == 2)
        #expect(pieces.allSatisfy { $0.route.bgpFamily == .ipv4FlowSpecVPN && $0.route.encodedNLRI.count <= 240 })
    }
}
