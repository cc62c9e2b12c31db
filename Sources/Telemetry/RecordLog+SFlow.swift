internal import NetworkTypes

/// The samples of sFlow, in full.
extension RecordLog {
    private static func sample(_ kind: String, of agent: SFlowAgent?) -> NormalizedRecord {
        var record = NormalizedRecord()
        record.add(.fmt, .text("sflow"))
        record.add(.kind, .text(kind))
        if let agent { record.add(.agent, agent.address) }
        return record
    }

    func append(unknownSample type: UInt32) {
        var record = Self.sample("unknown", of: nil)
        record.add(.sampleFormat, .numbers([UInt64(type >> 12), UInt64(type & 0xFFF)]))
        append(record)
    }

    /// A packet that the agent discarded; the reason is one of sFlow's list.
    func append(discarded sample: RawSpan, of agent: SFlowAgent) {
        var record = Self.sample("drop", of: agent)
        if sample.byteCount >= 28 {
            record.add(.drops, sample.uint32(12))
            record.add(.inputInterface, sample.uint32(16))
            record.add(.outputInterface, sample.uint32(20))
            record.add(.reason, sample.uint32(24))
        }
        append(record)
    }

    func append(counterSample sample: RawSpan, header: Int, of agent: SFlowAgent) {
        var record = Self.sample("counter", of: agent)
        guard sample.byteCount >= header else { return append(record) }
        var types: [[UInt64]] = []
        var records = SFlowRecords(sample, from: header, count: sample.uint32(header &- 4))
        while let (type, place) = try? records.nextPlace() {
            types.append([UInt64(type >> 12), UInt64(type & 0xFFF)])
            guard type == SFlowDecoder.RecordType.interfaceCounters, place.count >= InterfaceCounters.length else {
                continue
            }
            let counters = InterfaceCounters(sample.extracting(place), at: Timestamp(nanoseconds: 0))
            record.add(.interface, counters.index)
            record.add(.bitsPerSecond, counters.bitsPerSecond)
            record.add(.inputBytes, counters.inputBytes)
            record.add(.outputBytes, counters.outputBytes)
        }
        record.add(.records, .pairs(types))
        append(record)
    }

    func append(flowSample sample: RawSpan, isExpanded: Bool, of agent: SFlowAgent, exporter: ExporterState) {
        guard let header = try? SFlowSampleHeader(sample, isExpanded: isExpanded) else { return }
        var record = Self.sample("flow", of: agent)
        record.add(.subAgent, agent.subAgent)
        record.add(.expanded, .flag(isExpanded))
        record.add(.samplePool, header.pool)
        record.add(.drops, header.drops)
        record.add(.inputInterface, header.input)
        record.add(.outputInterface, header.output)
        record.add(.inputFormat, header.inputFormat)
        record.add(.outputFormat, header.outputFormat)
        record.add(.packets, 1 as UInt64)
        record.add(.sampling, header.samplingRate)
        let rate = exporter.sampling.inForce(Sampling(rate: header.samplingRate, source: .record)).rate
        if rate != header.samplingRate { record.add(.samplingUsed, rate) }
        var types: [[UInt64]] = []
        var counted = FlowRecord()
        var records = SFlowRecords(sample, from: header.length, count: header.records)
        while let (type, place) = try? records.nextPlace() {
            types.append([UInt64(type >> 12), UInt64(type & 0xFFF)])
            if type >> 12 == 0 { record.add(type, sample.extracting(place)) }
            if type == SFlowDecoder.RecordType.rawHeader, counted.bytes == 0 {
                // As it counts: its header may tell no length.
                _ = try? SFlowDecoder.readRawHeader(sample.extracting(place), [], into: &counted)
            }
        }
        record.add(.records, .pairs(types))
        record.add(.bytes, counted.bytes > 0 ? .unsigned(counted.bytes) : record.ipBytes)
        append(record)
    }
}

extension NormalizedRecord {
    /// Octets of the IP layer; where that is unknown, of the frame.
    fileprivate var ipBytes: Value {
        for key in [Key.ipLength, .frameLength, .ethernetLength] {
            if let value = self[key], value != .unsigned(0) { return value }
        }
        return .unsigned(0)
    }

    /// What one record of a sample says.
    fileprivate mutating func add(_ type: UInt32, _ body: RawSpan) {
        switch type {
        case SFlowDecoder.RecordType.rawHeader: addRawHeader(body)
        case SFlowDecoder.RecordType.ethernet where body.byteCount >= 24:
            add(.ethernetLength, body.uint32(0))
            // Addresses are padded to eight octets.
            add(.sourceMAC, .macAddress(body.uint64(4) >> 16))
            add(.destinationMAC, .macAddress(body.uint64(12) >> 16))
            add(.etherType, body.uint32(20))
        case SFlowDecoder.RecordType.ipv4: addSampledIP(body, addressLength: 4)
        case SFlowDecoder.RecordType.ipv6: addSampledIP(body, addressLength: 16)
        case SFlowDecoder.RecordType.extendedSwitch where body.byteCount >= 12:
            add(.switchVLANs, .numbers([UInt64(body.uint32(0)), UInt64(body.uint32(8))]))
        case SFlowDecoder.RecordType.extendedRouter: addRouter(body)
        case SFlowDecoder.RecordType.extendedGateway: addGateway(body)
        case SFlowDecoder.RecordType.extendedNAT: addNAT(body)
        default: break
        }
    }

    private mutating func addRawHeader(_ body: RawSpan) {
        guard body.byteCount >= 16 else { return }
        add(.headerProtocol, body.uint32(0))
        add(.frameLength, body.uint32(4))
        add(.stripped, body.uint32(8))
        let length = min(Int(body.uint32(12)), body.byteCount &- 16)
        let header = body.extracting(16..<(16 &+ length))
        var sink = NormalizedHeaderSink()
        switch body.uint32(0) {
        case 1: _ = PacketHeader.readEthernet(header, into: &sink)
        case 11, 12: _ = PacketHeader.readIP(header, into: &sink)
        case 13: _ = PacketHeader.readMPLS(header, into: &sink)
        case 7, 14: _ = PacketHeader.readPPP(header, into: &sink)
        default: break
        }
        add(contentsOf: sink.record)
    }

    private mutating func addSampledIP(_ body: RawSpan, addressLength: Int) {
        let ports = 8 &+ 2 &* addressLength
        guard body.byteCount >= ports &+ 16 else { return }
        add(.ipLength, body.uint32(0))
        add(.proto, body.uint32(4))
        add(.src, addressLength == 4 ? body.ipv4(8) : body.ipv6(8))
        add(.dst, addressLength == 4 ? body.ipv4(12) : body.ipv6(24))
        add(.sport, body.uint32(ports))
        add(.dport, body.uint32(ports &+ 4))
        add(.tcpFlags, body.uint32(ports &+ 8))
        add(.tos, body.uint32(ports &+ 12))
    }

    /// An address with its type before it; nil when it is of no known type or cut off.
    private static func address(_ body: RawSpan, at offset: inout Int) -> IPAddress? {
        guard body.byteCount >= offset &+ 4 else { return nil }
        let length = [1: 4, 2: 16][body.uint32(offset)] ?? 0
        guard length > 0, body.byteCount >= offset &+ 4 &+ length else { return nil }
        defer { offset &+= 4 &+ length }
        return length == 4 ? body.ipv4(offset &+ 4) : body.ipv6(offset &+ 4)
    }

    private mutating func addRouter(_ body: RawSpan) {
        var offset = 0
        guard let nextHop = Self.address(body, at: &offset), body.byteCount >= offset &+ 8 else { return }
        add(.nextHop, nextHop)
        add(.sourceMask, body.uint32(offset))
        add(.destinationMask, body.uint32(offset &+ 4))
    }

    private mutating func addGateway(_ body: RawSpan) {
        var offset = 0
        guard Self.address(body, at: &offset) != nil, body.byteCount >= offset &+ 16 else { return }
        let routerAS = body.uint32(offset)
        let sourceAS = body.uint32(offset &+ 4)
        // The path is made of segments, each a set or a sequence with a count of its own.
        let segments = body.uint32(offset &+ 12)
        offset &+= 16
        var path: [UInt64] = []
        for _ in 0..<segments {
            guard body.byteCount >= offset &+ 8 else { break }
            let count = min(Int(body.uint32(offset &+ 4)), (body.byteCount &- offset &- 8) / 4)
            offset &+= 8
            for index in 0..<count { path.append(UInt64(body.uint32(offset &+ 4 &* index))) }
            offset &+= 4 &* count
        }
        add(.sourceAS, sourceAS > 0 ? sourceAS : routerAS)
        add(.destinationAS, path.last ?? UInt64(routerAS))
        add(.asPath, .numbers(path))
    }

    private mutating func addNAT(_ body: RawSpan) {
        var offset = 0
        guard let source = Self.address(body, at: &offset), let destination = Self.address(body, at: &offset) else {
            return
        }
        add(.natSource, source)
        add(.natDestination, destination)
    }
}
