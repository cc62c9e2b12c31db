internal import FlowSpec
public import NetworkTypes

/// What is sent on a session that stands: from the Adj-RIB-Out, as fast as the connection takes it.
extension NeighborSession {
    /// The connection would take more, and there is more: call `transmit` when others have had their turn.
    public var hasMoreToSend: Bool {
        guard let side = establishedSide, connections[side]?.isWritable == true else { return false }
        return rib.hasPending
    }

    mutating func establish(_ side: Side, at time: Timestamp) -> [Effect] {
        connections[side]?.state = .established
        connections[side]?.heard(at: time)
        guard let agreed = connections[side]?.parameters else { return [] }
        var effects: [Effect] = []
        if isConnecting {
            isConnecting = false
            effects.append(.abandonConnect)
        }
        connectDeadline = nil
        lastFailure = nil
        lastNotification = nil
        parameters = agreed
        establishedAt = time
        effects.append(.established(agreed))
        // Another attempt that is still at its OPEN must not outlive this session.
        effects += end(side.other, sending: .collisionResolution, at: time)
        rib.beginSession(agreed.families, at: time)
        return effects
    }

    /// The next burst of what waits, while the connection takes it.
    public mutating func transmit(at time: Timestamp) -> [Effect] {
        guard let side = establishedSide, let connection = connections[side] else { return [] }
        if !rib.hasPending { Quarantine.proceed(&rib, probation: configuration.probation, at: time) }
        guard connection.isWritable, rib.hasPending else { return [] }
        // RFC 8654 section 4: both have to know longer messages. Some routers do, and take no longer attributes.
        let mayBeLong =
            parameters?.extendedMessages == true && configuration.profile.maximumReachable > Self.plainReachable
        let packer = UpdatePacker(
            manner: .init(
                context: connection.context,
                isInternal: configuration.isInternal,
                localAS: configuration.localAS,
                localAddress: connection.localAddress,
                communities: configuration.communities,
                redirects: configuration.profile.redirects,
                role: configuration.role,
                maximumLength: mayBeLong ? BGPMessage.maximumExtendedLength : BGPMessage.maximumLength,
                maximumReachable: mayBeLong
                    ? configuration.profile.maximumReachable
                    : min(configuration.profile.maximumReachable, Self.plainReachable)
            )
        )
        var octets: [UInt8] = []
        var messages = 0
        var left = Self.burst
        var checker = UpdatePacker.Checker(packer)
        var unsayable = UnsayableRoutes()
        func obstacle(to announcement: Announcement) -> UpdatePacker.Obstacle? {
            let found = checker.obstacle(to: announcement)
            if let found { unsayable.note(announcement.route, "\(found)") }
            return found
        }
        while left > 0, let batch = rib.next(left, at: time, obstacle: obstacle) {
            switch batch {
            case .routes(let announce, let withdraw):
                left -= announce.count + withdraw.count
                for message in packer.withdraw(withdraw) {
                    octets += message
                    messages += 1
                }
                messages += packer.announce(announce, into: &octets)
            case .mark(let mark):
                octets += message(for: mark).encoded(as: connection.context)
                messages += 1
            }
        }
        if !rib.hasPending {
            // All is said: from now on we are a speaker like any other.
            isRestarting = false
            Quarantine.proceed(&rib, probation: configuration.probation, at: time)
        }
        guard messages > 0 else { return unsayable.effects }
        connections[side]?.spoke(at: time)
        return unsayable.effects + send(octets, messages: messages, on: side, at: time)
    }

    /// Octets of MP_REACH_NLRI's value at most where messages are not extended.
    private static let plainReachable = 4094

    private func message(for mark: AdjRIBOut.Mark) -> BGPMessage {
        switch mark {
        case .endOfRIB(let family): .update(UpdateMessage(endOfRIB: family))
        case .beginRefresh(let family): .routeRefresh(RouteRefresh(.begin, family))
        case .endRefresh(let family): .routeRefresh(RouteRefresh(.end, family))
        }
    }
}
