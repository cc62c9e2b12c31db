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

    /// Of rules for each flood of an attack, of which one choice is to be made, those that together match 95 % of it and the
    /// least of the normal traffic; where none match as much, those that match most.
    ///
    /// - Parameter most: how many rules there may be in all. Of a choice with more, those that match most.
    public static func best(
        ofEach choices: [[[FlowSpecRule]]],
        atMost most: Int,
        attack: [MatchedPacket],
        normal: [MatchedPacket]
    ) -> RuleReach {
        let all = choices.reduce([[]]) { sets, choices in sets.flatMap { set in choices.map { set + $0 } } }
        let reaches = all.map { rules in
            RuleReach(rules.count <= most ? rules : foremost(most, of: rules, attack), attack: attack, normal: normal)
        }
        func precedes(_ left: RuleReach, _ right: RuleReach) -> Bool {
            let (one, other) = (min(left.attackShare, 0.95), min(right.attackShare, 0.95))
            return one != other ? one > other : left.normalShare < right.normalShare
        }
        return reaches.min(by: precedes) ?? RuleReach([], attack: attack, normal: normal)
    }

    /// So many of the rules, one after the other that which matches most of what is left of the attack.
    private static func foremost(_ count: Int, of rules: [FlowSpecRule], _ attack: [MatchedPacket]) -> [FlowSpecRule] {
        var left = attack
        var chosen: [FlowSpecRule] = []
        for _ in 0..<count {
            let best = rules.max { one, other in left.count(where: one.matches) < left.count(where: other.matches) }
            guard let best, left.contains(where: best.matches) else { break }
            chosen.append(best)
            left.removeAll(where: best.matches)
        }
        return chosen
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
    /// The ways in which somebody who knows how the flood was made may match it: by the shapes of its packets, by the shapes
    /// from each of its sources where these are few, or by its sources alone.
    public func choices(for targets: [IPPrefix], sources: [IPAddress]) -> [[FlowSpecRule]] {
        let few = sources.count <= 8 ? sources : []
        let byShape = targets.flatMap { rules(for: $0, sources: []) }
        guard !few.isEmpty else { return [byShape] }
        let bySource = targets.flatMap { target in
            few.compactMap { source in
                try? FlowSpecRule(
                    family: target.family,
                    components: [
                        .destination(PrefixPattern(target)), .source(PrefixPattern(IPPrefix(host: source))),
                    ]
                )
            }
        }
        return [targets.flatMap { rules(for: $0, sources: few) }, byShape, bySource]
    }

    /// One rule for each shape of its packets, and for each of the sources if any are given.
    private func rules(for target: IPPrefix, sources: [IPAddress]) -> [FlowSpecRule] {
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
            let few = sources.map { Optional(IPPrefix(host: $0)) }
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
