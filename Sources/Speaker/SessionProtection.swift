internal import BGP
internal import NIOCore
internal import NIOPosix
internal import NetworkTypes

#if canImport(Glibc)
internal import Glibc
#endif

/// What keeps strangers out of a session: TCP MD5 (RFC 2385) and GTSM (RFC 5082).
enum SessionProtection {
    /// The system has no such protection.
    struct Unsupported: Error, CustomStringConvertible {
        var description: String { "TCP MD5 and TTL security need Linux" }
    }

    static func apply(_ configuration: NeighborConfiguration, to channel: any Channel) throws {
        try applyPassword(configuration, to: channel)
        try applyHopLimit(configuration, to: channel)
    }

    #if canImport(Glibc)
    static func applyPassword(_ configuration: NeighborConfiguration, to channel: any Channel) throws {
        guard let password = configuration.password, let provider = channel as? any SocketOptionProvider else {
            return
        }
        let peer = try SocketAddress(ipAddress: configuration.address.description, port: 0)
        var signature = tcp_md5sig()
        unsafe peer.withSockAddr { address, size in
            unsafe withUnsafeMutableBytes(of: &signature.tcpm_addr) { target in
                unsafe target.copyMemory(from: UnsafeRawBufferPointer(start: address, count: min(size, target.count)))
            }
        }
        let key = password.utf8.prefix(Int(TCP_MD5SIG_MAXKEYLEN))
        signature.tcpm_keylen = UInt16(key.count)
        unsafe withUnsafeMutableBytes(of: &signature.tcpm_key) { target in unsafe target.copyBytes(from: key) }
        _ = provider.unsafeSetSocketOption(
            level: .tcp,
            name: NIOBSDSocket.Option(rawValue: TCP_MD5SIG),
            value: signature
        )
    }

    /// Sends with the highest hop limit and drops what has travelled further than allowed.
    static func applyHopLimit(_ configuration: NeighborConfiguration, to channel: any Channel) throws {
        guard let hops = configuration.ttlSecurityHops, let provider = channel as? any SocketOptionProvider else {
            return
        }
        let isIPv4 = configuration.address.isIPv4
        let level = NIOBSDSocket.OptionLevel(rawValue: isIPv4 ? CInt(IPPROTO_IP) : CInt(IPPROTO_IPV6))
        // IPV6_MINHOPCOUNT of linux/in6.h is not among Glibc's names.
        let minimum = isIPv4 ? CInt(IP_MINTTL) : 73
        let own = isIPv4 ? CInt(IP_TTL) : CInt(IPV6_UNICAST_HOPS)
        _ = provider.unsafeSetSocketOption(level: level, name: .init(rawValue: own), value: CInt(255))
        _ = provider.unsafeSetSocketOption(
            level: level,
            name: .init(rawValue: minimum),
            value: CInt(256) - CInt(max(hops, 1))
        )
    }
    #else
    static func applyPassword(_ configuration: NeighborConfiguration, to channel: any Channel) throws {
        if configuration.password != nil { throw Unsupported() }
    }

    static func applyHopLimit(_ configuration: NeighborConfiguration, to channel: any Channel) throws {
        if configuration.ttlSecurityHops != nil { throw Unsupported() }
    }
    #endif
}
