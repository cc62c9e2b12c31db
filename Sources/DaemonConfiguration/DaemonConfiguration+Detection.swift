internal import NetworkTypes

/// What is too much, for whom: the section `detection`.
extension DaemonConfiguration {
    mutating func readDetection(_ section: Section) {
        detection.tick =
            section.duration("tick", in: .milliseconds(10)...(.seconds(1)), "from 10ms to 1s") ?? detection.tick
        // No shorter than the second in which a flow record counts.
        detection.window =
            section.duration("window", in: .seconds(1)...(.seconds(60)), "from 1s to 60s") ?? detection.window
        if section.value("smoothing")?.scalar != "off" {
            detection.smoothing = section.duration(
                "smoothing",
                in: .seconds(1)...(.seconds(20)),
                "from 1s to 20s, or off"
            )
        }
        detection.thresholds = Self.readThresholds(section, "thresholds")
        detection.outgoingThresholds = Self.readThresholds(section, "outgoing_thresholds")
        detection.networkThresholds = Self.readThresholds(section, "network_thresholds")
        detection.outgoingNetworkThresholds = Self.readThresholds(section, "outgoing_network_thresholds")
        detection.endsBelow = section.number("ends_below", in: 0.01...1) ?? detection.endsBelow
        detection.quietPeriod =
            section.duration("quiet_period", in: .seconds(1)...(.seconds(86_400)), "from 1s to 1d")
            ?? detection.quietPeriod
        detection.maximumHosts = section.integer("max_hosts", in: 1...100_000_000) ?? detection.maximumHosts
        detection.baseline = Self.readBaseline(section, inherited: nil)
        for group in section.sections("groups") {
            let name = group.string("name")
            if !group.has("name") { group.report("name", expected: "a name") }
            let prefixes = group.prefixes("prefixes") ?? []
            if prefixes.isEmpty { group.report("prefixes", expected: "at least one prefix") }
            let measure = group.scalar("measure", expected: "host, group or network") { GroupMeasure(rawValue: $0) }
            detection.groups.append(
                Group(
                    name: name ?? "",
                    prefixes: prefixes,
                    measure: measure ?? .host,
                    thresholds: Self.readThresholds(group, "thresholds"),
                    outgoingThresholds: Self.readThresholds(group, "outgoing_thresholds"),
                    baseline: Self.readBaseline(group, inherited: measure ?? .host == .host ? detection.baseline : nil)
                )
            )
            group.finish()
        }
        section.finish()
    }

    private static func readThresholds(_ parent: Section, _ key: String) -> Thresholds {
        var thresholds = Thresholds()
        guard let section = parent.section(key) else { return thresholds }
        for trafficClass in TrafficClass.allCases {
            guard let inner = section.section(trafficClass.name) else { continue }
            for unit in TrafficUnit.allCases {
                thresholds[trafficClass, unit] = inner.scalar(unit.rawValue, expected: Quantity.rateUnits(unit)) {
                    Quantity.rate($0, unit)
                }
            }
            inner.finish()
        }
        section.finish()
        return thresholds
    }

    /// `off`, or a mapping; what is left out of it is inherited.
    private static func readBaseline(_ parent: Section, inherited: Baseline?) -> Baseline? {
        guard let node = parent.value("baseline") else { return inherited }
        if node.scalar == "off" { return nil }
        guard let section = parent.section("baseline") else { return inherited }
        defer { section.finish() }
        var baseline = inherited ?? Baseline()
        baseline.factor = section.number("factor", in: 1.5...1000) ?? baseline.factor
        baseline.learningTime =
            section.duration("after", in: .seconds(3600)...(.seconds(28 * 86_400)), "from 1h to 28d")
            ?? baseline.learningTime
        guard let floor = section.section("floor") else { return baseline }
        baseline.packetsFloor =
            floor.scalar("packets", expected: Quantity.rateUnits(.packets)) { Quantity.rate($0, .packets) }
            ?? baseline.packetsFloor
        baseline.bitsFloor =
            floor.scalar("bits", expected: Quantity.rateUnits(.bits)) { Quantity.rate($0, .bits) } ?? baseline.bitsFloor
        floor.finish()
        return baseline
    }

    // MARK: What must hold together

    func checkDetection(_ root: Section) {
        if !detection.window.isMultiple(of: detection.tick) {
            let section = root.section("detection")
            section?.report("window", expected: "a multiple of the tick, \(detection.tick.inSeconds)s")
        }
        for (index, group) in detection.groups.enumerated() { check(group, index, root) }
    }

    private func check(_ group: Group, _ index: Int, _ root: Section) {
        guard let section = root.section("detection")?.sections("groups")[index] else { return }
        let measuresNetworks = group.measure == .network
        for prefix in group.prefixes {
            if measuresNetworks, !networks.contains(prefix) {
                section.report("prefixes", expected: "some of networks, as it measures them, not \(prefix)")
            } else if !networks.contains(where: { $0.contains(prefix) }) {
                section.report("prefixes", expected: "prefixes inside networks, not \(prefix)")
            }
        }
        let former = detection.groups[..<index]
        // A host belongs to one group: of equal prefixes only one could count.
        let rivals = former.filter { ($0.measure == .network) == measuresNetworks }.flatMap(\.prefixes)
        for prefix in group.prefixes where rivals.contains(prefix) {
            section.report("prefixes", expected: "prefixes that no other group has, not \(prefix)")
        }
        if former.contains(where: { $0.name == group.name }) {
            section.report("name", expected: "a name that no other group has")
        }
    }
}

extension Duration {
    fileprivate func isMultiple(of other: Duration) -> Bool {
        other.nanoseconds > 0 && nanoseconds % other.nanoseconds == 0
    }
}
