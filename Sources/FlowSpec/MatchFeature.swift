/// What routers of some platforms cannot match on, though the standard has it.
public enum MatchFeature: String, Sendable, Hashable, CaseIterable {
    case packetLength = "packet-length"
    case tcpFlags = "tcp-flags"
    case fragment
    /// Types and codes.
    case icmp
    case sourcePort = "source-port"
    case destinationPort = "destination-port"
    /// Ranges of ports; single ones can be matched.
    case portRange = "port-range"
    /// Prefixes of those at the other end: sources of incoming traffic.
    case remotePrefix = "remote-prefix"
}

extension MatchComponent {
    /// Whether it cannot be matched on a platform that lacks some features.
    ///
    /// - Parameter isOutgoing: whether the other end of the traffic is its destination.
    func needs(anyOf lacks: Set<MatchFeature>, isOutgoing: Bool = false) -> Bool {
        func isRange(_ terms: [NumericTerm]) -> Bool { terms.contains { $0.comparison != .equal } }
        switch self {
        case .ipProtocol, .dscp, .flowLabel: return false
        case .port(let terms):
            return !lacks.isDisjoint(with: [.sourcePort, .destinationPort])
                || lacks.contains(.portRange) && isRange(terms)
        case .sourcePort(let terms):
            return lacks.contains(.sourcePort) || lacks.contains(.portRange) && isRange(terms)
        case .destinationPort(let terms):
            return lacks.contains(.destinationPort) || lacks.contains(.portRange) && isRange(terms)
        case .icmpType, .icmpCode: return lacks.contains(.icmp)
        case .tcpFlags: return lacks.contains(.tcpFlags)
        case .packetLength: return lacks.contains(.packetLength)
        case .fragment: return lacks.contains(.fragment)
        case .source: return !isOutgoing && lacks.contains(.remotePrefix)
        case .destination: return isOutgoing && lacks.contains(.remotePrefix)
        }
    }
}

extension RuleTemplate {
    /// The template without what a platform cannot match on: wider, and in force. Nil where nothing but the target would be
    /// left of a match.
    public func avoiding(_ lacks: Set<MatchFeature>) -> RuleTemplate? {
        var template = self
        template.components.removeAll { $0.needs(anyOf: lacks) }
        return template.components.isEmpty && !components.isEmpty ? nil : template
    }
}
