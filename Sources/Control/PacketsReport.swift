/// Packets of an attack as exporters handed them on, for a capture file.
public struct PacketsReport: Codable, Sendable, Hashable {
    public struct Packet: Codable, Sendable, Hashable {
        /// Nanoseconds since the Unix epoch.
        public var time: Int64
        /// What the octets begin with: 0 Ethernet, 1 MPLS labels, 2 IP.
        public var link: UInt8
        /// Octets that it had on the wire.
        public var originalLength: UInt32
        /// Its first octets, in base 64.
        public var octets: String

        public init(time: Int64, link: UInt8, originalLength: UInt32, octets: String) {
            self.time = time
            self.link = link
            self.originalLength = originalLength
            self.octets = octets
        }
    }

    public var attack: UInt64
    /// The oldest first.
    public var packets: [Packet]

    public init(attack: UInt64, packets: [Packet]) {
        self.attack = attack
        self.packets = packets
    }
}
