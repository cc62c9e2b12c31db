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

    /// Before the socket listens, and again when others are to reach it: the keys of all that can.
    ///
    /// - Parameter unprotected: is told of neighbors whose key the socket does not take. They must not be let in there, and
    ///   the others are none the worse for it.
    static func protectListening(
        _ channel: any Channel,
        isIPv4: Bool,
        for neighbors: [NeighborConfiguration],
        unprotected: @escaping @Sendable (NeighborConfiguration, any Error) -> Void
    ) -> EventLoopFuture<Void> {
        let reachable = neighbors.filter { !isIPv4 || $0.address.isIPv4 }
        var steps = reachable.map { neighbor in
            setKeys(neighbor, on: channel, isIPv4: isIPv4).flatMapErrorThrowing { unprotected(neighbor, $0) }
        }
        for ofIPv4 in isIPv4 ? [true] : [true, false] {
            let family = reachable.filter { $0.address.isIPv4 == ofIPv4 }
            let hops = family.compactMap(\.ttlSecurityHops)
            // The answer to a SYN leaves with the listener's hop limit, and the neighbor checks that one too.
            steps.append(setOwnHopLimit(hops.isEmpty ? systemHopLimit : 255, on: channel, isIPv4: ofIPv4))
            // Where all neighbors are near, strangers do not even get an answer.
            let least = hops.count == family.count ? hops.max() : nil
            steps.append(setLeastHopLimit(least, on: channel, isIPv4: ofIPv4))
        }
        // Of what came before a connection was accepted nothing else tells from how far it did.
        if reachable.contains(where: { $0.ttlSecurityHops != nil }) { steps.append(keepFirstSegments(on: channel)) }
        return EventLoopFuture.andAllSucceed(steps, on: channel.eventLoop)
    }

    /// The key is inherited from the listener. Fails where the neighbor is to be near and the segment that asked for the
    /// connection came from afar: what is set here is for those that are still to come.
    static func protectAccepted(
        _ channel: any Channel,
        from neighbor: NeighborConfiguration
    ) -> EventLoopFuture<Void> {
        setHopLimit(neighbor, on: channel).flatMap {
            guard let hops = neighbor.ttlSecurityHops else { return channel.eventLoop.makeSucceededVoidFuture() }
            return hopLimitOfFirstSegment(on: channel).flatMapThrowing { limit in
                guard limit < 256 - Int(max(hops, 1)) else { return }
                throw Failure(description: "it came from farther away than its ttl_security allows")
            }
        }
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
    /// What the system takes where nothing else is said.
    private static let systemHopLimit: CInt = -1
    // TCP_SAVE_SYN and TCP_SAVED_SYN of linux/tcp.h, which are not among Glibc's names.
    private static let saveFirstSegment: CInt = 27
    private static let savedFirstSegment: CInt = 28

    private static func keepFirstSegments(on channel: any Channel) -> EventLoopFuture<Void> {
        guard let provider = channel as? any SocketOptionProvider else { return noOptions(channel) }
        return provider.unsafeSetSocketOption(level: .tcp, name: .init(rawValue: saveFirstSegment), value: CInt(1))
    }

    /// The TTL or hop limit with which the SYN came; 0 where the system does not know it, as after a flood of SYNs.
    private static func hopLimitOfFirstSegment(on channel: any Channel) -> EventLoopFuture<Int> {
        guard let provider = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeFailedFuture(Failure(description: "the socket takes no options"))
        }
        // The headers of IP and TCP with their options.
        typealias Headers = InlineArray<128, UInt8>
        let saved: EventLoopFuture<Headers> = provider.unsafeGetSocketOption(
            level: .tcp,
            name: .init(rawValue: savedFirstSegment)
        )
        return saved.map { headers in
            switch headers[0] >> 4 {
            case 4: Int(headers[8])
            case 6: Int(headers[7])
            default: 0
            }
        }
    }

    private static func noOptions(_ channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.makeFailedFuture(Failure(description: "the socket takes no options"))
    }

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

    /// - Parameter hops: nil: from however far.
    private static func setLeastHopLimit(
        _ hops: UInt8?,
        on channel: any Channel,
        isIPv4: Bool
    ) -> EventLoopFuture<Void> {
        // IPV6_MINHOPCOUNT of linux/in6.h is not among Glibc's names.
        let minimum = isIPv4 ? CInt(IP_MINTTL) : 73
        return set(minimum, to: hops.map { 256 - CInt(max($0, 1)) } ?? 0, on: channel, isIPv4: isIPv4)
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
        guard let provider = channel as? any SocketOptionProvider else { return noOptions(channel) }
        let level = NIOBSDSocket.OptionLevel(rawValue: isIPv4 ? CInt(IPPROTO_IP) : CInt(IPPROTO_IPV6))
        return provider.unsafeSetSocketOption(level: level, name: .init(rawValue: option), value: value)
    }
    #else
    private static let systemHopLimit: CInt = -1

    private static func keepFirstSegments(on channel: any Channel) -> EventLoopFuture<Void> {
        setOwnHopLimit(255, on: channel, isIPv4: true)
    }

    private static func hopLimitOfFirstSegment(on channel: any Channel) -> EventLoopFuture<Int> {
        channel.eventLoop.makeSucceededFuture(0)
    }

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
        guard limit != systemHopLimit else { return channel.eventLoop.makeSucceededVoidFuture() }
        return channel.eventLoop.makeFailedFuture(Failure(description: "TTL security needs Linux"))
    }

    private static func setLeastHopLimit(
        _ hops: UInt8?,
        on channel: any Channel,
        isIPv4: Bool
    ) -> EventLoopFuture<Void> {
        setOwnHopLimit(hops == nil ? systemHopLimit : 255, on: channel, isIPv4: isIPv4)
    }
    #endif
}
