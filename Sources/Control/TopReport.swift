/// The busiest hosts and the networks, as `top` lists them. Rates are those of about a second.
public struct TopReport: Codable, Sendable, Hashable {
    public struct Rates: Codable, Sendable, Hashable {
        public var packetsPerSecond: Double
        public var bitsPerSecond: Double
        public var flowsPerSecond: Double

        public init(packetsPerSecond: Double, bitsPerSecond: Double, flowsPerSecond: Double) {
            self.packetsPerSecond = packetsPerSecond
            self.bitsPerSecond = bitsPerSecond
            self.flowsPerSecond = flowsPerSecond
        }
    }

    /// A host in one direction.
    public struct Host: Codable, Sendable, Hashable {
        public var address: String
        public var rates: Rates
        /// The number of the attack under way on it, or from it.
        public var attack: UInt64?

        public init(address: String, rates: Rates, attack: UInt64?) {
            self.address = address
            self.rates = rates
            self.attack = attack
        }
    }

    /// One of the operator's networks.
    public struct Network: Codable, Sendable, Hashable {
        public var prefix: String
        public var incoming: Rates
        public var outgoing: Rates
        /// Attacks under way on it or on hosts of it.
        public var attacks: Int

        public init(prefix: String, incoming: Rates, outgoing: Rates, attacks: Int) {
            self.prefix = prefix
            self.incoming = incoming
            self.outgoing = outgoing
            self.attacks = attacks
        }
    }

    /// RFC 3339, UTC.
    public var time: String
    /// `packets`, `bits` or `flows`: what the hosts are sorted by.
    public var sort: String
    public var incoming: Rates
    public var outgoing: Rates
    /// Traffic with neither end in the networks.
    public var other: Rates
    public var activeAttacks: Int
    /// The busiest first; empty for a direction that was not asked for.
    public var incomingHosts: [Host]
    public var outgoingHosts: [Host]
    public var networks: [Network]

    public init(
        time: String,
        sort: String,
        incoming: Rates,
        outgoing: Rates,
        other: Rates,
        activeAttacks: Int,
        incomingHosts: [Host],
        outgoingHosts: [Host],
        networks: [Network]
    ) {
        self.time = time
        self.sort = sort
        self.incoming = incoming
        self.outgoing = outgoing
        self.other = other
        self.activeAttacks = activeAttacks
        self.incomingHosts = incomingHosts
        self.outgoingHosts = outgoingHosts
        self.networks = networks
    }
}
