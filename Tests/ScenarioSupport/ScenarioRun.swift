import Detection
import FlowSpec
import Mitigation
import NetworkTypes
import Rehearsal
public import Simulation
import Traffic

/// Plays a scenario to the core, and holds what comes out against the truth.
public struct ScenarioRun: ~Copyable {
    private let scenario: Scenario
    private let policy: MitigationPolicy
    private var rehearsal: Rehearsal
    private var judge: IdealJudge?
    private var result: ScenarioResult
    private var log = EventLog()

    /// Packets to the victims that were looked at so far, of normal traffic and of the attack.
    private var seen = (normal: 0, attack: 0)
    /// The first of the normal ones.
    private var seenNormal: [MatchedPacket] = []

    /// What was told, to be judged at the end.
    private struct EventLog {
        var begun: [(attack: Detection.Attack, seconds: Double)] = []
        /// Rules in force.
        var entries: [LedgerEntry.ID: LedgerEntry] = [:]
        /// When the first of the rules for the victims was announced.
        var firstRule: Double?
        /// As told last.
        var latest: [Detection.Attack.ID: Detection.Attack] = [:]
    }

    /// Packets of each sort that rules are held against.
    private static let packetsPerMeasurement = 2000
    private static let settling = 10.0
    /// Where more were seen, they show what a rule is.
    private static let seenAtMost = 2000

    public static func result(of scenario: Scenario) -> ScenarioResult {
        var run = ScenarioRun(scenario)
        run.play()
        return run.result
    }

    private init(_ scenario: Scenario) {
        self.scenario = scenario
        result = ScenarioResult(scenario: scenario)
        policy = MitigationPolicy(mode: .enforce, networks: scenario.networks)
        rehearsal = Rehearsal(
            traffic: TrafficConfiguration(
                networks: scenario.networks,
                groups: scenario.groups.map { .init(name: $0.name, prefixes: [$0.prefix]) }
            ),
            detection: DetectionConfiguration(
                thresholds: scenario.thresholds,
                groups: scenario.groups.map {
                    .init(
                        name: $0.name,
                        prefixes: [$0.prefix],
                        measure: $0.measuresWhole ? .group : .host,
                        thresholds: $0.thresholds
                    )
                }
            ),
            policy: policy
        )
        guard let attack = scenario.attacks.first else { return }
        let victims = Set(attack.victims)
        judge = IdealJudge(
            thresholds: attack.group == nil ? scenario.thresholds : scenario.groups[0].thresholds,
            telemetry: scenario.telemetry,
            duration: scenario.duration,
            begins: attack.begins,
            of: { victims.contains($0) }
        )
    }

    private mutating func play() {
        var stream = scenario.stream()
        var exporter = ScenarioExporter(scenario.telemetry, startingAt: Scenario.start)
        var datagrams: [ScenarioExporter.Datagram] = []
        let victims = Set(scenario.attacks.first?.victims ?? [])
        advance(to: Scenario.start)
        while let next = stream.next() {
            exporter.receive(next.packet, at: Scenario.time(next.time)) { datagrams.append($0) }
            if victims.contains(next.packet.destination) {
                if scenario.sources[next.source].purpose.isAttack {
                    seen.attack += 1
                } else {
                    seen.normal += 1
                    if seenNormal.count < Self.seenAtMost { seenNormal.append(MatchedPacket(next.packet)) }
                }
            }
            for datagram in datagrams { receive(datagram) }
            datagrams.removeAll(keepingCapacity: true)
        }
        exporter.advance(to: Scenario.time(scenario.duration)) { datagrams.append($0) }
        for datagram in datagrams { receive(datagram) }
        advance(to: Scenario.time(scenario.duration))
        conclude()
    }

    private mutating func receive(_ datagram: ScenarioExporter.Datagram) {
        result.datagrams += 1
        advance(to: datagram.time)
        let octets = datagram.octets.span
        unsafe judge?.receive(octets.bytes, at: datagram.time)
        var events: [(Rehearsal.Event, Timestamp)] = []
        unsafe rehearsal.receive(
            datagram: octets.bytes,
            from: ScenarioExporter.address,
            port: 6343,
            at: datagram.time
        ) { events.append(($0, $1)) }
        for (event, time) in events { note(event, at: time) }
    }

    private mutating func advance(to time: Timestamp) {
        judge?.advance(to: time)
        var events: [(Rehearsal.Event, Timestamp)] = []
        rehearsal.advance(to: time) { events.append(($0, $1)) }
        for (event, time) in events { note(event, at: time) }
        measureRules(at: (time - Scenario.start).inSeconds)
    }

    private mutating func note(_ event: Rehearsal.Event, at time: Timestamp) {
        let seconds = (time - Scenario.start).inSeconds
        func tell(_ text: String) {
            let tenths = (seconds * 10).rounded() / 10
            result.story.append("\(tenths) s: \(text)")
        }
        switch event {
        case .attack(.began(let attack)):
            tell("attack \(attack.id) on \(attack.target), \(attack.direction.rawValue): \(attack.kind.rawValue)")
            log.begun.append((attack, seconds))
            log.latest[attack.id] = attack
        case .attack(.updated(let attack)): log.latest[attack.id] = attack
        case .ledger(.announce(let entry)):
            log.entries[entry.id] = entry
            let expectation = entry.expectation.map { "; \($0)" } ?? ""
            tell("announce \(entry.id) \(entry.announcement), \(entry.template): \(entry.reason)\(expectation)")
            if isForVictims(entry), log.firstRule == nil { log.firstRule = seconds }
        case .ledger(.withdraw(let entry)):
            log.entries[entry.id] = nil
            tell("withdraw \(entry.id): \(entry.withdrawnBecause ?? "")")
        case .ledger(.refuse(let refusal)): tell("\(refusal)")
        case .attack(.ended(let attack)): tell("attack \(attack.id) is over")
        default: break
        }
    }

    // MARK: Truth

    private func isForVictims(_ entry: LedgerEntry) -> Bool {
        scenario.attacks.first?.victims.contains { entry.target.contains($0) } ?? false
    }

    private func isVictim(_ attack: Detection.Attack) -> Bool {
        guard let truth = scenario.attacks.first else { return false }
        guard truth.group != nil else { return attack.target == .host(truth.victims[0]) }
        if case .host = attack.target { return false }
        return attack.target.prefixes.contains { prefix in truth.victims.contains { prefix.contains($0) } }
    }

    private mutating func conclude() {
        let truth = scenario.attacks.first
        for (attack, seconds) in log.begun {
            let isTrue = isVictim(attack) && seconds >= truth?.begins ?? .infinity
            if isTrue { continue }
            result.falseAlarms.append(falseAlarm(attack, at: seconds))
        }
        guard let truth else { return }
        // The rules of an attack that was found at the very end have no ten seconds.
        if result.outcomes.isEmpty { result.outcomes.append(.init(truth: truth)) }
        let found = log.begun.first { isVictim($0.attack) && $0.seconds >= truth.begins }
        result.outcomes[0].found = found.map { $0.seconds - truth.begins }
        let earliest = judge?.earliest.map { Double($0) / Double(IdealJudge.ticksPerSecond) }
        result.outcomes[0].provable = earliest.map { $0 - truth.begins }
    }

    private func falseAlarm(_ attack: Detection.Attack, at seconds: Double) -> ScenarioResult.FalseAlarm {
        let prefixes = attack.target.prefixes
        let thresholds =
            if case .host = attack.target { scenario.thresholds } else {
                scenario.groups.first?.thresholds ?? Thresholds()
            }
        let crossing = attack.crossing
        let excess = stride(from: max(0, seconds - 70), through: seconds, by: 1).reduce(0) { worst, time in
            max(
                worst,
                scenario.excess(over: thresholds, of: { host in prefixes.contains { $0.contains(host) } }, at: time)
            )
        }
        return ScenarioResult.FalseAlarm(
            target: "\(attack.target) \(attack.direction.rawValue)",
            time: seconds,
            kind: attack.kind,
            ground: "\(crossing.trafficClass.name) \(RateText.describe(crossing.rate, crossing.unit)) over "
                + "\(RateText.describe(crossing.threshold, crossing.unit)), \(crossing.samples) samples, "
                + "\(crossing.window.inSeconds) s",
            excess: excess
        )
    }

    // MARK: Rules

    /// Once, when the rules have had time to settle: holds them against packets that come after them.
    private mutating func measureRules(at seconds: Double) {
        guard let truth = scenario.attacks.first, let first = log.firstRule, result.outcomes.isEmpty,
            seconds >= min(first + Self.settling + scenario.telemetry.longestDelay, max(truth.ends, first))
        else { return }
        var outcome = ScenarioResult.AttackOutcome(truth: truth)
        let victims = Set(truth.victims)
        let count = Self.packetsPerMeasurement
        func packets(areAttack: Bool) -> [MatchedPacket] {
            scenario.packets(
                count,
                to: victims,
                at: min(seconds, truth.ends),
                from: { $0.purpose.isAttack == areAttack },
                seed: scenario.seed ^ (areAttack ? 0xA77 : 0x0C)
            ).map { MatchedPacket($0) }
        }
        let (attack, normal) = (packets(areAttack: true), packets(areAttack: false))
        let entries = log.entries.values.filter { isForVictims($0) }
        let rules = entries.compactMap { entry -> FlowSpecRule? in
            if case .flowSpec(let rule) = entry.announcement.route { rule } else { nil }
        }
        outcome.announced = RuleReach(rules, attack: attack, normal: normal)
        let begun = log.begun.first { isVictim($0.attack) && $0.seconds >= truth.begins }?.attack
        if let begun {
            let latest = log.latest[begun.id] ?? begun
            let kind = latest.kind
            outcome.evidence = [begun, latest]
            outcome.foundKind = kind
            let template =
                RuleTemplate.builtIn[kind.rawValue] ?? kind.family.flatMap { RuleTemplate.builtIn[$0.rawValue] }
                ?? RuleTemplate.builtIn["default"]
            let fixed = begun.target.prefixes.compactMap { prefix -> FlowSpecRule? in
                guard let made = try? template?.announcement(for: prefix, direction: .incoming) else { return nil }
                if case .flowSpec(let rule) = made.route { return rule } else { return nil }
            }
            outcome.template = RuleReach(fixed, attack: attack, normal: normal)
        }
        let targets = truth.group == nil ? [IPPrefix(host: truth.victims[0])] : scenario.groups.map(\.prefix)
        let choices = zip(truth.floods, truth.sources).map { flood, source in
            flood.choices(for: targets, sources: scenario.sources[source].population.singleHosts)
        }
        outcome.oracle = RuleReach.best(
            ofEach: choices,
            atMost: policy.maximumRulesPerAttack * targets.count,
            attack: attack,
            normal: normal
        )
        outcome.seen = seen
        outcome.seenMatched = (
            count: seenNormal.count,
            matched: seenNormal.count { packet in rules.contains { $0.matches(packet) } }
        )
        result.outcomes.append(outcome)
    }
}
