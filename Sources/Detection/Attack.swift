public import NetworkTypes
public import Traffic

/// An attack as far as it is known: what it hits, why it was taken for one, and how it looks now.
///
/// A plain value that carries its own evidence, so that each decision can be explained from it later.
public struct Attack: Sendable, Hashable, Identifiable {
    /// Numbers attacks in the order in which they began; unique within one store.
    public struct ID: RawRepresentable, Sendable, Hashable, Comparable, CustomStringConvertible {
        public var rawValue: UInt64
        public init(rawValue: UInt64) { self.rawValue = rawValue }
        public static func < (left: ID, right: ID) -> Bool { left.rawValue < right.rawValue }
        public var description: String { String(rawValue) }
    }

    public let id: ID
    public let target: AttackTarget
    public let direction: TrafficDirection
    public let began: Timestamp
    /// When the attack was last seen above the level below which it ends.
    public var lastActive: Timestamp
    /// Nil while the attack lasts.
    public var ended: Timestamp?
    public var kind: AttackKind
    /// The share of the target's traffic, 0…1, that `kind` accounts for.
    public var kindShare: Double
    /// What crossed which threshold when the attack began.
    public let crossing: ThresholdCrossing
    /// The rates at the last update.
    public var rates: TrafficRates
    /// The highest rates seen, each by itself.
    public var peak: TrafficRates
    /// When the rate whose threshold was crossed was highest.
    public var peakTime: Timestamp
    /// What packets were multiplied by then; 1: each was seen.
    public var peakSamplingRate: UInt32 = 1
    /// All kinds of traffic that the attack is made of, the largest share first; `kind` is the first one's.
    public var vectors: [AttackVector]
    /// Some of the samples that the attack was recognised by, of all vectors and of what else came, the latest first; at
    /// most `maximumSamples`. With each update those of now.
    public var samples: [TrafficSample]
    /// The time in which what `samples` stands for came; zero where that is not known, as after a restart.
    public var samplesDuration = Duration.zero
    /// What comes to the target now, looked at with each update.
    public var present = PresentTraffic()
    /// Limits that what comes now is surely above, each with what was found; with each update those of now.
    public var exceeded: [ThresholdCrossing] = []
    /// The time over which `rates` are averaged, and what packets are multiplied by now; 1: each is seen.
    public var rateWindow = Duration.seconds(1)
    public var samplingRate: UInt32 = 1
    /// Samples of the target's traffic from before the attack, at most `maximumNormalSamples`; empty where none are known.
    public var normal: [TrafficSample]
    /// The time in which what `normal` stands for came.
    public var normalDuration: Duration
    /// Some of the packets that it is made of, where telemetry has any.
    public var packets = AttackPackets()
    /// Who took part from where, over the attack's whole life.
    public var profile = AttackProfile()

    public static let maximumSamples = 128

    /// How many samples an attack keeps of each sort, by the number of attacks under way: fewer where many are, so that all
    /// together take no more than some 100 MB.
    static func sampleLimit(activeAttacks: Int) -> Int {
        activeAttacks < 100 ? maximumSamples : activeAttacks < 1000 ? 64 : 16
    }

    /// The most of the traffic before that an attack keeps: to see that a rule drops less than one in a hundred of it takes
    /// hundreds.
    public static let maximumNormalSamples = 512

    static func normalSampleLimit(activeAttacks: Int) -> Int {
        activeAttacks < 100 ? maximumNormalSamples : sampleLimit(activeAttacks: activeAttacks)
    }

    public init(
        id: ID,
        target: AttackTarget,
        direction: TrafficDirection,
        began: Timestamp,
        kind: AttackKind,
        kindShare: Double,
        crossing: ThresholdCrossing,
        rates: TrafficRates,
        vectors: [AttackVector] = [],
        samples: [TrafficSample],
        normal: [TrafficSample] = [],
        normalDuration: Duration = .zero
    ) {
        self.id = id
        self.target = target
        self.direction = direction
        self.began = began
        self.lastActive = began
        self.kind = kind
        self.kindShare = kindShare
        self.crossing = crossing
        self.rates = rates
        self.peak = rates
        self.peakTime = began
        self.vectors = vectors.isEmpty ? [AttackVector(kind: kind, share: kindShare, samples: samples)] : vectors
        self.samples = samples
        self.normal = normal
        self.normalDuration = normalDuration
    }
}

/// What an attack is aimed at, or comes from when it is outgoing.
public enum AttackTarget: Sendable, Hashable {
    case host(IPAddress)
    /// One of the operator's networks as a whole.
    case network(IPPrefix)
    /// A configured group as a whole: carpet bombing.
    case group(name: String, prefixes: [IPPrefix])

    /// The prefixes that a rule against the attack must cover.
    public var prefixes: [IPPrefix] {
        switch self {
        case .host(let address): [IPPrefix(host: address)]
        case .network(let prefix): [prefix]
        case .group(_, let prefixes): prefixes
        }
    }
}

extension AttackTarget: CustomStringConvertible {
    public var description: String {
        switch self {
        case .host(let address): address.description
        case .network(let prefix): prefix.description
        case .group(let name, _): "group \(name)"
        }
    }
}

/// The moment a threshold was crossed, with the doubt that sampling leaves.
public struct ThresholdCrossing: Sendable, Hashable {
    public var trafficClass: TrafficClass
    public var unit: TrafficUnit
    /// The limit in `unit` per second.
    public var threshold: Double
    /// The estimated rate in `unit` per second.
    public var rate: Double
    /// The interval in which the true rate lies in all but one case of a thousand; equal to `rate` where every packet
    /// is seen.
    public var lowerBound: Double
    public var upperBound: Double
    /// The time over which the rate was averaged.
    public var window: Duration
    /// How many records the estimate rests on.
    public var samples: UInt64
    /// The configured group whose threshold it was; nil for the defaults.
    public var group: String?
    /// What is normal for the target at this hour, in `unit` per second, where the limit was made from that; nil for a
    /// threshold of the configuration.
    public var normal: Double?

    public init(
        trafficClass: TrafficClass,
        unit: TrafficUnit,
        threshold: Double,
        rate: Double,
        lowerBound: Double,
        upperBound: Double,
        window: Duration,
        samples: UInt64,
        group: String?,
        normal: Double? = nil
    ) {
        self.trafficClass = trafficClass
        self.unit = unit
        self.threshold = threshold
        self.rate = rate
        self.lowerBound = lowerBound
        self.upperBound = upperBound
        self.window = window
        self.samples = samples
        self.group = group
        self.normal = normal
    }
}

/// What happened to an attack.
public enum AttackEvent: Sendable, Hashable {
    case began(Attack)
    case updated(Attack)
    case ended(Attack)

    public var attack: Attack {
        switch self {
        case .began(let attack), .updated(let attack), .ended(let attack): attack
        }
    }
}
