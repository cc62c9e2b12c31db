internal import NetworkTypes

/// What was agreed with the neighbor: what both said in their OPENs.
public struct SessionParameters: Sendable, Hashable {
    public var families: [BGPFamily]
    /// Nil: no keepalives are exchanged.
    public var holdTime: Duration?
    public var remoteRouterID: UInt32
    /// All that the neighbor said of itself.
    public var remote: Capabilities
    /// Both understand AS numbers of four octets (RFC 6793).
    public var usesFourOctetAS: Bool
    public var routeRefresh: Bool
    /// BoRR and EoRR mark a resend (RFC 7313).
    public var enhancedRouteRefresh: Bool
    public var extendedMessages: Bool
    /// Families that the neighbor keeps while we restart (RFC 4724).
    public var gracefulRestart: [BGPFamily]
    /// A NOTIFICATION does not end that, but for a hard reset (RFC 8538).
    public var restartCoversNotifications: Bool
    /// Families that the neighbor keeps for longer still (RFC 9494).
    public var longLived: [BGPFamily]
    /// Families in which the neighbor sends path identifiers (RFC 7911).
    public var addPath: Set<BGPFamily>
    /// Families in which we send them.
    public var sentAddPath: Set<BGPFamily>
    /// Families whose next hop may be of IPv6 (RFC 8950).
    public var extendedNextHop: Set<BGPFamily>

    init(ours: Capabilities, theirs: OpenMessage, holdTime: Duration?) {
        let remote = theirs.capabilities
        let spoken = remote.families ?? [.ipv4Unicast]
        let offered = ours.families ?? [.ipv4Unicast]
        families = offered.filter(spoken.contains)
        self.holdTime = holdTime
        remoteRouterID = theirs.routerID
        self.remote = remote
        usesFourOctetAS = ours.fourOctetAS != nil && remote.fourOctetAS != nil
        routeRefresh = ours.routeRefresh && remote.routeRefresh
        enhancedRouteRefresh = ours.enhancedRouteRefresh && remote.enhancedRouteRefresh
        extendedMessages = ours.extendedMessages && remote.extendedMessages
        let agreed = families
        // The neighbor keeps what we said we preserve; it says that it can by sending the capability at all.
        gracefulRestart =
            remote.gracefulRestart == nil
            ? [] : ours.gracefulRestart?.families.map(\.family).filter(agreed.contains) ?? []
        restartCoversNotifications =
            ours.gracefulRestart?.coversNotifications == true && remote.gracefulRestart?.coversNotifications == true
        let theirLongLived = remote.longLivedGracefulRestart?.map(\.family) ?? []
        longLived =
            ours.longLivedGracefulRestart?.map(\.family)
            .filter { agreed.contains($0) && theirLongLived.contains($0) } ?? []
        addPath = Set(
            agreed.filter { ours.addPath[$0]?.receives == true && remote.addPath[$0]?.sends == true }
        )
        sentAddPath = Set(
            agreed.filter { ours.addPath[$0]?.sends == true && remote.addPath[$0]?.receives == true }
        )
        extendedNextHop = ours.extendedNextHop.intersection(remote.extendedNextHop)
    }

    /// What was agreed beside the families, in words for people.
    public var features: [String] {
        var features: [String] = []
        if usesFourOctetAS { features.append("4-octet AS") }
        if enhancedRouteRefresh {
            features.append("enhanced route refresh")
        } else if routeRefresh {
            features.append("route refresh")
        }
        if extendedMessages { features.append("extended messages") }
        if !gracefulRestart.isEmpty {
            features.append(restartCoversNotifications ? "graceful restart (and NOTIFICATION)" : "graceful restart")
        }
        if !longLived.isEmpty { features.append("long-lived graceful restart") }
        if !addPath.isEmpty { features.append("add-path receive") }
        if !sentAddPath.isEmpty { features.append("add-path send") }
        if !extendedNextHop.isEmpty { features.append("extended next hop") }
        if let role = remote.role { features.append("role \(role.name)") }
        return features
    }
}
