import NetworkTypes
import Testing
import Traffic

@testable import Detection

/// What thresholds would have done in the recorded past.
struct ThresholdAdviceTests {
    private let web = IPPrefix(host: IPAddress(198, 51, 100, 1))
    private let mail = IPPrefix(host: IPAddress(198, 51, 100, 2))

    /// Hours of hosts' peaks in packets; those left out have none.
    private func hours(_ count: Int64, _ peaks: [Int64: [(IPPrefix, Double)]], usual: Double = 1000) -> [PeakHour] {
        (0..<count).map { index in
            var hour = PeakHour(subject: .hosts(group: nil), hour: 1000 + index)
            hour.minutes = 60
            let own = [(web, usual)] + (peaks[index] ?? [])
            hour.packets = own.map { member, rate in
                TrafficPeak(member: member, level: BaselineLevel(rate: rate).rawValue, minute: 20, minutes: 5)
            }.sorted { $0.level > $1.level }
            hour.packetsBeyond = BaselineLevel(rate: 500).rawValue
            return hour
        }
    }

    private func advice(_ hours: [PeakHour], attacks: [Attack] = [], threshold: Double = 20_000) throws
        -> ThresholdAdvice
    {
        let all = ThresholdAdvice.all(
            hours: hours,
            attacks: attacks,
            configuration: DetectionConfiguration(thresholds: limits(threshold)),
            at: Timestamp(seconds: 2000 * 3600)
        )
        return try #require(all.first { $0.subject == .hosts(group: nil) && $0.unit == .packets })
    }

    private func attack(_ id: UInt64, peak: Double) -> Attack {
        var rates = TrafficRates()
        rates[.total, .packets] = peak
        var attack = Attack(
            id: Attack.ID(rawValue: id),
            target: .host(mail.address),
            direction: .incoming,
            began: Timestamp(seconds: 1010 * 3600),
            kind: .udpFlood,
            kindShare: 1,
            crossing: ThresholdCrossing(
                trafficClass: .total,
                unit: .packets,
                threshold: 20_000,
                rate: peak,
                lowerBound: peak,
                upperBound: peak,
                window: .seconds(1),
                samples: 1,
                group: nil
            ),
            rates: rates,
            samples: []
        )
        attack.ended = attack.began + .seconds(90)
        return attack
    }

    @Test func halfAsMuchAgainAsTheHighestIsProposed() throws {
        let found = try advice(hours(48, [7: [(mail, 4000)]]))
        #expect(found.hours == 48 && found.proposed == 6000)
        #expect(found.alarms.isEmpty && found.isComplete && found.present == 20_000 && found.presentAlarms.isEmpty)
        #expect(found.highest?.member == mail)
        #expect(found.highest?.began == Timestamp(seconds: 1007 * 3600 + 20 * 60))
    }

    /// One hour of an attack that nobody found does not raise it, and is named.
    @Test func ofAHundredHoursOneMayBeHigherAndIsSaidToBeAnAlarm() throws {
        let found = try advice(hours(200, [50: [(mail, 15_000)], 51: [(mail, 12_000)]]))
        #expect(found.proposed > 1400 && found.proposed < 1600, "\(found.proposed)")
        #expect(found.alarms.count == 1, "of adjacent hours it is one")
        #expect(found.alarms.first?.member == mail && found.alarms.first?.minutes == 10)
        #expect(abs((found.alarms.first?.peak ?? 0) / 15_000 - 1) < 0.01)
        let young = try advice(hours(20, [5: [(mail, 15_000)]]))
        #expect(young.proposed > 22_000 && young.alarms.isEmpty)
        let apart = try advice(hours(400, [50: [(mail, 15_000)], 60: [(mail, 12_000)]]))
        #expect(apart.alarms.count == 2)
    }

    @Test func attacksThatWereFoundAreAlarmsAndDoNotRaiseIt() throws {
        let found = try advice(hours(48, [:]), attacks: [attack(7, peak: 90_000), attack(8, peak: 21_000)])
        #expect(found.proposed > 1400 && found.proposed < 1600)
        #expect(found.alarms.map(\.attack) == [Attack.ID(rawValue: 7), Attack.ID(rawValue: 8)])
        #expect(found.alarms.first?.minutes == 2)
        #expect(found.presentAlarms.count == 2 && found.missed.isEmpty)
        // Where the hosts have more than what was taken for an attack, it is said to be missed.
        let raised = try advice(hours(48, [:], usual: 18_000), attacks: [attack(8, peak: 21_000)])
        #expect(raised.missed == [Attack.ID(rawValue: 8)] && raised.alarms.isEmpty && raised.presentAlarms.count == 1)
    }

    @Test func alarmsOfAThresholdThatIsTooLowAreSaidToBeMoreThanAreNamed() throws {
        var past = hours(10, [:], usual: 3000)
        for index in past.indices { past[index].packetsBeyond = BaselineLevel(rate: 2500).rawValue }
        let found = try advice(past, threshold: 1000)
        #expect(found.presentAlarms.count == 1 && !found.isPresentComplete && found.isComplete)
    }

    @Test func whatNobodyIsAlarmedAboutIsNotProposed() throws {
        var quiet = hours(10, [:])
        for index in quiet.indices { quiet[index].packets = [] }
        let found = try advice(quiet)
        #expect(found.proposed == 1000 && found.highest == nil)
        #expect(ThresholdAdvice.rounded(up: 1234) == 1300)
        #expect(ThresholdAdvice.rounded(up: 1200) == 1200)
        #expect(ThresholdAdvice.rounded(up: 0.2) == 1)
        #expect(ThresholdAdvice.rounded(up: .nan) == 1)
    }
}
