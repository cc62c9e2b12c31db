import Compatibility
import NetworkTypes
import Testing
import Traffic

/// Figures in the words of Graphite and InfluxDB, with the names that FastNetMon 1.2.4 was seen to send.
struct MetricsLinesTests {
    private static func rates(_ packets: Double, _ bits: Double, _ flows: Double = 0) -> TrafficRates {
        var rates = TrafficRates()
        rates[.total, .packets] = packets
        rates[.total, .bits] = bits
        rates[.total, .flows] = flows
        rates[.udp, .packets] = packets
        return rates
    }

    private func overview() throws -> TrafficOverview {
        TrafficOverview(
            time: Timestamp(nanoseconds: 1_795_579_113_400_000_000),
            networks: [
                .init(
                    name: try #require(IPPrefix("198.51.100.0/24")),
                    incoming: Self.rates(88_496.7, 375_226_760, 120),
                    outgoing: Self.rates(5, 4000)
                ),
                .init(
                    name: try #require(IPPrefix("2001:db8:100::/48")),
                    incoming: Self.rates(7, 70),
                    outgoing: TrafficRates()
                ),
            ],
            hosts: [
                .init(
                    name: IPAddress(198, 51, 100, 10),
                    incoming: Self.rates(88_496, 375_226_760, 120),
                    outgoing: TrafficRates()
                ),
                .init(
                    name: try #require(IPAddress("2001:db8:100::5")),
                    incoming: Self.rates(7, 70),
                    outgoing: TrafficRates()
                ),
            ],
            other: Self.rates(3, 30),
            trackedHosts: 2,
            records: 99
        )
    }

    @Test func graphitesNamesAreFastNetMons() throws {
        let lines = GraphiteLines.text(try overview(), prefix: "fastnetmon").split(separator: "\n").map(String.init)
        for line in [
            "fastnetmon.total.incoming.pps 88503 1795579113", "fastnetmon.total.incoming.bps 375226830 1795579113",
            "fastnetmon.total.incoming.flows 120 1795579113", "fastnetmon.total.outgoing.pps 5 1795579113",
            "fastnetmon.total.other.bps 30 1795579113",
            "fastnetmon.networks.198_51_100_0_24.incoming.pps 88496 1795579113",
            "fastnetmon.networks.198_51_100_0_24.outgoing.bps 4000 1795579113",
            "fastnetmon.networks.2001_db8_100___48.incoming.pps 7 1795579113",
            "fastnetmon.hosts.198_51_100_10.incoming.average.pps 88496 1795579113",
            "fastnetmon.hosts.198_51_100_10.incoming.average.flows 120 1795579113",
            "fastnetmon.hosts.2001_db8_100__5.incoming.average.bps 70 1795579113",
        ] {
            #expect(lines.contains(line), "\(line)")
        }
        #expect(!lines.contains { $0.contains("10.outgoing") }, "what is 0 is left out, as there")
        #expect(lines.allSatisfy { $0.split(separator: " ").count == 3 })
        #expect(GraphiteLines.text(try overview(), prefix: "a.b").hasPrefix("a.b.total."))
    }

    @Test func influxesMeasurementsAreFastNetMons() throws {
        let text = InfluxLines.text(try overview(), writes: .init(total: 4, failed: 1))
        let lines = text.split(separator: "\n").map(String.init)
        for line in [
            "total_traffic,direction=incoming bits=375226760,flows=120,packets=88496 1795579113000000000",
            "total_traffic_ipv6,direction=incoming bits=70,flows=0,packets=7 1795579113000000000",
            "total_traffic,direction=other bits=30,packets=3 1795579113000000000",
            "system_counters,metric=metric_value influxdb_writes_failed=1,influxdb_writes_total=4,"
                + "total_number_of_hosts=2,total_simple_packets_processed=99 1795579113000000000",
        ] {
            #expect(lines.contains(line), "\(line)")
        }
        let host = try #require(lines.first { $0.hasPrefix("hosts_traffic,host=198.51.100.10 ") })
        #expect(host.contains(" bits_incoming=375226760,flows_incoming=120,packets_incoming=88496,"))
        #expect(host.contains(",udp_packets_incoming=88496,") && host.contains(",packets_outgoing=0,"))
        #expect(lines.contains { $0.hasPrefix("networks_traffic,network=198.51.100.0/24 ") })
        #expect(lines.contains { $0.hasPrefix("networks_ipv6_traffic,network=2001:db8:100::/48 ") })
        #expect(lines.contains { $0.hasPrefix("hosts_ipv6_traffic,host=2001:db8:100::5 ") })
    }

    @Test func requestsAreOfBothVersions() {
        let first = InfluxRequest(
            host: "192.0.2.1",
            port: 8086,
            place: .database("fast net", user: "u&v", password: "p=é")
        )
        let text = String(decoding: first.octets(writing: "a b=1 2\n"), as: UTF8.self)
        #expect(text.hasPrefix("POST /write?db=fast%20net&u=u%26v&p=p%3D%C3%A9 HTTP/1.1\r\nHost: 192.0.2.1:8086\r\n"))
        #expect(text.hasSuffix("\r\nContent-Length: 8\r\nConnection: close\r\n\r\na b=1 2\n"))
        #expect(!text.contains("Authorization"))
        let second = InfluxRequest(
            host: "2001:db8::1",
            port: 8086,
            place: .bucket("b", organization: "o/p", token: "t==")
        )
        let other = String(decoding: second.octets(writing: ""), as: UTF8.self)
        #expect(other.hasPrefix("POST /api/v2/write?org=o%2Fp&bucket=b&precision=ns HTTP/1.1\r\n"))
        #expect(other.contains("\r\nHost: [2001:db8::1]:8086\r\n"))
        #expect(other.contains("\r\nAuthorization: Token t==\r\n"))
    }

    @Test(
        arguments: [
            ("HTTP/1.1 204 No Content\r\n", nil), ("HTTP/1.0 200 OK\n", nil),
            ("HTTP/1.1 401 Unauthorized\r\nX: y\r\n", "it answered 401 Unauthorized"), ("", "it said nothing"),
            ("SSH-2.0-x\r\n", "it does not speak HTTP"), ("HTTP/1.1 abc", "it does not speak HTTP"),
        ] as [(String, String?)]
    )
    func answersAreUnderstood(answer: String, objection: String?) {
        #expect(InfluxRequest.objection(in: answer) == objection)
    }
}
