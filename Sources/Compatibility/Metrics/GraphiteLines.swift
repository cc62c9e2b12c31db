internal import NetworkTypes
public import Traffic

/// Traffic in Graphite's plaintext protocol, with the names that FastNetMon gives it.
public enum GraphiteLines {
    /// One line for each figure: `fastnetmon.total.incoming.pps 88496 1795579113`.
    ///
    /// Hosts have lines for what they have; FastNetMon's `total.internal` there is none of, as what flows between
    /// networks of ours counts as incoming for the one and as outgoing for the other.
    public static func text(_ overview: TrafficOverview, prefix: String) -> String {
        let seconds = overview.time.nanoseconds / 1_000_000_000
        var text = ""
        func add(_ name: String, _ value: UInt64) { text += "\(prefix).\(name) \(value) \(seconds)\n" }
        func whole(_ rates: TrafficRates, _ unit: TrafficUnit) -> UInt64 { BanList.whole(rates[.total, unit]) }
        for (name, rates) in [("incoming", overview.total(\.incoming)), ("outgoing", overview.total(\.outgoing))] {
            add("total.\(name).pps", whole(rates, .packets))
            add("total.\(name).bps", whole(rates, .bits))
            add("total.\(name).flows", whole(rates, .flows))
        }
        add("total.other.pps", whole(overview.other, .packets))
        add("total.other.bps", whole(overview.other, .bits))
        for network in overview.networks {
            let name = "networks.\(flat("\(network.name)"))"
            for (direction, rates) in [("incoming", network.incoming), ("outgoing", network.outgoing)] {
                add("\(name).\(direction).pps", whole(rates, .packets))
                add("\(name).\(direction).bps", whole(rates, .bits))
            }
        }
        for host in overview.hosts {
            let name = "hosts.\(flat("\(host.name)"))"
            for (direction, rates) in [("incoming", host.incoming), ("outgoing", host.outgoing)] {
                for (what, unit) in [("pps", TrafficUnit.packets), ("bps", .bits), ("flows", .flows)] {
                    let value = whole(rates, unit)
                    if value > 0 { add("\(name).\(direction).average.\(what)", value) }
                }
            }
        }
        return text
    }

    /// `198_51_100_0_24`: a dot would begin another level.
    private static func flat(_ text: String) -> String {
        String(text.map { $0 == "." || $0 == "/" || $0 == ":" ? "_" : $0 })
    }
}

extension TrafficOverview {
    /// The sum over the networks, of those that are wanted.
    func total(
        _ direction: KeyPath<Item<IPPrefix>, TrafficRates>,
        where isWanted: (IPPrefix) -> Bool = { _ in true }
    ) -> TrafficRates {
        var sum = TrafficRates()
        for network in networks where isWanted(network.name) {
            let rates = network[keyPath: direction]
            for trafficClass in TrafficClass.allCases {
                for unit in TrafficUnit.allCases { sum[trafficClass, unit] += rates[trafficClass, unit] }
            }
        }
        return sum
    }
}
