/// A collector that figures of the traffic are sent to.
public struct MetricsReport: Codable, Sendable, Hashable {
    /// `graphite` or `influxdb`.
    public var kind: String
    /// Host and port.
    public var collector: String
    /// How many times it took them, and did not.
    public var sent: UInt64
    public var failed: UInt64
    /// Why it did not the last time; nil where it did.
    public var problem: String?

    public init(kind: String, collector: String, sent: UInt64, failed: UInt64, problem: String?) {
        self.kind = kind
        self.collector = collector
        self.sent = sent
        self.failed = failed
        self.problem = problem
    }
}
