public import NetworkTypes

/// Some minutes of a network's life with all that is true of them: who sends what to whom, what is too much, and what is an
/// attack.
public struct Scenario: Sendable {
    /// An attack as it is in truth.
    public struct TrueAttack: Sendable {
        public enum Form: String, Sendable, Hashable, CaseIterable {
            case steady
            case ramp
            case pulses
            /// Against all hosts of a group, each of them below its own threshold.
            case carpet
            case multiVector = "multi_vector"
        }

        public var form: Form
        public var floods: [Flood]
        /// The hosts it is aimed at: one, or those of a group.
        public var victims: [IPAddress]
        /// The group that is attacked as a whole; nil for one host.
        public var group: String?
        /// Which sources of the scenario it is.
        public var sources: [Int]
        /// Seconds from the start of the scenario.
        public var begins: Double
        public var ends: Double
        /// Up to how many times the threshold the victim's traffic rises, normal traffic included.
        public var factor: Double
    }

    /// What is not left to chance.
    public struct Setting: Sendable, Hashable {
        public var telemetry: ScenarioExporter.Telemetry?
        /// The operator's one network, a /24 or a /48.
        public var network: IPPrefix?
        public var form: TrueAttack.Form?
        /// Thresholds for all traffic alone, none for classes of it.
        public var judgesTotalOnly = false
        /// An attack comes after some minutes of normal traffic, as it does to a daemon that runs for months: one for 1:1,
        /// two for sampled packets, three for flow records.
        public var hasHistory = false

        public init(
            telemetry: ScenarioExporter.Telemetry? = nil,
            network: IPPrefix? = nil,
            form: TrueAttack.Form? = nil,
            judgesTotalOnly: Bool = false,
            hasHistory: Bool = false
        ) {
            self.telemetry = telemetry
            self.network = network
            self.form = form
            self.judgesTotalOnly = judgesTotalOnly
            self.hasHistory = hasHistory
        }
    }

    public enum Purpose: Sendable, Hashable {
        /// The heaviest host is at this share of a threshold at its heaviest.
        case normal(load: Double)
        case attack
    }

    public struct Group: Sendable, Hashable {
        public var name: String
        public var prefix: IPPrefix
        public var measuresWhole: Bool
        public var thresholds: Thresholds
    }

    public let number: Int
    public let seed: UInt64
    public internal(set) var purpose: Purpose
    public let telemetry: ScenarioExporter.Telemetry
    /// Seconds.
    public internal(set) var duration: Double
    public let networks: [IPPrefix]
    let hostBase: IPAddress
    public internal(set) var services: [IPAddress: Service]
    public internal(set) var hosts: [IPAddress]
    public internal(set) var sources: [TrafficSource]
    public internal(set) var thresholds: Thresholds
    public internal(set) var groups: [Group] = []
    public internal(set) var attacks: [TrueAttack] = []
    /// What happens beside the ordinary: `flash_crowd`, `backup`, `download`, `speed_test`, `quiet`.
    public internal(set) var event: String

    /// When each scenario begins.
    public static let start = Timestamp(seconds: 1_764_000_000)

    public static func time(_ seconds: Double) -> Timestamp {
        start + .nanoseconds(Int64(seconds * 1e9))
    }

    /// The packets that are looked at, with what each is in truth.
    public func stream() -> TrafficStream {
        TrafficStream(sources, oneIn: telemetry.samplingRate, seed: seed ^ 0x51AB)
    }
}

extension Scenario {
    /// The true rate of incoming traffic of some hosts at a time.
    public func rate(
        _ trafficClass: TrafficClass,
        _ unit: TrafficUnit,
        of isMeant: (IPAddress) -> Bool,
        at time: Double,
        counting isCounted: (TrafficSource) -> Bool = { _ in true }
    ) -> Double {
        sources.reduce(0) { sum, source in
            guard isCounted(source) else { return sum }
            let share = source.share(of: isMeant)
            guard share > 0 else { return sum }
            return sum + source.curve.rate(at: time) * share * source.meanAmount(trafficClass, unit)
        }
    }

    /// The highest true rate of some hosts, by looking twice a second.
    func peak(_ trafficClass: TrafficClass, _ unit: TrafficUnit, of isMeant: (IPAddress) -> Bool) -> Double {
        let theirs = sources.compactMap { source -> (RateCurve, Double)? in
            let amount = source.share(of: isMeant) * source.meanAmount(trafficClass, unit)
            return amount > 0 ? (source.curve, amount) : nil
        }
        return stride(from: 0.25, to: duration, by: 0.5).reduce(0) { worst, time in
            max(worst, theirs.reduce(0) { $0 + $1.0.rate(at: time) * $1.1 })
        }
    }

    /// How far the traffic of some hosts is above the nearest of the thresholds at a time: 1 is at it.
    public func excess(over thresholds: Thresholds, of isMeant: (IPAddress) -> Bool, at time: Double) -> Double {
        thresholds.all.reduce(0) { worst, limit in
            guard limit.unit != .flows, limit.perSecond > 0 else { return worst }
            return max(worst, rate(limit.trafficClass, limit.unit, of: isMeant, at: time) / limit.perSecond)
        }
    }
}
