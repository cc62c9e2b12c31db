import BGP
import FlowSpec
import NetworkTypes

extension FuzzTarget {
    /// What a neighbor says, to a session. The first octet says in which state it begins and how the rest is to be read:
    /// as the octets of the connection, or as types, lengths and bodies of messages whose headers are sound.
    static let bgpMessage = FuzzTarget(
        name: "bgp-message",
        take: { input in
            let all = octets(input)
            guard let head = all.first else { return }
            var fuzzed = FuzzedSession(isEstablished: head & 1 == 1, delaysOpen: head & 2 == 2, side: head & 4 == 4)
            var rest = all.dropFirst()
            if head & 8 == 8 {
                // As it comes, cut anywhere.
                let cut = 1 + Int(head >> 4) * 7
                while !rest.isEmpty {
                    fuzzed.hear(Array(rest.prefix(cut)))
                    rest = rest.dropFirst(cut)
                }
            } else {
                while rest.count >= 3 {
                    let start = rest.startIndex
                    let length = Int(rest[start + 1]) << 8 | Int(rest[start + 2])
                    let body = rest.dropFirst(3).prefix(length)
                    let whole = 19 + body.count
                    let header =
                        [UInt8](repeating: 0xFF, count: 16) + [UInt8(whole >> 8), UInt8(whole & 255), rest[start]]
                    fuzzed.hear(header + body)
                    rest = rest.dropFirst(3 + body.count)
                }
            }
            fuzzed.finish()
        },
        seeds: SessionSeeds.all
    )
}

/// A session with a rule, and what must be true of it whatever it hears.
private struct FuzzedSession {
    var session: NeighborSession
    var side: NeighborSession.Side
    var now = Timestamp(seconds: 1_700_000_000)

    init(isEstablished: Bool, delaysOpen: Bool, side isIncoming: Bool) {
        side = isIncoming ? .incoming : .outgoing
        var configuration = SessionSeeds.configuration
        configuration.delayOpen = delaysOpen && !isEstablished ? .seconds(5) : nil
        configuration.maximumReceived = 50
        configuration.gracefulRestart = GracefulRestartPolicy()
        session = NeighborSession(configuration: configuration)
        _ = session.start(at: now)
        if let rule = try? FlowSpecRule(family: .ipv4, components: [.ipProtocol([NumericTerm(.equal, 17)])]) {
            let announcement = Announcement(route: .flowSpec(rule), actions: [.discard])
            _ = session.update(announce: [announcement], withdraw: [], at: now)
        }
        take(session.connected(side, localAddress: IPAddress(192, 0, 2, 2), at: now))
        guard isEstablished else { return }
        for message in SessionSeeds.handshake { take(session.received(message, on: side, at: now)) }
        check(session.state == .established, "the handshake is sound")
    }

    mutating func hear(_ octets: [UInt8]) {
        now = now + .milliseconds(200)
        take(session.received(octets, on: side, at: now))
        if session.hasMoreToSend { take(session.transmit(at: now)) }
        check(session.adjRIBIn.routes.count <= 50, "no more routes are kept than may be")
    }

    private mutating func take(_ effects: [NeighborSession.Effect]) {
        for effect in effects {
            guard case .send(let side, let octets) = effect else { continue }
            session.delivered(side, at: now)
            var framer = MessageFramer()
            framer.append(octets)
            var isWhole = false
            while let message = try? framer.next() {
                isWhole = true
                guard case .notification(let error)? = try? BGPMessage.decode(message, as: MessageContext()) else {
                    continue
                }
                check((1...8).contains(error.code.rawValue), "a NOTIFICATION of the registry")
            }
            check(isWhole, "what is sent is messages")
        }
    }

    /// All timers, and a new connection: the session can go on.
    mutating func finish() {
        for _ in 0..<20 {
            guard let deadline = session.nextDeadline else { break }
            if deadline > now { now = deadline }
            take(session.advance(to: now))
        }
        _ = session.routeStates()
        take(session.stop(at: now))
        check(session.state == .idle, "a stop is a stop")
        check(session.nextDeadline == nil, "and leaves no timer")
    }
}

private enum SessionSeeds {
    static let configuration = NeighborConfiguration(
        address: IPAddress(192, 0, 2, 1),
        remoteAS: ASN(65001),
        localAS: ASN(65001),
        routerID: 7,
        families: BGPFamily.allCases
    )

    static let handshake: [[UInt8]] = {
        var capabilities = Capabilities()
        capabilities.families = BGPFamily.allCases
        capabilities.fourOctetAS = ASN(65001)
        capabilities.routeRefresh = true
        capabilities.enhancedRouteRefresh = true
        capabilities.gracefulRestart = .init(
            isRestarting: false,
            coversNotifications: true,
            restartTime: 60,
            families: [.init(.ipv4FlowSpec, isPreserved: true)]
        )
        capabilities.role = .peer
        let open = OpenMessage(asn: ASN(65001), holdTime: 90, routerID: 9, capabilities: capabilities)
        return [BGPMessage.open(open), .keepalive].map { $0.encoded(as: MessageContext()) }
    }()

    private static let messages: [BGPMessage] = [
        .keepalive, .update(UpdateMessage(endOfRIB: .ipv4FlowSpec)),
        .routeRefresh(RouteRefresh(.request, .ipv4FlowSpec)),
        .routeRefresh(RouteRefresh(.begin, .ipv6Unicast)), .routeRefresh(RouteRefresh(.end, .ipv6Unicast)),
        .notification(.hardReset(.administrativeShutdown.saying("bye"))), .notification(.invalidNetworkField),
        .notification(.unsupportedCapability([64, 2, 0, 120])),
        .update(
            UpdateMessage(
                attributes: PathAttributes(asPath: [ASN(1)], localPreference: 100, communities: [.blackhole]),
                announced: [.unicast(IPPrefix(host: IPAddress(198, 51, 100, 1)))],
                withdrawn: [.unicast(IPPrefix(host: IPAddress(198, 51, 100, 2)))]
            )
        ),
    ]

    @Sendable static func all() -> [[UInt8]] {
        let encoded = messages.map { $0.encoded(as: MessageContext()) }
        let stream: [UInt8] = handshake.flatMap { $0 } + encoded.flatMap { $0 }
        let framed = (handshake + encoded).map { message -> [UInt8] in
            let body = message.dropFirst(19)
            return [message[18], UInt8(body.count >> 8), UInt8(body.count & 255)] + body
        }
        return [[8] + stream, [9] + encoded.flatMap { $0 }, [0xFA] + stream, [0] + framed.flatMap { $0 }]
            + framed.map { [1] + $0 }
    }
}
