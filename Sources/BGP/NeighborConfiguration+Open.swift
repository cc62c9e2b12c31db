internal import NetworkTypes

/// Codes of capabilities that the neighbor would not have, and that are left out from then on.
enum CapabilityFallback: Sendable, Hashable {
    /// Those that the neighbor named (RFC 5492 section 5).
    case without(Set<UInt8>)
    /// Only what sessions cannot do without: families and 4-octet AS numbers.
    case essentials
    /// No optional parameter at all: a neighbor older than RFC 5492.
    case nothing
}

extension NeighborConfiguration {
    /// Our OPEN.
    func openMessage(isRestarting: Bool, fallback: CapabilityFallback?) -> OpenMessage {
        OpenMessage(
            asn: localAS,
            holdTime: holdTime,
            routerID: routerID,
            capabilities: capabilities(isRestarting: isRestarting, fallback: fallback)
        )
    }

    private func capabilities(isRestarting: Bool, fallback: CapabilityFallback?) -> Capabilities {
        var offered = Capabilities()
        if fallback == .nothing { return offered }
        offered.families = families
        offered.fourOctetAS = localAS
        guard fallback != .essentials else { return offered }
        offered.routeRefresh = true
        offered.enhancedRouteRefresh = true
        offered.extendedMessages = true
        if let gracefulRestart {
            // The rules are on disk: routers may go on with them over any restart of ours.
            offered.gracefulRestart = .init(
                isRestarting: isRestarting,
                coversNotifications: true,
                restartTime: gracefulRestart.restartTime,
                families: families.map { .init($0, isPreserved: true) }
            )
            offered.longLivedGracefulRestart = gracefulRestart.longLivedTime.map { time in
                families.map { .init($0, isPreserved: true, staleTime: time) }
            }
        }
        for family in families { offered.addPath[family] = addPath(of: family) }
        // For FlowSpec the capability is not defined (RFC 8950 section 4), though some offer it.
        if extendedNextHop, families.contains(.ipv4Unicast) { offered.extendedNextHop = [.ipv4Unicast] }
        // Roles are for neighbors of another AS (RFC 9234 section 4.1).
        if !isInternal { offered.role = role }
        offered.hostName = hostName
        offered.softwareVersion = softwareVersion
        if case .without(let codes) = fallback { offered.leaveOut(codes) }
        return offered
    }

    /// Identifiers are taken in all families, and sent in those where the neighbor's router is known to read them.
    private func addPath(of family: BGPFamily) -> Capabilities.AddPathMode? {
        guard let addPath, addPath.sends, family.isFlowSpec, !profile.identifiesRules else { return addPath }
        return addPath.receives ? .receive : nil
    }

    /// What an OPEN must be (RFC 4271 section 6.2, RFC 6286, RFC 9234 section 4.2).
    func check(_ open: OpenMessage) throws(BGPError) {
        guard open.version == 4 else { throw .unsupportedVersion }
        guard open.asn == remoteAS else { throw .badPeerAS }
        // Unique within an AS; between two they may be equal.
        guard open.routerID != 0, !(isInternal && open.routerID == routerID) else { throw .badBGPIdentifier }
        guard open.holdTime == 0 || open.holdTime >= 3 else { throw .unacceptableHoldTime }
        guard let role, !isInternal else { return }
        guard let theirs = open.capabilities.role else {
            if requiresRole { throw .roleMismatch }
            return
        }
        guard role.matches(theirs) else { throw .roleMismatch }
    }
}

extension Capabilities {
    fileprivate mutating func leaveOut(_ codes: Set<UInt8>) {
        for code in codes {
            switch code {
            case CapabilityCode.routeRefresh: routeRefresh = false
            case CapabilityCode.enhancedRouteRefresh: enhancedRouteRefresh = false
            case CapabilityCode.extendedMessages: extendedMessages = false
            case CapabilityCode.extendedNextHop: extendedNextHop = []
            case CapabilityCode.role: role = nil
            case CapabilityCode.gracefulRestart: gracefulRestart = nil
            case CapabilityCode.longLivedGracefulRestart: longLivedGracefulRestart = nil
            case CapabilityCode.addPath: addPath = [:]
            case CapabilityCode.hostName: hostName = nil
            case CapabilityCode.softwareVersion: softwareVersion = nil
            default: break
            }
        }
    }
}

extension CapabilityFallback {
    /// What to leave out next after the neighbor has answered our OPEN with `error`; nil where it was not about that.
    static func after(_ error: BGPError, having former: CapabilityFallback?) -> CapabilityFallback? {
        guard error.code == .openMessage else { return nil }
        switch error.subcode {
        case 4: return former == .essentials || former == .nothing ? .nothing : .essentials
        case 7:
            // The data is the capabilities that it does not support, or that it wants: a list of code, length, value.
            var named: Set<UInt8> = []
            var rest = error.data[...]
            while let code = rest.first, let length = rest.dropFirst().first {
                named.insert(code)
                rest = rest.dropFirst(2 + Int(length))
            }
            let essential: Set<UInt8> = [CapabilityCode.multiprotocol, CapabilityCode.fourOctetAS]
            switch former {
            case nil where !named.isEmpty && named.isDisjoint(with: essential): return .without(named)
            case .without(let codes)? where !named.isSubset(of: codes) && named.isDisjoint(with: essential):
                return .without(codes.union(named))
            default: return .essentials
            }
        default: return nil
        }
    }
}
