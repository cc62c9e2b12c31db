public import NetworkTypes

/// Where the octets of a sampled packet's headers lie in the memory of its datagram.
struct HeaderPlace: BitwiseCopyable {
    /// An address, and no pointer: nothing is read through it but within memory that the reader holds.
    var address: UInt
    /// Which record of the batch it is of.
    var record: UInt32
    /// Octets on the wire; 0 where nobody says.
    var originalLength: UInt32
    var length: UInt32
    var link: SampledPacket.Link
}

extension RecordBatch {
    /// Says where the headers lie that the last record was read from.
    ///
    /// They are copied only of the few records that are kept as samples, so this must cost next to nothing.
    ///
    /// - Parameter originalLength: octets that the packet had on the wire, link layer included; 0 where nobody says.
    @inline(__always)
    mutating func noteHeaders(_ octets: RawSpan, on link: SampledPacket.Link, originalLength: UInt32) {
        let length = UInt32(truncatingIfNeeded: octets.byteCount)
        noteHeaders(at: octets.address, length: length, on: link, originalLength: originalLength)
    }

    @inline(__always)
    mutating func noteHeaders(
        at address: UInt,
        length: UInt32,
        on link: SampledPacket.Link,
        originalLength: UInt32
    ) {
        note(
            HeaderPlace(
                address: address,
                record: UInt32(truncatingIfNeeded: count &- 1),
                originalLength: originalLength,
                length: length,
                link: link
            )
        )
    }

    /// The packet that a record was read from; nil where it came of no packet, or its octets do not lie in the memory.
    ///
    /// - Parameter memory: what the datagrams of the batch lie in, as it was when they were read.
    public borrowing func packet(ofRecord index: Int, in memory: RawSpan, at time: Timestamp) -> SampledPacket? {
        guard let place = headerPlace(ofRecord: index) else { return nil }
        let start = memory.address
        guard place.address >= start, place.address - start <= UInt(memory.byteCount) else { return nil }
        let offset = Int(place.address - start)
        guard Int(place.length) <= memory.byteCount - offset, place.length > 0 else { return nil }
        let octets = memory.extracting(offset..<(offset + Int(place.length)))
        let told = place.originalLength > 0 ? place.originalLength : PacketHeader.length(of: octets, on: place.link)
        return SampledPacket(
            copying: octets,
            link: place.link,
            originalLength: max(told, place.length),
            time: time
        )
    }
}

extension RawSpan {
    /// Where it begins. A number: nothing can be read through it.
    @inline(__always)
    var address: UInt { unsafe withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } }
}

extension PacketHeader {
    /// Octets of a whole packet by its own IP header; 0 where it says none.
    fileprivate static func length(of octets: RawSpan, on link: SampledPacket.Link) -> UInt32 {
        let offset = PacketPlaceSink.offset(in: octets, decapsulating: []) { octets, sink in
            switch link {
            case .ethernet: readEthernet(octets, into: &sink)
            case .mpls: readMPLS(octets, into: &sink)
            case .ip: readIP(octets, into: &sink)
            }
        }
        let packet = octets.extracting(droppingFirst: offset)
        guard packet.byteCount >= 20 else { return 0 }
        let length = packet.octet(0) >> 4 == 4 ? UInt32(packet.uint16(2)) : UInt32(packet.uint16(4)) + 40
        return UInt32(clamping: offset) + length
    }
}
