import FlowSpec
import Foundation
import NetworkTypes
import Simulation
import Testing

@testable import BGP

/// Two of our machines against each other over connections that are slow, full, lost and crossed, in made-up time.
private struct SessionSimulation {
    /// One TCP connection: octets under way in both directions, first in, first out.
    struct Wire {
        /// The machine that opened it.
        var opener: Int
        /// By receiver.
        var inFlight: [[[UInt8]]] = [[], []]
        /// The machine that closes has said all it will; the other hears of it behind what is under way.
        var closedBy: Set<Int> = []
        var isOpenAt: [Bool] = [false, false]
        var isFull: [Bool] = [false, false]

        func side(of machine: Int) -> NeighborSession.Side { machine == opener ? .outgoing : .incoming }
    }

    var machines: [NeighborSession] = []
    var wanted: [[AnnouncedRoute: Announcement]] = [[:], [:]]
    var wires: [Int: Wire] = [:]
    var nextWire = 0
    /// Attempts to connect that have not come to anything yet.
    var attempts: [Bool] = [false, false]
    var now = 0.0
    var random: SeededGenerator
    var notifications: [BGPError] = []
    var establishments = 0
    var faults: [String] = []

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        for index in 0..<2 {
            var configuration = testConfiguration
            configuration.localAS = ASN(65001 + UInt32(index))
            configuration.remoteAS = ASN(65002 - UInt32(index))
            configuration.routerID = UInt32.random(in: 1...3, using: &random)
            configuration.families = [.ipv4FlowSpec, .ipv4Unicast]
            configuration.holdTime = [0, 3, 9, 90].randomElement(using: &random) ?? 9
            configuration.isPassive = index == 1 && Bool.random(using: &random)
            configuration.delayOpen = Bool.random(using: &random) ? .seconds(2) : nil
            configuration.gracefulRestart = Bool.random(using: &random) ? GracefulRestartPolicy() : nil
            configuration.sendHoldTime = .seconds(20)
            machines.append(NeighborSession(configuration: configuration, jitterSeed: seed &+ UInt64(index)))
        }
    }

    mutating func carryOut(_ effects: [NeighborSession.Effect], of machine: Int) {
        for effect in effects {
            switch effect {
            case .connect: attempts[machine] = true
            case .abandonConnect: attempts[machine] = false
            case .send(let side, let octets):
                note(octets)
                guard let wire = wire(of: machine, side), wires[wire]?.closedBy.isEmpty == true else { continue }
                wires[wire]?.inFlight[1 - machine].append(octets)
            case .close(let side):
                guard let wire = wire(of: machine, side) else { continue }
                wires[wire]?.isOpenAt[machine] = false
                wires[wire]?.closedBy.insert(machine)
            case .established: establishments += 1
            case .down, .received, .suspects, .quarantined, .unsayable: break
            }
        }
    }

    private mutating func note(_ octets: [UInt8]) {
        for case .notification(let error) in sentMessages([.send(.outgoing, octets)]) { notifications.append(error) }
    }

    func wire(of machine: Int, _ side: NeighborSession.Side) -> Int? {
        wires.first { $0.value.isOpenAt[machine] && $0.value.side(of: machine) == side }?.key
    }

    // MARK: Steps

    mutating func step() {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<45: deliver()
        case 45..<55: now += Double.random(in: 0..<0.3, using: &random)
        case 55..<65: advanceTimers()
        case 65..<75: connectOrFail()
        case 75..<90: changeRoutes()
        case 90..<96: fillOrEmpty()
        case 96: if Int.random(in: 0..<8, using: &random) == 0 { cut() }
        case 97:
            let machine = Int.random(in: 0..<2, using: &random)
            switch Int.random(in: 0..<40, using: &random) {
            case 0: carryOut(machines[machine].stop(at: time(now)), of: machine)
            case 1: carryOut(machines[machine].reset(.outOfResources, for: .seconds(3), at: time(now)), of: machine)
            default: carryOut(machines[machine].start(at: time(now)), of: machine)
            }
        case 98: refresh()
        default: now += Double.random(in: 0..<10, using: &random)
        }
        for machine in 0..<2 { carryOut(machines[machine].transmit(at: time(now)), of: machine) }
        forgetDeadWires()
    }

    mutating func deliver() {
        guard let (key, wire) = wires.randomElement(using: &random) else { return }
        let receiver = Int.random(in: 0..<2, using: &random)
        let sender = 1 - receiver
        guard var chunk = wire.inFlight[receiver].first else {
            // All was heard: now the end of it.
            if wire.closedBy.contains(sender), wire.isOpenAt[receiver] {
                wires[key]?.isOpenAt[receiver] = false
                wires[key]?.closedBy.insert(receiver)
                let side = wire.side(of: receiver)
                carryOut(machines[receiver].disconnected(side, reason: "closed", at: time(now)), of: receiver)
            }
            return
        }
        guard !wire.isFull[receiver] else { return }
        // TCP keeps no boundaries.
        let count = Int.random(in: 1...chunk.count, using: &random)
        let part = Array(chunk.prefix(count))
        chunk.removeFirst(count)
        if chunk.isEmpty {
            wires[key]?.inFlight[receiver].removeFirst()
            if wire.isOpenAt[sender] { machines[sender].delivered(wire.side(of: sender), at: time(now)) }
        } else {
            wires[key]?.inFlight[receiver][0] = chunk
        }
        guard wire.isOpenAt[receiver] else { return }
        carryOut(machines[receiver].received(part, on: wire.side(of: receiver), at: time(now)), of: receiver)
    }

    mutating func advanceTimers() {
        for machine in 0..<2 {
            guard let deadline = machines[machine].nextDeadline, deadline <= time(now) else { continue }
            carryOut(machines[machine].advance(to: time(now)), of: machine)
            if let next = machines[machine].nextDeadline, next <= time(now) {
                // Two timers may be due at once; each look at them brings one.
                carryOut(machines[machine].advance(to: time(now)), of: machine)
                if let left = machines[machine].nextDeadline, left <= time(now) { faults.append("a timer in the past") }
            }
        }
    }

    mutating func connectOrFail(always: Bool = false) {
        for machine in 0..<2 where attempts[machine] {
            attempts[machine] = false
            if !always, Int.random(in: 0..<5, using: &random) == 0 {
                carryOut(machines[machine].disconnected(.outgoing, reason: "refused", at: time(now)), of: machine)
                continue
            }
            // A second connection of the same side is the shell's to refuse.
            guard wire(of: 1 - machine, .incoming) == nil else {
                carryOut(machines[machine].disconnected(.outgoing, reason: "refused", at: time(now)), of: machine)
                continue
            }
            var wire = Wire(opener: machine)
            wire.isOpenAt = [true, true]
            wires[nextWire] = wire
            nextWire += 1
            let first = Bool.random(using: &random) ? machine : 1 - machine
            for one in [first, 1 - first] {
                let side: NeighborSession.Side = one == machine ? .outgoing : .incoming
                carryOut(machines[one].connected(side, localAddress: IPAddress(192, 0, 2, 9), at: time(now)), of: one)
            }
        }
    }

    mutating func changeRoutes() {
        let machine = Int.random(in: 0..<2, using: &random)
        let host = IPAddress(198, 51, 100, UInt8.random(in: 0...40, using: &random))
        let prefix = IPPrefix(host: host)
        guard let rule = try? FlowSpecRule(family: .ipv4, components: [.destination(PrefixPattern(prefix))]) else {
            return
        }
        let route: AnnouncedRoute = Bool.random(using: &random) ? .flowSpec(rule) : .unicast(prefix)
        if Bool.random(using: &random) {
            var announcement = Announcement(route: route, nextHop: IPAddress(192, 0, 2, 1))
            announcement.communities = [Community(rawValue: UInt32.random(in: 1...4, using: &random))]
            if case .flowSpec = route { announcement.nextHop = nil }
            wanted[machine][route] = announcement
            carryOut(machines[machine].update(announce: [announcement], withdraw: [], at: time(now)), of: machine)
        } else {
            wanted[machine][route] = nil
            carryOut(machines[machine].update(announce: [], withdraw: [route], at: time(now)), of: machine)
        }
    }

    mutating func fillOrEmpty() {
        guard let (key, wire) = wires.randomElement(using: &random) else { return }
        let receiver = Int.random(in: 0..<2, using: &random)
        wires[key]?.isFull[receiver].toggle()
        let sender = 1 - receiver
        guard wire.isOpenAt[sender] else { return }
        let effects = machines[sender].writabilityChanged(wire.side(of: sender), wire.isFull[receiver], at: time(now))
        carryOut(effects, of: sender)
    }

    mutating func cut() {
        guard let (key, wire) = wires.randomElement(using: &random) else { return }
        wires[key] = nil
        for machine in 0..<2 where wire.isOpenAt[machine] {
            let side = wire.side(of: machine)
            carryOut(machines[machine].disconnected(side, reason: "reset", at: time(now)), of: machine)
        }
    }

    mutating func refresh() {
        let receiver = Int.random(in: 0..<2, using: &random)
        guard machines[receiver].state == .established, let side = machines[1 - receiver].establishedSide,
            let key = wire(of: 1 - receiver, side), wires[key]?.closedBy.isEmpty == true
        else { return }
        let request = BGPMessage.routeRefresh(RouteRefresh(.request, .ipv4FlowSpec)).encoded(as: MessageContext())
        wires[key]?.inFlight[receiver].append(request)
        machines[1 - receiver].connections[side]?.undelivered += 1
    }

    mutating func forgetDeadWires() {
        for (key, wire) in wires where wire.isOpenAt == [false, false] { wires[key] = nil }
    }

    // MARK: What must hold

    mutating func check() {
        for machine in 0..<2 {
            let standing = machines[machine].connections.values.filter { $0.state == .established }.count
            if standing > 1 { faults.append("two established connections") }
            for side in NeighborSession.Side.allCases {
                let isOpen = wire(of: machine, side) != nil
                if isOpen != (machines[machine].connections[side] != nil) {
                    faults.append("\(machine) \(side): a connection of one only")
                }
            }
        }
    }

    /// Lets everything come to rest with nothing in its way.
    mutating func settle() {
        for key in wires.keys {
            for receiver in 0..<2 where wires[key]?.isFull[receiver] == true {
                wires[key]?.isFull[receiver] = false
                guard let wire = wires[key], wire.isOpenAt[1 - receiver] else { continue }
                let side = wire.side(of: 1 - receiver)
                carryOut(machines[1 - receiver].writabilityChanged(side, true, at: time(now)), of: 1 - receiver)
            }
        }
        for machine in 0..<2 { carryOut(machines[machine].start(at: time(now)), of: machine) }
        let end = now + 1000
        while now < end {
            for _ in 0..<40 { deliver() }
            for machine in 0..<2 { carryOut(machines[machine].transmitAll(at: time(now)), of: machine) }
            connectOrFail(always: true)
            advanceTimers()
            forgetDeadWires()
            let isQuiet = wires.values.allSatisfy { $0.inFlight.allSatisfy(\.isEmpty) && $0.closedBy.isEmpty }
            if isQuiet, machines.allSatisfy({ $0.state == .established && !$0.hasMoreToSend }) { return }
            now += 0.2
        }
        faults.append("no session: \(machines.map(\.state)), \(machines.map(\.lastError)), \(wires)")
    }

    /// What each has received is what the other is to have it have.
    mutating func compare() {
        for machine in 0..<2 {
            let has = machines[1 - machine].adjRIBIn.routes.mapValues(\.communities)
            let should = wanted[machine].mapValues(\.communities)
            if has != should { faults.append("out of step: \(has.count) received, \(should.count) announced") }
        }
    }
}

/// A million steps; five million with FLOODGATE_LONG_SIMULATION set.
@Test func twoMachinesNeverDisagreeForLong() {
    let isLong = ProcessInfo.processInfo.environment["FLOODGATE_LONG_SIMULATION"] != nil
    let valid: Set<BGPError.Code> = [
        .messageHeader, .openMessage, .holdTimerExpired, .finiteStateMachine, .cease, .sendHoldTimerExpired,
    ]
    var establishments = 0
    for seed in 0..<(isLong ? 2500 : 500) {
        var simulation = SessionSimulation(seed: UInt64(seed))
        for machine in 0..<2 { simulation.carryOut(simulation.machines[machine].start(at: time(0)), of: machine) }
        for _ in 0..<4 {
            for _ in 0..<500 {
                simulation.step()
                simulation.check()
            }
            simulation.settle()
            simulation.compare()
        }
        establishments += simulation.establishments
        #expect(simulation.faults.isEmpty, "seed \(seed): \(simulation.faults.prefix(3))")
        for error in simulation.notifications {
            let isKnown =
                valid.contains(error.code)
                && (error.subcode == 0 || BGPError.subcodes[error.code]?[error.subcode] != nil)
            #expect(isKnown, "seed \(seed): \(error)")
            // Two of the same kind never find fault with each other's messages.
            #expect(
                ![.messageHeader, .openMessage, .finiteStateMachine].contains(error.code),
                "seed \(seed): \(error)"
            )
        }
        if !simulation.faults.isEmpty { break }
    }
    #expect(establishments > 500, "\(establishments)")
}
