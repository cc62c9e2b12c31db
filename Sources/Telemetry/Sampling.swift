/// Where the sampling rate of a record comes from.
public enum SamplingSource: UInt8, Sendable, Hashable, CaseIterable, BitwiseCopyable {
    /// Neither told nor configured: the record counts once.
    case unknown
    /// The record or sample itself.
    case record
    /// The options of the sampler or selector that the record names.
    case sampler
    /// Options of the whole observation domain.
    case domain
    /// Options of another domain, which sends no flows itself.
    case otherDomain
    /// The datagram's header (NetFlow v5).
    case header
    /// A sampler of number 0, by which Cisco means that the flow was not sampled.
    case unsampled
    /// The configuration of this exporter, as it tells none.
    case exporterConfiguration
    /// `default_sampling_rate`, as it tells none.
    case defaultConfiguration
    /// The configuration of this exporter, whatever it tells.
    case override

    /// For people and programs.
    public var name: String {
        switch self {
        case .unknown: "unknown"
        case .record: "record"
        case .sampler: "sampler"
        case .domain: "options"
        case .otherDomain: "other_domain"
        case .header: "header"
        case .unsampled: "unsampled"
        case .exporterConfiguration: "configuration"
        case .defaultConfiguration: "default"
        case .override: "override"
        }
    }
}

/// A sampling rate and who says so.
public struct Sampling: Sendable, Hashable, BitwiseCopyable {
    /// Packets for each one that was looked at; 0: unknown.
    public var rate: UInt32
    public var source: SamplingSource

    @inlinable
    public init(rate: UInt32, source: SamplingSource) {
        self.rate = rate
        self.source = source
    }

    /// A round number in the other order of octets, and an odd one as it stands.
    public var isMaybeSwapped: Bool { rate >= 65_536 && rate & 0xFFFF == 0 }

    static let unknown = Sampling(rate: 0, source: .unknown)
}

/// What counts for one exporter: what it tells, unless that cannot be, and what the operator says where it is silent.
struct SamplingPolicy: Sendable, BitwiseCopyable {
    private let override: UInt32
    private let fallback: Sampling

    init(settings: TelemetryConfiguration.ExporterSettings?, defaultRate: UInt32?) {
        override = settings.flatMap { $0.overridesSampling ? $0.samplingRate : nil } ?? 0
        fallback =
            if let rate = settings?.samplingRate {
                Sampling(rate: rate, source: .exporterConfiguration)
            } else if let defaultRate {
                Sampling(rate: defaultRate, source: .defaultConfiguration)
            } else {
                .unknown
            }
    }

    @inline(__always)
    func inForce(_ told: Sampling) -> Sampling {
        if override > 0 { return Sampling(rate: override, source: .override) }
        if told.rate == 0 { return fallback }
        guard told.rate > Self.highestPlausible else { return told }
        // RouterOS 6 writes the interval in little-endian order: 1 arrives as 16,777,216.
        if told.rate & 0xFFFF == 0 { return Sampling(rate: told.rate.byteSwapped, source: told.source) }
        return fallback
    }

    /// Higher ones are garbage. The highest that was seen of a real exporter is 2,000,000.
    static let highestPlausible: UInt32 = 0xFF_FFFF
}

/// Records one after the other of which the same was told: noted together.
struct SamplingRun: BitwiseCopyable {
    let told: Sampling
    /// What counts for them.
    let counting: Sampling
    var records: UInt64 = 0

    init(_ told: Sampling, counting: Sampling) {
        self.told = told
        self.counting = counting
    }
}
