import NetworkTypes
import Synchronization
import Traffic

/// The busiest hosts and all networks, as of about a second ago.
struct TrafficView: Sendable {
    var time: Timestamp
    var hosts: TopHosts
    var networks: [IPPrefix]
    /// The places of those that lie in no other.
    var outermost: [Int]
    var incoming: [TopEntry]
    var outgoing: [TopEntry]
    /// Of every class: networks and groups, the incoming first.
    var networkRates: [[TrafficRates]]
    var groupRates: [[TrafficRates]]
}

/// Where the engine leaves what it has seen for those who ask, as long as somebody does.
final class TrafficBoard: Sendable {
    private struct State {
        var isWanted = false
        var view: TrafficView?
    }

    private let state = Mutex(State())

    /// A survey that began after now; nil when none came within five seconds.
    func look(at clock: DaemonClock) async -> TrafficView? {
        let asked = clock.now
        state.withLock { $0.isWanted = true }
        for _ in 0..<250 {
            // Half a second old serves as well: whoever looks each second has each survey once.
            if let view = state.withLock({ $0.view }), asked - view.time < .milliseconds(500) { return view }
            guard (try? await Task.sleep(for: .milliseconds(20))) != nil else { return nil }
        }
        return nil
    }

    /// Whether somebody has asked since the last time.
    fileprivate func takeWish() -> Bool {
        state.withLock { state in
            defer { state.isWanted = false }
            return state.isWanted
        }
    }

    fileprivate func put(_ view: TrafficView) { state.withLock { $0.view = view } }
}

/// A look at all hosts, a part of them each tick, so that a million of them do not hold up the judging.
struct TrafficSurvey {
    private var hosts: TopHosts?

    /// What takes a few milliseconds, of the hundred that a tick has.
    static let hostsPerTick = 131_072

    mutating func advance(through merger: TrafficMerger, for board: TrafficBoard) {
        if hosts == nil {
            guard board.takeWish() else { return }
            hosts = TopHosts()
        }
        guard hosts?.look(into: merger, atMost: Self.hostsPerTick) == true, let done = hosts else { return }
        hosts = nil
        board.put(
            TrafficView(
                time: merger.tickEnd,
                hosts: done,
                networks: merger.networkPrefixes,
                outermost: merger.outermostNetworks,
                incoming: merger.networkEntries(.incoming),
                outgoing: merger.networkEntries(.outgoing),
                networkRates: [merger.networkRates(.incoming), merger.networkRates(.outgoing)],
                groupRates: [merger.groupRates(.incoming), merger.groupRates(.outgoing)]
            )
        )
    }
}
