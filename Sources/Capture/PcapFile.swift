public import NetworkTypes

/// Reads the UDP datagrams of a classic pcap file: both byte orders, micro- and nanoseconds, Ethernet (with VLAN tags),
/// Linux cooked capture and raw IP.
public struct PcapFile: Sendable {
    /// One UDP datagram as it was captured.
    public struct Datagram: Sendable, Hashable {
        public var time: Timestamp
        public var source: IPAddress
        public var sourcePort: UInt16
        public var destination: IPAddress
        public var destinationPort: UInt16
        public var payload: [UInt8]
    }

    /// Why a file is not a capture.
    public enum ReadError: Error, Sendable, Hashable, CustomStringConvertible {
        case notPcap
        /// pcapng, which `editcap -F pcap` turns into what is read here.
        case pcapng
        case unsupportedLink(UInt32)
        /// The file ends within a packet that begins at the offset.
        case truncated(offset: Int)

        public var description: String {
            switch self {
            case .notPcap: "not a pcap file"
            case .pcapng: "a pcapng file; convert it with: editcap -F pcap IN OUT"
            case .unsupportedLink(let type): "link type \(type) is not supported; Ethernet, cooked and raw IP are"
            case .truncated(let offset): "the file ends within the packet at offset \(offset)"
            }
        }
    }

    private let bytes: [UInt8]
    private let isLittleEndian: Bool
    private let nanosecondsPerUnit: Int64
    private var linkType: UInt32 = 0
    private var offset = 24
    /// Packets that hold no whole UDP datagram.
    public private(set) var skipped = 0

    public init(_ bytes: [UInt8]) throws(ReadError) {
        guard bytes.count >= 24 else { throw .notPcap }
        let magic = bytes[..<4].reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
        switch magic {
        case 0xA1B2_C3D4: (isLittleEndian, nanosecondsPerUnit) = (false, 1000)
        case 0xD4C3_B2A1: (isLittleEndian, nanosecondsPerUnit) = (true, 1000)
        case 0xA1B2_3C4D: (isLittleEndian, nanosecondsPerUnit) = (false, 1)
        case 0x4D3C_B2A1: (isLittleEndian, nanosecondsPerUnit) = (true, 1)
        case 0x0A0D_0D0A: throw .pcapng
        default: throw .notPcap
        }
        self.bytes = bytes
        linkType = uint32(20) & 0x0FFF_FFFF
        guard [1, 12, 101, 113, 228, 229, 276].contains(linkType) else { throw .unsupportedLink(linkType) }
    }

    private func uint32(_ at: Int) -> UInt32 {
        let four = bytes[at..<(at + 4)]
        return isLittleEndian
            ? four.reversed().reduce(0) { $0 << 8 | UInt32($1) } : four.reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The next datagram; nil at the end of the file.
    public mutating func next() throws(ReadError) -> Datagram? {
        while offset < bytes.count {
            guard bytes.count - offset >= 16 else { throw .truncated(offset: offset) }
            let seconds = Int64(uint32(offset))
            let fraction = Int64(uint32(offset + 4)) * nanosecondsPerUnit
            let length = Int(uint32(offset + 8))
            guard length <= bytes.count - offset - 16 else { throw .truncated(offset: offset) }
            let packet = bytes[(offset + 16)..<(offset + 16 + length)]
            offset += 16 + length
            let time = Timestamp(nanoseconds: seconds * 1_000_000_000 + fraction)
            if let datagram = Encapsulation.datagram(in: packet, linkType: linkType, at: time) { return datagram }
            skipped += 1
        }
        return nil
    }
}

/// Finds the UDP datagram in a captured packet.
enum Encapsulation {
    static func datagram(in packet: ArraySlice<UInt8>, linkType: UInt32, at time: Timestamp) -> PcapFile.Datagram? {
        switch linkType {
        case 1:
            var rest = packet.dropFirst(12)
            while let type = uint16(rest) {
                rest = rest.dropFirst(2)
                switch type {
                case 0x8100, 0x88A8, 0x9100: rest = rest.dropFirst(2)
                case 0x0800, 0x86DD: return ip(rest, at: time)
                default: return nil
                }
            }
            return nil
        case 113: return ip(packet.dropFirst(16), at: time)
        case 276: return ip(packet.dropFirst(20), at: time)
        default: return ip(packet, at: time)
        }
    }

    private static func uint16(_ octets: ArraySlice<UInt8>) -> UInt16? {
        guard octets.count >= 2 else { return nil }
        return UInt16(octets[octets.startIndex]) << 8 | UInt16(octets[octets.startIndex + 1])
    }

    private static func ip(_ packet: ArraySlice<UInt8>, at time: Timestamp) -> PcapFile.Datagram? {
        guard let first = packet.first else { return nil }
        switch first >> 4 {
        case 4:
            let header = Int(first & 15) * 4
            guard header >= 20, packet.count >= header, packet[packet.startIndex + 9] == 17,
                let fragment = uint16(packet.dropFirst(6)), fragment & 0x3FFF == 0,
                let source = IPAddress(bytes: packet.dropFirst(12).prefix(4)),
                let destination = IPAddress(bytes: packet.dropFirst(16).prefix(4))
            else { return nil }
            return udp(packet.dropFirst(header), from: source, to: destination, at: time)
        case 6:
            guard packet.count >= 40, packet[packet.startIndex + 6] == 17,
                let source = IPAddress(bytes: packet.dropFirst(8).prefix(16)),
                let destination = IPAddress(bytes: packet.dropFirst(24).prefix(16))
            else { return nil }
            return udp(packet.dropFirst(40), from: source, to: destination, at: time)
        default:
            return nil
        }
    }

    private static func udp(
        _ packet: ArraySlice<UInt8>,
        from source: IPAddress,
        to destination: IPAddress,
        at time: Timestamp
    ) -> PcapFile.Datagram? {
        guard let sourcePort = uint16(packet), let destinationPort = uint16(packet.dropFirst(2)),
            let length = uint16(packet.dropFirst(4)), length >= 8, packet.count >= 8
        else { return nil }
        // A capture may have cut the packet: what is there is what an exporter's datagram begins with.
        let payload = packet.dropFirst(8).prefix(Int(length) - 8)
        return PcapFile.Datagram(
            time: time,
            source: source,
            sourcePort: sourcePort,
            destination: destination,
            destinationPort: destinationPort,
            payload: Array(payload)
        )
    }
}
