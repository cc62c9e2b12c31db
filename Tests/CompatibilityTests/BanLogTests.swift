import Compatibility
import Detection
import NetworkTypes
import Testing

/// Lines as FastNetMon 1.2.4 had them in its log.
struct BanLogTests {
    @Test func theLinesAreFastNetMons() {
        var bans = BanList()
        let terms = BanList.Terms(banTime: .seconds(8), onlyIfFinished: false)
        var lines: [String] = []
        func add(_ calls: [BanCall]) { lines += calls.flatMap(\.logLines) }
        add(bans.handle(.began(BanFixture.attack()), opposite: TrafficRates(), at: BanFixture.time(0.339)))
        add(bans.handle(.updated(BanFixture.attack()), opposite: TrafficRates(), at: BanFixture.time(2)))
        add(bans.advance(to: BanFixture.time(9), terms))
        #expect(
            lines == [
                "2027-01-15 08:00:00,339 [INFO] We run execute_ip_ban code with following params  in_pps: 88496 "
                    + "out_pps: 0 in_bps: 46903092 out_bps: 0 and we decide it's incoming attack\n",
                "2027-01-15 08:00:00,339 [INFO] Attack with direction: incoming IP: 198.51.100.10 Power: 88496\n",
                "2027-01-15 08:00:02,000 [INFO] Attack with direction: incoming IP: 198.51.100.10 Power: 88496 "
                    + "traffic samples collected\n",
                "2027-01-15 08:00:09,000 [INFO] We will unban banned IP: 198.51.100.10 because it ban time 8 seconds "
                    + "is ended\n",
            ]
        )
    }
}
