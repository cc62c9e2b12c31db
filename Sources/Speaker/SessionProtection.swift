internal import BGP
internal import NIOCore
internal import NIOPosix
internal import NetworkTypes

#if canImport(Glibc)
internal import Glibc
#endif

/// What keeps strangers out of a session: TCP MD5 (RFC 2385), TCP-AO (RFC 5925) and GTSM (RFC 5082). What cannot be
/// applied fails: a session that was to be protected does not come up without.
enum SessionProtection {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// Before the connection is made.
    static func protectConnecting(
        _ channel: any Channel,
        to neighbor: NeighborConfiguration
    ) -> EventLoopFuture<Void> {
        setKeys(neighbor, on: channel, isIPv4: neighbor.address.isIPv4).flatMap {
            setHopLimit(neighbor, on: channel)
        }
    }

    /// Before the socket listens: the keys of all neighbors that can reach it.
    static func protectListening(
        _ channel: any Channel,
        isIPv4: Bool,
        for neighbors: [NeighborConfiguration]
    ) -> EventLoopFuture<Void> {
        let reachable = neighbors.filter { !isIPv4 || $0.address.isIPv4 }
        var steps = reachable.map { setKeys($0, on: channel, isIPv4: isIPv4) }
        for ofIPv4 in [true, false] {
            let family = reachable.filter { $0.address.isIPv4 == ofIPv4 }
            let hops = family.compactMap(\.ttlSecurityHops)
            guard let most = hops.max() else { continue }
            // The answer to a SYN leaves with the listener's hop limit, and the neighbor checks that one too.
            steps.append(setOwnHopLimit(on: channel, isIPv4: ofIPv4))
            // Where all neighbors are near, strangers do not even get an answer.
            if hops.count == family.count { steps.append(setLeastHopLimit(most, on: channel, isIPv4: ofIPv4)) }
        }
        return EventLoopFuture.andAllSucceed(steps, on: channel.eventLoop)
    }

    /// The key is inherited from the listener.
    static func protectAccepted(
        _ channel: any Channel,
        from neighbor: NeighborConfiguration
    ) -> EventLoopFuture<Void> {
        setHopLimit(neighbor, on: channel)
    }

    /// - Parameter isIPv4: of the socket, not of the neighbor: an IPv6 socket knows IPv4 neighbors by their mapped address.
    private static func setKeys(
        _ neighbor: NeighborConfiguration,
        on channel: any Channel,
        isIPv4: Bool
    ) -> EventLoopFuture<Void> {
        if let authentication = neighbor.authentication {
            return TCPKeys.setAuthentication(authentication, of: neighbor, on: channel, isIPv4: isIPv4)
        }
        guard let password = neighbor.password else { return channel.eventLoop.makeSucceededVoidFuture() }
        return TCPKeys.setPassword(Array(password.utf8), of: neighbor, on: channel, isIPv4: isIPv4)
    }

    /// Connections of a neighbor that is no more are not to be answered by its key.
    static func forgetPassword(
        of neighbor: NeighborConfiguration,
        on channel: any Channel,
        isIPv4: Bool
    ) -> EventLoopFuture<Void> {
        TCPKeys.setPassword([], of: neighbor, on: channel, isIPv4: isIPv4)
    }

    #if canImport(Glibc)
    /// Sends with the highest hop limit and drops what has travelled further than allowed.
    private static func setHopLimit(
        _ neighbor: NeighborConfiguration,
        on channel: any Channel
    ) -> EventLoopFuture<Void> {
        let isIPv4 = neighbor.address.isIPv4
        guard let hops = neighbor.ttlSecurityHops else {
            guard let limit = neighbor.hopLimit else { return channel.eventLoop.makeSucceededVoidFuture() }
            return setOwnHopLimit(CInt(limit), on: channel, isIPv4: isIPv4)
        }
        return setOwnHopLimit(on: channel, isIPv4: isIPv4).flatMap {
            setLeastHopLimit(hops, on: channel, isIPv4: isIPv4)
        }
    }

    private static func setLeastHopLimit(
        _ hops: UInt8,
        on channel: any Channel,
        isIPv4: Bool
    ) -> EventLoopFuture<Void> {
        // IPV6_MINHOPCOUNT of linux/in6.h is not among Glibc's names.
        let minimum = isIPv4 ? CInt(IP_MINTTL) : 73
        return set(minimum, to: CInt(256) - CInt(max(hops, 1)), on: channel, isIPv4: isIPv4)
    }

    private static func setOwnHopLimit(
        _ limit: CInt = 255,
        on channel: any Channel,
        isIPv4: Bool
    ) -> EventLoopFuture<Void> {
        set(isIPv4 ? CInt(IP_TTL) : CInt(IPV6_UNICAST_HOPS), to: limit, on: channel, isIPv4: isIPv4)
    }

    private static func set(
        _ option: CInt,
        to value: CInt,
        on channel: any Channel,
        isIPv4: Bool
    ) -> EventLoopFuture<Void> {
        guard let provider = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeFailedFuture(Failure(description: "the socket takes no options"))
        }
        let level = NIOBSDSocket.OptionLevel(rawValue: isIPv4 ? CInt(IPPROTO_IP) : CInt(IPPROTO_IPV6))
        return provider.unsafeSetSocketOption(level: level, name: .init(rawValue: option), value: value)
    }
    #else
    private static func setHopLimit(
        _ neighbor: NeighborConfiguration,
        on channel: any Channel
    ) -> EventLoopFuture<Void> {
        guard neighbor.ttlSecurityHops != nil else { return channel.eventLoop.makeSucceededVoidFuture() }
        return setOwnHopLimit(on: channel, isIPv4: true)
    }

    private static func setOwnHopLimit(
        _ limit: CInt = 255,
        on channel: any Channel,
        isIPv4: Bool
    ) -> EventLoopFuture<Void> {
        channel.eventLoop.makeFailedFuture(Failure(description: "TTL security needs Linux"))
    }

    private static func setLeastHopLimit(
        _ hops: UInt8,
        on channel: any Channel,
        isIPv4: Bool
    ) -> EventLoopFuture<Void> {
        setOwnHopLimit(on: channel, isIPv4: isIPv4)
    }
    #endif
}
