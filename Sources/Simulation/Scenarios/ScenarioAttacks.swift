import NetworkTypes

extension Scenario {
    /// Adds an attack whose first flood is of the given kind.
    mutating func addAttack(
        _ kind: AttackKind,
        form wanted: TrueAttack.Form?,
        after lead: Double,
        isIPv4: Bool,
        using random: inout SeededGenerator
    ) {
        let chance = Self.form(using: &random)
        let form = wanted ?? chance
        // At 1:1 each packet is made, and there is time for few.
        let factors: [Double] = telemetry.samplingRate == 1 ? [1.5, 2, 3] : [1.5, 2, 3, 5, 10]
        // One in eight is between the threshold and what must be found.
        let factor = random.below(8) == 0 ? random.uniform(1.1...1.5) : random.element(of: factors)
        let begins = lead + (telemetry.isOfPackets ? 20 + random.uniform(0...5) : 65 + random.uniform(0...10))
        let length = telemetry.isOfPackets ? 35.0 : 70.0
        var floods = [Flood(kind, using: &random)]
        if form == .multiVector {
            for _ in 0..<(random.below(2) + 1) {
                let others = AttackKind.allCases.filter { other in !floods.contains { $0.kind == other } }
                floods.append(Flood(random.element(of: others), using: &random))
            }
        }
        var attack = TrueAttack(
            form: form,
            floods: floods,
            victims: [],
            group: nil,
            sources: [],
            begins: begins,
            ends: begins + length,
            factor: factor
        )
        if form == .carpet {
            aimAtGroup(&attack)
        } else {
            attack.victims = [random.element(of: hosts)]
        }
        let limits = attack.group == nil ? thresholds : groups[0].thresholds
        for (index, flood) in floods.enumerated() {
            // The first vector is the strongest.
            let share = floods.count == 1 ? 1 : index == 0 ? 0.5 : 0.5 / Double(floods.count - 1)
            attack.sources.append(sources.count)
            sources.append(
                TrafficSource(
                    .attack(flood.kind),
                    flood.shapes,
                    hosts: attack.victims,
                    population: Population(flood.spread, isIPv4: isIPv4, using: &random),
                    conversations: 512,
                    packetsPerConversation: flood.spread == .anywhere ? 1 : 200,
                    curve: curve(of: attack, using: &random).scaled(by: share),
                    using: &random
                )
            )
        }
        scale(attack, to: factor, over: limits)
        attacks.append(attack)
    }

    private static func form(using random: inout SeededGenerator) -> TrueAttack.Form {
        switch random.below(10) {
        case 0, 1: .ramp
        case 2: .pulses
        case 3: .carpet
        case 4, 5: .multiVector
        default: .steady
        }
    }

    /// The course of an attack whose height is 1.
    private func curve(of attack: TrueAttack, using random: inout SeededGenerator) -> RateCurve {
        var curve = RateCurve.constant(0, to: attack.begins)
        switch attack.form {
        case .ramp: curve.climb(to: 1, until: attack.begins + random.uniform(5...20))
        case .pulses:
            var time = attack.begins
            while time < attack.ends {
                curve.hold(1, until: min(time + random.uniform(4...8), attack.ends))
                time = (curve.steps.last?.until ?? time) + random.uniform(3...8)
                curve.hold(0, until: min(time, attack.ends))
            }
            return curve
        case .steady, .carpet, .multiVector: break
        }
        curve.hold(1, until: attack.ends)
        return curve
    }

    /// All hosts of a network as one, with a threshold for the whole: a sixteenth of its hosts' own together.
    private mutating func aimAtGroup(_ attack: inout TrueAttack) {
        let prefix = networks[0]
        var limits = Thresholds()
        for unit in [TrafficUnit.packets, .bits] {
            let normal = peak(.total, unit, of: { prefix.contains($0) })
            limits[.total, unit] = max(normal * 1.6, (thresholds[.total, unit] ?? 0) * 2)
        }
        groups = [Group(name: "carpet", prefix: prefix, measuresWhole: true, thresholds: limits)]
        attack.group = "carpet"
        attack.victims = (0..<256).map { host($0) }
    }

    /// Makes the attack so strong that it lifts its victim's traffic to `factor` times the threshold it exceeds the most.
    private mutating func scale(_ attack: TrueAttack, to factor: Double, over limits: Thresholds) {
        let victims = Set(attack.victims)
        let times = stride(from: attack.begins, to: attack.ends, by: 1)
        var strength = Double.infinity
        for limit in limits.all where limit.unit != .flows {
            // The least there is meanwhile, so that the factor is reached whatever else comes.
            let normal = times.reduce(Double.infinity) { least, time in
                min(
                    least,
                    rate(limit.trafficClass, limit.unit, of: { victims.contains($0) }, at: time) {
                        !$0.purpose.isAttack
                    }
                )
            }
            let one = attack.sources.reduce(0) { sum, index in
                sum + sources[index].curve.peak * sources[index].meanAmount(limit.trafficClass, limit.unit)
            }
            if one > 0 { strength = min(strength, max(factor * limit.perSecond - normal, 0) / one) }
        }
        guard strength.isFinite else { return }
        for index in attack.sources { sources[index].curve = sources[index].curve.scaled(by: strength) }
    }
}
