public import NetworkTypes

/// Traffic of one purpose between hosts inside and the rest of the world.
///
/// Packets come as a Poisson process whose rate follows a curve. One in n of those is a Poisson process again, at an n-th
/// of the rate: so sampled packets are made directly, and are distributed as if all had been made and n - 1 of n thrown
/// away.
public struct TrafficSource: Sendable {
    /// What the traffic is in truth.
    public enum Purpose: Sendable, Hashable {
        case normal(String)
        case attack(AttackKind)

        public var isAttack: Bool { if case .attack = self { true } else { false } }
    }

    public let purpose: Purpose
    public let shapes: [PacketShape]
    /// Hosts inside, all equally likely.
    public let hosts: [IPAddress]
    public let population: Population
    /// Packets per second, of both directions and all hosts.
    public var curve: RateCurve

    private let totalWeight: Double
    private let packetsPerConversation: Double
    private var conversations: [Conversation] = []

    /// - Parameters:
    ///   - conversations: how many go on at a time.
    ///   - packetsPerConversation: how long one lasts, on average.
    public init(
        _ purpose: Purpose,
        _ shapes: [PacketShape],
        hosts: [IPAddress],
        population: Population,
        conversations count: Int = 64,
        packetsPerConversation: Double = 20,
        curve: RateCurve,
        using random: inout SeededGenerator
    ) {
        self.purpose = purpose
        self.shapes = shapes
        self.hosts = hosts
        self.population = population
        self.curve = curve
        self.packetsPerConversation = max(1, packetsPerConversation)
        totalWeight = shapes.reduce(0) { $0 + $1.weight }
        for _ in 0..<max(1, count) {
            conversations.append(Conversation(with: population.address(using: &random), using: &random))
        }
    }

    /// The next packet that is looked at, of `thinning` that flow.
    public mutating func packet(oneIn thinning: UInt32, using random: inout SeededGenerator) -> SimulatedPacket {
        let place = random.below(conversations.count)
        // As many packets as there are between two that are looked at have flowed in it since; each may have been the last.
        if population.isForged || random.uniform() < Double(thinning) / packetsPerConversation {
            conversations[place] = Conversation(with: population.address(using: &random), using: &random)
        }
        var choice = random.uniform() * totalWeight
        var shape = shapes[shapes.count - 1]
        for candidate in shapes {
            choice -= candidate.weight
            if choice < 0 {
                shape = candidate
                break
            }
        }
        let host = hosts.count == 1 ? hosts[0] : random.element(of: hosts)
        return shape.packet(of: conversations[place], with: host, using: &random)
    }

    /// What one packet adds to a counter of its hosts' incoming traffic, on average: packets or bits.
    public func meanAmount(_ trafficClass: TrafficClass, _ unit: TrafficUnit) -> Double {
        guard unit != .flows else { return 0 }
        let extra = hosts.first?.isIPv4 ?? true ? 0.0 : 20
        let sum = shapes.reduce(0) { sum, shape in
            guard !shape.isOutgoing, shape.isOf(trafficClass) else { return sum }
            return sum + shape.weight * (unit == .packets ? 1 : (shape.meanLength + extra) * 8)
        }
        return sum / totalWeight
    }

    /// The share of the source's traffic that is of one of the given hosts.
    func share(of isMeant: (IPAddress) -> Bool) -> Double {
        Double(hosts.count(where: isMeant)) / Double(max(1, hosts.count))
    }
}
