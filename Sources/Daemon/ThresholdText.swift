import DaemonConfiguration
import Detection
import NetworkTypes

/// Proposed thresholds as lines of a configuration.
enum ThresholdText {
    /// One section `detection`, with what is for all first and then each group by name, as they may stand in a file.
    static func lines(_ advice: [ThresholdAdvice]) -> [String] {
        guard advice.contains(where: { $0.proposed != nil && $0.isWorthSetting }) else { return [] }
        var lines = ["detection:"]
        let subjects = advice.map(\.subject).reduce(into: [PeakSubject]()) { all, subject in
            if !all.contains(subject) { all.append(subject) }
        }
        var inGroups: [String] = []
        for subject in subjects {
            let own = advice.filter { $0.subject == subject }
            var sections: [(key: String, classes: [String])] = []
            for direction in TrafficDirection.allCases {
                let classes = Self.classes(own.filter { $0.aspect.direction == direction })
                guard !classes.isEmpty else { continue }
                let isOfNetworks = subject.group == nil && subject.measure == .network
                let key = isOfNetworks ? "network_thresholds" : "thresholds"
                sections.append((direction == .incoming ? key : "outgoing_\(key)", classes))
            }
            guard let group = subject.group else {
                for (key, classes) in sections { lines += mapping(key, classes, indent: "  ") }
                continue
            }
            guard !sections.isEmpty else { continue }
            inGroups.append("    - name: \(quoted(group))")
            for (key, classes) in sections { inGroups += mapping(key, classes, indent: "      ") }
        }
        return lines + (inGroups.isEmpty ? [] : ["  groups:"] + inGroups)
    }

    /// What is worth setting, class by class: `udp: {packets: 30k packets/s}`.
    private static func classes(_ advice: [ThresholdAdvice]) -> [String] {
        TrafficClass.allCases.compactMap { trafficClass in
            let own = advice.filter { $0.aspect.trafficClass == trafficClass && $0.isWorthSetting }
            let limits = own.compactMap { advice in
                advice.proposed.map { "\(advice.aspect.unit.rawValue): \(RateText.describe($0, advice.aspect.unit))" }
            }
            guard !limits.isEmpty else { return nil }
            return "\(trafficClass.name): {\(limits.joined(separator: ", "))}"
        }
    }

    private static func mapping(_ key: String, _ classes: [String], indent: String) -> [String] {
        classes.count == 1
            ? ["\(indent)\(key): {\(classes[0])}"] : ["\(indent)\(key):"] + classes.map { "\(indent)  \($0)" }
    }

    /// A name that YAML might take for something else stands in quotes.
    private static func quoted(_ name: String) -> String {
        let isPlain = name.utf8.allSatisfy { octet in
            (65...90).contains(octet) || (97...122).contains(octet) || octet == 45 || octet == 95
                || (48...57).contains(octet)
        }
        let isWord = isPlain && (name.first?.isLetter ?? false)
        let escaped = name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return isWord && !["true", "false", "null", "yes", "no", "on", "off"].contains(name.lowercased())
            ? name : "\"\(escaped)\""
    }
}
