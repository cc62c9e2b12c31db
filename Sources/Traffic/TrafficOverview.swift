public import NetworkTypes

/// Traffic of all networks and of the heaviest hosts, for those who keep or show it.
public struct TrafficOverview: Sendable, Hashable {
    public struct Item<Name: Sendable & Hashable>: Sendable, Hashable {
        public var name: Name
        public var incoming: TrafficRates
        public var outgoing: TrafficRates

        public init(name: Name, incoming: TrafficRates, outgoing: TrafficRates) {
            self.name = name
            self.incoming = incoming
            self.outgoing = outgoing
        }
    }

    public var time: Timestamp
    public var networks: [Item<IPPrefix>]
    /// The heaviest first.
    public var hosts: [Item<IPAddress>]
    public var other: TrafficRates
    public var trackedHosts: Int
    public var records: UInt64

    public init(
        time: Timestamp,
        networks: [Item<IPPrefix>],
        hosts: [Item<IPAddress>],
        other: TrafficRates = TrafficRates(),
        trackedHosts: Int = 0,
        records: UInt64 = 0
    ) {
        self.time = time
        self.networks = networks
        self.hosts = hosts
        self.other = other
        self.trackedHosts = trackedHosts
        self.records = records
    }
}

extension TrafficMerger {
    /// What all networks have now, and the hosts that are named.
    public func overview(of hosts: [IPAddress]) -> TrafficOverview {
        func rates(_ key: TrafficKey) -> TrafficRates {
            guard let position = position(of: key) else { return TrafficRates() }
            var rates = states[position].counters.rates(over: configuration.window)
            // With what was reported late, which the window has no more.
            let entry = topEntry(at: position)
            for unit in TrafficUnit.allCases { rates[.total, unit] = entry[unit] }
            return rates
        }
        return TrafficOverview(
            time: tickEnd,
            networks: view.networkPrefixes.enumerated().map { index, prefix in
                .init(
                    name: prefix,
                    incoming: rates(TrafficKey(network: index, isIncoming: true)),
                    outgoing: rates(TrafficKey(network: index, isIncoming: false))
                )
            },
            hosts: hosts.map { address in
                .init(
                    name: address,
                    incoming: rates(TrafficKey(host: address, isIncoming: true)),
                    outgoing: rates(TrafficKey(host: address, isIncoming: false))
                )
            },
            other: otherRates,
            trackedHosts: trackedHosts,
            records: records
        )
    }
}

extension TopHosts {
    /// The hosts that have most bits in either direction, the busiest first.
    public func busiest(_ count: Int) -> [IPAddress] {
        let entries = (ranking(.incoming, by: .bits) + ranking(.outgoing, by: .bits)).sorted { first, second in
            first.bits != second.bits ? first.bits > second.bits : first.key.address < second.key.address
        }
        var seen: Set<IPAddress> = []
        return Array(entries.map(\.key.address).filter { seen.insert($0).inserted }.prefix(max(0, count)))
    }
}
