public import NetworkTypes
public import Traffic

/// Who takes part in an attack, with what, and where it enters: summed up from samples over its whole life, in little room.
public struct AttackProfile: Sendable, Hashable {
    /// Where traffic enters: an exporter's interface.
    public struct Entrance: Sendable, Hashable {
        /// Unspecified for packets that were mirrored to us, or read from a capture.
        public var exporter: IPAddress
        /// 0 where it is not said.
        public var interface: UInt32

        public init(exporter: IPAddress, interface: UInt32) {
            self.exporter = exporter
            self.interface = interface
        }
    }

    /// How many samples were summed up, and what they stand for: packets, or bits where bits were too many.
    public internal(set) var samples: UInt64 = 0
    public internal(set) var total = 0.0
    /// The other ends: who sends, or of an outgoing attack who is sent to.
    public internal(set) var peers = HeavyHitters<IPAddress>(capacity: Self.listed)
    /// Their networks: /24 and /48.
    public internal(set) var networks = HeavyHitters<IPPrefix>(capacity: Self.listed)
    public internal(set) var sourcePorts = HeavyHitters<UInt16>(capacity: Self.listed)
    public internal(set) var destinationPorts = HeavyHitters<UInt16>(capacity: Self.listed)
    /// Octets of the IP packets.
    public internal(set) var lengths = HeavyHitters<UInt16>(capacity: Self.listed)
    public internal(set) var entrances = HeavyHitters<Entrance>(capacity: Self.listed)

    public init() {}

    /// As it was read from `top` of each.
    public init(
        samples: UInt64,
        total: Double,
        peers: [(value: IPAddress, amount: Double)],
        networks: [(value: IPPrefix, amount: Double)],
        sourcePorts: [(value: UInt16, amount: Double)],
        destinationPorts: [(value: UInt16, amount: Double)],
        lengths: [(value: UInt16, amount: Double)],
        entrances: [(value: Entrance, amount: Double)]
    ) {
        self.samples = samples
        self.total = total
        self.peers = HeavyHitters(capacity: Self.listed, peers)
        self.networks = HeavyHitters(capacity: Self.listed, networks)
        self.sourcePorts = HeavyHitters(capacity: Self.listed, sourcePorts)
        self.destinationPorts = HeavyHitters(capacity: Self.listed, destinationPorts)
        self.lengths = HeavyHitters(capacity: Self.listed, lengths)
        self.entrances = HeavyHitters(capacity: Self.listed, entrances)
    }

    private static let listed = 16

    /// Adds samples that were not added before.
    public mutating func add(_ fresh: [TrafficSample], direction: TrafficDirection, unit: TrafficUnit) {
        for sample in fresh {
            let amount = unit == .bits ? Double(sample.bytes) * 8 : Double(sample.packets)
            let peer = direction == .incoming ? sample.source : sample.destination
            samples &+= 1
            total += amount
            peers.add(peer, amount)
            if let network = IPPrefix(peer, length: peer.isIPv4 ? 24 : 48) { networks.add(network, amount) }
            if sample.ipProtocol == .tcp || sample.ipProtocol == .udp {
                sourcePorts.add(sample.sourcePort, amount)
                destinationPorts.add(sample.destinationPort, amount)
            }
            lengths.add(sample.packetLength, amount)
            entrances.add(Entrance(exporter: sample.exporter, interface: sample.inputInterface), amount)
        }
    }
}
