internal import NetworkTypes

extension DaemonConfiguration {
    /// Programs that are told of attacks, as FastNetMon tells its notify script.
    public struct Scripts: Sendable, Hashable {
        public enum Arguments: String, Sendable, Hashable, CaseIterable {
            /// `IP direction pps ban|attack_details|unban`.
            case fastnetmon
            /// `IP type Mbps`, and to let go `IP protocol`.
            case guide
        }

        /// The program for all that happens; nil: only `unban` is there.
        public var notify: String?
        /// The program for letting go, in place of the other.
        public var unban: String?
        public var arguments = Arguments.fastnetmon
        /// What their standard input is in; else it is text.
        public var usesJSON = false
        /// So many packets or flows are told of; 0: there are no details.
        public var details = 20
        /// How long one may run.
        public var timeout: Duration = .seconds(30)
        /// How many may run at a time.
        public var atOnce = 4
        /// Also with `mitigation.mode: observe`.
        public var whenObserving = false
        /// Also for prefixes, as with carpet bombing.
        public var wholeNetworks = false

        public init() {}

        /// The programs that there are.
        public var paths: [String] { [notify, unban].compactMap { $0 } }
    }

    mutating func readScripts(_ root: Section) {
        for section in root.oneOrMore("scripts") {
            var read = Scripts()
            read.notify = section.absolutePath("notify", such: "/usr/local/bin/notify_about_attack.sh")
            read.unban = section.absolutePath("unban", such: "/etc/fastnetmon/scripts/exabgp-unban.py")
            if !section.has("notify"), !section.has("unban") {
                section.report("notify", expected: "the path of a program, here or as unban")
            }
            read.arguments =
                section.scalar("arguments", expected: "fastnetmon or guide") { Scripts.Arguments(rawValue: $0) }
                ?? read.arguments
            read.usesJSON =
                section.scalar("format", expected: "text or json") { ["text": false, "json": true][$0] } ?? false
            read.details = section.integer("details", in: 0...128) ?? read.details
            read.timeout =
                section.duration("timeout", in: .milliseconds(100)...(.seconds(3600)), "from 100ms to 1h")
                ?? read.timeout
            read.atOnce = section.integer("at_once", in: 1...64) ?? read.atOnce
            read.whenObserving = section.bool("when_observing") ?? false
            read.wholeNetworks = section.bool("whole_networks") ?? false
            section.finish()
            scripts.append(read)
        }
    }
}

extension Section {
    /// The path of a file, from the root.
    ///
    /// - Parameter example: one such path.
    func absolutePath(_ key: String, such example: String) -> String? {
        scalar(key, expected: "an absolute path such as \(example)") { text in
            text.hasPrefix("/") && !text.hasSuffix("/") && !text.contains("\0") && text.utf8.count < 4096 ? text : nil
        }
    }
}
