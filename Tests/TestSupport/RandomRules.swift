public import FlowSpec
public import NetworkTypes
public import Simulation

/// Rules of every kind, from a seed.
public struct RandomRules {
    public var random: SeededGenerator

    public init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    public mutating func rule() -> FlowSpecRule? {
        let family: AddressFamily = Bool.random(using: &random) ? .ipv4 : .ipv6
        var types = MatchComponentType.allCases.filter { family == .ipv6 || $0 != .flowLabel }
        types.shuffle(using: &random)
        let count = Int.random(in: 1...min(6, types.count), using: &random)
        let components = types.prefix(count).compactMap { component($0, family) }
        let distinguisher =
            Int.random(in: 0..<8, using: &random) == 0
            ? RouteDistinguisher(
                rawValue: UInt64.random(in: 0...2, using: &random) << 48
                    | UInt64.random(in: 0...0xFFFF_FFFF_FFFF, using: &random)
            ) : nil
        return try? FlowSpecRule(family: family, routeDistinguisher: distinguisher, components: components)
    }

    mutating func component(_ type: MatchComponentType, _ family: AddressFamily) -> MatchComponent? {
        switch type {
        case .destinationPrefix: return pattern(family).map { .destination($0) }
        case .sourcePrefix: return pattern(family).map { .source($0) }
        case .tcpFlags, .fragment:
            let limit: UInt16 = type == .tcpFlags ? 0x0FFF : 0x0F
            let mask: UInt16 = type == .fragment && family == .ipv6 ? 0x0E : limit
            let terms = (0..<Int.random(in: 1...5, using: &random)).map { _ in
                BitmaskTerm(
                    .random(in: 0...limit, using: &random) & mask,
                    match: .random(using: &random),
                    not: .random(using: &random),
                    and: .random(using: &random)
                )
            }
            return MatchComponent(type, bitmask: terms)
        default:
            let terms = (0..<Int.random(in: 1...8, using: &random)).map { _ in
                NumericTerm(
                    NumericTerm.Comparison.allCases.randomElement(using: &random) ?? .equal,
                    // Small values are as likely as large ones.
                    .random(in: 0...type.maximumValue, using: &random) >> UInt64.random(in: 0...16, using: &random),
                    and: .random(using: &random)
                )
            }
            return MatchComponent(type, numeric: terms)
        }
    }

    private mutating func pattern(_ family: AddressFamily) -> PrefixPattern? {
        guard family == .ipv6 else {
            let address = IPAddress(v4: .random(in: 0...UInt32.max, using: &random))
            return IPPrefix(address, length: .random(in: 0...32, using: &random)).map { PrefixPattern($0) }
        }
        let address = IPAddress(
            high: .random(in: 0...UInt64.max, using: &random),
            low: .random(in: 0...UInt64.max, using: &random)
        )
        guard let prefix = IPPrefix(address, length: .random(in: 1...128, using: &random)) else { return nil }
        return PrefixPattern(
            prefix,
            offset: Bool.random(using: &random) ? 0 : .random(in: 0..<prefix.length, using: &random)
        )
    }

    public mutating func announcement() -> Announcement? {
        guard let rule = rule() else { return nil }
        var announcement = Announcement(route: .flowSpec(rule))
        let address = IPAddress(v4: .random(in: 0...UInt32.max, using: &random))
        let wide = IPAddress(high: 0x2001_0DB8_0000_0000, low: .random(in: 0...UInt64.max, using: &random))
        let number = UInt16.random(in: 0...UInt16.max, using: &random)
        let all: [TrafficAction] = [
            .rateLimitBytes(asn: Bool.random(using: &random) ? 0 : number, bytesPerSecond: Float(number) * 1000),
            .rateLimitPackets(asn: 0, packetsPerSecond: Float(number) / 4),
            .control(continueWithNextRules: .random(using: &random), sample: .random(using: &random)),
            .redirect(.twoOctetAS(number, UInt32(number) * 7)),
            .redirect(.fourOctetAS(ASN(UInt32(number) * 3), number)),
            .redirect(.ipv4(address, number)), .redirectToIP(address, copy: .random(using: &random)),
            .redirectToIP(wide, copy: .random(using: &random)), .markDSCP(UInt8(number & 63)),
            .redirectToNextHop(copy: .random(using: &random)),
            .interfaceSet(
                asn: ASN(UInt32(number)),
                group: number & 0x3FFF,
                input: .random(using: &random),
                output: .random(using: &random),
                transitive: .random(using: &random)
            ),
        ]
        announcement.actions = all.filter { _ in Int.random(in: 0..<4, using: &random) == 0 }
        if rule.family == .ipv6, Int.random(in: 0..<4, using: &random) == 0 {
            announcement.actions.append(.redirect(.ipv6(wide, number)))
        }
        if announcement.redirectsToNextHop { announcement.nextHop = rule.family == .ipv4 ? address : wide }
        if Bool.random(using: &random) { announcement.communities = [.blackhole, Community(rawValue: address.v4)] }
        if Bool.random(using: &random) {
            announcement.largeCommunities = [LargeCommunity(1, address.v4, UInt32(number))]
        }
        if Bool.random(using: &random) {
            announcement.extendedCommunities = [ExtendedCommunity(rawValue: 0x0002 << 48 | UInt64(address.v4))]
        }
        return announcement
    }

    /// A packet whose fields are near the values that rules have.
    public mutating func packet(of family: AddressFamily, for rule: FlowSpecRule) -> MatchedPacket {
        var values: [MatchComponentType: [UInt64]] = [:]
        var destination = family == .ipv4 ? IPAddress(v4: 1) : IPAddress(high: 1, low: 1)
        var source = destination
        for component in rule.components {
            switch component {
            case .destination(let pattern): destination = pattern.prefix.lastAddress
            case .source(let pattern): source = pattern.prefix.lastAddress
            default: break
            }
            switch component.terms {
            case .numeric(let terms): values[component.type] = terms.map(\.value)
            case .bitmask(let terms): values[component.type] = terms.map { UInt64($0.value) }
            case nil: break
            }
        }
        func value<Field: FixedWidthInteger>(_ type: MatchComponentType, _ random: inout SeededGenerator) -> Field {
            let near = values[type]?.randomElement(using: &random) ?? 0
            let limit = type.maximumValue
            let moved = near &+ UInt64.random(in: 0...2, using: &random) &- 1
            return Field(truncatingIfNeeded: Bool.random(using: &random) ? min(moved, limit) : near)
        }
        return MatchedPacket(
            source: source,
            destination: destination,
            ipProtocol: value(.ipProtocol, &random),
            sourcePort: Bool.random(using: &random) ? value(.sourcePort, &random) : value(.port, &random),
            destinationPort: Bool.random(using: &random) ? value(.destinationPort, &random) : value(.port, &random),
            icmpType: value(.icmpType, &random),
            icmpCode: value(.icmpCode, &random),
            tcpFlags: value(.tcpFlags, &random),
            length: value(.packetLength, &random),
            dscp: value(.dscp, &random) & 63,
            fragment: value(.fragment, &random),
            flowLabel: family == .ipv6 ? value(.flowLabel, &random) : nil
        )
    }
}
