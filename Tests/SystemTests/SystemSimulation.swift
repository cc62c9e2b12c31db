import Detection
import FlowSpec
import Mitigation
import NetworkTypes
import Traffic

@testable import Simulation

/// Exporters, a daemon, its disk and its routers in made-up time, with whatever befalls them drawn from a seed.
struct SystemSimulation: ~Copyable {
    struct Setting {
        let networks = ["198.51.100.0/24", "2001:db8:100::/48", "10.16.0.0/16"].compactMap { IPPrefix($0) }
        let traffic: TrafficConfiguration
        let detection: DetectionConfiguration
        let policy: MitigationPolicy

        /// For which nothing is announced, though it has floods as all others.
        let observed = [IPPrefix("198.51.100.17/32"), IPPrefix("198.51.100.18/32")].compactMap { $0 }

        /// - Parameter letsGo: with a ladder, probes, longer bans and a group that is only observed.
        /// - Parameter isCrowded: for ten thousand attacks, answered by templates.
        init(letsGo: Bool, isCrowded: Bool = false) {
            traffic = TrafficConfiguration(networks: networks)
            var limits = Thresholds()
            limits[.total, .packets] = 10_000
            detection = DetectionConfiguration(
                thresholds: limits,
                quietPeriod: .seconds(3),
                maximumActiveAttacks: isCrowded ? 12_000 : 10_000
            )
            var policy = MitigationPolicy(
                mode: .enforce,
                networks: networks,
                banTime: .seconds(15),
                maximumChangesPerMinute: 6000
            )
            if letsGo {
                let limited = RuleTemplate(
                    components: [],
                    actions: [.rateLimitBytes(asn: 0, bytesPerSecond: 1_000_000)]
                )
                policy.ladder = EscalationLadder(
                    steps: [
                        .init(.init(), .actions(limited)),
                        .init(
                            .init(over: [.init(.packets, 30_000)]),
                            .actions(.init(components: [], actions: [.discard]))
                        ),
                        .init(.init(over: [.init(.packets, 100_000)], after: .seconds(4)), .blackhole([])),
                    ],
                    stay: .seconds(10)
                )
                policy.banTime = .seconds(40)
                policy.banBackoff = .init(factor: 2, longest: .seconds(90), within: .seconds(60))
                policy.probe = .init(every: .seconds(10), lasting: .seconds(3), bitsPerSecond: 5e9)
                policy.samplesBeforeFilter = PrefixTable(IPPrefix("192.0.2.0/24").map { [($0, false)] } ?? [])
                policy.groups = [.init(name: "observed", prefixes: observed, mode: .observe)]
            }
            if isCrowded {
                policy.maximumRules = 20_000
                policy.maximumChangesPerMinute = 1_000_000
                policy.synthesizes = false
            }
            self.policy = policy
        }
    }

    let setting: Setting
    /// Since when what is announced is milder than what the ledger says.
    private var easedSince: [AnnouncedRoute: Timestamp] = [:]
    private var random: SeededGenerator
    private var exporters: [SimulatedExporter] = []
    private var silentUntil: [Timestamp] = []
    private var floods: Set<IPAddress> = []
    /// Hosts that flow records of each second tell to be flooded, all at once.
    private var crowd: [IPAddress] = []
    private var steps = 0
    private(set) var disk = SimulatedDisk()
    private var daemon: SimulatedDaemon?
    private(set) var routers = [SimulatedRouter(keepsRules: false), SimulatedRouter(keepsRules: true)]
    /// Until when an operator was promised a rule, by the daemon's clock.
    private var promises: [IPPrefix: Timestamp] = [:]
    /// How far the machine's clock is off.
    private var clockError = Duration.zero
    private var time = Timestamp(seconds: 1_800_000_000)
    private var startsAt: Timestamp?
    private(set) var broken: [String] = []
    private(set) var counts: [String: Int] = [:]

    init(seed: UInt64, isCrowded: Bool = false) {
        random = SeededGenerator(seed: seed)
        setting = Setting(letsGo: !isCrowded && seed.isMultiple(of: 2), isCrowded: isCrowded)
        for index in 0..<2 { exporters.append(exporter(index)) }
        silentUntil = exporters.map { _ in time }
        daemon = SimulatedDaemon(setting, disk: &disk, at: time)
    }

    private func exporter(_ index: Int) -> SimulatedExporter {
        SimulatedExporter(
            patterns: [],
            agent: IPAddress(192, 0, 2, UInt8(10 + index)),
            samplingRate: 500,
            seed: UInt64(index),
            startingAt: time
        )
    }

    private mutating func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &random) == 0 }

    private mutating func host() -> IPAddress {
        let number = UInt8.random(in: 1...20, using: &random)
        return chance(4) ? IPAddress(high: 0x2001_0DB8_0100_0000, low: UInt64(number)) : IPAddress(198, 51, 100, number)
    }

    private mutating func note(_ event: String) { counts[event, default: 0] += 1 }

    // MARK: Steps

    mutating func step(withFaults: Bool) {
        time = time + .milliseconds(100)
        if withFaults { strike() }
        let patterns = patterns()
        for index in exporters.indices {
            exporters[index].patterns = patterns
            let datagrams = exporters[index].datagrams(until: time)
            guard silentUntil[index] <= time else { continue }
            let isDoubled = withFaults && chance(50)
            for datagram in datagrams {
                for _ in 0..<(isDoubled ? 2 : 1) {
                    daemon?.receive(datagram, from: exporters[index].agent, at: time + clockError)
                }
            }
        }
        steps += 1
        if !crowd.isEmpty, steps.isMultiple(of: 10) { tellOfCrowd() }
        daemon?.tick(&disk)
        afterwards()
        check()
    }

    // MARK: Thousands at once

    /// So many hosts are flooded until it is called with none.
    mutating func flood(_ count: Int) {
        crowd = (0..<count).map { IPAddress(v4: 0x0A10_0000 + UInt32($0)) }
    }

    /// The daemon dies at its next write, with so many of its effects carried out.
    mutating func kill(after effects: Int) { daemon?.death = .init(writesUntil: 0, effectsCarriedOut: effects) }

    /// Attacks under way and rules in force.
    mutating func size() -> (attacks: Int, rules: Int) {
        guard let attacks = daemon?.attacksUnderWay, let ledger = daemon?.ledger else { return (0, 0) }
        return (attacks, ledger.entries.count)
    }

    private mutating func tellOfCrowd() {
        let flows = crowd.enumerated().map { number, host in
            FlowCache.Flow(
                key: FlowCache.Key(
                    source: IPAddress(v4: 0xC612_0000 + UInt32(number % 5000)),
                    destination: host,
                    sourcePort: 123,
                    destinationPort: 80,
                    ipProtocol: .udp,
                    fragmentOffset: 0
                ),
                packets: 20_000 + UInt32(number),
                octets: 9_000_000,
                timeToLive: 60,
                first: time - .seconds(1),
                last: time
            )
        }
        // One that tells of its templates each time, as the daemon may have begun anew.
        var exporter = FlowEncoder(.ipfix, samplingRate: 1, domain: 7, startingAt: time)
        for message in exporter.messages(for: flows, at: time) {
            daemon?.receive(message, from: IPAddress(192, 0, 2, 12), at: time + clockError)
        }
    }

    private func patterns() -> [TrafficPattern] {
        let customers = (1...20).map { IPAddress(198, 51, 100, UInt8($0)) }
        return [TrafficPattern(kind: .ordinary, hosts: customers, packetsPerSecond: 5000)]
            + floods.sorted().map { host in
                // Some need the last step of the ladder.
                let isHeavy = host.isIPv4 && host.low.isMultiple(of: 4)
                return TrafficPattern(kind: .udpFlood, hosts: [host], packetsPerSecond: isHeavy ? 150_000 : 60_000)
            }
    }

    /// Whatever may happen, happens now and then.
    private mutating func strike() {
        if chance(40) {
            let target = host()
            if floods.remove(target) == nil, floods.count < 6 { floods.insert(target) }
            if chance(3), let over = floods.sorted().first { floods.remove(over) }
        }
        if chance(200) { silentUntil[0] = time + .seconds(Int64.random(in: 1...8, using: &random)) }
        if chance(200) { exporters[1] = exporter(1) }
        if chance(60) { flap() }
        if chance(150) {
            disk.isFull.toggle()
            note("disk full or free")
        }
        if chance(80) {
            daemon?.death = .init(
                writesUntil: Int.random(in: 0..<6, using: &random),
                effectsCarriedOut: Int.random(in: -1...3, using: &random)
            )
        }
        if chance(30) { order() }
        if chance(120) { unban() }
    }

    private mutating func flap() {
        let index = Int.random(in: 0..<routers.count, using: &random)
        if routers[index].isUp {
            routers[index].loseSession()
            note("session lost")
        }
    }

    private mutating func order() {
        let target = IPPrefix(host: host())
        let seconds = Int64.random(in: 1...60, using: &random)
        guard promises[target] == nil, let now = daemon?.now else { return }
        guard daemon?.ban(target, for: .seconds(seconds), &disk) == true else { return note("ban refused") }
        promises[target] = now + .seconds(seconds)
        note("ban")
    }

    private mutating func unban() {
        guard let target = promises.keys.sorted(by: { $0.address < $1.address }).randomElement(using: &random) else {
            return
        }
        daemon?.unban(target, &disk)
        promises[target] = nil
        note("unban")
    }

    // MARK: Death and restart

    private mutating func afterwards() {
        if daemon?.isDead == true {
            daemon = nil
            note("killed")
            for index in routers.indices { routers[index].loseSession() }
            startsAt = time + .seconds(Int64.random(in: 0...10, using: &random))
        }
        if let due = startsAt, due <= time {
            startsAt = nil
            start()
        }
        guard let table = daemon?.adjRIBOut else { return }
        for index in routers.indices {
            if routers[index].isUp {
                for (route, announcement) in table where routers[index].rules[route] != announcement {
                    routers[index].take(announcement)
                }
                for route in routers[index].rules.keys where table[route] == nil { routers[index].withdraw(route) }
            } else if chance(20) {
                routers[index].gainSession(table)
            }
        }
    }

    /// The machine's clock may be another than before.
    private mutating func start() {
        let last = time + clockError
        if chance(3) {
            clockError = .seconds(Int64.random(in: -3600...3600, using: &random))
            note("clock step")
        }
        let now = time + clockError
        let step = now - last
        for (target, until) in promises {
            // As the daemon sees it: what is left is at most what was asked for, and nothing if its clock leapt beyond it.
            promises[target] = until > now ? min(until, step < .zero ? until + step : until) : nil
        }
        daemon = SimulatedDaemon(setting, disk: &disk, at: now)
        note("started")
        guard daemon?.isDead == false, let routes = daemon?.adjRIBOut else { return }
        let open = disk.openAttacks.map(\.id)
        for entry in disk.inForce where entry.state == .announced && entry.expires > now {
            let what = "\(entry.id) of \(entry.requesters), until \(entry.expires)"
            let isObserved = setting.policy.mode(for: entry.target, entry.announcement.route) == .observe
            let announced = routes[entry.announcement.route]
            expect(isObserved || announced == entry.announcement, "at \(now) \(what) is not back, attacks \(open)")
        }
    }

    // MARK: Invariants

    private mutating func expect(_ holds: Bool, _ what: @autoclosure () -> String) {
        if !holds, broken.count < 10 { broken.append("\(time): \(what())") }
    }

    private mutating func check() {
        for router in routers {
            for route in router.rules.keys { expect(isWithinNetworks(route), "\(route) is not within the networks") }
        }
        guard let ledger = daemon?.ledger, let now = daemon?.now, let table = daemon?.adjRIBOut else { return }
        let inForce = ledger.inForce
        for entry in inForce {
            expect(entry.expires >= now, "\(entry.id) is there after its time, \(entry.expires)")
            expect(entry.expires <= now + Ledger.longestBan, "\(entry.id) has no end")
            expect(!entry.requesters.isEmpty, "\(entry.id) is nobody's")
        }
        let announced = Dictionary(
            inForce.filter { $0.state == .announced }.map { ($0.announcement.route, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        let onDisk = Set(disk.inForce.map(\.announcement.route))
        for route in table.keys {
            expect(announced[route] != nil, "\(route) is announced and on no ledger")
            expect(onDisk.contains(route), "\(route) is announced and not on disk")
        }
        let eased = setting.policy.probe.map {
            [TrafficAction.rateLimitBytes(asn: 0, bytesPerSecond: Float($0.bitsPerSecond / 8))]
        }
        easedSince = easedSince.filter { table[$0.key]?.actions == eased }
        for (route, announcement) in table {
            let isObserved = setting.observed.contains { prefix in announced[route]?.target.overlaps(prefix) ?? false }
            expect(setting.policy.groups.isEmpty || !isObserved, "\(route) is announced, and to be observed")
            guard let eased, announcement.actions == eased, let probe = setting.policy.probe else { continue }
            let since = easedSince[route] ?? now
            if easedSince.updateValue(since, forKey: route) == nil { note("eased") }
            expect(now - since <= probe.lasting, "\(route) is eased for too long")
            let isNeeded = announced[route]?.requesters.contains { requester in
                if case .attack(let id) = requester { daemon?.isUnderWay(id) == true } else { true }
            }
            expect(isNeeded != true, "\(route) is eased and needed")
        }
        for router in routers where router.isUp {
            expect(router.rules == table, "a router holds other rules than were announced")
        }
        for (target, until) in promises {
            guard until > now else {
                promises[target] = nil
                continue
            }
            let isKept = inForce.contains { $0.target == target && $0.requesters.contains(.operator) }
            let row = disk.entries.values.filter { $0.target == target }.max { $0.id < $1.id }
            let last = row.map { "\($0.id) \($0.requesters), \($0.state) \($0.withdrawnBecause ?? "")" } ?? ""
            expect(isKept, "at \(now) the rule for \(target) is gone, wanted until \(until): \(last)")
        }
    }

    private func isWithinNetworks(_ route: AnnouncedRoute) -> Bool {
        switch route {
        case .unicast(let prefix): setting.networks.contains { $0.contains(prefix) } && prefix.length >= 24
        case .flowSpec(let rule):
            rule.destination.map { prefix in
                prefix.length >= 24 && setting.networks.contains { $0.contains(prefix) }
            } ?? false
        }
    }

    /// Floods end, faults end: after the longest time anybody asked for nothing is left anywhere.
    mutating func settle() {
        floods = []
        crowd = []
        disk.isFull = false
        daemon?.death = nil
        for _ in 0..<1500 { step(withFaults: false) }
        let rules = disk.inForce.map(\.id)
        let attacks = disk.openAttacks.map(\.id)
        expect(rules.isEmpty, "left on disk: \(rules)")
        expect(attacks.isEmpty, "attacks left open: \(attacks)")
        expect(daemon?.ledger.entries.isEmpty == true, "left on the ledger")
        for router in routers { expect(router.isUp && router.rules.isEmpty, "left at a router") }
    }
}
