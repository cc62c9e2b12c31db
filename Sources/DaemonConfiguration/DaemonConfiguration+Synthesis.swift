internal import FlowSpec

/// How the match of a rule against an attack is come by.
extension DaemonConfiguration {
    mutating func readSynthesis(_ section: Section) {
        mitigation.synthesizes =
            section.scalar("synthesize", expected: "on or off") { text in
                ["on": true, "true": true, "off": false, "false": false][text.lowercased()]
            } ?? true
        mitigation.coverage =
            section.scalar("coverage", expected: "a share from 50% to 100%, or from 0.5 to 1") { text in
                let isPercent = text.hasSuffix("%")
                let digits = isPercent ? String(text.dropLast()).trimmingSpaces : text
                return Double(digits).map { isPercent ? $0 / 100 : $0 }.flatMap { (0.5...1).contains($0) ? $0 : nil }
            } ?? mitigation.coverage
        mitigation.maximumRulesPerAttack =
            section.integer("max_rules_per_attack", in: 1...64) ?? mitigation.maximumRulesPerAttack
    }
}

extension DaemonConfiguration.Neighbor {
    mutating func readLacks(_ section: Section) {
        let names = MatchFeature.allCases.map(\.rawValue).joined(separator: ", ")
        lacks = Set(section.list("lacks", expected: "one or more of \(names)") { MatchFeature(rawValue: $0) } ?? [])
    }
}
