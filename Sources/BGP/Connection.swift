internal import NetworkTypes

/// One TCP connection to a neighbor: from its making to the states OpenSent, OpenConfirm and Established of RFC 4271
/// section 8.2.2. A neighbor may have two of them for a moment, when both sides connected.
struct Connection: Sendable {
    enum State: Int, Sendable, Comparable {
        /// Our OPEN waits for the neighbor's (DelayOpen): still Connect or Active, as RFC 4271 counts.
        case delayingOpen, openSent, openConfirm, established
        static func < (left: State, right: State) -> Bool { left.rawValue < right.rawValue }
    }

    var state = State.delayingOpen
    /// Our address on it.
    let localAddress: IPAddress?
    let isInternal: Bool
    var framer = MessageFramer()
    /// What we said in our OPEN; nil until it was sent.
    var ours: Capabilities?
    /// The neighbor's OPEN, once it came.
    var remote: OpenMessage?
    var delayOpenDeadline: Timestamp?
    var holdDeadline: Timestamp?
    var keepaliveDeadline: Timestamp?
    /// Runs while something that was sent has not left (RFC 9687).
    var sendHoldDeadline: Timestamp?
    /// Messages, or bundles of them, that have not left yet.
    var undelivered = 0
    var isWritable = true
    /// Agreed; nil for none.
    var holdTime: Duration?

    /// A large hold time until the neighbor's OPEN has come (RFC 4271 section 8.2.2).
    static let openHoldTime = Duration.seconds(240)

    init(localAddress: IPAddress?, isInternal: Bool) {
        self.localAddress = localAddress
        self.isInternal = isInternal
    }

    mutating func sentOpen(_ capabilities: Capabilities, at time: Timestamp) {
        ours = capabilities
        state = .openSent
        delayOpenDeadline = nil
        holdDeadline = time + Self.openHoldTime
    }

    mutating func accept(_ open: OpenMessage, holdTime offered: UInt16, at time: Timestamp) {
        remote = open
        state = .openConfirm
        let agreed = min(open.holdTime, offered)
        holdTime = agreed == 0 ? nil : .seconds(Int64(agreed))
        heard(at: time)
        keepaliveDeadline = holdTime.map { time + $0 / 3 }
    }

    /// A KEEPALIVE or UPDATE came: the hold timer starts again.
    mutating func heard(at time: Timestamp) { holdDeadline = holdTime.map { time + $0 } }

    /// Something was sent: the keepalive timer starts again.
    mutating func spoke(at time: Timestamp) { keepaliveDeadline = holdTime.map { time + $0 / 3 } }

    var deadline: Timestamp? {
        [delayOpenDeadline, holdDeadline, keepaliveDeadline, sendHoldDeadline].compactMap { $0 }.min()
    }

    /// What was agreed; nil before the neighbor's OPEN.
    var parameters: SessionParameters? {
        guard let ours, let remote else { return nil }
        return SessionParameters(ours: ours, theirs: remote, holdTime: holdTime)
    }

    /// How messages are written and read.
    var context: MessageContext {
        // Who offers extended messages must take them; whether to send them is another question (RFC 8654 section 4).
        let longest =
            ours?.extendedMessages == true ? BGPMessage.maximumExtendedLength : BGPMessage.maximumLength
        guard let parameters else { return MessageContext(maximumLength: longest, isInternal: isInternal) }
        return MessageContext(
            usesFourOctetAS: parameters.usesFourOctetAS,
            maximumLength: longest,
            addPathFamilies: parameters.addPath,
            sentAddPathFamilies: parameters.sentAddPath,
            extendedNextHop: parameters.extendedNextHop,
            isInternal: isInternal
        )
    }
}
