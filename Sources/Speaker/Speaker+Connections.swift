internal import BGP
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import NetworkTypes

/// Connections: made, accepted, written to and closed.
extension Speaker {
    func connect(to address: IPAddress) {
        guard let neighbor = neighbors[address] else { return }
        let configuration = neighbor.session.configuration
        let attempt = neighbor.attempt
        let handler = ConnectionHandler(speaker: self, neighbor: address, side: .outgoing, attempt: attempt)
        do {
            let target = try SocketAddress(ipAddress: address.description, port: Int(configuration.port))
            var bootstrap = ClientBootstrap(group: loop)
                .connectTimeout(.seconds(10))
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    SessionProtection.protectConnecting(channel, to: configuration).flatMapThrowing {
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                }
            if let local = configuration.localAddress {
                bootstrap = bootstrap.bind(to: try SocketAddress(ipAddress: local.description, port: 0))
            }
            bootstrap.connect(to: target).whenFailure { [weak self] error in
                var reason = "cannot connect: \(ConnectionError.text(error))"
                // Segments with a wrong key are dropped without an answer.
                if case ChannelError.connectTimeout = error, configuration.password != nil {
                    reason += "; is the TCP MD5 password the same on both sides?"
                }
                self?.assumeIsolated { $0.failed(address, attempt, reason: reason) }
            }
        } catch {
            failed(address, attempt, reason: "cannot connect: \(ConnectionError.text(error))")
        }
    }

    private func failed(_ address: IPAddress, _ attempt: Int, reason: String) {
        guard neighbors[address]?.attempt == attempt else { return }
        apply(to: address) { $0.disconnected(.outgoing, reason: reason, at: $1) }
    }

    /// Listens on all of the addresses, or on none of them when one fails.
    func listen(on addresses: [ListenAddress], for protected: [NeighborConfiguration]) async throws {
        var opened: [Listener] = []
        do {
            for address in addresses {
                opened.append(Listener(address: address, channel: try await bind(address, for: protected)))
            }
        } catch {
            for listener in opened { try? await listener.channel.close() }
            throw error
        }
        listeners += opened
    }

    private func bind(_ listen: ListenAddress, for protected: [NeighborConfiguration]) async throws -> any Channel {
        let target = try SocketAddress(ipAddress: listen.address.description, port: Int(listen.port))
        return try await ServerBootstrap(group: loop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { [weak self] channel in
                let speaker = self
                return SessionProtection.protectListening(channel, isIPv4: listen.address.isIPv4, for: protected) {
                    neighbor,
                    error in
                    speaker?.assumeIsolated { $0.refuseUnprotected(neighbor, because: error) }
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { [weak self] channel in
                guard let self, let remote = channel.remoteAddress?.networkAddress else {
                    return channel.eventLoop.makeFailedFuture(ChannelError.eof)
                }
                return self.assumeIsolated { $0.admit(channel, from: remote) }
            }
            .bind(to: target).get()
    }

    /// Only neighbors may connect.
    private func admit(_ channel: any Channel, from remote: IPAddress) -> EventLoopFuture<Void> {
        let present = neighbors[remote].flatMap { $0.awaySince == nil ? $0.session.configuration : nil }
        guard let configuration = present ?? dynamicNeighbor(remote) else {
            logger.warning("refused a connection from a stranger", metadata: ["address": "\(remote)"])
            return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
        }
        let own = neighbors[remote]?.isDynamic == true ? ranges.compactMap(\.range).first { $0.contains(remote) } : nil
        if configuration.hasKey, let reason = unprotected[own ?? IPPrefix(host: remote)] {
            logger.warning(
                "refused a connection that could not be protected",
                metadata: ["neighbor": "\(remote)", "reason": "\(reason)"]
            )
            forgetUnheard(remote)
            return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
        }
        let handler = ConnectionHandler(speaker: self, neighbor: remote, side: .incoming, attempt: 0)
        let accepted = SessionProtection.protectAccepted(channel, from: configuration).flatMapThrowing {
            try channel.pipeline.syncOperations.addHandler(handler)
        }
        accepted.whenFailure { [weak self] error in
            self?.assumeIsolated { speaker in
                speaker.logger.warning(
                    "refused a connection",
                    metadata: ["neighbor": "\(remote)", "reason": "\(ConnectionError.text(error))"]
                )
                speaker.forgetUnheard(remote)
            }
        }
        return accepted
    }

    /// A neighbor out of a range whose connection came to nothing.
    private func forgetUnheard(_ address: IPAddress) {
        guard let neighbor = neighbors[address], neighbor.isDynamic, neighbor.channels.isEmpty,
            neighbor.awaySince == nil
        else { return }
        forget(address)
    }

    /// The socket does not take the neighbor's key: the daemon does without this neighbor rather than without all.
    func refuseUnprotected(_ neighbor: NeighborConfiguration, because error: any Error) {
        let prefix = neighbor.range ?? IPPrefix(host: neighbor.address)
        unprotected[prefix] = ConnectionError.text(error)
        logger.error(
            "connections of a neighbor are refused, as they cannot be protected",
            metadata: ["neighbor": "\(prefix)", "reason": "\(ConnectionError.text(error))"]
        )
    }

    func write(_ octets: [UInt8], to address: IPAddress, _ side: NeighborSession.Side) {
        guard let channel = neighbors[address]?.channels[side] else { return }
        channel.writeAndFlush(ByteBuffer(bytes: octets)).whenSuccess { [weak self] in
            self?.assumeIsolated { $0.delivered(address, side, channel) }
        }
    }

    /// Closes once what was written has left, and the neighbor has had time to read it: NIO's `close` drops what the
    /// socket has not taken yet, and a socket closed over unread octets makes the neighbor lose the NOTIFICATION.
    func finish(_ channel: any Channel) {
        channel.writeAndFlush(ByteBuffer()).whenComplete { _ in channel.close(mode: .output, promise: nil) }
        let giveUp = loop.scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in giveUp.cancel() }
    }

    // MARK: What connections do

    func opened(_ address: IPAddress, _ side: NeighborSession.Side, _ attempt: Int, _ channel: any Channel) {
        guard neighbors[address] != nil, side == .incoming || neighbors[address]?.attempt == attempt else {
            channel.close(promise: nil)
            return
        }
        if let other = neighbors[address]?.channels[side], other !== channel,
            side == .incoming, neighbors[address]?.session.isReplaceable(side) == true
        {
            // It has lost the connection that we still take for whole.
            neighbors[address]?.channels[side] = channel
            apply(to: address) { $0.superseded(side, at: $1) }
            finish(other)
        }
        if let other = neighbors[address]?.channels[side], other !== channel {
            // A third connection: the second of its side is refused where it stands.
            let refusal = BGPMessage.notification(.connectionRejected).encoded(as: MessageContext())
            channel.writeAndFlush(ByteBuffer(bytes: refusal), promise: nil)
            finish(channel)
            return
        }
        neighbors[address]?.channels[side] = channel
        welcomeBack(address)
        neighbors[address]?.wasConnected = true
        let local = channel.localAddress?.networkAddress
        apply(to: address) { $0.connected(side, localAddress: local, at: $1) }
    }

    func received(_ address: IPAddress, _ side: NeighborSession.Side, _ channel: any Channel, _ octets: ByteBufferView)
    {
        guard neighbors[address]?.channels[side] === channel else { return }
        apply(to: address) { $0.received(octets, on: side, at: $1) }
    }

    func writabilityChanged(_ address: IPAddress, _ side: NeighborSession.Side, _ channel: any Channel) {
        guard neighbors[address]?.channels[side] === channel else { return }
        apply(to: address) { $0.writabilityChanged(side, channel.isWritable, at: $1) }
    }

    func closed(_ address: IPAddress, _ side: NeighborSession.Side, _ channel: any Channel, reason: String) {
        guard neighbors[address]?.channels[side] === channel else { return }
        neighbors[address]?.channels[side] = nil
        apply(to: address) { $0.disconnected(side, reason: reason, at: $1) }
    }
}

extension SocketAddress {
    /// The address without its port; an IPv4-mapped IPv6 address as IPv4.
    var networkAddress: IPAddress? { ipAddress.flatMap { IPAddress($0) } }
}
