public import NetworkTypes

/// What is counted, and over which time.
public struct TrafficConfiguration: Sendable {
    /// Several prefixes that are counted as one, or whose hosts are judged by thresholds of their own.
    public struct Group: Sendable, Hashable {
        public var name: String
        public var prefixes: [IPPrefix]

        public init(name: String, prefixes: [IPPrefix]) {
            self.name = name
            self.prefixes = prefixes
        }
    }

    /// The operator's own networks. One within another is counted in both.
    public var networks: [IPPrefix]
    /// A host belongs to the group with the longest prefix that holds it; a group's sum is that of all hosts in its prefixes.
    public var groups: [Group]
    /// Remote sources that never count.
    public var ignoredSources: [IPPrefix]
    /// How often windows slide.
    public var tick: Duration
    /// Over which rates are averaged; a multiple of the tick.
    public var window: Duration
    /// How many hosts are tracked, each direction counting as one.
    public var maximumHosts: Int
    /// Nil: rates are averages over the window.
    public var smoothing: ExponentialSmoothing?

    public init(
        networks: [IPPrefix],
        groups: [Group] = [],
        ignoredSources: [IPPrefix] = [],
        tick: Duration = .milliseconds(100),
        window: Duration = .seconds(1),
        maximumHosts: Int = 1_000_000
    ) {
        self.networks = networks
        self.groups = groups
        self.ignoredSources = ignoredSources
        self.tick = max(tick, .milliseconds(1))
        self.window = max(window, tick)
        self.maximumHosts = max(1, maximumHosts)
    }

    /// The tick that a time falls into: ticks are numbered from the epoch, so every machine and every replay agrees.
    public func tickIndex(of time: Timestamp) -> Int64 { time.nanoseconds / tick.nanoseconds }

    /// When a tick begins.
    public func start(ofTick index: Int64) -> Timestamp {
        Timestamp(nanoseconds: index.multipliedReportingOverflow(by: tick.nanoseconds).partialValue)
    }

    /// The second, since the epoch, that is under way when a tick ends.
    func second(ofTick index: Int64) -> Int64 { (start(ofTick: index &+ 1).nanoseconds &- 1) / 1_000_000_000 }

    var ticksPerWindow: Int { Int(max(1, min(window.nanoseconds / tick.nanoseconds, 10_000))) }
}
