/// What an attack is made of and where it comes from, summed up from samples over its whole life.
public struct AttackEvidenceReport: Codable, Sendable, Hashable {
    public struct Vector: Codable, Sendable, Hashable {
        public var kind: String
        /// 0…1, of the target's traffic.
        public var share: Double
        /// How many of the samples are of it.
        public var samples: Int

        public init(kind: String, share: Double, samples: Int) {
            self.kind = kind
            self.share = share
            self.samples = samples
        }
    }

    /// A value, and how much of the attack's traffic surely is of it, 0…1.
    public struct Share: Codable, Sendable, Hashable {
        public var value: String
        public var share: Double

        public init(value: String, share: Double) {
            self.value = value
            self.share = share
        }
    }

    /// A rate a second, and the interval in which the true one lies in all but one case of a thousand.
    public struct Estimate: Codable, Sendable, Hashable {
        public var rate: Double
        public var lower: Double
        public var upper: Double

        public init(rate: Double, lower: Double, upper: Double) {
            self.rate = rate
            self.lower = lower
            self.upper = upper
        }
    }

    /// The largest share first.
    public var vectors: [Vector]
    /// RFC 3339, UTC: when it was strongest.
    public var peakTime: String
    public var peakPackets: Estimate
    public var peakBits: Estimate
    public var peakFlows: Estimate
    /// How many samples the shares rest on.
    public var samples: UInt64
    /// Who sends; of an outgoing attack who is sent to.
    public var peers: [Share]
    public var networks: [Share]
    public var sourcePorts: [Share]
    public var destinationPorts: [Share]
    public var packetLengths: [Share]
    /// `192.0.2.1 interface 5`: where it enters.
    public var entrances: [Share]

    public init(
        vectors: [Vector],
        peakTime: String,
        peakPackets: Estimate,
        peakBits: Estimate,
        peakFlows: Estimate,
        samples: UInt64,
        peers: [Share],
        networks: [Share],
        sourcePorts: [Share],
        destinationPorts: [Share],
        packetLengths: [Share],
        entrances: [Share]
    ) {
        self.vectors = vectors
        self.peakTime = peakTime
        self.peakPackets = peakPackets
        self.peakBits = peakBits
        self.peakFlows = peakFlows
        self.samples = samples
        self.peers = peers
        self.networks = networks
        self.sourcePorts = sourcePorts
        self.destinationPorts = destinationPorts
        self.packetLengths = packetLengths
        self.entrances = entrances
    }
}
