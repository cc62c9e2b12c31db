import NetworkTypes
import Testing

@testable import BGP

/// The events of RFC 4271 section 8.1 by their numbers, and the one of RFC 9687. 14 and 15 are the shell's: it tells a
/// session only of connections that stand, and of strangers nothing.
private enum SessionEvent: Int, CaseIterable {
    case manualStart = 1
    case manualStop, automaticStart, manualStartPassive, automaticStartPassive, automaticStartDamped
    case automaticStartDampedPassive, automaticStop, connectRetryTimerExpires, holdTimerExpires, keepaliveTimerExpires
    case delayOpenTimerExpires, idleHoldTimerExpires
    case tcpCRAcked = 16
    case tcpConnectionConfirmed, tcpConnectionFails, bgpOpen, bgpOpenWithDelayOpenTimer, bgpHeaderError
    case bgpOpenMessageError, openCollisionDump, notificationVersionError, notification, keepalive, update, updateError
    case sendHoldTimerExpires
}

/// Every state, with a connection that waits for the neighbor's OPEN where RFC 4271 has one in Connect and Active.
private enum Setup: String, CaseIterable {
    case idle, idleDamped, connect, connectDelayed, active, activeDelayed, openSent, openConfirm, established

    func session() -> NeighborSession {
        var configuration = testConfiguration
        if [.active, .activeDelayed].contains(self) { configuration.isPassive = true }
        if [.connectDelayed, .activeDelayed].contains(self) { configuration.delayOpen = .seconds(20) }
        var session = NeighborSession(configuration: configuration)
        guard self != .idle else { return session }
        _ = session.start(at: time(0))
        // The first failure is not damped; those looked at here are.
        _ = session.reconnection.afterSession(of: .zero)
        if self == .idleDamped { _ = session.reset(.outOfResources, for: .seconds(7), at: time(0)) }
        if side == .incoming {
            _ = session.connected(.incoming, localAddress: nil, at: time(0))
        } else if [.connectDelayed, .openSent, .openConfirm, .established].contains(self) {
            _ = session.connected(.outgoing, localAddress: nil, at: time(0))
        }
        if [.openConfirm, .established].contains(self) { _ = session.received(openMessage(), on: side, at: time(0)) }
        if self == .established { _ = session.received(keepaliveMessage, on: side, at: time(0)) }
        return session
    }

    var side: NeighborSession.Side { self == .activeDelayed ? .incoming : .outgoing }
}

/// What an event does: the effects in words, then the state after it.
private func outcome(of event: SessionEvent, in setup: Setup) -> String {
    var session = setup.session()
    let side = setup.side
    let now = time(1)
    /// A timer that does not run cannot expire.
    func expire(_ deadline: Timestamp?) -> [NeighborSession.Effect]? {
        guard let deadline else { return nil }
        return session.advance(to: deadline)
    }
    let effects: [NeighborSession.Effect]?
    switch event {
    case .manualStart, .automaticStart, .manualStartPassive, .automaticStartPassive: effects = session.start(at: now)
    case .manualStop: effects = session.stop(at: now)
    case .automaticStop: effects = session.reset(.outOfResources, for: .seconds(9), at: now)
    case .automaticStartDamped, .automaticStartDampedPassive, .idleHoldTimerExpires:
        effects = expire(session.idleHoldDeadline)
    case .connectRetryTimerExpires: effects = expire(session.connectDeadline)
    case .holdTimerExpires:
        session.deliverAll(side, at: now)
        session.connections[side]?.keepaliveDeadline = nil
        session.connections[side]?.delayOpenDeadline = nil
        effects = expire(session.connections[side]?.holdDeadline)
    case .keepaliveTimerExpires: effects = expire(session.connections[side]?.keepaliveDeadline)
    case .delayOpenTimerExpires: effects = expire(session.connections[side]?.delayOpenDeadline)
    case .tcpCRAcked: effects = session.connected(.outgoing, localAddress: nil, at: now)
    case .tcpConnectionConfirmed: effects = session.connected(.incoming, localAddress: nil, at: now)
    case .tcpConnectionFails: effects = session.disconnected(side, reason: "gone", at: now)
    case .bgpOpen, .bgpOpenWithDelayOpenTimer: effects = session.received(openMessage(), on: side, at: now)
    case .bgpHeaderError:
        effects = session.received([UInt8](repeating: 7, count: 19), on: side, at: now)
    case .bgpOpenMessageError: effects = session.received(openMessage(asn: 1), on: side, at: now)
    case .openCollisionDump:
        // The neighbor, whose identifier is higher, has a second connection on which its OPEN comes.
        _ = session.connected(side.other, localAddress: nil, at: now)
        effects =
            session.connections[side.other] == nil
            ? nil : session.received(openMessage(routerID: 200), on: side.other, at: now)
    case .notificationVersionError:
        effects = session.received(notificationMessage(.unsupportedVersion), on: side, at: now)
    case .notification: effects = session.received(notificationMessage(.administrativeReset), on: side, at: now)
    case .keepalive: effects = session.received(keepaliveMessage, on: side, at: now)
    case .update:
        let message = BGPMessage.update(UpdateMessage(endOfRIB: .ipv4FlowSpec)).encoded(as: MessageContext())
        effects = session.received(message, on: side, at: now)
    case .updateError:
        // Path attributes said to be longer than the message.
        let message = BGPMessage.frame(type: 2, [0, 0, 0, 9])
        effects = session.received(message, on: side, at: now)
    case .sendHoldTimerExpires: effects = expire(session.connections[side]?.sendHoldDeadline.map { max($0, now) })
    }
    guard let effects else { return "-" }
    let words = effects.compactMap { effect -> String? in
        switch effect {
        case .connect: return "connect"
        case .abandonConnect: return "abandon"
        case .send:
            return sentMessages([effect]).map { message in
                switch message {
                case .open: "OPEN"
                case .keepalive: "KEEPALIVE"
                case .update: "UPDATE"
                case .notification(let error): "\(error.code.rawValue)/\(error.subcode)"
                case .routeRefresh: "ROUTE-REFRESH"
                }
            }.joined(separator: " ")
        case .close(let closed): return closed == side ? "close" : "close other"
        case .established: return "up"
        case .down: return "down"
        case .received, .unsayable: return nil
        case .suspects, .quarantined: return "complaint"
        }
    }
    return (words + [session.state.rawValue]).joined(separator: " ")
}

private let stays: [Setup: String] = [
    .idle: "Idle", .idleDamped: "Idle", .connect: "Connect", .connectDelayed: "Connect", .active: "Active",
    .activeDelayed: "Active", .openSent: "OpenSent", .openConfirm: "OpenConfirm", .established: "Established",
]

private typealias Row = [SessionEvent: String]

/// Timers that do not run, and connections that are not there: the event cannot happen.
private let impossible: [Setup: Set<SessionEvent>] = [
    .idle: [
        .automaticStartDamped, .automaticStartDampedPassive, .connectRetryTimerExpires, .holdTimerExpires,
        .keepaliveTimerExpires, .delayOpenTimerExpires, .idleHoldTimerExpires, .openCollisionDump,
        .sendHoldTimerExpires,
    ],
    .idleDamped: [
        .connectRetryTimerExpires, .holdTimerExpires, .keepaliveTimerExpires, .delayOpenTimerExpires,
        .openCollisionDump, .sendHoldTimerExpires,
    ],
    .connect: [
        .automaticStartDamped, .automaticStartDampedPassive, .holdTimerExpires, .keepaliveTimerExpires,
        .delayOpenTimerExpires, .idleHoldTimerExpires, .sendHoldTimerExpires,
    ],
    .connectDelayed: [
        .automaticStartDamped, .automaticStartDampedPassive, .connectRetryTimerExpires, .holdTimerExpires,
        .keepaliveTimerExpires, .idleHoldTimerExpires, .sendHoldTimerExpires,
    ],
    .active: [
        .automaticStartDamped, .automaticStartDampedPassive, .connectRetryTimerExpires, .holdTimerExpires,
        .keepaliveTimerExpires, .delayOpenTimerExpires, .idleHoldTimerExpires, .sendHoldTimerExpires,
    ],
    .activeDelayed: [
        .automaticStartDamped, .automaticStartDampedPassive, .connectRetryTimerExpires, .holdTimerExpires,
        .keepaliveTimerExpires, .idleHoldTimerExpires, .sendHoldTimerExpires,
    ],
    .openSent: [
        .automaticStartDamped, .automaticStartDampedPassive, .connectRetryTimerExpires, .keepaliveTimerExpires,
        .delayOpenTimerExpires, .idleHoldTimerExpires,
    ],
    .openConfirm: [
        .automaticStartDamped, .automaticStartDampedPassive, .connectRetryTimerExpires, .delayOpenTimerExpires,
        .idleHoldTimerExpires,
    ],
    .established: [
        .automaticStartDamped, .automaticStartDampedPassive, .connectRetryTimerExpires, .delayOpenTimerExpires,
        .idleHoldTimerExpires, .openCollisionDump,
    ],
]

/// Our OPEN waits for the neighbor's, on a connection of whichever side.
private let delayed: Row = [
    .manualStop: "close down Idle",
    .automaticStop: "close down Idle",
    .delayOpenTimerExpires: "OPEN OpenSent",
    .tcpConnectionFails: "down Active",
    .bgpOpen: "OPEN KEEPALIVE OpenConfirm",
    .bgpOpenWithDelayOpenTimer: "OPEN KEEPALIVE OpenConfirm",
    .bgpHeaderError: "close down Idle",
    .bgpOpenMessageError: "close down Idle",
    .openCollisionDump: "OPEN KEEPALIVE OpenConfirm",
    .notificationVersionError: "close down Idle",
    .notification: "close down Idle",
    .keepalive: "close down Idle",
    .update: "close down Idle",
    .updateError: "close down Idle",
]

/// What RFC 4271 section 8.2.2 asks for. What is left out is nothing to the state: it stays.
///
/// Known differences: a failed attempt leads from Connect, and from Active, to Active. A session that stood for a minute
/// or more was sound, so its loss by a timer is not damped.
private let table: [Setup: Row] = [
    .idle: [
        .manualStart: "connect Connect",
        .automaticStart: "connect Connect",
        .manualStartPassive: "connect Connect",
        .automaticStartPassive: "connect Connect",
        .tcpCRAcked: "close Idle",
        .tcpConnectionConfirmed: "close other Idle",
    ],
    .idleDamped: [
        .manualStart: "connect Connect",
        .automaticStart: "connect Connect",
        .manualStartPassive: "connect Connect",
        .automaticStartPassive: "connect Connect",
        .automaticStartDamped: "connect Connect",
        .automaticStartDampedPassive: "connect Connect",
        .idleHoldTimerExpires: "connect Connect",
        .tcpCRAcked: "6/5 close Idle",
        .tcpConnectionConfirmed: "6/5 close other Idle",
    ],
    .connect: [
        .manualStop: "abandon Idle",
        .automaticStop: "abandon Idle",
        .connectRetryTimerExpires: "abandon connect Connect",
        .tcpCRAcked: "OPEN OpenSent",
        .tcpConnectionConfirmed: "OPEN OpenSent",
        .tcpConnectionFails: "Active",
        .openCollisionDump: "KEEPALIVE OpenConfirm",
    ],
    .connectDelayed: delayed,
    .active: [
        .manualStop: "Idle",
        .automaticStop: "Idle",
        .tcpCRAcked: "OPEN OpenSent",
        .tcpConnectionConfirmed: "OPEN OpenSent",
        .openCollisionDump: "KEEPALIVE OpenConfirm",
    ],
    .activeDelayed: delayed.merging([.tcpCRAcked: "Connect"]) { $1 },
    .openSent: [
        .manualStop: "6/2 close down Idle",
        .automaticStop: "6/8 close down Idle",
        .holdTimerExpires: "4/0 close down Idle",
        .tcpConnectionConfirmed: "OPEN OpenSent",
        .tcpConnectionFails: "down Active",
        .bgpOpen: "KEEPALIVE OpenConfirm",
        .bgpOpenWithDelayOpenTimer: "KEEPALIVE OpenConfirm",
        .bgpHeaderError: "1/1 close down Idle",
        .bgpOpenMessageError: "2/2 close down Idle",
        .openCollisionDump: "KEEPALIVE OpenConfirm",
        .notificationVersionError: "close down Idle",
        .notification: "close down Idle",
        .keepalive: "5/1 close down Idle",
        .update: "5/1 close down Idle",
        .updateError: "5/1 close down Idle",
        .sendHoldTimerExpires: "8/0 close down Idle",
    ],
    .openConfirm: [
        .manualStop: "6/2 close down Idle",
        .automaticStop: "6/8 close down Idle",
        .holdTimerExpires: "4/0 close down Idle",
        .keepaliveTimerExpires: "KEEPALIVE OpenConfirm",
        .tcpConnectionConfirmed: "OPEN OpenConfirm",
        .tcpConnectionFails: "down Idle",
        .bgpOpen: "5/2 close down Idle",
        .bgpOpenWithDelayOpenTimer: "5/2 close down Idle",
        .bgpHeaderError: "1/1 close down Idle",
        .bgpOpenMessageError: "5/2 close down Idle",
        .openCollisionDump: "6/7 close KEEPALIVE OpenConfirm",
        .notificationVersionError: "close down Idle",
        .notification: "close down Idle",
        .keepalive: "up UPDATE Established",
        .update: "5/2 close down Idle",
        .updateError: "5/2 close down Idle",
        .sendHoldTimerExpires: "8/0 close down Idle",
    ],
    .established: [
        .manualStop: "6/2 close down Idle",
        .automaticStop: "6/8 close down Idle",
        .holdTimerExpires: "4/0 close down Active",
        .keepaliveTimerExpires: "KEEPALIVE Established",
        .tcpConnectionConfirmed: "6/5 close other Established",
        .tcpConnectionFails: "down Idle",
        .bgpOpen: "5/3 close down Idle",
        .bgpOpenWithDelayOpenTimer: "5/3 close down Idle",
        .bgpHeaderError: "1/1 close down Idle",
        .bgpOpenMessageError: "5/3 close down Idle",
        .notificationVersionError: "close down Idle",
        .notification: "close down Idle",
        .updateError: "3/1 close down Idle",
        .sendHoldTimerExpires: "8/0 close down Active",
    ],
]

/// Every pair of state and event.
@Test func everyEventInEveryStateDoesWhatTheStandardSays() {
    for setup in Setup.allCases {
        #expect(setup.session().state.rawValue == stays[setup], "\(setup) is set up as meant")
        for event in SessionEvent.allCases {
            let isPossible = impossible[setup]?.contains(event) == false
            let wanted = table[setup]?[event] ?? (isPossible ? stays[setup] : "-")
            #expect(outcome(of: event, in: setup) == wanted, "\(setup.rawValue), event \(event.rawValue) \(event)")
        }
    }
}
