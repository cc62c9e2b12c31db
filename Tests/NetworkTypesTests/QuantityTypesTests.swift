import NetworkTypes
import Testing

struct QuantityTypesTests {
    /// Days about which calendars go wrong, against GNU date.
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
            (1_795_489_200, "2026-11-24T03:00:00.000Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000Z"),
            (-1, "1969-12-31T23:59:59.000Z"),
            (-2_208_988_800, "1900-01-01T00:00:00.000Z"),
        ] as [(Int64, String)]
    )
    func timestampsAreWrittenInUTC(seconds: Int64, text: String) {
        #expect(Timestamp(nanoseconds: seconds * 1_000_000_000).description == text)
    }

    @Test func fractionsOfASecondAreCutToMillisecondsDownwards() {
        #expect(Timestamp(nanoseconds: 1_999_999).description.hasSuffix(":00.001Z"))
        #expect(Timestamp(nanoseconds: -1).description == "1969-12-31T23:59:59.999Z")
    }

    @Test func timesSaturateInsteadOfTrapping() {
        #expect(Timestamp.distantFuture + .seconds(1) == .distantFuture)
        #expect(Timestamp(nanoseconds: .min) - Duration.seconds(1) == Timestamp(nanoseconds: .min))
        #expect((Timestamp.distantFuture - Timestamp(nanoseconds: -5)).nanoseconds == .max)
        #expect(Timestamp(seconds: .infinity) == .distantFuture)
        #expect(Timestamp(seconds: .nan).nanoseconds == 0)
        #expect(Duration.seconds(Int64.max).nanoseconds == .max)
        #expect(Duration.seconds(Int64.min).nanoseconds == .min)
        _ = Timestamp.distantFuture.description
        _ = Timestamp(nanoseconds: .min).description
    }

    @Test func differencesAndSumsAgree() {
        let begun = Timestamp(seconds: 100)
        #expect(begun + .milliseconds(250) - begun == .milliseconds(250))
        #expect(begun - Duration.seconds(1) < begun)
        #expect((Duration.milliseconds(-1500)).nanoseconds == -1_500_000_000)
    }

    @Test(
        arguments: [
            (0, .bits, "0 bit/s"), (999, .bits, "999 bit/s"), (999.6, .bits, "1 kbit/s"),
            (1_250_000_000, .bits, "1.25 Gbit/s"),
            (12_345_678, .bits, "12.3 Mbit/s"), (100_000_000, .bits, "100 Mbit/s"), (999_499, .bits, "999 kbit/s"),
            (20_000, .packets, "20k packets/s"), (3500, .flows, "3.5k flows/s"), (1.5, .packets, "1.5 packets/s"),
            (9.996, .packets, "10 packets/s"), (-3, .flows, "0 flows/s"), (.nan, .flows, "0 flows/s"),
            (5e12, .bits, "5 Tbit/s"),
        ] as [(Double, TrafficUnit, String)]
    )
    func ratesHaveThreeSignificantDigits(rate: Double, unit: TrafficUnit, text: String) {
        #expect(RateText.describe(rate, unit) == text)
    }

    @Test func absurdRatesAreWrittenWithoutTrapping() {
        for rate in [1e20, 1e40, .greatestFiniteMagnitude, .infinity, -.infinity] {
            for unit in TrafficUnit.allCases { #expect(RateText.describe(rate, unit).hasSuffix("/s")) }
        }
    }

    @Test func systemNumbersAreReadInAllForms() {
        #expect(ASN("65001") == ASN(65001))
        #expect(ASN("AS65001") == ASN(65001) && ASN("as65001") == ASN(65001))
        #expect(ASN("1.10") == ASN(65546))
        #expect(ASN("4294967295") == ASN(.max))
        for text in ["", "0", "0.0", "AS", "-1", "+1", "AS+1", "+1.+1", "4294967296", "65536.1", "1.2.3", "1 ", "٣"] {
            #expect(ASN(text) == nil, "\(text)")
        }
        #expect(ASN(65535).isTwoOctet && !ASN(65536).isTwoOctet)
    }

    @Test func protocolsHaveNamesAndNumbers() {
        for number in UInt8.min...UInt8.max {
            let value = IPProtocol(rawValue: number)
            #expect(IPProtocol(name: value.description) == value)
            #expect(IPProtocol(name: String(number)) == value)
            #expect(value.isICMP == (number == 1 || number == 58))
        }
        #expect(IPProtocol(name: "UDP") == .udp)
        // As IANA and ExaBGP have it; IPv4 in IP is 4, and has no name in rules.
        #expect(IPProtocol(name: "ipip")?.rawValue == 94 && IPProtocol.ipv4InIP.description == "4")
        for text in ["", "256", "-1", "+17", "quic"] { #expect(IPProtocol(name: text) == nil, "\(text)") }
    }

    @Test func flagsHaveNames() {
        for bits in UInt8.min...UInt8.max {
            let flags = TCPFlags(rawValue: bits)
            let named = flags.description.split(separator: "+").compactMap { TCPFlags(name: String($0)) }
            #expect(named.reduce(into: TCPFlags()) { $0.formUnion($1) } == flags)
            #expect(flags.isConnectionAttempt == (flags.contains(.syn) && !flags.contains(.ack)))
        }
        #expect(TCPFlags().description == "none")
        #expect(TCPFlags([.syn, .ack]).description == "syn+ack")
        #expect(TCPFlags(name: "push") == .psh && TCPFlags(name: "URGENT") == .urg && TCPFlags(name: "x") == nil)
    }

    @Test func thresholdsInheritOnlyWhatTheyDoNotSet() {
        var parent = Thresholds()
        parent[.total, .packets] = 20_000
        parent[.tcpSYN, .packets] = 10_000
        var own = Thresholds()
        own[.total, .packets] = 5
        let both = own.inheriting(from: parent)
        #expect(both[.total, .packets] == 5 && both[.tcpSYN, .packets] == 10_000)
        #expect(both.all.map(\.perSecond) == [5, 10_000])
        #expect(Thresholds().isEmpty && !own.isEmpty)
        for trafficClass in TrafficClass.allCases {
            for unit in TrafficUnit.allCases {
                var single = Thresholds()
                single[trafficClass, unit] = 1
                #expect(
                    single.all.count == 1 && single.all.first?.trafficClass == trafficClass
                        && single.all.first?.unit == unit
                )
            }
        }
    }
}
