/// Programs that are told of attacks, and how that goes.
public struct ScriptReport: Codable, Sendable, Hashable {
    public var paths: [String]
    /// Calls that have ended, and those of them that did not end with exit status 0.
    public var made: UInt64
    public var failed: UInt64
    /// Calls that were not made, as too many waited.
    public var dropped: UInt64
    public var running: Int
    public var waiting: Int

    public init(paths: [String], made: UInt64, failed: UInt64, dropped: UInt64, running: Int, waiting: Int) {
        self.paths = paths
        self.made = made
        self.failed = failed
        self.dropped = dropped
        self.running = running
        self.waiting = waiting
    }
}
