/// What `doctor` has found.
public struct DoctorReport: Codable, Sendable, Hashable {
    public enum Level: String, Codable, Sendable, Hashable, Comparable, CaseIterable {
        case ok, warn, fail

        public static func < (left: Level, right: Level) -> Bool { left.severity < right.severity }
        private var severity: Int {
            switch self {
            case .ok: 0
            case .warn: 1
            case .fail: 2
            }
        }
    }

    public struct Finding: Codable, Sendable, Hashable {
        public var level: Level
        /// What was looked at: `pipe`, `files`, `ports`, `telemetry`, `networks`, `sessions`, `rules`, `thresholds`,
        /// `clock` or `kernel`.
        public var subject: String
        /// What was found, in a sentence.
        public var text: String
        /// What settles it, a line each; empty where nothing has to be.
        public var remedies: [String]

        public init(_ level: Level, _ subject: String, _ text: String, remedies: [String] = []) {
            self.level = level
            self.subject = subject
            self.text = text
            self.remedies = remedies
        }
    }

    /// Whether a daemon answered; without one only the configuration and the machine were looked at.
    public var isRunning: Bool
    public var findings: [Finding]

    public init(isRunning: Bool, findings: [Finding]) {
        self.isRunning = isRunning
        self.findings = findings
    }

    /// The worst of the findings.
    public var level: Level { findings.map(\.level).max() ?? .ok }
}
