/// A named pipe that commands are read from.
public struct PipeReport: Codable, Sendable, Hashable {
    public var path: String
    public var octets: UInt64
    public var commands: UInt64
    public var refused: UInt64
    /// Why it is not read; nil while it is.
    public var problem: String?

    public init(path: String, octets: UInt64, commands: UInt64, refused: UInt64, problem: String?) {
        self.path = path
        self.octets = octets
        self.commands = commands
        self.refused = refused
        self.problem = problem
    }
}

/// A named pipe by which an ExaBGP is told what to announce.
public struct PipeWriterReport: Codable, Sendable, Hashable {
    public var path: String
    /// Somebody has it open.
    public var isRead: Bool
    /// Rules that it is to have, and that it was told since it was opened last.
    public var rules: Int
    public var toldRules: Int
    public var commands: UInt64
    /// Why nothing is written; nil while it is.
    public var problem: String?

    public init(path: String, isRead: Bool, rules: Int, toldRules: Int, commands: UInt64, problem: String?) {
        self.path = path
        self.isRead = isRead
        self.rules = rules
        self.toldRules = toldRules
        self.commands = commands
        self.problem = problem
    }
}

/// A program that speaks ExaBGP's API.
public struct ProcessReport: Codable, Sendable, Hashable {
    public var name: String
    /// Nil while it does not run.
    public var processIdentifier: Int32?
    /// How often it was started.
    public var starts: UInt64
    public var commands: UInt64
    public var refused: UInt64
    /// Lines for it that were left out because it did not read.
    public var droppedLines: UInt64
    /// How it ended last, or why it could not be started; nil as long as it has not.
    public var lastEnd: String?

    public init(
        name: String,
        processIdentifier: Int32?,
        starts: UInt64,
        commands: UInt64,
        refused: UInt64,
        droppedLines: UInt64,
        lastEnd: String?
    ) {
        self.name = name
        self.processIdentifier = processIdentifier
        self.starts = starts
        self.commands = commands
        self.refused = refused
        self.droppedLines = droppedLines
        self.lastEnd = lastEnd
    }
}

/// Something that happened, as `events` lists it.
public struct EventReport: Codable, Sendable, Hashable {
    /// RFC 3339, UTC.
    public var time: String
    public var text: String
    public var attack: UInt64?
    public var rule: UInt64?

    public init(time: String, text: String, attack: UInt64?, rule: UInt64?) {
        self.time = time
        self.text = text
        self.attack = attack
        self.rule = rule
    }
}
