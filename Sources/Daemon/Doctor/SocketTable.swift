import NetworkTypes

/// The sockets of a machine as `/proc/net/udp`, `udp6`, `tcp` and `tcp6` list them.
struct SocketTable: Sendable {
    struct Socket: Sendable, Hashable {
        var address: IPAddress
        var port: UInt16
        /// Identifies it among the open files of processes.
        var inode: UInt64
        var isListening: Bool
    }

    private(set) var sockets: [Socket] = []

    /// - Parameter text: one of the files; what is not as it should be is passed over.
    init(_ text: String) {
        for line in text.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: " ")
            guard fields.count > 9, let inode = UInt64(fields[9]) else { continue }
            let local = fields[1].split(separator: ":")
            guard local.count == 2, let port = UInt16(local[1], radix: 16), let address = Self.address(local[0]) else {
                continue
            }
            // 7: a UDP socket that is bound (TCP_CLOSE); 10: a TCP socket that listens.
            let isListening = fields[3] == "07" || fields[3] == "0A"
            sockets.append(Socket(address: address, port: port, inode: inode, isListening: isListening))
        }
    }

    /// Words of four octets, each in the machine's order.
    private static func address(_ text: Substring) -> IPAddress? {
        guard text.utf8.count == 8 || text.utf8.count == 32 else { return nil }
        var octets: [UInt8] = []
        var rest = text
        while !rest.isEmpty {
            guard let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
            octets += [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: word >> $0) }
            rest = rest.dropFirst(8)
        }
        if octets.count == 4 { return IPAddress(octets[0], octets[1], octets[2], octets[3]) }
        func half(_ octets: ArraySlice<UInt8>) -> UInt64 { octets.reduce(0) { $0 << 8 | UInt64($1) } }
        return IPAddress(high: half(octets[..<8]), low: half(octets[8...]))
    }

    /// The socket that has what another wants to listen on.
    func holder(of address: IPAddress, port: UInt16) -> Socket? {
        func isAny(_ address: IPAddress) -> Bool { address.isIPv4 ? address.v4 == 0 : address == .unspecified }
        return sockets.first { socket in
            socket.isListening && socket.port == port && socket.address.isIPv4 == address.isIPv4
                && (socket.address == address || isAny(socket.address) || isAny(address))
        }
    }
}
