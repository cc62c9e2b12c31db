import NetworkTypes
import Testing
import Traffic

@testable import Detection

/// What thresholds would have done in the recorded past.
struct ThresholdAdviceTests {
    private let web = IPPrefix(host: IPAddress(198, 51, 100, 1))
    private let mail = IPPrefix(host: IPAddress(198, 51, 100, 2))

    /// Hours of hosts' peaks in packets; those left out have none.
    private func hours(
        _ count: Int64,
        _ peaks: [Int64: [(IPPrefix, Double)]],
        usual: Double = 1000,
        subject: PeakSubject = .hosts(group: nil)
    ) -> [PeakHour] {
        (0..<count).map { index in
            var hour = PeakHour(subject: subject, hour: 1000 + index)
            hour.minutes = 60
            hour[Self.packets] = series([(web, usual)] + (peaks[index] ?? []))
            hour[PeakAspect(.incoming, .total, .bits)] = series([])
            return hour
        }
    }

    private static let packets = PeakAspect(.incoming, .total, .packets)
    private static let udp = PeakAspect(.incoming, .udp, .packets)

    private func series(_ peaks: [(IPPrefix, Double)]) -> PeakSeries {
        let all = peaks.map { member, rate in
            TrafficPeak(member: member, level: BaselineLevel(rate: rate).rawValue, minute: 20, minutes: 5)
        }
        return PeakSeries(peaks: all.sorted { $0.level > $1.level }, beyond: BaselineLevel(rate: 500).rawValue)
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
        return try #require(all.first { $0.subject == .hosts(group: nil) && $0.aspect == Self.packets })
    }

    private func attack(
        _ id: UInt64,
        peak: Double,
        _ direction: TrafficDirection = .incoming,
        foundBy trafficClass: TrafficClass = .total
    ) -> Attack {
        var rates = TrafficRates()
        rates[.total, .packets] = peak
        rates[trafficClass, .packets] = peak
        var attack = Attack(
            id: Attack.ID(rawValue: id),
            target: .host(mail.address),
            direction: direction,
            began: Timestamp(seconds: 1010 * 3600),
            kind: .udpFlood,
            kindShare: 1,
            crossing: ThresholdCrossing(
                trafficClass: trafficClass,
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
        #expect((1400..<1600).contains(found.proposed ?? 0), "\(found)")
        #expect(found.alarms.count == 1, "of adjacent hours it is one")
        #expect(found.alarms.first?.member == mail && found.alarms.first?.minutes == 10)
        #expect(abs((found.alarms.first?.peak ?? 0) / 15_000 - 1) < 0.01)
        let young = try advice(hours(20, [5: [(mail, 15_000)]]))
        #expect(young.proposed ?? 0 > 22_000 && young.alarms.isEmpty)
        let apart = try advice(hours(400, [50: [(mail, 15_000)], 60: [(mail, 12_000)]]))
        #expect(apart.alarms.count == 2)
    }

    @Test func attacksThatWereFoundAreAlarmsAndDoNotRaiseIt() throws {
        let found = try advice(hours(48, [:]), attacks: [attack(7, peak: 90_000), attack(8, peak: 21_000)])
        #expect((1400..<1600).contains(found.proposed ?? 0))
        #expect(found.alarms.map(\.attack) == [Attack.ID(rawValue: 7), Attack.ID(rawValue: 8)])
        #expect(found.alarms.first?.minutes == 2)
        #expect(found.presentAlarms.count == 2 && found.missed.isEmpty)
        // Where the hosts have more than what was taken for an attack, it is said to be missed.
        let raised = try advice(hours(48, [:], usual: 18_000), attacks: [attack(8, peak: 21_000)])
        #expect(raised.missed == [Attack.ID(rawValue: 8)] && raised.alarms.isEmpty && raised.presentAlarms.count == 1)
    }

    @Test func alarmsOfAThresholdThatIsTooLowAreSaidToBeMoreThanAreNamed() throws {
        var past = hours(10, [:], usual: 3000)
        for index in past.indices { past[index][Self.packets]?.beyond = BaselineLevel(rate: 2500).rawValue }
        let found = try advice(past, threshold: 1000)
        #expect(found.presentAlarms.count == 1 && !found.isPresentComplete && found.isComplete)
    }

    @Test func whatNobodyIsAlarmedAboutIsNotProposed() throws {
        var quiet = hours(10, [:])
        for index in quiet.indices { quiet[index][Self.packets]?.peaks = [] }
        let found = try advice(quiet)
        #expect(found.proposed == nil && found.highest == nil && found.least == 500 && found.isWorthSetting)
        #expect(found.alarms.isEmpty && found.hours == 10 && found.present == 20_000)
        #expect(ThresholdAdvice.rounded(up: 1234) == 1300)
        #expect(ThresholdAdvice.rounded(up: 1200) == 1200)
        #expect(ThresholdAdvice.rounded(up: 0.2) == 1)
        #expect(ThresholdAdvice.rounded(up: .nan) == 1)
    }

    // MARK: Directions and classes

    private func all(
        _ hours: [PeakHour],
        attacks: [Attack] = [],
        _ configuration: DetectionConfiguration = DetectionConfiguration(thresholds: limits(20_000))
    ) -> [ThresholdAdvice] {
        ThresholdAdvice.all(
            hours: hours,
            attacks: attacks,
            configuration: configuration,
            at: Timestamp(seconds: 2000 * 3600)
        )
    }

    /// Hours in which a part of the traffic has its highest as well.
    private func hours(_ aspect: PeakAspect, _ rate: Double, usual: Double = 10_000) -> [PeakHour] {
        var all = hours(48, [:], usual: usual)
        for index in all.indices { all[index][aspect] = series([(mail, rate)]) }
        return all
    }

    @Test func aPartOfTheTrafficIsProposedWhereItIsNotablyLess() throws {
        let found = all(hours(Self.udp, 2000))
        let udp = try #require(found.first { $0.aspect == Self.udp })
        #expect(udp.proposed == 3000 && udp.present == nil && udp.isWorthSetting && udp.hours == 48)
        #expect(udp.highest?.member == mail)
        // As high as all of it, it says nothing: it would be found by the threshold for all.
        let most = try #require(all(hours(Self.udp, 9000)).first { $0.aspect == Self.udp })
        #expect(most.proposed == 14_000 && !most.isWorthSetting)
        // Except where there is one already.
        var thresholds = limits(20_000)
        thresholds[.udp, .packets] = 5000
        let present = try #require(
            all(hours(Self.udp, 9000), DetectionConfiguration(thresholds: thresholds)).first { $0.aspect == Self.udp }
        )
        #expect(present.isWorthSetting && present.present == 5000 && present.presentAlarms.count == 1)
        // What nobody is alarmed about is not spoken of, nor what was not recorded.
        #expect(!all(hours(Self.udp, 400)).contains { $0.aspect == Self.udp })
        #expect(Set(all(hours(48, [:])).map(\.aspect.trafficClass)) == [.total])
    }

    @Test func outgoingTrafficIsHeldAgainstItsOwnThresholdsAndAttacks() throws {
        let sent = PeakAspect(.outgoing, .total, .packets)
        let outgoing = attack(7, peak: 90_000, .outgoing)
        let configuration = DetectionConfiguration(thresholds: limits(20_000), outgoingThresholds: limits(3000))
        let found = all(hours(sent, 4000), attacks: [outgoing, attack(8, peak: 50_000)], configuration)
        let advice = try #require(found.first { $0.aspect == sent })
        #expect(advice.present == 3000 && advice.proposed == 6000 && advice.isWorthSetting)
        #expect(advice.alarms.map(\.attack) == [Attack.ID(rawValue: 7)])
        // One of 48 hours running, and the attack.
        #expect(advice.presentAlarms.count == 2)
        let incoming = try #require(found.first { $0.aspect == Self.packets })
        #expect(incoming.alarms.map(\.attack) == [Attack.ID(rawValue: 8)])
    }

    @Test func anAttackIsHeldAgainstTheThresholdOfEachClass() throws {
        let udp = attack(7, peak: 29_000, foundBy: .udp)
        let found = all(hours(Self.udp, 2000), attacks: [udp])
        #expect(found.first { $0.aspect == Self.udp }?.alarms.map(\.peak) == [29_000])
        let tcp = PeakAspect(.incoming, .tcp, .packets)
        #expect(all(hours(tcp, 2000), attacks: [udp]).first { $0.aspect == tcp }?.alarms.isEmpty ?? false)
        // Lower than what hosts usually have of it: it would be missed.
        let raised = try #require(
            all(hours(Self.udp, 25_000, usual: 90_000), attacks: [udp]).first { $0.aspect == Self.udp }
        )
        #expect(raised.missed == [Attack.ID(rawValue: 7)])
    }

    /// A group is given what is set for all, unless it says otherwise: it must, where it has more.
    @Test func aGroupThatHasMoreIsNotGivenWhatIsProposedForAll() throws {
        let prefix = try #require(IPPrefix("198.51.100.64/26"))
        let games = DetectionConfiguration.Group(name: "games", prefixes: [prefix], thresholds: Thresholds())
        var own = hours(48, [:], usual: 9000, subject: .hosts(group: "games"))
        for index in own.indices { own[index][Self.udp] = series([(mail, 8800)]) }
        let configuration = DetectionConfiguration(thresholds: limits(20_000), groups: [games])
        func isWorth(_ past: [PeakHour]) -> Bool? {
            all(past, configuration).first { $0.subject == .hosts(group: "games") && $0.aspect == Self.udp }?
                .isWorthSetting
        }
        #expect(isWorth(hours(Self.udp, 2000) + own) == true)
        #expect(isWorth(hours(Self.udp, 9900) + own) == false)
    }
}
