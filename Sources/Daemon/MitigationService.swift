import BGP
import Compatibility
import Detection
import FlowSpec
import Foundation
import Logging
import Mitigation
import NetworkTypes
import Speaker
import Store

/// Carries out what the ledger decides: to disk first, then to the neighbors.
actor MitigationService {
    /// Orders that are read on this thread are carried out without a hop between threads.
    private let thread: LedgerThread
    var ledger: Ledger
    private let store: Store
    let speaker: Speaker
    /// ExaBGP, which gets what the neighbors get.
    let writers: [ExaBGPWriter]
    private let exabgpLog: ExaBGPLog?
    /// Who is told of bans as FastNetMon tells of them.
    let followers: [any BanFollower]
    var bans = BanList()
    let logger: Logger
    private let observer: DaemonObserver
    private(set) var refusals: [Refusal] = []
    /// The attacks under way as last told.
    private(set) var attacks: [Attack.ID: Attack] = [:]
    /// Set when the store refused to write: nothing more is announced until it works again.
    private(set) var storeFailure: String?
    private var outbox = Outbox()
    var holdersAsked = HoldersAsked()
    private var lastWrite = Timestamp(nanoseconds: 0)
    private var lastAttackWrite: [Attack.ID: Timestamp] = [:]

    /// How often the progress of an attack is written; its beginning, change and end are written at once.
    private static let attackWriteInterval = Duration.seconds(10)
    private static let rememberedRefusals = 20
    private static let recalledEntries = 1000

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.serialExecutor }

    init(
        on thread: LedgerThread,
        ledger: Ledger,
        store: Store,
        speaker: Speaker,
        writers: [ExaBGPWriter] = [],
        followers: [any BanFollower] = [],
        exabgpLog: ExaBGPLog? = nil,
        attacks: [Attack],
        logger: Logger,
        observer: @escaping DaemonObserver
    ) {
        self.thread = thread
        self.ledger = ledger
        self.store = store
        self.speaker = speaker
        self.writers = writers
        self.followers = followers
        self.exabgpLog = exabgpLog
        self.logger = logger
        self.observer = observer
        self.attacks = Dictionary(attacks.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    var entries: [LedgerEntry] { ledger.inForce }
    /// Whether all that is announced goes to neighbors, and none of it to an ExaBGP.
    var hasSpeakerOnly: Bool { writers.isEmpty }

    /// How routes stand with the neighbors.
    func states(of routes: [AnnouncedRoute]) async -> Holders { await speaker.holders(of: routes) }

    /// What telemetry says of rules against attacks under way.
    var effects: [LedgerEntry.ID: RuleEffect] { ledger.effects }

    /// What is still valid of a former daemon's rules is announced again. To be called before the speaker starts.
    func restore(_ remains: Store.Remains, at time: Timestamp) async {
        outbox = Outbox(onDisk: remains.entries)
        // Until something is heard nobody knows that an attack is over.
        ledger.hear(at: Timestamp(nanoseconds: 0))
        if ledger.policy.banBackoff != nil || ledger.policy.probe != nil,
            let past = try? store.entries(limit: Self.recalledEntries)
        {
            ledger.recall(past)
        }
        let effects = ledger.restore(
            remains.entries,
            attacks: remains.attacks,
            overruled: remains.overruled,
            climbs: remains.climbs,
            highestID: remains.highestEntry,
            at: time
        )
        resumeBans(remains, at: time)
        await carryOut(effects, changes: [], at: time)
    }

    /// One tick of the engine: its events, then what the time has brought.
    func handle(_ tick: EngineTick) async {
        var effects: [LedgerEffect] = []
        var changes: [Store.Change] = []
        if tick.isHeard { ledger.hear(at: tick.time) }
        for event in tick.events {
            let attack = event.attack
            log(event)
            changes += self.changes(for: event, at: tick.time)
            if case .ended = event {
                attacks[attack.id] = nil
                lastAttackWrite[attack.id] = nil
            } else {
                attacks[attack.id] = attack
            }
            observer(.attack(event, at: tick.time))
            effects += ledger.handle(event, at: tick.time)
        }
        effects += ledger.advance(to: tick.time)
        await carryOut(effects, changes: changes, at: tick.time)
        tellBans(of: tick)
        await tellHolders(at: tick.time)
    }

    /// A rule by hand. What happened, in words.
    func ban(
        _ target: IPPrefix,
        duration: Duration?,
        template: String,
        reason: String,
        at time: Timestamp
    ) async throws(OrderRefused) -> String {
        let effects = ledger.ban(target, for: duration, template: template, reason: reason, at: time)
        let entry = effects.compactMap { effect -> LedgerEntry? in
            if case .persist(let entry) = effect, entry.state != .withdrawn { entry } else { nil }
        }.last
        var changes: [Store.Change] = []
        if let entry, entry.created < time {
            // The rule stands; that somebody needs it longer, and why, is told beside it.
            let text = "an operator wants \(entry.announcement.route) until \(entry.expires), because \(reason)"
            changes.append(event(entry, text, at: time))
        }
        await carryOut(effects, changes: changes, at: time)
        for case .refuse(let refusal) in effects { throw OrderRefused(reason: refusal.description) }
        if let storeFailure {
            await takeBackUnwritten(of: effects, by: .operator, at: time)
            throw OrderRefused(reason: "nothing new can be announced: \(storeFailure)")
        }
        guard let entry else { throw OrderRefused(reason: "no rule was made") }
        tell(bans.ban(target, until: entry.expires, at: time))
        let note = await notesOnHolders(of: [entry]).joined()
        return "\(entry.id) \(entry.state.rawValue): \(entry.announcement), until \(entry.expires)\(note)"
    }

    /// Withdraws all rules of a target. What happened, in words.
    func unban(_ target: IPPrefix, at time: Timestamp) async throws(OrderRefused) -> String {
        let effects = ledger.unban(target, at: time)
        await carryOut(effects, changes: [], at: time)
        var gone: [String] = []
        var overruled: [String] = []
        for effect in effects {
            // Of the network around it an attack may let go that others still need.
            if case .persist(let entry) = effect, entry.state == .withdrawn { gone.append("\(entry.id)") }
            if case .overrule(let attack) = effect { overruled.append("\(attack)") }
        }
        let said =
            (gone.isEmpty ? [] : ["withdrawn: \(gone.joined(separator: ", "))"])
            + (overruled.isEmpty ? [] : ["no more rules against attack \(overruled.joined(separator: ", "))"])
        let calls = bans.unban(target, at: time)
        tell(calls)
        guard !said.isEmpty || !calls.isEmpty else {
            let wider = ledger.inForce.filter { $0.target.contains(target) || target.contains($0.target) }
            let named = wider.prefix(8).map { "\($0.id) for \($0.target)" }.joined(separator: ", ")
            let more = wider.isEmpty ? "" : "; there are \(named)\(wider.count > 8 ? " and others" : "")"
            throw OrderRefused(reason: "there is no rule for \(target)\(more)")
        }
        let words = said.isEmpty ? "unbanned: \(target)" : said.joined(separator: "; ")
        guard let storeFailure, !said.isEmpty else { return words }
        return "\(words); this could not be written, so that a restart would bring it back: \(storeFailure)"
    }

    /// Takes what of a new configuration can change while the daemon runs.
    ///
    /// - Returns: how many rules went because it no longer allows them.
    func adopt(_ policy: MitigationPolicy, at time: Timestamp) async -> Int {
        let before = ledger.entries.count
        let effects = ledger.adopt(policy, at: time)
        let gone = before - ledger.entries.count
        await carryOut(effects, changes: [], at: time)
        return gone
    }

    /// What a neighbor says against a rule is told beside it.
    func note(_ event: NeighborEvent, at time: Timestamp) {
        guard case .quarantined(let address, let quarantined) = event else { return }
        let text = "kept from \(address), which answered it with \(quarantined.error)"
        record(text, about: quarantined.route, at: time)
    }

    /// Writes down what happened beside attacks and rules.
    func note(_ text: String, at time: Timestamp) async {
        await carryOut([], changes: [.event(.init(time: time, text: text))], at: time)
    }

    private func record(_ text: String, about route: AnnouncedRoute, at time: Timestamp) {
        let entry = ledger.inForce.first { $0.announcement.route == route }
        let change = entry.map { event($0, text, at: time) } ?? .event(.init(time: time, text: text))
        do { try store.write([change]) } catch { logger.error("\(text): not written: \(error)") }
    }

    func pastAttack(_ id: Attack.ID) -> Attack? { try? store.attack(id) }

    // MARK: Effects

    func carryOut(_ effects: [LedgerEffect], changes: [Store.Change], at time: Timestamp) async {
        var changes = changes
        for effect in effects {
            switch effect {
            case .persist, .climbed: break
            case .announce(let entry):
                changes.append(
                    event(entry, "announced \(entry.words), because \(entry.reason)\(expected(of: entry))", at: time)
                )
            case .observe(let entry):
                changes.append(
                    event(
                        entry,
                        "would have announced \(entry.words), because \(entry.reason)\(expected(of: entry))",
                        at: time
                    )
                )
            case .withdraw(let entry):
                changes.append(
                    event(
                        entry,
                        "withdrew \(entry.announcement.route), because \(entry.withdrawnBecause ?? "")",
                        at: time
                    )
                )
            case .overrule(let attack):
                let text = "an operator wants no more rules against it"
                changes.append(.event(.init(time: time, attack: attack, text: text)))
            case .note(let entry, let text): changes.append(event(entry, text, at: time))
            case .refuse(let refusal):
                changes.append(
                    .event(.init(time: time, attack: attack(of: refusal.requester), text: "refused: \(refusal)"))
                )
            }
        }
        guard !effects.isEmpty || !changes.isEmpty || isTimeToTryAgain(at: time) else { return }
        lastWrite = time
        outbox.add(effects, changes: changes)
        let due: [LedgerEffect]
        do {
            try store.write(outbox.changes)
            if outbox.isHeldUp { reportRecovery() }
            storeFailure = nil
            due = outbox.written()
        } catch {
            if storeFailure == nil { logger.critical("nothing new is announced: \(error)") }
            storeFailure = error.description
            due = outbox.failed()
        }
        await apply(due, at: time)
    }

    /// A disk that was full is tried again now and then, though nothing has happened.
    private func isTimeToTryAgain(at time: Timestamp) -> Bool {
        outbox.isHeldUp && time - lastWrite >= .seconds(1)
    }

    private func reportRecovery() {
        let lost = outbox.lostEvents
        logger.notice("the store works again", metadata: lost > 0 ? ["events lost": "\(lost)"] : [:])
    }

    /// Takes rules back that were asked for just now and could not be written: what is refused must not come true later.
    func takeBackUnwritten(of effects: [LedgerEffect], by requester: LedgerEntry.Requester, at time: Timestamp) async {
        var back: [LedgerEffect] = []
        for case .persist(let entry) in effects where entry.created == time && !outbox.holds(entry.id) {
            guard ledger.entries[entry.id]?.requesters == [requester] else { continue }
            back += ledger.withdraw(entry.id, by: requester, because: "it could not be written", at: time).effects
        }
        await carryOut(back, changes: [], at: time)
    }

    private func apply(_ effects: [LedgerEffect], at time: Timestamp) async {
        var announce: [Announcement] = []
        var withdraw: [AnnouncedRoute] = []
        var done: [LedgerEffect] = []
        for effect in effects {
            switch effect {
            case .persist, .overrule, .climbed: continue
            case .note: break
            case .announce(let entry):
                // A rule that had to wait for the store may be gone meanwhile, or only be observed.
                guard ledger.entries[entry.id]?.state == .announced else { continue }
                announce.append(entry.announcement)
                observer(.announced(entry, at: time))
            case .observe(let entry): observer(.observed(entry, at: time))
            case .withdraw(let entry):
                withdraw.append(entry.announcement.route)
                announce.removeAll { $0.route == entry.announcement.route }
                observer(.withdrawn(entry, at: time))
            case .refuse(let refusal):
                refusals = Array(([refusal] + refusals).prefix(Self.rememberedRefusals))
                observer(.refused(refusal, at: time))
            }
            done.append(effect)
        }
        // Withdrawals first: a rule that makes room for another must be gone before it.
        for writer in writers { writer.update(announce: announce, withdraw: withdraw) }
        if !announce.isEmpty || !withdraw.isEmpty { await speaker.update(announce: announce, withdraw: withdraw) }
        // Nothing waits for the log.
        exabgpLog?.update(announce: announce, withdraw: withdraw, at: time)
        for effect in done { log(effect) }
    }

    private func log(_ effect: LedgerEffect) {
        switch effect {
        case .persist, .overrule, .climbed: break
        case .announce(let entry): logger.notice("announced", metadata: entry.metadata)
        case .note(let entry, let text): logger.notice("\(text)", metadata: entry.metadata)
        case .observe(let entry): logger.notice("would announce", metadata: entry.metadata)
        case .withdraw(let entry):
            var told = entry.metadata
            told["because"] = "\(entry.withdrawnBecause ?? "")"
            logger.notice("withdrew", metadata: told)
        case .refuse(let refusal): logger.warning("refused", metadata: ["reason": "\(refusal)"])
        }
    }

    // MARK: Records

    private func changes(for event: AttackEvent, at time: Timestamp) -> [Store.Change] {
        let attack = event.attack
        switch event {
        case .began:
            lastAttackWrite[attack.id] = time
            let text = "attack began on \(attack.target): \(attack.summary); \(attack.crossing.evidence)"
            return [.attack(attack), .event(.init(time: time, attack: attack.id, text: text))]
        case .updated:
            let kindChanged = attacks[attack.id].map { $0.kind != attack.kind } ?? false
            let isDue = lastAttackWrite[attack.id].map { time - $0 >= Self.attackWriteInterval } ?? true
            guard kindChanged || isDue else { return [] }
            lastAttackWrite[attack.id] = time
            let text = "attack is now \(attack.kind.rawValue)"
            return [.attack(attack)] + (kindChanged ? [.event(.init(time: time, attack: attack.id, text: text))] : [])
        case .ended:
            let peak = RateText.describe(attack.peak[.total, .packets], .packets)
            let text = "attack ended; peak \(peak), \(RateText.describe(attack.peak[.total, .bits], .bits))"
            return [.attack(attack), .event(.init(time: time, attack: attack.id, text: text))]
        }
    }

    private func event(_ entry: LedgerEntry, _ text: String, at time: Timestamp) -> Store.Change {
        .event(.init(time: time, attack: entry.requesters.first.flatMap(attack(of:)), entry: entry.id, text: text))
    }

    private func attack(of requester: LedgerEntry.Requester) -> Attack.ID? {
        if case .attack(let id) = requester { return id }
        return nil
    }

    private func log(_ event: AttackEvent) {
        let attack = event.attack
        let metadata: Logger.Metadata = [
            "attack": "\(attack.id)", "target": "\(attack.target)", "direction": "\(attack.direction.rawValue)",
            "kind": "\(attack.kind.rawValue)",
        ]
        switch event {
        case .began: logger.notice("attack began: \(attack.summary)", metadata: metadata)
        case .updated: logger.debug("attack goes on", metadata: metadata)
        case .ended: logger.notice("attack ended", metadata: metadata)
        }
    }

    private func expected(of entry: LedgerEntry) -> String { entry.expectation.map { "; \($0)" } ?? "" }
}

/// An operator's order that was not carried out, and why.
struct OrderRefused: Error {
    var reason: String
}
