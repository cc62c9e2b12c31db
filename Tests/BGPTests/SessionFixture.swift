import FlowSpec
import NetworkTypes
import Testing

@testable import BGP

/// Seconds after a made-up beginning.
func time(_ seconds: Double) -> Timestamp { Timestamp(seconds: 1_000_000 + seconds) }

let testConfiguration = NeighborConfiguration(
    address: IPAddress(192, 0, 2, 1),
    remoteAS: ASN(65002),
    localAS: ASN(65001),
    routerID: 100,
    families: [.ipv4FlowSpec, .ipv6FlowSpec]
)

/// The neighbor's OPEN.
func openMessage(
    asn: UInt32 = 65002,
    holdTime: UInt16 = 90,
    routerID: UInt32 = 50,
    version: UInt8 = 4,
    families: [BGPFamily]? = [.ipv4FlowSpec, .ipv4Unicast],
    _ change: (inout Capabilities) -> Void = { _ in }
) -> [UInt8] {
    var capabilities = Capabilities()
    capabilities.families = families
    capabilities.fourOctetAS = ASN(asn)
    capabilities.routeRefresh = true
    change(&capabilities)
    let message = OpenMessage(
        version: version,
        asn: ASN(asn),
        holdTime: holdTime,
        routerID: routerID,
        capabilities: capabilities
    )
    return BGPMessage.open(message).encoded(as: MessageContext())
}

let keepaliveMessage = BGPMessage.keepalive.encoded(as: MessageContext())

func notificationMessage(_ error: BGPError) -> [UInt8] { BGPMessage.notification(error).encoded(as: MessageContext()) }

func udpRule(_ host: String = "198.51.100.5/32") throws -> Announcement {
    let prefix = try #require(IPPrefix(host))
    return try #require(RuleTemplate.builtIn["udp_flood"]).announcement(for: prefix, direction: .incoming)
}

/// A session that has connected and sent its OPEN.
func connectedSession(_ configuration: NeighborConfiguration = testConfiguration) -> NeighborSession {
    var session = NeighborSession(configuration: configuration)
    #expect(session.start(at: time(0)) == [.connect])
    _ = session.connected(.outgoing, localAddress: IPAddress(192, 0, 2, 2), at: time(0))
    return session
}

func establishedSession(
    _ configuration: NeighborConfiguration = testConfiguration,
    open: [UInt8] = openMessage()
) -> NeighborSession {
    var session = connectedSession(configuration)
    _ = session.received(open, on: .outgoing, at: time(0))
    _ = session.received(keepaliveMessage, on: .outgoing, at: time(0))
    session.deliverAll(.outgoing, at: time(0))
    return session
}

extension NeighborSession {
    /// All that was sent has left.
    mutating func deliverAll(_ side: Side, at time: Timestamp) {
        for _ in 0..<1000 where (connections[side]?.undelivered ?? 0) > 0 { delivered(side, at: time) }
    }

    /// All that waits, as a connection takes it that never fills.
    mutating func transmitAll(at time: Timestamp) -> [Effect] {
        var effects: [Effect] = []
        while hasMoreToSend { effects += transmit(at: time) }
        return effects
    }
}

func sentMessages(_ effects: [NeighborSession.Effect]) -> [BGPMessage] {
    var messages: [BGPMessage] = []
    for case .send(_, let octets) in effects {
        var framer = MessageFramer()
        framer.append(octets)
        while let next = try? framer.next() {
            if let message = try? BGPMessage.decode(next, as: MessageContext()) { messages.append(message) }
        }
    }
    return messages
}

func sentUpdates(_ effects: [NeighborSession.Effect]) -> [UpdateMessage] {
    sentMessages(effects).compactMap { if case .update(let update) = $0 { update } else { nil } }
}

func sentNotification(_ effects: [NeighborSession.Effect]) -> BGPError? {
    for case .notification(let error) in sentMessages(effects) { return error }
    return nil
}
