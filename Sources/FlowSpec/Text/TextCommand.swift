public import NetworkTypes

/// One order of the text form: something to announce or withdraw, and to whom.
public struct TextCommand: Sendable, Hashable {
    public enum Order: Sendable, Hashable {
        case announce(Announcement)
        case withdraw(AnnouncedRoute)
        /// The marker that all routes of the family have been sent.
        case endOfRIB(AddressFamily, TextFamily)
    }

    public var order: Order
    /// Of a `flow route NAME { … }`.
    public var name: String?
    /// Empty for all neighbors.
    public var neighbors: [NeighborSelector]
    /// Where it begins, from 1.
    public var line: Int

    public init(_ order: Order, name: String? = nil, neighbors: [NeighborSelector] = [], line: Int = 1) {
        self.order = order
        self.name = name
        self.neighbors = neighbors
        self.line = line
    }
}

/// The address families' kinds by their names in text.
public enum TextFamily: String, Sendable, Hashable, CaseIterable {
    case unicast
    case flow
    case flowVPN = "flow-vpn"

    /// Subsequent address family identifier.
    public var safi: UInt8 {
        switch self {
        case .unicast: 1
        case .flow: 133
        case .flowVPN: 134
        }
    }
}

/// Which neighbors a command is for: `neighbor 192.0.2.1 local-as 65001 …`.
public struct NeighborSelector: Sendable, Hashable {
    /// Nil for `*`.
    public var address: IPAddress?
    public var localAddress: IPAddress?
    public var localAS: ASN?
    public var peerAS: ASN?
    public var routerID: IPAddress?
    public var familyAllowed: String?

    public init(address: IPAddress? = nil) { self.address = address }
}

extension TextCommand: CustomStringConvertible {
    /// The command in a form that this grammar and ExaBGP read.
    public var description: String {
        let prefix =
            neighbors.isEmpty ? "" : neighbors.map(\.description).joined(separator: " , ") + " "
        switch order {
        case .announce(let announcement): return "\(prefix)announce \(announcement)"
        case .withdraw(.flowSpec(let rule)):
            guard rule.routeDistinguisher == nil || rule.needsFamily else {
                return "\(prefix)withdraw flow \(Announcement(route: .flowSpec(rule)).block())"
            }
            return "\(prefix)withdraw \(rule.keywords) \(rule)"
        case .withdraw(.unicast(let route)): return "\(prefix)withdraw route \(route)"
        case .endOfRIB(let family, let kind):
            return "\(prefix)announce eor \(family == .ipv4 ? "ipv4" : "ipv6") \(kind.rawValue)"
        }
    }
}

extension NeighborSelector: CustomStringConvertible {
    public var description: String {
        var text = "neighbor \(address?.description ?? "*")"
        if let localAddress { text += " local-ip \(localAddress)" }
        if let localAS { text += " local-as \(localAS)" }
        if let peerAS { text += " peer-as \(peerAS)" }
        if let routerID { text += " router-id \(routerID)" }
        if let familyAllowed { text += " family-allowed \(familyAllowed)" }
        return text
    }
}
