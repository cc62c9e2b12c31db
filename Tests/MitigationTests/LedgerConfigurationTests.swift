import FlowSpec
import NetworkTypes
import Testing

@testable import Mitigation

/// Rules that stand in the configuration: there while it has them, and gone with it.
struct LedgerConfigurationTests {
    private static let start = Timestamp(seconds: 1_000_000)

    private static func ledger(maximumRules: Int = 10) throws -> Ledger {
        let network = try #require(IPPrefix("198.51.100.0/24"))
        return Ledger(policy: MitigationPolicy(mode: .enforce, networks: [network], maximumRules: maximumRules))
    }

    private static func route(_ host: Int, neighbors: [IPAddress]? = nil, metric: UInt32? = nil) throws -> Announcement
    {
        let prefix = try #require(IPPrefix("198.51.100.\(host)/32"))
        return Announcement(route: .unicast(prefix), metric: metric, neighbors: neighbors)
    }

    @Test func theyOutlastEveryLease() throws {
        var ledger = try Self.ledger()
        let (effects, refused) = ledger.adopt(configured: [try Self.route(1), try Self.route(2)], at: Self.start)
        #expect(refused.isEmpty && effects.contains { if case .announce = $0 { true } else { false } })
        var time = Self.start
        for _ in 0..<300 {
            time = time + .seconds(600)
            for effect in ledger.advance(to: time) {
                if case .withdraw(let entry) = effect { Issue.record("withdrew \(entry.announcement)") }
            }
        }
        #expect(ledger.inForce.count == 2)
        #expect(
            ledger.inForce.allSatisfy { $0.expires > time && $0.expires <= time + .seconds(3600) },
            "none is for ever"
        )
    }

    @Test func aLeaseEndsWhereNobodyRenewsIt() throws {
        var ledger = try Self.ledger()
        _ = ledger.adopt(configured: [try Self.route(1)], at: Self.start)
        let stored = ledger.inForce
        var next = try Self.ledger()
        let late = Self.start + .seconds(7200)
        _ = next.restore(stored, attacks: [], overruled: [], highestID: stored[0].id, at: late)
        #expect(next.inForce.isEmpty)
    }

    @Test func theyGoWithTheConfiguration() throws {
        var ledger = try Self.ledger()
        _ = ledger.adopt(configured: [try Self.route(1), try Self.route(2)], at: Self.start)
        let (effects, _) = ledger.adopt(configured: [try Self.route(2)], at: Self.start + .seconds(1))
        let gone = effects.compactMap { if case .withdraw(let entry) = $0 { entry.target.description } else { nil } }
        #expect(gone == ["198.51.100.1/32"] && ledger.inForce.count == 1)
        #expect(LedgerEntry.Requester("configuration") == .configuration)
    }

    @Test func changesTakeTheirPlaceForFewerNeighborsToo() throws {
        var ledger = try Self.ledger()
        let (first, second) = (IPAddress(192, 0, 2, 1), IPAddress(192, 0, 2, 2))
        _ = ledger.adopt(configured: [try Self.route(1, neighbors: [first, second])], at: Self.start)
        let changed = try Self.route(1, neighbors: [second], metric: 5)
        let (effects, refused) = ledger.adopt(configured: [changed], at: Self.start + .seconds(1))
        #expect(refused.isEmpty && ledger.inForce.map(\.announcement) == [changed])
        #expect(effects.contains { if case .announce(let entry) = $0 { entry.announcement == changed } else { false } })
    }

    @Test func clientsCannotWithdrawThemAndOperatorsCanUntilItIsReadAgain() throws {
        var ledger = try Self.ledger()
        let wanted = [try Self.route(1)]
        _ = ledger.adopt(configured: wanted, at: Self.start)
        #expect(ledger.withdraw(wanted[0].route, by: .client("pipe /p"), at: Self.start).isRefused)
        #expect(!ledger.withdraw(wanted[0].route, by: .operator, at: Self.start).isRefused)
        _ = ledger.advance(to: Self.start + .seconds(5000))
        #expect(ledger.inForce.isEmpty, "no lease brings it back")
        _ = ledger.adopt(configured: wanted, at: Self.start + .seconds(5001))
        #expect(ledger.inForce.count == 1)
    }

    @Test func whatTheGuardRailsRefuseIsToldAndNothingIsPushedOut() throws {
        var ledger = try Self.ledger(maximumRules: 1)
        let foreign = try #require(IPPrefix("192.0.2.1/32"))
        let (_, refused) = ledger.adopt(
            configured: [Announcement(route: .unicast(foreign)), try Self.route(1), try Self.route(2)],
            at: Self.start
        )
        #expect(refused.count == 2 && refused[0].contains("not inside") && refused[1].contains("1 rules are in force"))
        #expect(ledger.inForce.map(\.target.description) == ["198.51.100.1/32"])
    }
}
