import Detection
import FlowSpec
import NetworkTypes
import Testing

@testable import Mitigation

private func time(_ seconds: Double) -> Timestamp { Fixture.time(seconds) }

/// Who has what part of the changes that a minute may bring, and who comes first of those that have to wait.
struct ShareOfChangesTests {
    private static let pipe = LedgerEntry.Requester.client("pipe /p")

    private func route(_ host: Int) -> Announcement {
        Announcement(route: .unicast(IPPrefix(host: IPAddress(198, 51, 100, UInt8(host)))))
    }

    /// A client that announces and withdraws without end.
    @Test func aClientInALoopLeavesRoomForAttacksAndOperators() {
        var ledger = Ledger(policy: Fixture.policy { $0.maximumChangesPerMinute = 40 })
        var announced = 0
        for round in 0..<200 {
            let now = time(Double(round) / 10)
            let answer = ledger.announce(route(9), for: .seconds(60), by: Self.pipe, reason: "", at: now)
            announced += answer.effects.announcements.count
            _ = ledger.withdraw(route(9).route, by: Self.pipe, at: now)
        }
        #expect(announced >= 10 && announced <= 30, "it has three quarters: \(announced)")
        for host in 1...9 {
            let attack = Fixture.attack(UInt64(host), "203.0.113.\(host)")
            #expect(ledger.handle(.began(attack), at: time(20)).announcements.count == 1, "\(host)")
        }
        let ban = ledger.ban(IPPrefix(host: IPAddress(198, 51, 100, 7)), reason: "", at: time(20))
        #expect(ban.announcements.count == 1)
        let eleventh = ledger.handle(.began(Fixture.attack(11, "203.0.113.11")), at: time(20))
        #expect(eleventh.announcements.isEmpty, "all together have no more than the whole")
    }

    @Test func withoutAttacksAClientHasItsPartEachMinute() {
        var ledger = Ledger(policy: Fixture.policy { $0.maximumChangesPerMinute = 8 })
        let all = (1...8).flatMap { host in
            ledger.announce(route(host), for: .seconds(3600), by: Self.pipe, reason: "", at: time(0)).effects
                .announcements
        }
        #expect(all.count == 6)
        #expect(ledger.advance(to: time(59)).announcements.isEmpty)
        #expect(ledger.nextDeadline(at: time(59)).map { $0 <= time(60) } == true)
        #expect(ledger.advance(to: time(61)).announcements.map(\.route) == [route(7).route, route(8).route])
    }

    /// After a restart as before it.
    @Test func whatAClientHadWaitingComesNoFasterAfterARestart() {
        let policy = Fixture.policy { $0.maximumChangesPerMinute = 8 }
        var ledger = Ledger(policy: policy)
        for host in 1...40 {
            _ = ledger.announce(route(host), for: .seconds(3600), by: Self.pipe, reason: "", at: time(0))
        }
        #expect(ledger.inForce.count { $0.state == .announced } == 6)
        var second = Ledger(policy: policy)
        let highest = ledger.inForce.last?.id ?? LedgerEntry.ID(rawValue: 0)
        let back = second.restore(ledger.inForce, attacks: [], overruled: [], highestID: highest, at: time(1))
        #expect(
            back.announcements.count <= 12,
            "what was there, and as many as there may be: \(back.announcements.count)"
        )
        let more = second.advance(to: time(2)).announcements.count
        #expect(back.announcements.count + more <= 12)
        #expect(second.inForce.count == 40)
    }

    @Test func ofThoseThatWaitTheWorstComesFirst() {
        var ledger = Ledger(
            policy: Fixture.policy {
                $0.maximumChangesPerMinute = 1
                $0.banTime = .seconds(3600)
            }
        )
        _ = ledger.handle(.began(Fixture.attack(1, "203.0.113.1", bits: 1e9)), at: time(0))
        let client = ledger.announce(route(1), for: .seconds(3600), by: Self.pipe, reason: "", at: time(1))
        #expect(client.effects.announcements.isEmpty)
        for (id, bits) in [(2, 2e9), (3, 5e9), (4, 4e9)] {
            let attack = Fixture.attack(UInt64(id), "203.0.113.\(id)", bits: bits)
            #expect(ledger.handle(.began(attack), at: time(2)).announcements.isEmpty)
        }
        _ = ledger.ban(IPPrefix(host: IPAddress(198, 51, 100, 7)), reason: "", at: time(3))
        var order: [String] = []
        for minute in 1...5 {
            order += ledger.advance(to: time(Double(minute) * 61)).announcements.map(\.route.description)
        }
        let expected = ["198.51.100.7/32", "203.0.113.3/32", "203.0.113.4/32", "203.0.113.2/32", "198.51.100.1/32"]
        #expect(zip(order, expected).allSatisfy { $0.contains($1) } && order.count == expected.count, "\(order)")
    }

    /// A rule of the configuration that changes is a change as any other: what stands does meanwhile.
    @Test func theConfigurationChangesNoMoreThanIsAllowed() {
        var ledger = Ledger(policy: Fixture.policy { $0.maximumChangesPerMinute = 4 })
        func wanted(_ metric: UInt32) -> [Announcement] {
            (1...4).map { host in
                var announcement = route(host)
                announcement.metric = metric
                return announcement
            }
        }
        #expect(ledger.adopt(configured: wanted(1), at: time(0)).effects.announcements.count == 4)
        #expect(ledger.adopt(configured: wanted(2), at: time(1)).effects.announcements.isEmpty)
        #expect(ledger.inForce.map(\.announcement.metric) == [1, 1, 1, 1])
        var changed = 0
        for second in 2...59 { changed += ledger.advance(to: time(Double(second))).announcements.count }
        #expect(changed == 0)
        for second in 60...75 { changed += ledger.advance(to: time(Double(second))).announcements.count }
        #expect(changed == 4 && ledger.inForce.map(\.announcement.metric) == [2, 2, 2, 2])
    }
}
