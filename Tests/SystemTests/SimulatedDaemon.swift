import Detection
import FlowSpec
import Mitigation
import NetworkTypes
import Store
import Telemetry
import Traffic

@testable import Daemon

/// The rooms of the daemon from the datagram to the Adj-RIB-Out, without its threads, sockets and files. What is in here is
/// gone when the process dies.
struct SimulatedDaemon: ~Copyable {
    private var decoder = TelemetryDecoder(configuration: TelemetryConfiguration())
    private var batch = RecordBatch()
    private var table = DeltaTable(seed: 1)
    private var merger: TrafficMerger
    private var detector: Detector
    private(set) var ledger: Ledger
    private var outbox: Outbox
    private(set) var adjRIBOut: [AnnouncedRoute: Announcement] = [:]
    private let view: NetworkView

    /// Dies at one of the next writes: before it, or after it with the first few of the effects carried out.
    struct Death {
        var writesUntil: Int
        /// Negative: before the write.
        var effectsCarriedOut: Int
    }
    var death: Death?
    private(set) var isDead = false

    init(_ setting: SystemSimulation.Setting, disk: inout SimulatedDisk, at time: Timestamp) {
        view = NetworkView(setting.traffic)
        merger = TrafficMerger(
            configuration: setting.traffic,
            measures: setting.detection.measures,
            seed: 1,
            at: time
        )
        detector = Detector(
            configuration: setting.detection,
            nextID: Attack.ID(rawValue: disk.highestAttack.rawValue + 1)
        )
        ledger = Ledger(policy: setting.policy)
        ledger.hear(at: time)
        outbox = Outbox(onDisk: disk.inForce)
        let attacks = disk.openAttacks
        let effects = ledger.restore(
            disk.inForce,
            attacks: attacks,
            overruled: disk.overruled,
            climbs: disk.climbs,
            highestID: disk.highestEntry,
            at: time
        )
        carryOut(effects, [], &disk)
        var more: [LedgerEffect] = []
        var changes: [Store.Change] = []
        for event in detector.resume(attacks, at: time) {
            changes.append(.attack(event.attack))
            more += ledger.handle(event, at: time)
        }
        carryOut(more, changes, &disk)
    }

    mutating func receive(_ datagram: [UInt8], from exporter: IPAddress, at time: Timestamp) {
        guard !isDead else { return }
        ledger.hear(at: time)
        // Octets of an array, which lasts longer than the call.
        unsafe decoder.decode(datagram.span.bytes, from: exporter, port: 6343, receivedAt: time, into: &batch)
        Self.count(batch, into: &table, tickEnd: merger.tickEnd, view: view)
        batch.removeAll()
    }

    private static func count(
        _ batch: borrowing RecordBatch,
        into table: inout DeltaTable,
        tickEnd: Timestamp,
        view: NetworkView
    ) {
        table.add(batch.records, from: batch.exporters, tickEnd: tickEnd, view: view)
    }

    /// Ends the tick that is under way.
    mutating func tick(_ disk: inout SimulatedDisk) {
        guard !isDead else { return }
        merger.merge(table)
        table.removeAll()
        let time = merger.tickEnd
        var effects: [LedgerEffect] = []
        var changes: [Store.Change] = []
        for event in detector.judge(&merger) {
            changes.append(.attack(event.attack))
            effects += ledger.handle(event, at: time)
        }
        effects += ledger.advance(to: time)
        carryOut(effects, changes, &disk)
        merger.advance(to: merger.tick + 1)
    }

    func isUnderWay(_ attack: Attack.ID) -> Bool { detector.activeAttacks.contains { $0.id == attack } }

    var attacksUnderWay: Int { detector.activeAttacks.count }

    var now: Timestamp { merger.tickEnd }

    /// - Returns: whether it was acknowledged.
    mutating func ban(_ target: IPPrefix, for duration: Duration, _ disk: inout SimulatedDisk) -> Bool {
        guard !isDead else { return false }
        let effects = ledger.ban(target, for: duration, reason: "by hand", at: now)
        carryOut(effects, [], &disk)
        let isRefused = effects.contains { if case .refuse = $0 { true } else { false } }
        if outbox.isHeldUp {
            for case .persist(let entry) in effects where !outbox.holds(entry.id) {
                guard ledger.entries[entry.id]?.requesters == [.operator], entry.created == now else { continue }
                carryOut(ledger.withdraw(entry.id, by: .operator, at: now).effects, [], &disk)
            }
            return false
        }
        return !isRefused && !isDead
    }

    mutating func unban(_ target: IPPrefix, _ disk: inout SimulatedDisk) {
        guard !isDead else { return }
        carryOut(ledger.unban(target, at: now), [], &disk)
    }

    private mutating func carryOut(_ effects: [LedgerEffect], _ changes: [Store.Change], _ disk: inout SimulatedDisk) {
        guard !isDead, !effects.isEmpty || !changes.isEmpty || outbox.isHeldUp else { return }
        outbox.add(effects, changes: changes)
        var survivors = Int.max
        if var coming = death {
            coming.writesUntil -= 1
            death = coming
            if coming.writesUntil < 0 {
                isDead = true
                if coming.effectsCarriedOut < 0 { return }
                survivors = coming.effectsCarriedOut
            }
        }
        var due: [LedgerEffect]
        do {
            try disk.write(outbox.changes)
            due = outbox.written()
        } catch {
            due = outbox.failed()
        }
        for effect in due.prefix(survivors) {
            switch effect {
            case .announce(let entry) where ledger.entries[entry.id] != nil:
                adjRIBOut[entry.announcement.route] = entry.announcement
            case .withdraw(let entry): adjRIBOut[entry.announcement.route] = nil
            default: break
            }
        }
    }
}
