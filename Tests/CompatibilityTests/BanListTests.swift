import Compatibility
import Detection
import NetworkTypes
import Testing

/// When FastNetMon would tell a script what.
struct BanListTests {
    private let terms = BanList.Terms(banTime: .seconds(100), onlyIfFinished: true)
    private func time(_ seconds: Double) -> Timestamp { BanFixture.time(seconds) }

    private func handle(_ bans: inout BanList, _ event: AttackEvent, _ seconds: Double) -> [String] {
        bans.handle(event, opposite: TrafficRates(), at: time(seconds)).map { "\($0.targetText) \($0.action.rawValue)" }
    }

    private func advance(_ bans: inout BanList, _ seconds: Double, _ terms: BanList.Terms? = nil) -> [String] {
        bans.advance(to: time(seconds), terms ?? self.terms).map { "\($0.targetText) \($0.action.rawValue)" }
    }

    @Test func aHostIsBannedOnceToldOfAndLetGo() {
        var bans = BanList()
        let attack = BanFixture.attack()
        #expect(handle(&bans, .began(attack), 0) == ["198.51.100.10 ban"])
        #expect(handle(&bans, .updated(attack), 0.5) == [], "there is not more to be told yet")
        #expect(handle(&bans, .updated(attack), 1) == ["198.51.100.10 attack_details"])
        #expect(handle(&bans, .updated(attack), 2) == [], "once")
        #expect(handle(&bans, .began(BanFixture.attack(2, direction: .outgoing)), 3) == [], "it is banned")
        #expect(handle(&bans, .ended(attack), 50) == [])
        #expect(advance(&bans, 101) == [], "the other goes on")
        #expect(handle(&bans, .ended(BanFixture.attack(2)), 120) == [])
        #expect(bans.banned == [BanFixture.host])
        #expect(advance(&bans, 120) == ["198.51.100.10 unban"])
        #expect(advance(&bans, 121) == [] && bans.banned.isEmpty)
        #expect(handle(&bans, .began(BanFixture.attack(3)), 130) == ["198.51.100.10 ban"], "anew")
    }

    @Test func aBanLastsItsTimeThoughTheAttackIsOver() {
        var bans = BanList()
        _ = handle(&bans, .began(BanFixture.attack()), 0)
        #expect(handle(&bans, .ended(BanFixture.attack()), 0.4) == ["198.51.100.10 attack_details"], "late, not never")
        #expect(advance(&bans, 99) == [])
        #expect(advance(&bans, 100) == ["198.51.100.10 unban"])
    }

    @Test func whereTheEndIsNotWaitedForItIsBannedAgain() {
        var bans = BanList()
        let impatient = BanList.Terms(banTime: .seconds(10), onlyIfFinished: false)
        _ = handle(&bans, .began(BanFixture.attack()), 0)
        #expect(advance(&bans, 10, impatient) == ["198.51.100.10 unban"])
        #expect(handle(&bans, .updated(BanFixture.attack()), 10.5) == ["198.51.100.10 ban"])
    }

    @Test func operatorsBanAndLetGo() {
        var bans = BanList()
        let calls = bans.ban(BanFixture.host, until: time(30), at: time(0))
        #expect(calls.map(\.arguments) == [["198.51.100.10", "other", "0", "ban"]])
        #expect(bans.ban(BanFixture.host, until: time(40), at: time(1)).isEmpty, "longer, and not twice")
        #expect(advance(&bans, 39) == [], "the ban time has no say in it")
        #expect(advance(&bans, 40) == ["198.51.100.10 unban"])

        _ = handle(&bans, .began(BanFixture.attack()), 50)
        #expect(bans.unban(BanFixture.host, at: time(51)).map(\.action) == [.unban])
        #expect(handle(&bans, .updated(BanFixture.attack()), 52) == [], "the operator's word stands")
        #expect(bans.unban(BanFixture.host, at: time(53)).isEmpty)
        #expect(handle(&bans, .ended(BanFixture.attack()), 60) == [])
        #expect(handle(&bans, .began(BanFixture.attack(2)), 61) == ["198.51.100.10 ban"], "for that attack")
    }

    @Test func afterARestartTheEndIsToldOf() {
        var bans = BanList()
        bans.resume(BanFixture.attack(), on: BanFixture.host, since: time(0), isUnderWay: true)
        #expect(handle(&bans, .updated(BanFixture.attack()), 20) == [])
        #expect(advance(&bans, 150) == [])
        _ = handle(&bans, .ended(BanFixture.attack()), 160)
        let calls = bans.advance(to: time(160), terms)
        #expect(calls.map(\.arguments) == [["198.51.100.10", "incoming", "88496", "unban"]])
    }

    @Test func eachPrefixOfAGroupIsOne() throws {
        var bans = BanList()
        let prefixes = [try #require(IPPrefix("198.51.100.0/25")), try #require(IPPrefix("203.0.113.0/24"))]
        let attack = BanFixture.attack(target: .group(name: "web", prefixes: prefixes))
        #expect(handle(&bans, .began(attack), 0) == ["198.51.100.0/25 ban", "203.0.113.0/24 ban"])
    }
}
