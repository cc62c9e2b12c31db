internal import NetworkTypes

/// sFlow version 5 (sflow.org, "sFlow Version 5", July 2004).
enum SFlowDecoder {
    private enum SampleType {
        static let flow: UInt32 = 1
        static let expandedFlow: UInt32 = 3
    }

    private enum RecordType {
        static let rawHeader: UInt32 = 1
        static let ipv4: UInt32 = 3
        static let ipv6: UInt32 = 4
    }

    /// Decodes the samples of a datagram. What was read before a fault stays in the batch.
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
        exporter.noteSequence(
            datagram.uint32(offset &+ 4),
            domain: datagram.uint32(offset),
            version: 5,
            advancing: 1
        )
        let count = datagram.uint32(offset &+ 12)
        offset &+= 16
        // The loop is bounded by the datagram: each sample takes at least its header of 8 octets.
        for _ in 0..<count {
            guard datagram.byteCount >= offset &+ 8 else { throw .truncated }
            let type = datagram.uint32(offset)
            let length = Int(datagram.uint32(offset &+ 4))
            offset &+= 8
            guard length <= datagram.byteCount &- offset else { throw .truncated }
            let sample = datagram.extracting(offset..<(offset &+ length))
            offset &+= length
            if type == SampleType.flow || type == SampleType.expandedFlow {
                try decodeFlowSample(
                    sample,
                    isExpanded: type == SampleType.expandedFlow,
                    exporter: exporter,
                    at: time,
                    into: &batch
                )
            }
        }
    }

    private static func decodeFlowSample(
        _ sample: RawSpan,
        isExpanded: Bool,
        exporter: ExporterState,
        at time: Timestamp,
        into batch: inout RecordBatch
    ) throws(DecodeError) {
        let headerLength = isExpanded ? 44 : 32
        guard sample.byteCount >= headerLength else { throw .truncated }
        var record = FlowRecord()
        record.first = time
        record.last = time
        record.packets = 1
        record.traits = .isPacket
        let rateOffset = isExpanded ? 12 : 8
        record.samplingRate = sample.uint32(rateOffset)
        if isExpanded {
            record.inputInterface = sample.uint32(28)
            record.outputInterface = sample.uint32(36)
        } else {
            record.inputInterface = sample.uint32(20)
            record.outputInterface = sample.uint32(24)
        }
        exporter.noteSamplingRate(record.samplingRate)
        let count = sample.uint32(headerLength &- 4)
        var offset = headerLength
        var isRead = false
        for _ in 0..<count {
            guard sample.byteCount >= offset &+ 8 else { throw .truncated }
            let type = sample.uint32(offset)
            let length = Int(sample.uint32(offset &+ 4))
            offset &+= 8
            guard length <= sample.byteCount &- offset else { throw .truncated }
            let body = sample.extracting(offset..<(offset &+ length))
            offset &+= length
            guard !isRead else { continue }
            switch type {
            case RecordType.rawHeader: isRead = try readRawHeader(body, into: &record)
            case RecordType.ipv4: isRead = try readSampledIP(body, addressLength: 4, into: &record)
            case RecordType.ipv6: isRead = try readSampledIP(body, addressLength: 16, into: &record)
            default: break
            }
        }
        if isRead, !batch.append(record) { throw .tooManyRecords }
    }

    private static func readRawHeader(_ body: RawSpan, into record: inout FlowRecord) throws(DecodeError) -> Bool {
        guard body.byteCount >= 16 else { throw .truncated }
        let length = Int(body.uint32(12))
        guard length <= body.byteCount &- 16 else { throw .truncated }
        let header = body.extracting(16..<(16 &+ length))
        let isRead =
            switch body.uint32(0) {
            case 1: PacketHeader.readEthernet(header, into: &record)
            case 11, 12: PacketHeader.readIP(header, into: &record)
            case 13: PacketHeader.readMPLS(header, into: &record)
            default: false
            }
        // A length of 0 is what segmentation offload leaves in the header: the frame's own length is the next best.
        if isRead, record.bytes == 0 { record.bytes = UInt64(body.uint32(4)) }
        return isRead
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
