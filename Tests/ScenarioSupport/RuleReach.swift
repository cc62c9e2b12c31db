public import FlowSpec
public import NetworkTypes
public import Simulation

/// What rules would do to fresh packets of a scenario.
public struct RuleReach: Sendable {
    public var rules: [FlowSpecRule]
    /// The shares of the attack's and of the victim's normal packets that one of the rules matches, 0…1.
    public var attackShare: Double
    public var normalShare: Double

    public init(_ rules: [FlowSpecRule], attack: [MatchedPacket], normal: [MatchedPacket]) {
        self.rules = rules
        attackShare = Self.share(of: attack, rules)
        normalShare = Self.share(of: normal, rules)
    }

    private static func share(of packets: [MatchedPacket], _ rules: [FlowSpecRule]) -> Double {
        guard !packets.isEmpty else { return 0 }
        let matched = packets.count { packet in rules.contains { $0.matches(packet) } }
        return Double(matched) / Double(packets.count)
    }
}

extension MatchedPacket {
    public init(_ packet: SimulatedPacket) {
        self.init(
            source: packet.source,
            destination: packet.destination,
            ipProtocol: packet.ipProtocol.rawValue,
            length: UInt16(clamping: packet.ipLength)
        )
        if let part = packet.fragment {
            fragment = part.offset == 0 ? FragmentBits.firstFragment : FragmentBits.isFragment
            if !part.moreFollow { fragment |= FragmentBits.lastFragment }
        }
        guard packet.hasTransportHeader else { return }
        switch packet.transport {
        case .udp(let from, let to): (sourcePort, destinationPort) = (from, to)
        case .tcp(let from, let to, let flags):
            (sourcePort, destinationPort) = (from, to)
            tcpFlags = UInt16(flags.rawValue)
        case .icmp(let type, let code): (icmpType, icmpCode) = (type, code)
        case .other: break
        }
    }
}

extension Flood {
    /// Rules by somebody who knows how the flood was made: one for each shape of its packets, and for each of its sources
    /// where these are few. What they spare can be spared.
    public func rules(for target: IPPrefix, sources: [IPAddress]) -> [FlowSpecRule] {
        let extra = UInt64(target.family == .ipv4 ? 0 : 20)
        return shapes.flatMap { shape -> [FlowSpecRule] in
            var components: [MatchComponent] = [.destination(PrefixPattern(target))]
            let number = shape.ipProtocol == .icmp && target.family == .ipv6 ? IPProtocol.icmpv6 : shape.ipProtocol
            components.append(.ipProtocol([NumericTerm(.equal, UInt64(number.rawValue))]))
            if shape.part != .laterFragment {
                if let terms = Self.terms(shape.remotePort) { components.append(.sourcePort(terms)) }
                if let terms = Self.terms(shape.hostPort) { components.append(.destinationPort(terms)) }
            }
            if shape.ipProtocol == .icmp {
                components.append(.icmpType([NumericTerm(.equal, target.family == .ipv4 ? 8 : 128)]))
            }
            if shape.ipProtocol == .tcp {
                let flags = UInt16(shape.flags.rawValue)
                let others = BitmaskTerm(~flags & 0x3F, not: true, and: flags != 0)
                components.append(.tcpFlags((flags == 0 ? [] : [BitmaskTerm(flags, match: true)]) + [others]))
            }
            components.append(
                .packetLength([
                    NumericTerm(.greaterOrEqual, UInt64(shape.length.lowerBound) + extra),
                    NumericTerm(.lessOrEqual, UInt64(shape.length.upperBound) + extra, and: true),
                ])
            )
            switch shape.part {
            case .whole: break
            case .firstFragment: components.append(.fragment([BitmaskTerm(FragmentBits.firstFragment, match: true)]))
            case .laterFragment: components.append(.fragment([BitmaskTerm(FragmentBits.isFragment, match: true)]))
            }
            let few = sources.count <= 8 ? sources.map { Optional(IPPrefix(host: $0)) } : []
            return (few.isEmpty ? [nil] : few).compactMap { source in
                let more = source.map { [MatchComponent.source(PrefixPattern($0))] } ?? []
                return try? FlowSpecRule(family: target.family, components: components + more)
            }
        }
    }

    private static func terms(_ port: PacketShape.Port) -> [NumericTerm]? {
        switch port {
        case .fixed(let number): [NumericTerm(.equal, UInt64(number))]
        case .oneOf(let numbers): Set(numbers).sorted().map { NumericTerm(.equal, UInt64($0)) }
        case .ephemeral, .any: nil
        }
    }
}
