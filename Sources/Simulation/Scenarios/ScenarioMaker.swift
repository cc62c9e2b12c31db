public import NetworkTypes

extension Scenario {
    /// The scenario of a number in the series of a seed: two of five are normal days well below the thresholds, one of ten
    /// is near them, half have attacks, of all kinds and forms in turn.
    ///
    /// - Parameters:
    ///   - kind: for an attack whose first flood is of this kind, whatever the number says.
    ///   - setting: what is not left to chance.
    public init(number: Int, seed: UInt64, kind wanted: AttackKind? = nil, setting: Setting = Setting()) {
        let ownSeed = seed &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(truncatingIfNeeded: number) &* 0xD1B5_4A32_D192_ED03
        var random = SeededGenerator(seed: ownSeed)
        // The first few numbers of seeds that are alike are alike.
        for _ in 0..<4 { _ = random.next() }
        self.number = number
        self.seed = ownSeed
        let isAttack = wanted != nil || number % 2 == 1
        let turn = number / 2
        telemetry = setting.telemetry ?? Self.telemetries[turn % Self.telemetries.count]
        let chosen = random.below(3) != 0
        let isIPv4 = setting.network.map { $0.family == .ipv4 } ?? chosen
        networks = setting.network.map { [$0] } ?? Self.networks(isIPv4: isIPv4)
        hostBase = networks[0].address
        let history: Double = telemetry.isOfPackets ? (telemetry.samplingRate == 1 ? 60 : 120) : 180
        let lead = isAttack && setting.hasHistory ? history : 0
        duration = lead + (telemetry.isOfPackets ? (isAttack ? 70 : 100) : (isAttack ? 170 : 200))
        purpose = .attack
        thresholds = Thresholds()
        services = [:]
        hosts = []
        sources = []
        event = "quiet"
        let load: Double
        if isAttack {
            load = random.uniform(0.15...0.7)
        } else {
            load = turn % 5 == 4 ? random.uniform(0.8...1) : random.uniform(0.3...0.8)
            purpose = .normal(load: load)
        }
        addHosts(isIPv4: isIPv4, using: &random)
        if !isAttack || random.below(3) == 0 { addEvent(using: &random) }
        fitThresholds(load: load, totalOnly: setting.judgesTotalOnly, using: &random)
        guard isAttack else { return }
        let kinds = AttackKind.allCases
        let kind = wanted ?? kinds[turn / Self.telemetries.count % kinds.count]
        addAttack(kind, form: setting.form, after: lead, isIPv4: isIPv4, using: &random)
    }

    private static let telemetries: [ScenarioExporter.Telemetry] = [
        .sFlow(1000), .sFlow(1), .sFlow(10_000), .netFlow9(1000), .sFlow(1000), .ipfix(1), .sFlow(10_000),
    ]

    private static func networks(isIPv4: Bool) -> [IPPrefix] {
        let prefixes = isIPv4 ? ["198.51.100.0/24", "203.0.113.0/24"] : ["2001:db8:100::/48"]
        return prefixes.compactMap { IPPrefix($0) }
    }

    func host(_ index: Int) -> IPAddress {
        if !hostBase.isIPv4 { return IPAddress(high: hostBase.high, low: UInt64(index)) }
        return IPAddress(v4: hostBase.v4 | UInt32(index & 255))
    }

    /// Packets per second of the heaviest hosts: as many as can be made at a sampling rate in a short time.
    private var scale: Double {
        switch telemetry.samplingRate {
        case ..<10: telemetry.isOfPackets ? 1000 : 500
        case ..<5000: 60_000
        default: 300_000
        }
    }

    // MARK: Normal traffic

    private mutating func addHosts(isIPv4: Bool, using random: inout SeededGenerator) {
        let count = 10 + random.below(telemetry.samplingRate == 1 ? 8 : 40)
        for index in 0..<count {
            let host = host(index + 10)
            // Few hosts have most of the traffic.
            let weight = random.logarithmic(0.01...1)
            let service = Service.allCases[random.below(Service.allCases.count)]
            hosts.append(host)
            services[host] = service
            for part in service.parts {
                let rate = scale * weight * part.share
                // Hosts that hardly speak cost time and tell nothing.
                guard rate / Double(telemetry.samplingRate) * duration > 0.5 else { continue }
                let curve =
                    part.isBursty ? bursts(rate, using: &random) : day(rate, using: &random)
                addSource(.normal(service.rawValue), part, to: [host], curve, isIPv4: isIPv4, using: &random)
            }
        }
    }

    private mutating func addSource(
        _ purpose: TrafficSource.Purpose,
        _ part: Service.Part,
        to hosts: [IPAddress],
        _ curve: RateCurve,
        isIPv4: Bool,
        using random: inout SeededGenerator
    ) {
        sources.append(
            TrafficSource(
                purpose,
                part.shapes,
                hosts: hosts,
                population: Population(part.spread, isIPv4: isIPv4, using: &random),
                conversations: part.conversations,
                packetsPerConversation: part.packetsPerConversation,
                curve: curve,
                using: &random
            )
        )
    }

    /// The slow change of a day, and some unrest.
    private func day(_ rate: Double, using random: inout SeededGenerator) -> RateCurve {
        var curve = RateCurve()
        var level = random.uniform(0.7...1)
        for step in stride(from: 5.0, through: duration, by: 5) {
            level = min(max(level + random.uniform(-0.06...0.06), 0.5), 1)
            curve.hold(rate * level, until: step)
        }
        return curve
    }

    /// Now more, now less, each for some seconds.
    private func bursts(_ rate: Double, using random: inout SeededGenerator) -> RateCurve {
        var curve = RateCurve()
        var time = 0.0
        while time < duration {
            time += random.uniform(2...15)
            curve.hold(rate * random.uniform(0.1...1), until: min(time, duration))
        }
        return curve
    }

    /// What happens on some days, and is no attack.
    private mutating func addEvent(using random: inout SeededGenerator) {
        let host = random.element(of: hosts)
        let isIPv4 = host.isIPv4
        let strength = scale * random.uniform(0.5...1.5)
        let begins = duration * random.uniform(0.15...0.4)
        var curve = RateCurve.constant(0, to: begins)
        let ports: PacketShape.Port
        var part: Service.Part
        func bulk(_ ports: PacketShape.Port, atHost: Bool, flows: Int) -> Service.Part {
            let shape = PacketShape(
                1,
                .tcp,
                remotePort: atHost ? .ephemeral : ports,
                hostPort: atHost ? ports : .ephemeral,
                flags: .ack,
                length: 1400...1500
            )
            return Service.Part(
                share: 1,
                shapes: [shape],
                spread: .hosts(1),
                conversations: flows,
                packetsPerConversation: 1e9
            )
        }
        switch random.below(5) {
        case 0:
            event = "flash_crowd"
            part = Service.web.parts[0]
            curve.climb(to: strength, until: begins + 8)
            curve.hold(strength, until: duration)
        case 1:
            event = "backup"
            ports = .oneOf([22, 873])
            part = bulk(ports, atHost: true, flows: 1)
            curve.hold(strength, until: duration)
        case 2:
            event = "download"
            part = bulk(.fixed(443), atHost: false, flows: 1)
            curve.hold(strength, until: min(duration, begins + 70))
        case 3:
            event = "speed_test"
            part = bulk(.oneOf([8080, 443]), atHost: false, flows: 8)
            curve.hold(strength, until: begins + 15)
        default: return
        }
        addSource(.normal(event), part, to: [host], curve, isIPv4: isIPv4, using: &random)
    }

    // MARK: Thresholds

    /// Puts the thresholds so that the heaviest host reaches the given share of one of them at its heaviest.
    private mutating func fitThresholds(load: Double, totalOnly: Bool, using random: inout SeededGenerator) {
        var measures: [(TrafficClass, TrafficUnit)] = [(.total, .packets), (.total, .bits)]
        if !totalOnly, random.below(3) == 0 { measures.append((.udp, .packets)) }
        if !totalOnly, random.below(3) == 0 { measures.append((.tcpSYN, .packets)) }
        for (index, (trafficClass, unit)) in measures.enumerated() {
            let peak = hosts.reduce(0) { worst, host in max(worst, self.peak(trafficClass, unit, of: { $0 == host })) }
            // No class has fewer than a tenth of the total's packets allowed: thresholds of a few samples are no thresholds.
            let total = thresholds[.total, .packets] ?? 0
            let floor = unit == .packets ? total * 0.1 : 0
            let room = index == 0 ? 1 : random.uniform(0.7...1)
            let limit = max(peak / (load * room), floor)
            // In whole Mbit/s where another program is held against the same, which knows no less.
            thresholds[trafficClass, unit] =
                totalOnly && unit == .bits ? (limit / 1e6).rounded(.up) * 1e6 : limit.rounded(.up)
        }
    }
}
