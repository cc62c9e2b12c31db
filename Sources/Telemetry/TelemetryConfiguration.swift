public import NetworkTypes

/// What the operator says of exporters.
public struct TelemetryConfiguration: Sendable {
    /// Of exporters within a prefix; the longest prefix that holds an exporter's address counts.
    public struct ExporterSettings: Sendable, Hashable {
        public var prefix: IPPrefix
        /// One packet in this many is looked at. Nil: nothing is said for these exporters.
        public var samplingRate: UInt32?
        /// The rate above counts whatever the exporter announces.
        public var overridesSampling: Bool
        /// How long these exporters keep a flow before they report, where they do not say so themselves: no record's counters
        /// are of a longer time. Nil: as the record's times say.
        public var activeTimeout: Duration?
        /// Several exporting processes behind one address: each source port has templates and rates of its own.
        public var isScopedByPort: Bool
        /// What elements 85 and 86 count.
        public var totalCounters: TotalCounters
        /// Records of packets on their way out (element 61) do not count: for exporters that meter each packet twice.
        public var countsIngressOnly: Bool

        /// What exporters put into the elements for totals (85, 86).
        public enum TotalCounters: Sendable, Hashable {
            /// What has flowed since the last report.
            case deltas
            /// What has flowed since the flow began.
            case running
        }

        public init(
            prefix: IPPrefix,
            samplingRate: UInt32? = nil,
            overridesSampling: Bool = false,
            activeTimeout: Duration? = nil,
            isScopedByPort: Bool = false,
            totalCounters: TotalCounters = .deltas,
            countsIngressOnly: Bool = false
        ) {
            self.prefix = prefix
            self.samplingRate = samplingRate
            self.overridesSampling = overridesSampling
            self.activeTimeout = activeTimeout
            self.isScopedByPort = isScopedByPort
            self.totalCounters = totalCounters
            self.countsIngressOnly = countsIngressOnly
        }
    }

    public var exporters: [ExporterSettings]
    /// For exporters that announce none and have none configured; nil: such records count once.
    public var defaultSamplingRate: UInt32?
    /// Tunnels in sampled packets whose inner packet is counted in place of the outer.
    public var decapsulates: Tunnels
    public var limits: TelemetryLimits

    public init(
        exporters: [ExporterSettings] = [],
        defaultSamplingRate: UInt32? = nil,
        decapsulates: Tunnels = [],
        limits: TelemetryLimits = TelemetryLimits()
    ) {
        self.exporters = exporters
        self.defaultSamplingRate = defaultSamplingRate
        self.decapsulates = decapsulates
        self.limits = limits
    }

    func settings(for exporter: IPAddress) -> ExporterSettings? {
        exporters.filter { $0.prefix.contains(exporter) }.max { $0.prefix.length < $1.prefix.length }
    }
}

/// How much is remembered of exporters; what exceeds it makes the oldest go.
public struct TelemetryLimits: Sendable {
    public var exporters: Int
    public var domainsPerExporter: Int
    public var templatesPerExporter: Int
    public var interfacesPerExporter: Int
    /// Octets that all this may take together.
    public var memory: Int
    /// Templates and rates that were neither told nor used for so long are forgotten.
    public var lifetime: Duration

    public init(
        exporters: Int = 4096,
        domainsPerExporter: Int = 256,
        templatesPerExporter: Int = 4096,
        interfacesPerExporter: Int = 4096,
        memory: Int = 24 << 20,
        lifetime: Duration = .seconds(7 * 86_400)
    ) {
        self.exporters = max(1, exporters)
        self.domainsPerExporter = max(1, domainsPerExporter)
        self.templatesPerExporter = max(1, templatesPerExporter)
        self.interfacesPerExporter = max(1, interfacesPerExporter)
        self.memory = max(0, memory)
        self.lifetime = lifetime
    }
}

/// Encapsulations that a sampled packet may be in.
public struct Tunnels: OptionSet, Sendable, Hashable {
    public var rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// RFC 2784 and 2890, over IPv4 and IPv6, with IPv4, IPv6 or Ethernet within.
    public static let gre = Tunnels(rawValue: 1)
    /// IPv4 in IP (RFC 2003), protocol 4.
    public static let ipip = Tunnels(rawValue: 2)
    /// IPv6 in IP (RFC 4213), protocol 41.
    public static let sixInFour = Tunnels(rawValue: 4)
    /// RFC 7348, UDP port 4789.
    public static let vxlan = Tunnels(rawValue: 8)
    /// The user plane of GTP (3GPP TS 29.281), UDP port 2152.
    public static let gtpU = Tunnels(rawValue: 16)

    /// By the names of the configuration.
    public static let named: [(name: String, tunnel: Tunnels)] = [
        ("gre", .gre), ("ipip", .ipip), ("6in4", .sixInFour), ("vxlan", .vxlan), ("gtp", .gtpU),
    ]
}
