internal import BGP
internal import NIOCore
internal import NIOPosix
internal import NetworkTypes

#if canImport(Glibc)
internal import Glibc
#endif

/// Keys of TCP itself: each segment carries a digest under the key that belongs to its peer's address.
enum TCPKeys {
    #if canImport(Glibc)
    /// The peer with the length of its prefix. Of IPv4 addresses that are mapped into IPv6 too the kernel wants that of
    /// IPv4, 0 to 32.
    private static func peer(_ neighbor: NeighborConfiguration) -> (address: IPAddress, length: Int) {
        let prefix = neighbor.range ?? IPPrefix(host: neighbor.address)
        return (prefix.address, prefix.length)
    }

    /// `sockaddr_in` or `sockaddr_in6` of the peer, without a port.
    private static func socketAddress(_ address: IPAddress, isIPv4: Bool) -> [UInt8] {
        var octets: [UInt8] = []
        unsafe withUnsafeBytes(of: sa_family_t(isIPv4 ? AF_INET : AF_INET6)) { unsafe octets.append(contentsOf: $0) }
        octets += [0, 0]
        if isIPv4 { return octets + address.bytes }
        let wide = address.isIPv4 ? [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + address.bytes : address.bytes
        return octets + [0, 0, 0, 0] + wide
    }

    /// RFC 2385. An empty key takes the former one away.
    static func setPassword(
        _ key: [UInt8],
        of neighbor: NeighborConfiguration,
        on channel: any Channel,
        isIPv4: Bool
    ) -> EventLoopFuture<Void> {
        guard let provider = channel as? any SocketOptionProvider, key.count <= Int(TCP_MD5SIG_MAXKEYLEN) else {
            let reason = "a TCP MD5 password has at most \(TCP_MD5SIG_MAXKEYLEN) octets"
            return channel.eventLoop.makeFailedFuture(SessionProtection.Failure(description: reason))
        }
        let (address, length) = peer(neighbor)
        var signature = tcp_md5sig()
        let name = socketAddress(address, isIPv4: isIPv4)
        unsafe withUnsafeMutableBytes(of: &signature.tcpm_addr) { target in unsafe target.copyBytes(from: name) }
        signature.tcpm_keylen = UInt16(key.count)
        unsafe withUnsafeMutableBytes(of: &signature.tcpm_key) { target in unsafe target.copyBytes(from: key) }
        // A key for a whole range needs the option's other form.
        var option = TCP_MD5SIG
        if neighbor.range != nil {
            option = TCP_MD5SIG_EXT
            signature.tcpm_flags = UInt8(TCP_MD5SIG_FLAG_PREFIX)
            signature.tcpm_prefixlen = UInt8(clamping: length)
        }
        return provider.unsafeSetSocketOption(level: .tcp, name: .init(rawValue: option), value: signature)
    }

    /// `struct tcp_ao_add` of linux/tcp.h, which is not among Glibc's names.
    private typealias AuthenticationRequest = InlineArray<288, UInt8>
    /// TCP_AO_ADD_KEY.
    private static let addKey: CInt = 38

    /// RFC 5925; fails where the kernel has no TCP-AO, which came with Linux 6.7 and may be left out of it.
    static func setAuthentication(
        _ authentication: TCPAuthentication,
        of neighbor: NeighborConfiguration,
        on channel: any Channel,
        isIPv4: Bool
    ) -> EventLoopFuture<Void> {
        let key = Array(authentication.key.utf8)
        guard let provider = channel as? any SocketOptionProvider, (1...80).contains(key.count) else {
            let reason = "a TCP-AO key has 1 to 80 octets"
            return channel.eventLoop.makeFailedFuture(SessionProtection.Failure(description: reason))
        }
        let (address, length) = peer(neighbor)
        let algorithm =
            switch authentication.algorithm {
            case .hmacSHA1: "hmac(sha1)"
            case .aesCMAC: "cmac(aes128)"
            }
        var request = AuthenticationRequest(repeating: 0)
        func put(_ octets: [UInt8], at offset: Int) {
            for (index, octet) in octets.enumerated() { request[offset + index] = octet }
        }
        // Address (128), algorithm (64), interface and flags (8), padding (2), prefix, identifiers, lengths, key.
        put(socketAddress(address, isIPv4: isIPv4), at: 0)
        put(Array(algorithm.utf8), at: 128)
        put(
            [
                UInt8(clamping: length), authentication.sendID, authentication.receiveID, 12, 0, UInt8(key.count),
            ] + key,
            at: 202
        )
        return provider.unsafeSetSocketOption(level: .tcp, name: .init(rawValue: addKey), value: request)
            .flatMapErrorThrowing { error in
                // It stands since the socket was opened; there is no replacing one of the same identifiers.
                if (error as? IOError)?.errnoCode == EEXIST { return }
                let reason = "TCP-AO cannot be used: \(ConnectionError.text(error)); this kernel may have none"
                throw SessionProtection.Failure(description: reason)
            }
    }
    #else
    static func setPassword(
        _ key: [UInt8],
        of neighbor: NeighborConfiguration,
        on channel: any Channel,
        isIPv4: Bool
    ) -> EventLoopFuture<Void> {
        guard !key.isEmpty else { return channel.eventLoop.makeSucceededVoidFuture() }
        let failure = SessionProtection.Failure(description: "TCP MD5 needs Linux")
        return channel.eventLoop.makeFailedFuture(failure)
    }

    static func setAuthentication(
        _ authentication: TCPAuthentication,
        of neighbor: NeighborConfiguration,
        on channel: any Channel,
        isIPv4: Bool
    ) -> EventLoopFuture<Void> {
        let failure = SessionProtection.Failure(description: "TCP-AO needs Linux")
        return channel.eventLoop.makeFailedFuture(failure)
    }
    #endif
}
