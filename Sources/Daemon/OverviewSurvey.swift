import NetworkTypes
import Traffic

/// A look at all hosts once a period, a part of them each tick, for those whom figures are sent to.
struct OverviewSurvey {
    private let period: Duration
    private let hosts: Int
    private var top: TopHosts?
    private var next = Timestamp(nanoseconds: 0)

    init(period: Duration, hosts: Int) {
        self.period = period
        self.hosts = hosts
    }

    /// The overview, when all have been looked at.
    mutating func advance(through merger: TrafficMerger) -> TrafficOverview? {
        guard merger.tickEnd >= next else { return nil }
        if top == nil { top = TopHosts(limit: hosts) }
        guard top?.look(into: merger, atMost: TrafficSurvey.hostsPerTick) == true, let done = top else { return nil }
        top = nil
        next = merger.tickEnd + period
        return merger.overview(of: done.busiest(hosts))
    }
}
