internal import NetworkTypes

/// sFlow version 5 (sflow.org, "sFlow Version 5", July 2004, and "sFlow Dropped Packet Notification Structures").
enum SFlowDecoder {
    enum SampleType {
        static let flow: UInt32 = 1
        static let counters: UInt32 = 2
        static let expandedFlow: UInt32 = 3
        static let expandedCounters: UInt32 = 4
        static let discardedPacket: UInt32 = 5
    }

    enum RecordType {
        static let rawHeader: UInt32 = 1
        static let ethernet: UInt32 = 2
        static let ipv4: UInt32 = 3
        static let ipv6: UInt32 = 4
        static let extendedSwitch: UInt32 = 1001
        static let extendedRouter: UInt32 = 1002
        static let extendedGateway: UInt32 = 1003
        static let extendedNAT: UInt32 = 1007
        /// In counter samples: the generic counters of an interface.
        static let interfaceCounters: UInt32 = 1
    }

    /// Decodes the samples of a datagram. What was read before a fault stays in the batch, and a sample that cannot be
    /// read costs none of the others.
    static func decode(
        _ datagram: RawSpan,
        exporter: ExporterState,
        at time: Timestamp,
        into batch: inout RecordBatch
    ) throws(DecodeError) {
        guard datagram.byteCount >= 8 else { throw .truncated }
        let addressLength: Int
        switch datagram.uint32(4) {
        case 1: addressLength = 4
        case 2: addressLength = 16
        default: throw .invalidLength
        }
        var offset = 8 &+ addressLength
        guard datagram.byteCount >= offset &+ 16 else { throw .truncated }
        let agent = SFlowAgent(
            address: addressLength == 4 ? datagram.ipv4(8) : datagram.ipv6(8),
            subAgent: datagram.uint32(offset)
        )
        let domain = exporter.domain(agent.subAgent, .sFlow5, agent: agent.address)
        exporter.statistics.lost &+= domain.noteSequence(datagram.uint32(offset &+ 4), advancing: 1)
        let count = datagram.uint32(offset &+ 12)
        offset &+= 16
        var tally = SFlowTally(exporter, domain)
        defer { tally.end() }
        var failure: DecodeError?
        // The loop is bounded by the datagram: each sample takes at least its header of 8 octets.
        for _ in 0..<count {
            guard datagram.byteCount >= offset &+ 8 else { throw .truncated }
            let type = datagram.uint32(offset)
            let length = Int(datagram.uint32(offset &+ 4))
            offset &+= 8
            guard length <= datagram.byteCount &- offset else { throw .truncated }
            let sample = datagram.extracting(offset..<(offset &+ length))
            offset &+= length
            do {
                try decodeSample(sample, type, of: agent, &tally, exporter: exporter, at: time, into: &batch)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    private static func decodeSample(
        _ sample: RawSpan,
        _ type: UInt32,
        of agent: SFlowAgent,
        _ tally: inout SFlowTally,
        exporter: ExporterState,
        at time: Timestamp,
        into batch: inout RecordBatch
    ) throws(DecodeError) {
        switch type {
        case SampleType.flow, SampleType.expandedFlow:
            let isExpanded = type == SampleType.expandedFlow
            defer { exporter.log?.append(flowSample: sample, isExpanded: isExpanded, of: agent, exporter: exporter) }
            try decodeFlowSample(sample, isExpanded, &tally, exporter: exporter, at: time, into: &batch)
        case SampleType.counters, SampleType.expandedCounters:
            let header = type == SampleType.counters ? 12 : 16
            exporter.log?.append(counterSample: sample, header: header, of: agent)
            try decodeCounters(sample, header: header, exporter: exporter, at: time)
        case SampleType.discardedPacket:
            exporter.log?.append(discarded: sample, of: agent)
            // Packets that the switch dropped. They were sampled with the others before, so they are no further traffic.
            exporter.statistics.discardedPackets &+= 1
        default:
            exporter.log?.append(unknownSample: type)
            exporter.statistics.count(.unknownKind)
        }
    }

    private static func decodeFlowSample(
        _ sample: RawSpan,
        _ isExpanded: Bool,
        _ tally: inout SFlowTally,
        exporter: ExporterState,
        at time: Timestamp,
        into batch: inout RecordBatch
    ) throws(DecodeError) {
        let header = try SFlowSampleHeader(sample, isExpanded: isExpanded)
        var record = FlowRecord()
        record.first = time
        record.last = time
        record.packets = 1
        record.traits = .isPacket
        record.inputInterface = header.input
        record.outputInterface = header.output
        // The packet was discarded, and the interface is the reason.
        if header.outputFormat == 1 { record.traits.insert(.isDropped) }
        record.samplingRate = tally.add(header)
        var records = SFlowRecords(sample, from: header.length, count: header.records)
        var isRead = false
        // Where the octets of the packet itself were read from; never at the begin of a sample.
        var rawHeader = 0
        var failure: DecodeError?
        do {
            while let (type, place) = try records.nextPlace() {
                guard !isRead else { continue }
                let body = sample.extracting(place)
                switch type {
                case RecordType.rawHeader:
                    isRead = try readRawHeader(body, exporter.decapsulates, into: &record)
                    if isRead { rawHeader = place.lowerBound }
                case RecordType.ipv4: isRead = try readSampledIP(body, addressLength: 4, into: &record)
                case RecordType.ipv6: isRead = try readSampledIP(body, addressLength: 16, into: &record)
                default: break
                }
            }
        } catch {
            // What was read before counts: the packet was there.
            failure = error
        }
        if isRead {
            guard batch.append(record) else { throw .tooManyRecords }
            if rawHeader > 0 { noteHeaders(sample, at: rawHeader, in: &batch) }
        } else if failure == nil {
            exporter.statistics.count(.notIP)
        }
        if let failure { throw failure }
    }

    private static func decodeCounters(
        _ sample: RawSpan,
        header: Int,
        exporter: ExporterState,
        at time: Timestamp
    ) throws(DecodeError) {
        guard sample.byteCount >= header else { throw .truncated }
        var records = SFlowRecords(sample, from: header, count: sample.uint32(header &- 4))
        while let (type, place) = try records.nextPlace() {
            let body = sample.extracting(place)
            guard type == RecordType.interfaceCounters, body.byteCount >= InterfaceCounters.length else { continue }
            exporter.noteInterface(InterfaceCounters(body, at: time))
        }
    }

    /// Says where the sampled packet of the last record lies.
    @inline(__always)
    private static func noteHeaders(_ sample: RawSpan, at body: Int, in batch: inout RecordBatch) {
        // Has been read, so it is whole; where it is not, its octets are not found later.
        guard sample.byteCount &- body >= 16 else { return }
        let link: SampledPacket.Link? =
            switch sample.uint32(body) {
            case 1: .ethernet
            case 11, 12: .ip
            case 13: .mpls
            default: nil
            }
        // Samples are kept of no other links.
        guard let link else { return }
        // What was stripped off the frame (the checksum) is no part of what was sampled.
        let (length, stripped) = (sample.uint32(body &+ 4), sample.uint32(body &+ 8))
        batch.noteHeaders(
            at: sample.address &+ UInt(bitPattern: body &+ 16),
            length: sample.uint32(body &+ 12),
            on: link,
            originalLength: length > stripped ? length &- stripped : length
        )
    }

    static func readRawHeader(
        _ body: RawSpan,
        _ tunnels: Tunnels,
        into record: inout FlowRecord
    ) throws(DecodeError) -> Bool {
        guard body.byteCount >= 16 else { throw .truncated }
        let length = Int(body.uint32(12))
        guard length <= body.byteCount &- 16 else { throw .truncated }
        let header = body.extracting(16..<(16 &+ length))
        let isRead =
            switch body.uint32(0) {
            case 1: PacketHeader.readEthernet(header, into: &record, decapsulating: tunnels)
            case 11, 12: PacketHeader.readIP(header, into: &record, decapsulating: tunnels)
            case 13: PacketHeader.readMPLS(header, into: &record, decapsulating: tunnels)
            case 7, 14: PacketHeader.readPPP(header, into: &record, decapsulating: tunnels)
            default: false
            }
        if isRead, record.lacksLength { readLength(body, header, tunnels, into: &record) }
        return isRead
    }

    /// From the frame's own length, where the IP header tells none.
    @inline(never)
    private static func readLength(
        _ body: RawSpan,
        _ header: RawSpan,
        _ tunnels: Tunnels,
        into record: inout FlowRecord
    ) {
        // What was stripped off the frame (the checksum) is no part of the packet.
        let (length, stripped) = (Int(body.uint32(4)), Int(body.uint32(8)))
        let frame = length > stripped ? length &- stripped : length
        record.takeLength(ofFrame: frame, header, decapsulating: tunnels) { header, sink in
            switch body.uint32(0) {
            case 1: PacketHeader.readEthernet(header, into: &sink)
            case 13: PacketHeader.readMPLS(header, into: &sink)
            case 7, 14: PacketHeader.readPPP(header, into: &sink)
            default: PacketHeader.readIP(header, into: &sink)
            }
        }
    }

    private static func readSampledIP(
        _ body: RawSpan,
        addressLength: Int,
        into record: inout FlowRecord
    ) throws(DecodeError) -> Bool {
        let ports = 8 &+ 2 &* addressLength
        guard body.byteCount >= ports &+ 16 else { throw .truncated }
        record.bytes = UInt64(body.uint32(0))
        record.ipProtocol = IPProtocol(rawValue: UInt8(truncatingIfNeeded: body.uint32(4)))
        record.source = addressLength == 4 ? body.ipv4(8) : body.ipv6(8)
        record.destination = addressLength == 4 ? body.ipv4(12) : body.ipv6(24)
        record.sourcePort = UInt16(truncatingIfNeeded: body.uint32(ports))
        record.destinationPort = UInt16(truncatingIfNeeded: body.uint32(ports &+ 4))
        record.tcpFlags = TCPFlags(rawValue: UInt8(truncatingIfNeeded: body.uint32(ports &+ 8)))
        return true
    }
}

/// Who speaks in an sFlow datagram, whatever address it came from.
struct SFlowAgent {
    var address: IPAddress
    var subAgent: UInt32
}

/// The fixed part of a flow sample, compact or expanded.
struct SFlowSampleHeader {
    /// The data source: what samples.
    var source: UInt32
    var samplingRate: UInt32
    var pool: UInt32
    /// Samples that the agent could not take, in a running total.
    var drops: UInt32
    var input: UInt32
    var inputFormat: UInt32
    var output: UInt32
    /// 0: the index of an interface, 1: discarded, 2: several interfaces.
    var outputFormat: UInt32
    var records: UInt32
    /// Octets of this header.
    var length: Int

    init(_ sample: RawSpan, isExpanded: Bool) throws(DecodeError) {
        length = isExpanded ? 44 : 32
        guard sample.byteCount >= length else { throw .truncated }
        let rest = isExpanded ? 12 : 8
        source = isExpanded ? sample.uint32(4) << 24 ^ sample.uint32(8) : sample.uint32(4)
        samplingRate = sample.uint32(rest)
        pool = sample.uint32(rest &+ 4)
        drops = sample.uint32(rest &+ 8)
        if isExpanded {
            inputFormat = sample.uint32(24)
            input = sample.uint32(28)
            outputFormat = sample.uint32(32)
            output = sample.uint32(36)
        } else {
            inputFormat = sample.uint32(20) >> 30
            input = sample.uint32(20) & 0x3FFF_FFFF
            outputFormat = sample.uint32(24) >> 30
            output = sample.uint32(24) & 0x3FFF_FFFF
        }
        records = sample.uint32(length &- 4)
    }
}

/// Goes through the records of a sample.
struct SFlowRecords: ~Escapable {
    private let sample: RawSpan
    private var offset: Int
    private var left: UInt32

    @_lifetime(copy sample)
    init(_ sample: RawSpan, from offset: Int, count: UInt32) {
        self.sample = sample
        self.offset = offset
        left = count
    }

    /// The type and where the body lies; nil after the last. Each takes at least 8 octets, so the walk ends with the
    /// sample whatever the count says.
    @inline(__always)
    mutating func nextPlace() throws(DecodeError) -> (type: UInt32, body: Range<Int>)? {
        guard left > 0 else { return nil }
        left &-= 1
        guard sample.byteCount >= offset &+ 8 else { throw .truncated }
        let type = sample.uint32(offset)
        let length = Int(sample.uint32(offset &+ 4))
        offset &+= 8
        guard length <= sample.byteCount &- offset else { throw .truncated }
        defer { offset &+= length }
        return (type, offset..<(offset &+ length))
    }
}
