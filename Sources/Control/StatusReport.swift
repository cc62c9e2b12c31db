/// The daemon at a glance.
public struct StatusReport: Codable, Sendable, Hashable {
    /// Traffic of one direction, summed over everything.
    public struct Traffic: Codable, Sendable, Hashable {
        public var packetsPerSecond: Double
        public var bitsPerSecond: Double

        public init(packetsPerSecond: Double, bitsPerSecond: Double) {
            self.packetsPerSecond = packetsPerSecond
            self.bitsPerSecond = bitsPerSecond
        }
    }

    /// Another collector, and the datagrams that were sent on to it.
    public struct Forward: Codable, Sendable, Hashable {
        public var collector: String
        public var sent: UInt64
        public var failed: UInt64
        /// Of those that failed: of exporters whose address cannot be kept, as it is of the other family.
        public var otherFamily: UInt64
        /// Why nothing can be sent to it at present.
        public var fault: String?

        public init(collector: String, sent: UInt64, failed: UInt64, otherFamily: UInt64, fault: String?) {
            self.collector = collector
            self.sent = sent
            self.failed = failed
            self.otherFamily = otherFamily
            self.fault = fault
        }
    }

    /// All telemetry, written to a capture file.
    public struct Recording: Codable, Sendable, Hashable {
        public var path: String
        public var datagrams: UInt64
        /// Of the file.
        public var bytes: UInt64
        /// Datagrams that came after it had ended.
        public var lost: UInt64
        /// Why it has ended; absent while it goes on.
        public var fault: String?

        public init(path: String, datagrams: UInt64, bytes: UInt64, lost: UInt64, fault: String?) {
            self.path = path
            self.datagrams = datagrams
            self.bytes = bytes
            self.lost = lost
            self.fault = fault
        }
    }

    /// Mirrored traffic of one interface.
    public struct Mirror: Codable, Sendable, Hashable {
        public var interface: String
        /// `up`, `no carrier`, `down`, `absent`, or `unusable`.
        public var state: String
        public var packets: UInt64
        /// By the kernel, for want of room.
        public var dropped: UInt64
        /// Packets that are not IP, and count nowhere.
        public var ignored: UInt64

        public init(interface: String, state: String, packets: UInt64, dropped: UInt64, ignored: UInt64) {
            self.interface = interface
            self.state = state
            self.packets = packets
            self.dropped = dropped
            self.ignored = ignored
        }
    }

    public var version: String
    public var processIdentifier: Int32
    /// RFC 3339, UTC.
    public var started: String
    public var uptimeSeconds: Double
    /// `enforce` or `observe`.
    public var mode: String
    public var incoming: Traffic
    public var outgoing: Traffic
    public var other: Traffic
    public var trackedHosts: Int
    public var maximumHosts: Int
    /// Octets of the counters' memory.
    public var trafficMemoryBytes: Int
    public var activeAttacks: Int
    public var announcedRules: Int
    public var establishedNeighbors: Int
    public var configuredNeighbors: Int
    public var exporters: Int
    public var datagrams: UInt64
    public var records: UInt64
    public var malformedDatagrams: UInt64
    /// Datagrams from addresses that `telemetry.exporters.allow` does not hold.
    public var refusedDatagrams: UInt64
    /// Datagrams that the kernel dropped because the receive buffer was full.
    public var droppedDatagrams: UInt64
    public var mirrors: [Mirror]
    /// Other collectors that get datagrams.
    public var forwards: [Forward]
    /// Absent where none is asked for.
    public var recording: Recording?
    /// Pipes that commands are read from, and those by which an ExaBGP is told what to announce.
    public var pipes: [PipeReport] = []
    public var writers: [PipeWriterReport] = []
    /// Programs that speak ExaBGP's API.
    public var processes: [ProcessReport] = []
    /// Programs that are told of attacks.
    public var scripts: [ScriptReport] = []
    /// Collectors that figures are sent to.
    public var metrics: [MetricsReport] = []
    /// Absent where nothing is held against what is normal.
    public var baselines: BaselineCountsReport?
    /// The last refusals of the guard rails, latest first.
    public var refusals: [String]
    /// What needs a look, in words; empty when all is well.
    public var warnings: [String]

    public init(
        version: String,
        processIdentifier: Int32,
        started: String,
        uptimeSeconds: Double,
        mode: String,
        incoming: Traffic,
        outgoing: Traffic,
        other: Traffic,
        trackedHosts: Int,
        maximumHosts: Int,
        trafficMemoryBytes: Int,
        activeAttacks: Int,
        announcedRules: Int,
        establishedNeighbors: Int,
        configuredNeighbors: Int,
        exporters: Int,
        datagrams: UInt64,
        records: UInt64,
        malformedDatagrams: UInt64,
        refusedDatagrams: UInt64,
        droppedDatagrams: UInt64,
        mirrors: [Mirror],
        forwards: [Forward],
        refusals: [String],
        warnings: [String]
    ) {
        self.version = version
        self.processIdentifier = processIdentifier
        self.started = started
        self.uptimeSeconds = uptimeSeconds
        self.mode = mode
        self.incoming = incoming
        self.outgoing = outgoing
        self.other = other
        self.trackedHosts = trackedHosts
        self.maximumHosts = maximumHosts
        self.trafficMemoryBytes = trafficMemoryBytes
        self.activeAttacks = activeAttacks
        self.announcedRules = announcedRules
        self.establishedNeighbors = establishedNeighbors
        self.configuredNeighbors = configuredNeighbors
        self.exporters = exporters
        self.datagrams = datagrams
        self.records = records
        self.malformedDatagrams = malformedDatagrams
        self.refusedDatagrams = refusedDatagrams
        self.droppedDatagrams = droppedDatagrams
        self.mirrors = mirrors
        self.forwards = forwards
        self.refusals = refusals
        self.warnings = warnings
    }
}
