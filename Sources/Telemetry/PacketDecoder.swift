public import NetworkTypes

/// Turns packets themselves, mirrored or from a capture file, into flow records: one for each.
public struct PacketDecoder: Sendable {
    private let samplingRate: UInt32
    private let decapsulates: Tunnels

    /// - Parameters:
    ///   - samplingRate: packets for each one that is seen here, from 1.
    ///   - decapsulates: tunnels whose inner packet is counted in place of the outer.
    public init(samplingRate: UInt32 = 1, decapsulating decapsulates: Tunnels = []) {
        self.samplingRate = max(1, samplingRate)
        self.decapsulates = decapsulates
    }

    /// Appends the record of a packet to the batch; false where it is not an IP packet, or the batch is full.
    ///
    /// - Parameters:
    ///   - packet: its first octets, as many as were captured.
    ///   - originalLength: octets that it had on the wire, link layer included. Counts only where the IP header tells no
    ///     length (segmentation offload, jumbograms).
    @inline(__always)
    public func decode(
        _ packet: RawSpan,
        originalLength: Int,
        on link: LinkLayer,
        receivedAt time: Timestamp,
        into batch: inout RecordBatch
    ) -> Bool {
        var record = FlowRecord()
        record.traits = .isPacket
        record.packets = 1
        record.samplingRate = samplingRate
        record.first = time
        record.last = time
        var sink = SampledPacketSink(record, decapsulates: decapsulates)
        guard PacketHeader.read(packet, on: link, into: &sink) else { return false }
        if sink.record.lacksLength {
            sink.record.takeLength(ofFrame: originalLength, packet, decapsulating: decapsulates) { packet, sink in
                PacketHeader.read(packet, on: link, into: &sink)
            }
        }
        guard batch.append(sink.record) else { return false }
        let length = UInt32(clamping: originalLength)
        switch link {
        case .ethernet: batch.noteHeaders(packet, on: .ethernet, originalLength: length)
        case .ip: batch.noteHeaders(packet, on: .ip, originalLength: length)
        case .cooked, .cooked2, .loopback: break
        }
        return true
    }
}
