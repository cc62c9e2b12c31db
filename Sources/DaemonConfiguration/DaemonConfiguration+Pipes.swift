internal import NetworkTypes

extension DaemonConfiguration {
    /// A named pipe that takes commands as ExaBGP does.
    public struct CommandPipe: Sendable, Hashable {
        public var path: String
        /// Names of a user and a group; nil: those of the daemon, or what the pipe has.
        public var owner: String?
        public var group: String?
        /// Permissions, of which only reading and writing mean anything.
        public var mode: UInt16 = 0o660
        /// How long a rule stays that nobody withdraws.
        public var expires: Duration = .seconds(86_400)

        public init(path: String) { self.path = path }
    }

    mutating func readPipes(_ root: Section) {
        exabgpPipes = root.oneOrMore("exabgp_pipe").compactMap(Self.readPipe)
        for section in root.oneOrMore("exabgp_writer") {
            if let path = Self.path(section) { exabgpWriters.append(path) }
            section.finish()
        }
        let paths = exabgpPipes.map(\.path) + exabgpWriters
        if Set(paths).count < paths.count {
            let key = exabgpWriters.isEmpty ? "exabgp_pipe" : "exabgp_writer"
            root.report(key, expected: "another path for each pipe; what is written to one's own would come back")
        }
    }

    private static func readPipe(_ section: Section) -> CommandPipe? {
        defer { section.finish() }
        let path = path(section)
        var pipe = CommandPipe(path: path ?? "")
        pipe.owner = section.string("owner")
        pipe.group = section.string("group")
        pipe.mode =
            section.scalar("mode", expected: "permissions to read and write in octal digits, such as 0660") { text in
                UInt16(text, radix: 8).flatMap { $0 & ~0o666 == 0 && $0 & 0o600 == 0o600 ? $0 : nil }
            } ?? pipe.mode
        pipe.expires =
            section.duration("expires", in: .seconds(1)...(.seconds(30 * 86_400)), "from 1s to 30d") ?? pipe.expires
        return path == nil ? nil : pipe
    }

    private static func path(_ section: Section) -> String? {
        let what = "an absolute path such as /run/exabgp.cmd"
        if !section.has("path") { section.report("path", expected: what) }
        return section.absolutePath("path", such: "/run/exabgp.cmd")
    }
}
