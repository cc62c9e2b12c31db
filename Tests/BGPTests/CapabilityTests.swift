import FlowSpec
import Foundation
import NetworkTypes
import TestSupport
import Testing

@testable import BGP

private func octets(_ hex: String) -> [UInt8] {
    let digits = Array(hex.utf8).compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

private func decodedOpen(_ octets: [UInt8]) throws -> OpenMessage {
    guard case .open(let open) = try BGPMessage.decode(octets[...], as: MessageContext()) else {
        throw BGPError.malformedOpen
    }
    return open
}

/// All capabilities at once: too long for a one-octet length, so the extended form is used too.
@Test func allCapabilitiesAreWrittenAndReadAlike() throws {
    var all = Capabilities()
    all.families = BGPFamily.allCases
    all.routeRefresh = true
    all.enhancedRouteRefresh = true
    all.extendedMessages = true
    all.fourOctetAS = ASN(4_200_000_010)
    all.gracefulRestart = .init(
        isRestarting: true,
        coversNotifications: true,
        restartTime: 4095,
        families: [.init(.ipv4FlowSpec, isPreserved: true), .init(.ipv6Unicast, isPreserved: false)]
    )
    all.longLivedGracefulRestart = [.init(.ipv4FlowSpec, isPreserved: true, staleTime: 0xABCDEF)]
    all.extendedNextHop = [.ipv4Unicast]
    all.addPath = [.ipv4Unicast: .receive, .ipv6FlowSpec: .both]
    all.role = .customer
    all.hostName = "scrubber"
    all.domainName = "example.net"
    all.softwareVersion = String(repeating: "v", count: 64)
    for text in ["scrubber", String(repeating: "h", count: 64)] {
        all.hostName = text
        all.domainName = text
        let open = OpenMessage(asn: ASN(4_200_000_010), holdTime: 90, routerID: 7, capabilities: all)
        let written = BGPMessage.open(open).encoded(as: MessageContext())
        #expect(try decodedOpen(written) == open)
        // Without RFC 9072 the length would not fit into its octet.
        #expect((written[28] == 255) == (text.count == 64))
    }
}

@Test(.enabled(if: SharedFiles.isPresent, "\(SharedFiles.absence)"))
func opensOfPeersAreReadInFull() throws {
    let text = String(decoding: try SharedFiles.data("lab/bgp/samples/opens-from-peers.txt"), as: UTF8.self)
    var opens: [String: OpenMessage] = [:]
    var name = ""
    for line in text.split(separator: "\n") {
        if line.hasPrefix("#") {
            name = line.dropFirst(2).description
        } else {
            opens[name] = try decodedOpen(octets(String(line)))
        }
    }
    #expect(opens.count == 6)
    let frr = try #require(opens["frr"]).capabilities
    #expect(frr.enhancedRouteRefresh && frr.extendedMessages && frr.routeRefresh)
    #expect(frr.addPath[.ipv4FlowSpec] == .receive)
    #expect(frr.hostName == "frrlab")
    #expect(frr.gracefulRestart?.restartTime == 120)
    #expect(
        frr.gracefulRestart?.families.map(\.family).sorted { $0.rawValue < $1.rawValue } == [
            .ipv4FlowSpec, .ipv4Unicast, .ipv6FlowSpec, .ipv6Unicast,
        ]
    )
    #expect(frr.longLivedGracefulRestart?.count == 4)
    #expect(frr.unknown == [128])
    let gobgp = try #require(opens["gobgp"]).capabilities
    #expect(gobgp.extendedNextHop == [.ipv4Unicast, .ipv4FlowSpec, .ipv6FlowSpec])
    let bird = try #require(opens["bird"]).capabilities
    #expect(bird.gracefulRestart?.restartTime == 120)
    #expect(bird.enhancedRouteRefresh)
    let openBGPD = try #require(opens["obgpd"]).capabilities
    #expect(openBGPD.families == [.ipv4Unicast, .ipv6Unicast])
    #expect(openBGPD.gracefulRestart?.families.isEmpty == true, "only End-of-RIB")
}

private func external(_ change: (inout NeighborConfiguration) -> Void) -> NeighborConfiguration {
    var configuration = testConfiguration
    change(&configuration)
    return configuration
}

@Test func rolesMustBelongTogether() {
    for ours in SpeakerRole.allCases {
        for theirs in SpeakerRole.allCases {
            var session = connectedSession(external { $0.role = ours })
            let effects = session.received(openMessage { $0.role = theirs }, on: .outgoing, at: time(1))
            let fits: Set<[SpeakerRole]> = [
                [.provider, .customer], [.customer, .provider], [.peer, .peer], [.routeServer, .routeServerClient],
                [.routeServerClient, .routeServer],
            ]
            let wanted: BGPError? = fits.contains([ours, theirs]) ? nil : .roleMismatch
            #expect(sentNotification(effects) == wanted, "\(ours) and \(theirs)")
        }
    }
    var lenient = connectedSession(external { $0.role = .customer })
    #expect(sentNotification(lenient.received(openMessage(), on: .outgoing, at: time(1))) == nil)
    var strict = connectedSession(
        external {
            $0.role = .customer
            $0.requiresRole = true
        }
    )
    #expect(sentNotification(strict.received(openMessage(), on: .outgoing, at: time(1))) == .roleMismatch)
}

@Test func whatTheNeighborWillNotHaveIsLeftOut() throws {
    func offered(_ session: inout NeighborSession) throws -> Capabilities {
        session.connectDeadline = nil
        session.idleHoldDeadline = nil
        let effects = session.connected(.outgoing, localAddress: nil, at: time(2))
        guard case .open(let open)? = sentMessages(effects).first else { throw BGPError.malformedOpen }
        return open.capabilities
    }
    var configuration = external {
        $0.gracefulRestart = GracefulRestartPolicy()
        $0.softwareVersion = "floodgate"
    }
    configuration.families = [.ipv4FlowSpec]
    // It names the one that it would not have.
    var session = connectedSession(configuration)
    let refusal = BGPError.unsupportedCapability([CapabilityCode.gracefulRestart, 2, 0, 120])
    _ = session.received(notificationMessage(refusal), on: .outgoing, at: time(1))
    let second = try offered(&session)
    #expect(second.gracefulRestart == nil && second.softwareVersion != nil && second.routeRefresh)
    #expect(session.isFallenBack)
    // It knows no capabilities at all.
    session = connectedSession(configuration)
    _ = session.received(notificationMessage(.unsupportedOptionalParameter), on: .outgoing, at: time(1))
    let essentials = try offered(&session)
    #expect(essentials.families == [.ipv4FlowSpec] && !essentials.routeRefresh)
    _ = session.received(notificationMessage(.unsupportedOptionalParameter), on: .outgoing, at: time(2))
    let nothing = try offered(&session)
    #expect(nothing == Capabilities())
}

@Test func gracefulRestartIsOfferedAsTheRestartingSide() throws {
    let configuration = external { $0.gracefulRestart = GracefulRestartPolicy(restartTime: 300, longLivedTime: 3600) }
    var session = NeighborSession(configuration: configuration)
    _ = session.start(at: time(0))
    func open(_ effects: [NeighborSession.Effect]) throws -> Capabilities {
        guard case .open(let open)? = sentMessages(effects).first else { throw BGPError.malformedOpen }
        return open.capabilities
    }
    let first = try open(session.connected(.outgoing, localAddress: nil, at: time(0)))
    #expect(first.gracefulRestart?.isRestarting == true, "the first session after our start")
    #expect(first.gracefulRestart?.coversNotifications == true)
    #expect(first.gracefulRestart?.restartTime == 300)
    #expect(first.gracefulRestart?.families.allSatisfy(\.isPreserved) == true)
    #expect(first.longLivedGracefulRestart?.first?.staleTime == 3600)
    let theirs = openMessage {
        $0.gracefulRestart = .init(isRestarting: false, coversNotifications: true, restartTime: 60, families: [])
    }
    _ = session.received(theirs + keepaliveMessage, on: .outgoing, at: time(0))
    #expect(session.parameters?.gracefulRestart == [.ipv4FlowSpec])
    // Ends on purpose that the neighbor is not to sit out are hard (RFC 8538).
    var stopped = session
    let farewell = BGPError.administrativeShutdown.saying("maintenance")
    #expect(sentNotification(stopped.stop(.withdrawing(farewell), at: time(1))) == .hardReset(farewell))
    var kept = session
    #expect(kept.stop(.keepingRoutes, at: time(1)) == [.close(.outgoing), .down("closed")], "without a word")
    // A connection lost is not a restart of ours.
    _ = session.disconnected(.outgoing, reason: "closed", at: time(2))
    let second = try open(session.connected(.outgoing, localAddress: nil, at: time(3)))
    #expect(second.gracefulRestart?.isRestarting == false)
    #expect(second.gracefulRestart?.families.allSatisfy(\.isPreserved) == true, "or the neighbor would drop the rules")
}

/// RFC 4724 section 5: the neighbor has lost the session and comes anew before we have noticed.
@Test func aNeighborThatRestartsGracefullyMayReplaceItsSession() {
    let restarts = openMessage {
        $0.gracefulRestart = .init(isRestarting: true, coversNotifications: false, restartTime: 60, families: [])
    }
    var session = establishedSession(open: restarts)
    #expect(session.connected(.incoming, localAddress: nil, at: time(5)).count == 1, "our OPEN")
    #expect(session.state == .established, "until the neighbor has said who it is")
    let effects = session.received(restarts, on: .incoming, at: time(5))
    #expect(effects.contains(.close(.outgoing)))
    #expect(sentNotification(effects) == nil, "nobody reads there")
    _ = session.received(keepaliveMessage, on: .incoming, at: time(5))
    #expect(session.state == .established)
    #expect(session.establishedSide == .incoming)
}

@Test func shutdownCommunicationsGoBothWays() throws {
    let long = String(repeating: "wartung ü ", count: 40)
    let said = BGPError.administrativeShutdown.saying(long)
    let text = try #require(said.shutdownCommunication)
    #expect(text.utf8.count <= 255 && text.utf8.count > 250 && long.hasPrefix(text))
    let decoded = notificationMessage(BGPError.administrativeReset.saying("back\nsoon\u{7}"))
    guard case .notification(let heard) = try BGPMessage.decode(decoded[...], as: MessageContext()) else { return }
    #expect("\(heard)" == "cease: administrative reset, \"back soon \"")
    #expect(BGPError(.cease, 2, data: [200, 65]).shutdownCommunication == nil, "longer than it is")
    #expect(BGPError(.cease, 2, data: [1, 0xFF]).shutdownCommunication == nil, "not UTF-8")
    #expect("\(BGPError.hardReset(said))".hasPrefix("cease: hard reset, cease: administrative shutdown, \"wartung"))
    #expect("\(BGPError(.init(rawValue: 0), 0))" == "code 0/0")
}

@Test func messagesMayBeLongOnceThatIsAgreed() throws {
    var context = MessageContext()
    let long = [UInt8](repeating: 0xFF, count: 16) + [0x20, 0, 2]
    #expect(throws: BGPError.badMessageLength(0x2000)) { try BGPMessage.length(ofHeader: long, as: context) }
    context.maximumLength = BGPMessage.maximumExtendedLength
    #expect(try BGPMessage.length(ofHeader: long, as: context) == 0x2000)
    // OPEN and KEEPALIVE stay short.
    for type: UInt8 in [1, 4] {
        #expect(throws: BGPError.badMessageLength(0x2000)) {
            try BGPMessage.length(ofHeader: long.dropLast() + [type], as: context)
        }
    }
}

/// Path identifiers come where both have agreed on them, and only there.
@Test func pathIdentifiersAreReadWhereAgreed() throws {
    var configuration = testConfiguration
    configuration.families = [.ipv4Unicast, .ipv4FlowSpec]
    configuration.addPath = .receive
    let theirs = openMessage { $0.addPath = [.ipv4Unicast: .send, .ipv4FlowSpec: .receive] }
    var session = establishedSession(configuration, open: theirs)
    #expect(session.parameters?.addPath == [.ipv4Unicast])
    let path: [UInt8] = [0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xFD, 0xEA, 0x40, 3, 4, 192, 0, 2, 1]
    let prefixes: [UInt8] = [0, 0, 0, 1, 24, 198, 51, 100, 0, 0, 0, 2, 32, 198, 51, 100, 7]
    let body = [0, 0, 0, UInt8(path.count)] + path + prefixes
    _ = session.received(BGPMessage.frame(type: 2, body), on: .outgoing, at: time(1))
    let wanted = try ["198.51.100.0/24", "198.51.100.7/32"].map { AnnouncedRoute.unicast(try #require(IPPrefix($0))) }
    #expect(Set(session.adjRIBIn.routes.keys) == Set(wanted))
    #expect(session.lastFault == nil)
}

/// RFC 7606: faults that do not take a reset are counted, and the session goes on.
@Test func faultsOfUpdatesAreCountedAndTheSessionGoesOn() {
    var session = establishedSession()
    // ORIGIN of two octets: treat-as-withdraw.
    let path: [UInt8] = [0x40, 1, 2, 0, 0, 0x40, 2, 0, 0x40, 3, 4, 192, 0, 2, 1]
    let body = [0, 0, 0, UInt8(path.count)] + path + [32, 198, 51, 100, 7]
    _ = session.received(BGPMessage.frame(type: 2, body), on: .outgoing, at: time(1))
    #expect(session.state == .established)
    #expect(session.updateFaults >= 1)
    #expect(session.adjRIBIn.routes.isEmpty)
}

/// RFC 4760 section 8: there is no agreement that its routes could be kept under.
@Test func routesOfAFamilyThatWasNotAgreedArePassedOver() throws {
    var session = establishedSession()
    #expect(session.parameters?.families == [.ipv4FlowSpec])
    let host = AnnouncedRoute.unicast(IPPrefix(host: IPAddress(198, 51, 100, 1)))
    let attributes = PathAttributes(asPath: [ASN(65002)], nextHop: IPAddress(192, 0, 2, 1))
    let rule = try udpRule().route
    for routes in [[host], [rule], [host]] {
        let message = BGPMessage.update(UpdateMessage(attributes: attributes, announced: routes))
        _ = session.received(message.encoded(as: MessageContext()), on: .outgoing, at: time(1))
    }
    #expect(session.state == .established)
    #expect(session.adjRIBIn.counts == [.ipv4FlowSpec: 1])
    #expect(session.adjRIBIn.disabled == [.ipv4Unicast])
    #expect(session.updateFaults == 1 && session.lastFault?.handling == .disableFamily(.ipv4Unicast))
}

@Test func moreRoutesThanMayBeAreCountedOrEndTheSession() throws {
    func update(_ hosts: ClosedRange<UInt8>) -> [UInt8] {
        let routes = hosts.map { AnnouncedRoute.unicast(IPPrefix(host: IPAddress(198, 51, 100, $0))) }
        let attributes = PathAttributes(asPath: [ASN(65002)], nextHop: IPAddress(192, 0, 2, 1))
        return BGPMessage.update(UpdateMessage(attributes: attributes, announced: routes)).encoded(as: MessageContext())
    }
    for ends in [false, true] {
        var configuration = testConfiguration
        configuration.families = [.ipv4FlowSpec, .ipv4Unicast]
        configuration.maximumReceived = 5
        configuration.endsSessionAtLimit = ends
        var session = establishedSession(configuration)
        _ = session.received(update(1...5), on: .outgoing, at: time(1))
        #expect(session.adjRIBIn.counts == [.ipv4Unicast: 5])
        let effects = session.received(update(5...9), on: .outgoing, at: time(2))
        #expect(sentNotification(effects)?.code == (ends ? .cease : nil))
        #expect(sentNotification(effects)?.subcode == (ends ? 1 : nil))
        #expect(session.state == (ends ? .idle : .established))
        #expect(session.adjRIBIn.routes.count == (ends ? 0 : 5))
        #expect(session.adjRIBIn.passedOver == 4)
        if ends { #expect(session.nextDeadline == time(302), "five minutes") }
    }
}
