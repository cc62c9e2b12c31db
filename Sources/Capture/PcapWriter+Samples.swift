public import NetworkTypes

extension PcapWriter {
    /// A whole capture file of sampled packets, in nanoseconds.
    ///
    /// A file has one link type. It is raw IP where all packets begin with their IP header, else Ethernet: those that come
    /// without such a header get one with addresses of zero.
    public static func file(of packets: [SampledPacket]) -> [UInt8] {
        let isRaw = !packets.isEmpty && packets.allSatisfy { $0.link == .ip }
        var file = fileHeader(linkType: isRaw ? rawIP : ethernet, snapLength: snapLength)
        for sampled in packets {
            let header = isRaw ? [] : standInHeader(for: sampled)
            let length = sampled.originalLength.addingReportingOverflow(UInt32(header.count))
            file += packet(
                header + sampled.octets,
                at: sampled.time,
                originalLength: length.overflow ? .max : length.partialValue
            )
        }
        return file
    }

    private static let ethernet: UInt32 = 1
    private static let rawIP: UInt32 = 101
    /// As much as is kept of a packet, and the header that stands in for Ethernet's.
    private static let snapLength = UInt32(SampledPacket.maximumOctets + 14)

    private static func standInHeader(for packet: SampledPacket) -> [UInt8] {
        let type: [UInt8] =
            switch packet.link {
            case .ethernet: []
            case .mpls: [0x88, 0x47]
            case .ip: (packet.octets.first ?? 0) >> 4 == 6 ? [0x86, 0xDD] : [0x08, 0x00]
            }
        return type.isEmpty ? [] : [UInt8](repeating: 0, count: 12) + type
    }
}
