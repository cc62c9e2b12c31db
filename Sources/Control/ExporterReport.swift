/// One exporter of telemetry, as `exporters` lists it. Counters grow from the start of the daemon.
public struct ExporterReport: Codable, Sendable, Hashable {
    /// A sampling rate in force.
    public struct Sampling: Codable, Sendable, Hashable {
        /// One packet in so many; nil: not known, records count once.
        public var rate: UInt32?
        /// `record`, `sampler`, `options`, `other_domain`, `header`, `unsampled`, `configuration`, `default`, `override`,
        /// `unknown`.
        public var source: String
        /// Records that it has multiplied.
        public var records: UInt64

        public init(rate: UInt32?, source: String, records: UInt64) {
            self.rate = rate
            self.source = source
            self.records = records
        }
    }

    /// An observation domain, source id, engine or sub-agent.
    public struct Domain: Codable, Sendable, Hashable {
        public var format: String
        public var id: UInt32
        /// The sFlow agent, which may speak through another's address.
        public var agent: String?
        /// The source port, where each has templates of its own.
        public var port: UInt16?
        public var lost: UInt64
        /// What the exporter says it lost itself.
        public var dropped: UInt64
        public var templates: Int
        /// Numbers of templates that data came for and that are not known.
        public var missingTemplates: [UInt16]
        /// Whether `lost` is of records rather than datagrams.
        public var countsRecords: Bool

        public init(
            format: String,
            id: UInt32,
            agent: String?,
            port: UInt16?,
            lost: UInt64,
            dropped: UInt64,
            templates: Int,
            missingTemplates: [UInt16],
            countsRecords: Bool
        ) {
            self.format = format
            self.id = id
            self.agent = agent
            self.port = port
            self.lost = lost
            self.dropped = dropped
            self.templates = templates
            self.missingTemplates = missingTemplates
            self.countsRecords = countsRecords
        }
    }

    /// An interface that tells its counters (sFlow).
    public struct Interface: Codable, Sendable, Hashable {
        public var index: UInt32
        public var bitsPerSecond: UInt64
        public var isUp: Bool
        public var inputBytes: UInt64
        public var inputDiscards: UInt32
        public var inputErrors: UInt32
        public var outputBytes: UInt64
        public var outputDiscards: UInt32
        public var outputErrors: UInt32

        public init(
            index: UInt32,
            bitsPerSecond: UInt64,
            isUp: Bool,
            inputBytes: UInt64,
            inputDiscards: UInt32,
            inputErrors: UInt32,
            outputBytes: UInt64,
            outputDiscards: UInt32,
            outputErrors: UInt32
        ) {
            self.index = index
            self.bitsPerSecond = bitsPerSecond
            self.isUp = isUp
            self.inputBytes = inputBytes
            self.inputDiscards = inputDiscards
            self.inputErrors = inputErrors
            self.outputBytes = outputBytes
            self.outputDiscards = outputDiscards
            self.outputErrors = outputErrors
        }
    }

    public var address: String
    /// The formats it speaks: `sFlow v5`, `NetFlow v9`, …
    public var formats: [String] = []
    public var datagrams: UInt64 = 0
    /// Means of the last ten seconds.
    public var datagramsPerSecond: Double = 0
    public var records: UInt64 = 0
    public var recordsPerSecond: Double = 0
    /// Datagrams that could not be read to their end, by reason.
    public var malformed: [String: UInt64] = [:]
    /// Samples and records that say nothing of traffic by address, by reason.
    public var uncounted: [String: UInt64] = [:]
    /// Data sets whose template had not been seen.
    public var missingTemplates: UInt64 = 0
    /// Templates that were given up for want of memory.
    public var forgottenTemplates: UInt64 = 0
    /// What sequence numbers say was lost on the way: datagrams, or records where the format counts these.
    public var lost: UInt64 = 0
    /// What the exporter says it lost itself.
    public var exporterDrops: UInt64 = 0
    /// Packets that it reported as discarded by it.
    public var discardedPackets: UInt64 = 0
    /// The last used first.
    public var sampling: [Sampling] = []
    /// By how much its clock is ahead of ours; nil where it tells no time.
    public var clockOffsetSeconds: Double?
    public var domains: [Domain] = []
    public var interfaces: [Interface] = []
    /// Since the last datagram.
    public var silentSeconds: Double = 0
    /// What is missing or odd, each with what settles it.
    public var hints: [String] = []

    public init(address: String) { self.address = address }
}
