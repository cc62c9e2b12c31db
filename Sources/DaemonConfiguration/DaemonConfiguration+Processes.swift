internal import FlowSpec
public import NetworkTypes

extension DaemonConfiguration {
    /// A program that is started and speaks ExaBGP's API: its standard output is commands, its standard input answers
    /// and what it is told.
    public struct CommandProcess: Sendable, Hashable {
        public var name: String
        /// Program and arguments; there is no shell.
        public var run: [String]
        /// Whether it is answered in JSON rather than text.
        public var usesJSON = false
        public var respawns = true
        /// Who gets what it announces without a selector; nil: all neighbors.
        public var neighbors: [IPAddress]?
        /// It is told when sessions come up and go.
        public var tellsChanges = false
        /// How long a rule stays that it does not withdraw.
        public var expires: Duration = .seconds(86_400)

        public init(name: String, run: [String]) {
            self.name = name
            self.run = run
        }
    }

    /// To be called when the neighbors are known.
    mutating func readProcesses(_ root: Section) {
        for section in root.oneOrMore("processes") {
            let process = readProcess(section)
            section.finish()
            guard let process else { continue }
            if processes.contains(where: { $0.name == process.name }) {
                section.report("name", expected: "a name that no other process has")
            }
            processes.append(process)
        }
    }

    private func readProcess(_ section: Section) -> CommandProcess? {
        let name = section.scalar("name", expected: "a name of 1 to 64 letters, digits, - _ and .") { text in
            (1...64).contains(text.utf8.count) && text.utf8.allSatisfy(Self.isOfName) ? text : nil
        }
        if !section.has("name") { section.report("name", expected: "a name") }
        let what = "a program and its arguments"
        var run: [String] = []
        if let node = section.value("run") {
            if let text = node.scalar {
                run = Self.words(text) ?? []
            } else {
                run = section.list("run", expected: what) { $0.contains("\0") ? nil : $0 } ?? []
            }
        }
        if run.first?.isEmpty ?? true { section.report("run", expected: what) }
        var process = CommandProcess(name: name ?? "", run: run)
        process.usesJSON =
            section.scalar("encoder", expected: "text or json") { ["text": false, "json": true][$0] } ?? false
        process.respawns = section.bool("respawn") ?? true
        process.neighbors = section.list("neighbors", expected: "the address of a neighbor in bgp.neighbors") { text in
            IPAddress(text).flatMap { address in
                bgp.neighbors.contains { $0.range == nil && $0.address == address } ? address : nil
            }
        }
        let events = section.list("events", expected: "neighbor-changes") { $0 == "neighbor-changes" ? $0 : nil }
        process.tellsChanges = events?.isEmpty == false
        process.expires =
            section.duration("expires", in: .seconds(1)...(.seconds(30 * 86_400)), "from 1s to 30d") ?? process.expires
        return name == nil || run.isEmpty ? nil : process
    }

    private static func isOfName(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// A command line cut at its spaces, outside quotes.
    private static func words(_ text: String) -> [String]? {
        var words: [String] = []
        var word: String?
        var quote: Character?
        for character in text {
            if let open = quote {
                if character == open { quote = nil } else { word?.append(character) }
            } else if character == "\"" || character == "'" {
                quote = character
                word = word ?? ""
            } else if character == " " || character == "\t" || character.isNewline {
                if let whole = word { words.append(whole) }
                word = nil
            } else if character == "\0" {
                return nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        if let whole = word { words.append(whole) }
        return quote == nil ? words : nil
    }
}
