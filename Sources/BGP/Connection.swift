internal import NetworkTypes

/// One TCP connection to a neighbor from OPEN on: the states OpenSent, OpenConfirm and Established of RFC 4271
/// section 8.2.2. A neighbor may have two of them for a moment, when both sides connected.
struct Connection: Sendable {
    enum State: Sendable { case openSent, openConfirm, established }

    var state = State.openSent
    /// Our address on it.
    let localAddress: IPAddress?
    var framer = MessageFramer()
    /// The neighbor's OPEN, once it came.
    var remote: OpenMessage?
    var holdDeadline: Timestamp?
    var keepaliveDeadline: Timestamp?
    /// Agreed; nil for none.
    var holdTime: Duration?

    /// A large hold time until the neighbor's OPEN has come (RFC 4271 section 8.2.2).
    static let openHoldTime = Duration.seconds(240)

    init(localAddress: IPAddress?, at time: Timestamp) {
        self.localAddress = localAddress
        holdDeadline = time + Self.openHoldTime
    }

    /// What an OPEN must be (RFC 4271 section 6.2).
    static func check(_ open: OpenMessage, against configuration: NeighborConfiguration) throws(BGPError) {
        guard open.version == 4 else { throw .unsupportedVersion }
        guard open.asn == configuration.remoteAS else { throw .badPeerAS }
        guard open.routerID != 0, open.routerID != .max,
            !(configuration.isInternal && open.routerID == configuration.routerID)
        else { throw .badBGPIdentifier }
        guard open.holdTime == 0 || open.holdTime >= 3 else { throw .unacceptableHoldTime }
    }

    mutating func accept(_ open: OpenMessage, configuration: NeighborConfiguration, at time: Timestamp) {
        remote = open
        state = .openConfirm
        let agreed = min(open.holdTime, configuration.holdTime)
        holdTime = agreed == 0 ? nil : .seconds(Int64(agreed))
        heard(at: time)
        keepaliveDeadline = holdTime.map { time + $0 / 3 }
    }

    /// A KEEPALIVE or UPDATE came: the hold timer starts again.
    mutating func heard(at time: Timestamp) { holdDeadline = holdTime.map { time + $0 } }

    /// Something was sent: the keepalive timer starts again.
    mutating func spoke(at time: Timestamp) { keepaliveDeadline = holdTime.map { time + $0 / 3 } }

    var deadline: Timestamp? {
        switch (holdDeadline, keepaliveDeadline) {
        case (let hold?, let keepalive?): min(hold, keepalive)
        case (let hold, let keepalive): hold ?? keepalive
        }
    }
}
