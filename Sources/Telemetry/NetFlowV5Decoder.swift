internal import NetworkTypes

/// NetFlow version 5: a header of 24 octets and up to 30 records of 48.
enum NetFlowV5Decoder {
    static let headerLength = 24
    static let recordLength = 48

    static func decode(
        _ datagram: RawSpan,
        exporter: ExporterState,
        at time: Timestamp,
        ages: inout FlowAges,
        into batch: inout RecordBatch
    ) throws(DecodeError) {
        guard datagram.byteCount >= headerLength else { throw .truncated }
        let announced = Int(datagram.uint16(2))
        let upTime = datagram.uint32(4)
        let count = min(announced, (datagram.byteCount &- headerLength) / recordLength)
        // Two bits of mode, 14 bits of interval.
        let rate = UInt32(datagram.uint16(22) & 0x3FFF)
        exporter.noteSamplingRate(rate)
        let engine = UInt32(datagram.uint16(20))
        exporter.noteSequence(datagram.uint32(16), domain: engine, version: 5, advancing: UInt32(count))
        for index in 0..<count {
            let offset = headerLength &+ index &* recordLength
            var record = FlowRecord()
            record.source = datagram.ipv4(offset)
            record.destination = datagram.ipv4(offset &+ 4)
            record.inputInterface = UInt32(datagram.uint16(offset &+ 12))
            record.outputInterface = UInt32(datagram.uint16(offset &+ 14))
            record.packets = UInt64(datagram.uint32(offset &+ 16))
            record.bytes = UInt64(datagram.uint32(offset &+ 20))
            record.ipProtocol = IPProtocol(rawValue: datagram.octet(offset &+ 38))
            record.tcpFlags = TCPFlags(rawValue: datagram.octet(offset &+ 37))
            record.samplingRate = rate
            let destinationPort = datagram.uint16(offset &+ 34)
            if record.ipProtocol.isICMP {
                record.icmpType = UInt8(destinationPort >> 8)
                record.icmpCode = UInt8(destinationPort & 0xFF)
            } else {
                record.sourcePort = datagram.uint16(offset &+ 32)
                record.destinationPort = destinationPort
            }
            let span = FlowSpan(
                upTime: upTime,
                first: datagram.uint32(offset &+ 24),
                last: datagram.uint32(offset &+ 28)
            )
            ages.apply(span, to: &record, at: time)
            guard batch.append(record) else { throw .tooManyRecords }
        }
        if count < announced { throw .truncated }
    }
}
