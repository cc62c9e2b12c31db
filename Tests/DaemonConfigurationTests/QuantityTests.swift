import DaemonConfiguration
import NetworkTypes
import Testing

struct QuantityTests {
    @Test(
        arguments: [
            ("1900s", .seconds(1900)), ("30m", .seconds(1800)), ("100ms", .milliseconds(100)), ("1.5h", .seconds(5400)),
            ("2d", .seconds(172_800)), ("0s", .zero), (" 5 s ", .seconds(5)),
        ] as [(String, Duration)]
    )
    func timesHaveUnits(text: String, duration: Duration) { #expect(Quantity.duration(text) == duration) }

    @Test(arguments: [
        "", "5", "s", "5 x", "-5s", "+5s", "1e3s", "1.2.3s", "5 m s", "20k packets/s", "99999999999999999999d", ".",
        "٣s", "5S",
    ])
    func otherTextIsNoTime(text: String) { #expect(Quantity.duration(text) == nil) }

    @Test(
        arguments: [
            ("20k packets/s", .packets, 20_000), ("20000 packets/s", .packets, 20_000),
            ("20 kpackets/s", .packets, 20_000),
            ("1.5M pps", .packets, 1_500_000), ("1 Gbit/s", .bits, 1e9), ("1G bit/s", .bits, 1e9),
            ("12.5 MB/s", .bits, 100e6),
            ("100 Mbps", .bits, 100e6), ("3500 flows/s", .flows, 3500), ("3.5k flows/s", .flows, 3500),
            ("8 bit/s", .bits, 8),
            ("2 Tbit/s", .bits, 2e12),
        ] as [(String, TrafficUnit, Double)]
    )
    func ratesHaveUnits(text: String, unit: TrafficUnit, rate: Double) {
        #expect(Quantity.rate(text, unit) == rate)
        for other in TrafficUnit.allCases where other != unit { #expect(Quantity.rate(text, other) == nil) }
    }

    @Test(arguments: [
        "", "20", "20k", "k packets/s", "-1 packets/s", "1 mbit/s", "20k  k packets/s", "10s", "1e9 bit/s",
        "9999999999999999999 Tbit/s",
    ])
    func otherTextIsNoRate(text: String) {
        for unit in TrafficUnit.allCases { #expect(Quantity.rate(text, unit) == nil) }
    }

    /// What the program writes it reads again, to the three digits that it writes.
    @Test func writtenRatesAreReadAgain() throws {
        for unit in TrafficUnit.allCases {
            for rate in [1.0, 8, 999, 1000, 1500, 20_000, 123_456, 1e9, 12.5e9, 3.5e12] {
                let read = try #require(Quantity.rate(RateText.describe(rate, unit), unit))
                #expect(abs(read - rate) <= rate / 200, "\(RateText.describe(rate, unit))")
            }
        }
    }
}
