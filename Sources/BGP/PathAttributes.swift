public import FlowSpec
public import NetworkTypes

/// The path attributes that are sent, and those of received routes that are of interest (RFC 4271 section 5).
public struct PathAttributes: Sendable, Hashable {
    /// Empty towards internal neighbors.
    public var asPath: [ASN]
    /// Only towards internal neighbors.
    public var localPreference: UInt32?
    /// Of unicast routes; FlowSpec routes have none.
    public var nextHop: IPAddress?
    public var communities: [Community]
    public var actions: [TrafficAction]

    public init(
        asPath: [ASN] = [],
        localPreference: UInt32? = nil,
        nextHop: IPAddress? = nil,
        communities: [Community] = [],
        actions: [TrafficAction] = []
    ) {
        self.asPath = asPath
        self.localPreference = localPreference
        self.nextHop = nextHop
        self.communities = communities
        self.actions = actions
    }

    enum Code {
        static let origin: UInt8 = 1
        static let asPath: UInt8 = 2
        static let nextHop: UInt8 = 3
        static let localPreference: UInt8 = 5
        static let communities: UInt8 = 8
        static let reachable: UInt8 = 14
        static let unreachable: UInt8 = 15
        static let extendedCommunities: UInt8 = 16
        static let as4Path: UInt8 = 17
        static let ipv6ExtendedCommunities: UInt8 = 25
    }

    private enum Flags {
        static let wellKnown: UInt8 = 0x40
        static let optional: UInt8 = 0x80
        static let optionalTransitive: UInt8 = 0xC0
    }

    /// All attributes but the NLRI's, in ascending order of type. `plainNextHop`: the NEXT_HOP attribute is wanted.
    func encoded(plainNextHop: Bool, as context: MessageContext) -> [UInt8] {
        var octets = Self.attribute(Flags.wellKnown, Code.origin, [0])
        octets += Self.attribute(
            Flags.wellKnown,
            Code.asPath,
            Self.segment(asPath, fourOctets: context.usesFourOctetAS)
        )
        if plainNextHop, let nextHop, nextHop.isIPv4 {
            octets += Self.attribute(Flags.wellKnown, Code.nextHop, nextHop.bytes)
        }
        if let localPreference {
            var value: [UInt8] = []
            value.append(bigEndian: localPreference)
            octets += Self.attribute(Flags.wellKnown, Code.localPreference, value)
        }
        if !communities.isEmpty {
            var value: [UInt8] = []
            for community in communities.sorted() { value.append(bigEndian: community.rawValue) }
            octets += Self.attribute(Flags.optionalTransitive, Code.communities, value)
        }
        let extended = actions.compactMap(\.extendedCommunity).flatMap { $0 }
        if !extended.isEmpty { octets += Self.attribute(Flags.optionalTransitive, Code.extendedCommunities, extended) }
        // An AS of four octets towards a neighbor that knows only two (RFC 6793 section 4.2.2).
        if !context.usesFourOctetAS, asPath.contains(where: { !$0.isTwoOctet }) {
            let value = Self.segment(asPath, fourOctets: true)
            octets += Self.attribute(Flags.optionalTransitive, Code.as4Path, value)
        }
        let wide = actions.compactMap(\.ipv6ExtendedCommunity).flatMap { $0 }
        if !wide.isEmpty { octets += Self.attribute(Flags.optionalTransitive, Code.ipv6ExtendedCommunities, wide) }
        return octets
    }

    /// Flags, type and length before a value; two octets of length where one is too few.
    static func attribute(_ flags: UInt8, _ code: UInt8, _ value: [UInt8]) -> [UInt8] {
        if value.count < 256 { return [flags, code, UInt8(value.count)] + value }
        return [
            flags | 0x10, code, UInt8(truncatingIfNeeded: value.count >> 8), UInt8(truncatingIfNeeded: value.count),
        ]
            + value
    }

    private static func segment(_ path: [ASN], fourOctets: Bool) -> [UInt8] {
        guard !path.isEmpty else { return [] }
        var value: [UInt8] = [2, UInt8(clamping: path.count)]
        for asn in path.prefix(255) {
            if fourOctets {
                value.append(bigEndian: asn.rawValue)
            } else {
                value.append(bigEndian: UInt16(truncatingIfNeeded: (asn.isTwoOctet ? asn : .transition).rawValue))
            }
        }
        return value
    }

    /// Takes an attribute of a received UPDATE. What is malformed in itself is left out, as RFC 7606 asks for those of
    /// no consequence; the routes that we announce do not depend on what neighbors tell us.
    mutating func read(code: UInt8, value: ArraySlice<UInt8>, as context: MessageContext) {
        var reader = OctetReader(value)
        switch code {
        case Code.asPath:
            while let type = reader.read(UInt8.self), let count = reader.read(UInt8.self) {
                for _ in 0..<count {
                    let number =
                        context.usesFourOctetAS ? reader.read(UInt32.self) : reader.read(UInt16.self).map { UInt32($0) }
                    guard let number else { return }
                    if type == 2 { asPath.append(ASN(number)) }
                }
            }
        case Code.nextHop:
            if value.count == 4 { nextHop = IPAddress(bytes: value) }
        case Code.localPreference:
            localPreference = reader.read(UInt32.self)
        case Code.communities:
            while let number = reader.read(UInt32.self) { communities.append(Community(rawValue: number)) }
        case Code.extendedCommunities:
            while let octets = reader.take(8) {
                if let action = TrafficAction(extendedCommunity: octets) { actions.append(action) }
            }
        case Code.ipv6ExtendedCommunities:
            while let octets = reader.take(20) {
                if let action = TrafficAction(extendedCommunity: octets) { actions.append(action) }
            }
        default:
            break
        }
    }
}
