public import NetworkTypes

/// What connections do, and how they end.
extension NeighborSession {
    /// The connection that `connect` asked for stands, or the neighbor's was accepted (events 16 and 17).
    public mutating func connected(_ side: Side, localAddress: IPAddress?, at time: Timestamp) -> [Effect] {
        if side == .outgoing { isConnecting = false }
        guard connections[side] == nil else { return [] }
        guard !isStopped else { return [.close(side)] }
        guard idleHoldDeadline == nil, mayReplace(side) else {
            let refusal = BGPMessage.notification(.connectionRejected).encoded(as: MessageContext())
            return [.send(side, refusal), .close(side)]
        }
        connectDeadline = nil
        connections[side] = Connection(localAddress: localAddress, isInternal: configuration.isInternal)
        guard let wait = configuration.delayOpen, wait > .zero else { return sendOpen(on: side, at: time) }
        connections[side]?.delayOpenDeadline = time + wait
        return []
    }

    /// Beside an established session there is no other, unless the neighbor has said that it restarts gracefully: a new
    /// connection of it means that it has lost the old one (RFC 4724 section 5).
    private func mayReplace(_ side: Side) -> Bool {
        guard establishedSide != nil else { return true }
        return side == .incoming && parameters?.remote.gracefulRestart != nil
    }

    /// Whether the established session is over a connection of this side that the neighbor, as it opens another one, must
    /// have lost (RFC 4724 section 5).
    public func isReplaceable(_ side: Side) -> Bool { establishedSide == side && mayReplace(side) }

    /// Another connection takes the place of this one, which `connected` is to tell of next.
    public mutating func superseded(_ side: Side, at time: Timestamp) -> [Effect] {
        guard let gone = connections.removeValue(forKey: side) else { return [] }
        return lose(gone, because: "the neighbor has opened another connection", at: time)
    }

    /// The connection could not be made, or closed (event 18).
    public mutating func disconnected(_ side: Side, reason: String, at time: Timestamp) -> [Effect] {
        if side == .outgoing { isConnecting = false }
        guard let gone = connections.removeValue(forKey: side) else {
            lastFailure = reason
            if connections.isEmpty, !isStopped, idleHoldDeadline == nil { retryConnecting(at: time) }
            return []
        }
        let effects = lose(gone, because: reason, at: time)
        guard connections.isEmpty, !isStopped else { return effects }
        switch gone.state {
        // Accepted and closed again: some neighbors do that while they do not want us yet.
        case .delayingOpen, .openSent: retryConnecting(at: time)
        case .openConfirm, .established: retrySession(after: gone, at: time)
        }
        return effects
    }

    /// Octets that were handed to `send` have left: all of one effect.
    public mutating func delivered(_ side: Side, at time: Timestamp) {
        guard let connection = connections[side] else { return }
        let left = max(0, connection.undelivered - 1)
        let deadline = left == 0 ? nil : sendHoldDeadline(from: time)
        connections[side]?.undelivered = left
        connections[side]?.sendHoldDeadline = deadline
    }

    /// Whether the connection takes more octets; held back until it does.
    public mutating func writabilityChanged(_ side: Side, _ writable: Bool, at time: Timestamp) -> [Effect] {
        connections[side]?.isWritable = writable
        return transmit(at: time)
    }

    private func sendHoldDeadline(from time: Timestamp) -> Timestamp? {
        guard configuration.sendHoldTime > .zero else { return nil }
        // At least twice the hold time (RFC 9687 section 4.4).
        return time + max(configuration.sendHoldTime, .seconds(2 * Int64(configuration.holdTime)))
    }

    // MARK: Sending

    mutating func send(_ message: BGPMessage, on side: Side, at time: Timestamp) -> [Effect] {
        guard let connection = connections[side] else { return [] }
        return send(message.encoded(as: connection.context), messages: 1, on: side, at: time)
    }

    mutating func send(_ octets: [UInt8], messages: Int, on side: Side, at time: Timestamp) -> [Effect] {
        messagesSent &+= UInt64(messages)
        let deadline = connections[side]?.sendHoldDeadline ?? sendHoldDeadline(from: time)
        connections[side]?.undelivered += 1
        connections[side]?.sendHoldDeadline = deadline
        return [.send(side, octets)]
    }

    mutating func sendOpen(on side: Side, at time: Timestamp) -> [Effect] {
        let open = configuration.openMessage(
            isRestarting: isRestarting && configuration.gracefulRestart != nil,
            fallback: fallback
        )
        connections[side]?.sentOpen(open.capabilities, at: time)
        return send(.open(open), on: side, at: time)
    }

    // MARK: Ends

    /// The neighbor did something wrong, or nothing for too long: says so and closes.
    mutating func fail(_ side: Side, _ error: BGPError, at time: Timestamp) -> [Effect] {
        // Before our OPEN nothing else may be said (RFC 4271 section 8.2.1.5).
        let isSilent = connections[side]?.state == .delayingOpen
        let reason = isSilent ? "\(error)" : "sent NOTIFICATION: \(error)"
        if !isSilent { lastNotification = reason }
        let notification = isSilent ? [] : send(.notification(error), on: side, at: time)
        return notification + drop(side, because: reason, at: time)
    }

    /// What a connection ended over, which says how soon the next one may come.
    enum End: Sendable {
        /// The neighbor, or we, did something wrong.
        case fault
        /// The neighbor merely did not want us yet.
        case refusal
        /// The neighbor complained of a rule, and its complaint took the search for it on.
        case search
    }

    mutating func drop(_ side: Side, because reason: String, as end: End = .fault, at time: Timestamp) -> [Effect] {
        guard let gone = connections.removeValue(forKey: side) else { return [] }
        let effects = [.close(side)] + lose(gone, because: reason, at: time)
        guard connections.isEmpty else { return effects }
        if end == .refusal {
            retryConnecting(at: time)
        } else {
            retrySession(after: gone, isDamped: end == .fault, at: time)
        }
        return effects
    }

    /// Closes one connection on purpose; what comes then is the caller's affair.
    mutating func end(_ side: Side, sending error: BGPError?, at time: Timestamp) -> [Effect] {
        guard let connection = connections[side] else { return [] }
        var effects: [Effect] = []
        if let error, connection.state != .delayingOpen {
            // Where NOTIFICATIONs leave routes standing, the end must be said to be one.
            let isHard = connection.state == .established && parameters?.restartCoversNotifications == true
            effects += send(.notification(isHard ? .hardReset(error) : error), on: side, at: time)
        }
        effects.append(.close(side))
        connections[side] = nil
        return effects + lose(connection, because: error.map { "sent NOTIFICATION: \($0)" } ?? "closed", at: time)
    }

    /// What the end of a connection means for the session; says so when it was the last one, or the established one.
    private mutating func lose(_ gone: Connection, because reason: String, at time: Timestamp) -> [Effect] {
        guard gone.state == .established || connections.isEmpty else { return [] }
        lastFailure = reason
        if gone.state == .established {
            parameters = nil
            Quarantine.interrupt(&rib, probation: configuration.probation, at: time)
            rib.forgetSession(at: time)
            adjRIBIn.forget()
        }
        return [.down(reason)]
    }

    private mutating func retryConnecting(at time: Timestamp) {
        let wait = reconnection.afterAttempt()
        connectDeadline = configuration.isPassive ? nil : time + wait
    }

    /// After a session, or the making of one, that went wrong.
    private mutating func retrySession(after gone: Connection, isDamped: Bool = true, at time: Timestamp) {
        guard !isStopped, idleHoldDeadline == nil else { return }
        let length = gone.state == .established ? establishedAt.map { time - $0 } ?? .zero : .zero
        if isDamped, let wait = reconnection.afterSession(of: length) {
            idleHoldDeadline = time + wait
        } else if !configuration.isPassive {
            connectDeadline = time + reconnection.wait(1)
        }
    }
}
