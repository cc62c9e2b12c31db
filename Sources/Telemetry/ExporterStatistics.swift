public import NetworkTypes

/// What came from one exporter, in counters that only grow.
public struct ExporterStatistics: Sendable, Hashable {
    /// The formats that an exporter has used.
    public struct Formats: OptionSet, Sendable, Hashable {
        public var rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        public static let sFlow5 = Formats(rawValue: 1)
        public static let netFlow5 = Formats(rawValue: 2)
        public static let netFlow9 = Formats(rawValue: 4)
        public static let ipfix = Formats(rawValue: 8)

        /// For people: `sFlow v5`.
        public var names: [String] {
            [(Self.sFlow5, "sFlow v5"), (.netFlow5, "NetFlow v5"), (.netFlow9, "NetFlow v9"), (.ipfix, "IPFIX")]
                .filter { contains($0.0) }.map(\.1)
        }
    }

    public let address: IPAddress
    public var formats: Formats = []
    public var datagrams: UInt64 = 0
    public var bytes: UInt64 = 0
    public var records: UInt64 = 0
    /// Datagrams that could not be read to their end, indexed by `DecodeError.rawValue`.
    private var malformedCounts = [UInt64](repeating: 0, count: DecodeError.allCases.count)
    /// Data sets whose template had not been seen.
    public var missingTemplates: UInt64 = 0
    /// Datagrams (NetFlow v5 and IPFIX: records) that sequence numbers say never came.
    public var lost: UInt64 = 0
    /// The rate last told; 0: none.
    public var samplingRate: UInt32 = 0
    /// Observation domains, source ids or sub-agents seen.
    public var domains: Int = 0
    /// Templates known now.
    public var templates: Int = 0
    /// Datagrams whose flow times could not be of the present and were taken to end at arrival.
    public var implausibleTimes: UInt64 = 0
    public var firstSeen: Timestamp
    public var lastSeen: Timestamp

    public init(address: IPAddress, at time: Timestamp) {
        self.address = address
        firstSeen = time
        lastSeen = time
    }

    public func malformed(_ error: DecodeError) -> UInt64 { malformedCounts[error.rawValue] }

    public var malformedDatagrams: UInt64 { malformedCounts.reduce(0, &+) }

    mutating func count(_ error: DecodeError) { malformedCounts[error.rawValue] &+= 1 }

    /// Adds what another worker saw of the same exporter.
    public mutating func merge(_ other: ExporterStatistics) {
        formats.formUnion(other.formats)
        datagrams &+= other.datagrams
        bytes &+= other.bytes
        records &+= other.records
        for index in malformedCounts.indices { malformedCounts[index] &+= other.malformedCounts[index] }
        missingTemplates &+= other.missingTemplates
        lost &+= other.lost
        if other.lastSeen > lastSeen { samplingRate = other.samplingRate }
        domains += other.domains
        templates += other.templates
        implausibleTimes &+= other.implausibleTimes
        firstSeen = min(firstSeen, other.firstSeen)
        lastSeen = max(lastSeen, other.lastSeen)
    }
}
