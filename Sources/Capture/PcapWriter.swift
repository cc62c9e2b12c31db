public import NetworkTypes

/// Writes UDP datagrams as a classic pcap file with nanosecond times, for recordings and tests.
public enum PcapWriter {
    /// The file header: nanosecond magic, version 2.4, link type Ethernet.
    public static let fileHeader: [UInt8] = fileHeader(linkType: 1, snapLength: 262_144)

    /// The same for other link types (tcpdump.org/linktypes), and for packets of which less is kept.
    static func fileHeader(linkType: UInt32, snapLength: UInt32) -> [UInt8] {
        little(UInt32(0xA1B2_3C4D)) + little(UInt16(2)) + little(UInt16(4)) + little(UInt32(0)) + little(UInt32(0))
            + little(snapLength) + little(linkType)
    }

    /// One captured frame with its packet header.
    ///
    /// - Parameter originalLength: octets that it had on the wire, where these are more than there are.
    public static func packet(_ frame: [UInt8], at time: Timestamp, originalLength: UInt32 = 0) -> [UInt8] {
        let seconds = UInt32(clamping: time.nanoseconds / 1_000_000_000)
        let fraction = UInt32(clamping: max(0, time.nanoseconds % 1_000_000_000))
        let length = UInt32(clamping: frame.count)
        return little(seconds) + little(fraction) + little(length) + little(max(length, originalLength)) + frame
    }

    /// A datagram in its Ethernet, IP and UDP headers. Both addresses are of one family; a payload that is too long for
    /// the UDP length field is cut.
    public static func frame(
        of payload: [UInt8],
        from source: IPAddress,
        port sourcePort: UInt16,
        to destination: IPAddress,
        port destinationPort: UInt16
    ) -> [UInt8] {
        let isIPv4 = source.isIPv4 && destination.isIPv4
        let payload = payload.prefix(65_535 - 28)
        let udpLength = UInt16(payload.count + 8)
        var udp = big(sourcePort) + big(destinationPort) + big(udpLength) + big(UInt16(0))
        let checksum: UInt16 =
            isIPv4
            ? 0
            : internetChecksum(
                wide(source) + wide(destination) + big(UInt32(udpLength)) + big(UInt32(17)) + udp + payload
            )
        // Optional over IPv4, mandatory over IPv6, where a computed 0 is sent as all ones (RFC 8200 section 8.1).
        udp.replaceSubrange(6..<8, with: big(isIPv4 ? 0 : checksum == 0 ? 0xFFFF : checksum))
        let macAddresses: [UInt8] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]
        guard isIPv4 else {
            let header = big(UInt32(0x6000_0000)) + big(udpLength) + [17, 64] + wide(source) + wide(destination)
            return macAddresses + [0x86, 0xDD] + header + udp + payload
        }
        var header = [0x45, 0] + big(udpLength + 20) + [0, 0, 0x40, 0, 64, 17, 0, 0]
        header += big(source.v4) + big(destination.v4)
        header.replaceSubrange(10..<12, with: big(internetChecksum(header)))
        return macAddresses + [0x08, 0x00] + header + udp + payload
    }

    /// RFC 1071.
    static func internetChecksum(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: 0, to: bytes.count, by: 2) {
            sum += UInt32(bytes[index]) << 8 | (index + 1 < bytes.count ? UInt32(bytes[index + 1]) : 0)
            sum = (sum & 0xFFFF) + (sum >> 16)
        }
        return ~UInt16(truncatingIfNeeded: sum)
    }

    private static func wide(_ address: IPAddress) -> [UInt8] { big(address.high) + big(address.low) }

    private static func big(_ value: some FixedWidthInteger) -> [UInt8] {
        unsafe withUnsafeBytes(of: value.bigEndian, Array.init)
    }

    private static func little(_ value: some FixedWidthInteger) -> [UInt8] {
        unsafe withUnsafeBytes(of: value.littleEndian, Array.init)
    }
}
