public import NetworkTypes

/// What came from one exporter, in counters that only grow.
public struct ExporterStatistics: Sendable, Hashable {
    /// What a sampled packet or a record held that cannot be counted as traffic, by reason; indexed by raw value.
    public enum Uncounted: Int, Sendable, Hashable, CaseIterable {
        /// ARP, LLDP and the like.
        case notIP
        /// Samples and records of kinds that say nothing of traffic by address.
        case unknownKind
        /// Records without addresses.
        case noAddresses
        /// Records of more octets for each packet than a packet can have.
        case implausible
        /// Of packets on their way out, where only those on their way in count.
        case egress

        public var name: String {
            switch self {
            case .notIP: "not_ip"
            case .unknownKind: "unknown_kind"
            case .noAddresses: "no_addresses"
            case .implausible: "implausible"
            case .egress: "egress"
            }
        }
    }

    /// A sampling rate in force and how many records it has multiplied.
    public struct SamplingUse: Sendable, Hashable {
        public var sampling: Sampling
        public var records: UInt64
        public var lastUsed: Timestamp
    }

    public let address: IPAddress
    private var formatBits: UInt8 = 0
    public var datagrams: UInt64 = 0
    public var bytes: UInt64 = 0
    /// Over the last seconds; filled in for reports, like the next.
    public var datagramsPerSecond: Double = 0
    public var recordsPerSecond: Double = 0
    public var records: UInt64 = 0
    /// Datagrams that could not be read to their end, indexed by `DecodeError.rawValue`.
    private var malformedCounts = [UInt64](repeating: 0, count: DecodeError.allCases.count)
    private var uncounted = [UInt64](repeating: 0, count: Uncounted.allCases.count)
    /// What the last datagram of a format that is not read was, where that is known: `NetFlow v8`.
    public private(set) var unreadFormat: String?
    /// Data sets whose template had not been seen.
    public var missingTemplates: UInt64 = 0
    /// Templates that were given up for want of memory.
    public var forgottenTemplates: UInt64 = 0
    /// Datagrams (NetFlow v5 and v7, IPFIX: records) that sequence numbers say never came.
    public var lost: UInt64 = 0
    /// Packets or flows that the exporter itself says it lost before it could report them.
    public var exporterDrops: UInt64 = 0
    /// Packets that the exporter reported as discarded by it (sFlow's discarded-packet samples).
    public var discardedPackets: UInt64 = 0
    /// Rates in force, the last used first; few, as an exporter with many has as many line cards.
    public private(set) var samplings: [SamplingUse] = []
    /// Rates that were told and cannot be; others counted in their place.
    public var implausibleRates: UInt64 = 0
    /// Each source port has templates and rates of its own.
    public var isScopedByPort = false
    /// Interfaces that tell their counters (sFlow).
    public var interfaces = InterfaceTable()
    /// What is known of each observation domain; filled in for reports.
    public var domains: [ObservationDomainSummary] = []
    /// Datagrams whose flow times could not be of the present and were taken to end at arrival.
    public var implausibleTimes: UInt64 = 0
    /// By how much the exporter's clock is ahead of the collector's, by the last datagram that told a time; of NetFlow v9
    /// and IPFIX to half a second.
    public var clockOffset: Duration?
    public var firstSeen: Timestamp
    public var lastSeen: Timestamp

    public init(address: IPAddress, at time: Timestamp) {
        self.address = address
        firstSeen = time
        lastSeen = time
    }

    /// In which the exporter has spoken.
    public var formats: [TelemetryFormat] { TelemetryFormat.allCases.filter { formatBits & 1 << $0.rawValue != 0 } }

    mutating func note(_ format: TelemetryFormat) { formatBits |= 1 << format.rawValue }

    public func malformed(_ error: DecodeError) -> UInt64 { malformedCounts[error.rawValue] }

    public var malformedDatagrams: UInt64 { malformedCounts.reduce(0, &+) }

    mutating func count(_ error: DecodeError) { malformedCounts[error.rawValue] &+= 1 }

    mutating func noteUnread(_ datagram: RawSpan) { unreadFormat = TelemetryFormat.nameOfUnread(datagram) }

    public func uncounted(_ reason: Uncounted) -> UInt64 { uncounted[reason.rawValue] }

    mutating func count(_ reason: Uncounted) { uncounted[reason.rawValue] &+= 1 }

    /// The sampling of the last record.
    public var sampling: Sampling? { samplings.first?.sampling }

    private static let maximumSamplings = 8

    @inline(__always)
    mutating func note(_ sampling: Sampling, records: UInt64) {
        if samplings.isEmpty || samplings[0].sampling != sampling { bringForward(sampling) }
        samplings[0].records &+= records
        samplings[0].lastUsed = lastSeen
    }

    private mutating func bringForward(_ sampling: Sampling) {
        if let index = samplings.firstIndex(where: { $0.sampling == sampling }) {
            samplings.swapAt(0, index)
        } else {
            if samplings.count >= Self.maximumSamplings { samplings.removeLast() }
            samplings.insert(SamplingUse(sampling: sampling, records: 0, lastUsed: lastSeen), at: 0)
        }
    }

    /// Adds what another worker saw of the same exporter.
    public mutating func merge(_ other: ExporterStatistics) {
        formatBits |= other.formatBits
        datagrams &+= other.datagrams
        bytes &+= other.bytes
        records &+= other.records
        datagramsPerSecond += other.datagramsPerSecond
        recordsPerSecond += other.recordsPerSecond
        for index in malformedCounts.indices { malformedCounts[index] &+= other.malformedCounts[index] }
        for index in uncounted.indices { uncounted[index] &+= other.uncounted[index] }
        unreadFormat = other.unreadFormat ?? unreadFormat
        missingTemplates &+= other.missingTemplates
        forgottenTemplates &+= other.forgottenTemplates
        lost &+= other.lost
        exporterDrops &+= other.exporterDrops
        discardedPackets &+= other.discardedPackets
        implausibleRates &+= other.implausibleRates
        implausibleTimes &+= other.implausibleTimes
        isScopedByPort = isScopedByPort || other.isScopedByPort
        for use in other.samplings {
            if let index = samplings.firstIndex(where: { $0.sampling == use.sampling }) {
                samplings[index].records &+= use.records
                samplings[index].lastUsed = max(samplings[index].lastUsed, use.lastUsed)
            } else {
                samplings.append(use)
            }
        }
        samplings.sort { $0.lastUsed > $1.lastUsed }
        interfaces.merge(other.interfaces)
        if other.lastSeen > lastSeen || clockOffset == nil { clockOffset = other.clockOffset ?? clockOffset }
        mergeDomains(other.domains)
        firstSeen = min(firstSeen, other.firstSeen)
        lastSeen = max(lastSeen, other.lastSeen)
    }

    private mutating func mergeDomains(_ others: [ObservationDomainSummary]) {
        for other in others {
            if let index = domains.firstIndex(where: { $0.isSame(as: other) }) {
                domains[index].lost &+= other.lost
                domains[index].dropped &+= other.dropped
                domains[index].countsRecords = domains[index].countsRecords || other.countsRecords
                domains[index].samplingDoubts.merge(other.samplingDoubts)
                domains[index].templates = max(domains[index].templates, other.templates)
                let missing = Set(domains[index].missingTemplates).union(other.missingTemplates)
                domains[index].missingTemplates = missing.sorted()
            } else {
                domains.append(other)
            }
        }
    }
}

/// What is known of one observation domain, source id, engine or sub-agent.
public struct ObservationDomainSummary: Sendable, Hashable {
    public var format: TelemetryFormat
    public var id: UInt32
    /// The sFlow agent, which may speak through another's address.
    public var agent: IPAddress?
    /// The source port, where each has templates of its own.
    public var port: UInt16?
    /// Datagrams (NetFlow v5 and v7, IPFIX: records) that sequence numbers say never came.
    public var lost: UInt64
    /// What the exporter says it lost itself.
    public var dropped: UInt64
    /// Templates known now.
    public var templates: Int
    /// Numbers of templates that data came for and that are not known.
    public var missingTemplates: [UInt16]
    /// Whether `lost` is of records rather than datagrams.
    public var countsRecords: Bool
    public var samplingDoubts: SamplingDoubts

    func isSame(as other: Self) -> Bool {
        format == other.format && id == other.id && agent == other.agent && port == other.port
    }
}
