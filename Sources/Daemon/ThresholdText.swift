import DaemonConfiguration
import Detection
import NetworkTypes

/// Proposed thresholds as lines of a configuration.
enum ThresholdText {
    /// One section `detection`, with what is for all first and then each group by name, as they may stand in a file.
    static func lines(_ advice: [ThresholdAdvice]) -> [String] {
        guard !advice.isEmpty else { return [] }
        var lines = ["detection:"]
        let subjects = advice.map(\.subject).reduce(into: [PeakSubject]()) { all, subject in
            if !all.contains(subject) { all.append(subject) }
        }
        var inGroups: [String] = []
        for subject in subjects {
            let own = advice.filter { $0.subject == subject }
            let limits = own.map { "\($0.unit.rawValue): \(RateText.describe($0.proposed, $0.unit))" }
            let mapping = "{total: {\(limits.joined(separator: ", "))}}"
            guard let group = subject.group else {
                let key = subject.measure == .network ? "network_thresholds" : "thresholds"
                lines.append("  \(key): \(mapping)")
                continue
            }
            inGroups += ["    - name: \(quoted(group))", "      thresholds: \(mapping)"]
        }
        return lines + (inGroups.isEmpty ? [] : ["  groups:"] + inGroups)
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
