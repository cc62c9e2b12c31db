import FlowSpec
import NetworkTypes

@testable import BGP

/// A router that answers an UPDATE with certain rules by a NOTIFICATION, in made-up time.
struct PickyRouter {
    var bad: Set<AnnouncedRoute>
    /// Seconds from a bad rule to the complaint.
    var delay = 0.0
    var complaint = BGPError.invalidNetworkField
    /// How it ends each session that is said to be complete, whatever was in it.
    var answerToEndOfRIB: BGPError?
    var session = NeighborSession(configuration: testConfiguration)
    var now = 0.0
    var held: Set<AnnouncedRoute> = []
    var resets = 0
    var found: [AnnouncedRoute] = []
    /// When it will complain of what it has read.
    private var complainsAt: Double?

    init(bad: Set<AnnouncedRoute>, delay: Double = 0, complaint: BGPError = .invalidNetworkField) {
        self.bad = bad
        self.delay = delay
        self.complaint = complaint
    }

    mutating func start() { carryOut(session.start(at: time(now))) }

    mutating func carryOut(_ effects: [NeighborSession.Effect]) {
        for effect in effects {
            switch effect {
            case .connect: carryOut(session.connected(.outgoing, localAddress: nil, at: time(now)))
            case .send(let side, let octets): hear(octets, on: side)
            case .down:
                held = []
                complainsAt = nil
            case .quarantined(let entry): found.append(entry.route)
            default: break
            }
        }
    }

    private mutating func hear(_ octets: [UInt8], on side: NeighborSession.Side) {
        session.deliverAll(side, at: time(now))
        for message in sentMessages([.send(side, octets)]) {
            switch message {
            case .open: carryOut(session.received(openMessage() + keepaliveMessage, on: side, at: time(now)))
            case .update(let update):
                if update.endOfRIB != nil, let answerToEndOfRIB {
                    resets += 1
                    return carryOut(session.received(notificationMessage(answerToEndOfRIB), on: side, at: time(now)))
                }
                for route in update.withdrawn { held.remove(route) }
                guard bad.isDisjoint(with: update.announced) else {
                    guard delay > 0 else { return complain(on: side) }
                    complainsAt = complainsAt ?? now + delay
                    held.formUnion(update.announced)
                    continue
                }
                held.formUnion(update.announced)
            default: break
            }
        }
    }

    private mutating func complain(on side: NeighborSession.Side) {
        resets += 1
        carryOut(session.received(notificationMessage(complaint), on: side, at: time(now)))
    }

    /// Comes back, and bears other rules than before.
    mutating func restart(bad: Set<AnnouncedRoute>) {
        self.bad = bad
        carryOut(session.received(notificationMessage(.administrativeShutdown), on: .outgoing, at: time(now)))
    }

    mutating func announce(_ announcements: [Announcement]) {
        carryOut(session.update(announce: announcements, withdraw: [], at: time(now)))
        carryOut(session.transmitAll(at: time(now)))
    }

    /// Lets time pass, with keepalives of the router.
    mutating func run(until end: Double) {
        while true {
            let next = session.nextDeadline.map { ($0 - time(0)).inSeconds } ?? .infinity
            if let due = complainsAt, due <= min(next, end) {
                complainsAt = nil
                now = max(now, due)
                complain(on: .outgoing)
                continue
            }
            guard next <= end else { break }
            now = max(now, next)
            carryOut(session.advance(to: time(now)))
            carryOut(session.received(keepaliveMessage, on: .outgoing, at: time(now)))
            carryOut(session.transmitAll(at: time(now)))
        }
        now = end
    }
}
