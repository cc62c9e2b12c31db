internal import NetworkTypes
public import Traffic

/// Traffic in InfluxDB's line protocol, with the measurements, tags and fields that FastNetMon has.
public enum InfluxLines {
    /// Counters of the export itself.
    public struct Writes: Sendable, Hashable {
        public var total: UInt64
        public var failed: UInt64

        public init(total: UInt64, failed: UInt64) {
            self.total = total
            self.failed = failed
        }
    }

    /// `hosts_traffic,host=198.51.100.10 bits_incoming=375226760,… 1795579113000000000`, a line for each host, network
    /// and direction.
    public static func text(_ overview: TrafficOverview, writes: Writes) -> String {
        let stamp = "\(overview.time.nanoseconds / 1_000_000_000)000000000"
        var text = ""
        func add(_ series: String, _ fields: [(String, UInt64)]) {
            text += "\(series) \(fields.map { "\($0.0)=\($0.1)" }.joined(separator: ",")) \(stamp)\n"
        }
        for (measurement, family) in [("total_traffic", AddressFamily.ipv4), ("total_traffic_ipv6", .ipv6)] {
            let incoming = overview.total(\.incoming) { $0.family == family }
            let outgoing = overview.total(\.outgoing) { $0.family == family }
            for (name, rates) in [("incoming", incoming), ("outgoing", outgoing)] {
                add("\(measurement),direction=\(name)", fields(rates, [.bits, .flows, .packets], "", ""))
            }
        }
        // Of which family it is, is not counted.
        add("total_traffic,direction=other", fields(overview.other, [.bits, .packets], "", ""))
        for network in overview.networks where !isIdle(network) {
            let measurement = network.name.family == .ipv4 ? "networks_traffic" : "networks_ipv6_traffic"
            add("\(measurement),network=\(network.name)", fields(of: network))
        }
        for host in overview.hosts where !isIdle(host) {
            add("\(host.name.isIPv4 ? "hosts_traffic" : "hosts_ipv6_traffic"),host=\(host.name)", fields(of: host))
        }
        add(
            "system_counters,metric=metric_value",
            [
                ("influxdb_writes_failed", writes.failed), ("influxdb_writes_total", writes.total),
                ("total_number_of_hosts", UInt64(max(0, overview.trackedHosts))),
                ("total_simple_packets_processed", overview.records),
            ]
        )
        return text
    }

    private static func isIdle<Name>(_ item: TrafficOverview.Item<Name>) -> Bool {
        item.incoming[.total, .packets] < 1 && item.outgoing[.total, .packets] < 1
    }

    private static func fields<Name>(of item: TrafficOverview.Item<Name>) -> [(String, UInt64)] {
        var all: [(String, UInt64)] = []
        for (ending, rates) in [("_incoming", item.incoming), ("_outgoing", item.outgoing)] {
            all += fields(rates, [.bits, .flows, .packets], "", ending)
            for (name, trafficClass) in [
                ("fragmented_", TrafficClass.fragments), ("tcp_", .tcp), ("tcp_syn_", .tcpSYN), ("udp_", .udp),
                ("icmp_", .icmp),
            ] {
                all += fields(rates, [.bits, .packets], name, ending, trafficClass)
            }
        }
        return all
    }

    private static func fields(
        _ rates: TrafficRates,
        _ units: [TrafficUnit],
        _ beginning: String,
        _ ending: String,
        _ trafficClass: TrafficClass = .total
    ) -> [(String, UInt64)] {
        units.map { ("\(beginning)\($0.rawValue)\(ending)", BanList.whole(rates[trafficClass, $0])) }
    }
}
