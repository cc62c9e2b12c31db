import Detection
import FlowSpec
import NetworkTypes
import Testing

@testable import Mitigation

private func announcement(_ text: String) throws -> Announcement {
    guard case .announce(let announcement)? = try FlowSpecText.parse("announce \(text)").first?.order else {
        throw OrderIsNone()
    }
    return announcement
}

private func route(_ text: String) throws -> AnnouncedRoute { try announcement(text).route }

private struct OrderIsNone: Error {}

struct LedgerCommandTests {
    private let pipe = LedgerEntry.Requester.client("pipe /run/exabgp.cmd")
    private let other = LedgerEntry.Requester.client("pipe /run/other.cmd")
    private let begin = Timestamp(seconds: 1_700_000_000)
    private let udp = "flow route destination 198.51.100.5/32 protocol udp discard"
    private let plain = "flow route destination 198.51.100.5/32 discard"

    private func ledger(_ change: (inout MitigationPolicy) -> Void = { _ in }) -> Ledger {
        var policy = MitigationPolicy(mode: .enforce, networks: [IPPrefix("198.51.100.0/24")].compactMap { $0 })
        change(&policy)
        return Ledger(policy: policy)
    }

    private func announce(
        _ text: String,
        in ledger: inout Ledger,
        by client: LedgerEntry.Requester? = nil,
        to neighbors: [IPAddress]? = nil,
        at time: Timestamp? = nil
    ) throws -> CommandAnswer {
        var announced = try announcement(text)
        announced.neighbors = neighbors
        return ledger.announce(
            announced,
            for: .seconds(3600),
            by: client ?? pipe,
            reason: "a test",
            at: time ?? begin
        )
    }

    @Test func aRuleIsOnDiskBeforeItIsAnnouncedAndGoesWhenItsTimeIsUp() throws {
        var ledger = ledger()
        let answer = try announce(udp, in: &ledger)
        #expect(!answer.isRefused && answer.text.hasPrefix("r1 announced: flow route destination 198.51.100.5/32"))
        guard case .persist? = answer.effects.first, case .announce(let entry)? = answer.effects.last else {
            Issue.record("\(answer.effects)")
            return
        }
        #expect(entry.requesters == [pipe] && entry.expires == begin + .seconds(3600))
        #expect(ledger.advance(to: begin + .seconds(3599)).isEmpty)
        #expect(ledger.advance(to: begin + .seconds(3600)).contains { if case .withdraw = $0 { true } else { false } })
    }

    @Test(arguments: [
        "flow route destination 203.0.113.5/32 discard", "flow route protocol udp discard",
        "route 198.51.0.0/16 next-hop self", "route 0.0.0.0/0 next-hop self",
        "flow route destination 0.0.0.0/0 discard",
    ])
    func guardRailsHoldForCommandsToo(text: String) throws {
        var ledger = ledger()
        let answer = try announce(text, in: &ledger)
        #expect(answer.isRefused && answer.effects.isEmpty && ledger.entries.isEmpty, "\(answer)")
    }

    /// A script had let the traffic through, or held it back a little: who wants more of the same rule is told or obeyed.
    @Test(arguments: ["accept", "rate-limit 100000000"])
    func whoJoinsARuleGetsNoLessThanHeAskedFor(action: String) throws {
        let target = try #require(IPPrefix("198.51.100.5/32"))
        var ledger = ledger()
        _ = try announce("flow route destination 198.51.100.5/32 \(action)", in: &ledger)
        func order(_ requester: LedgerEntry.Requester) -> Ledger.Order {
            Ledger.Order(
                target: target,
                direction: .incoming,
                template: "default",
                requester: requester,
                reason: "a test",
                duration: .seconds(60)
            )
        }
        guard case .refuse(let refusal)? = ledger.request(order(.attack(.init(rawValue: 7))), at: begin).first else {
            Issue.record("joined a rule that does less")
            return
        }
        #expect("\(refusal)".hasSuffix("floodgate withdraw r1 takes it away"))
        #expect(ledger.inForce[0].requesters == [pipe])

        let announced = self.announced(ledger.request(order(.operator), at: begin))
        #expect(announced.map(\.announcement.actions) == [[.discard]])
        #expect(ledger.inForce.count == 1 && ledger.inForce[0].announcement.actions == [.discard])
        // Now it does what an attack needs.
        let joined = ledger.request(order(.attack(.init(rawValue: 8))), at: begin)
        let isRefused = joined.contains { $0.isRefusal }
        #expect(!isRefused)
    }

    @Test func aRuleOfSomeNeighborsBecomesOneOfAllWhereAnAttackNeedsIt() throws {
        var ledger = ledger()
        _ = try announce(plain, in: &ledger, to: [IPAddress(192, 0, 2, 1)])
        let order = Ledger.Order(
            target: try #require(IPPrefix("198.51.100.5/32")),
            direction: .incoming,
            template: "default",
            requester: .attack(.init(rawValue: 7)),
            reason: "a test",
            duration: .seconds(60)
        )
        let announced = announced(ledger.request(order, at: begin))
        #expect(announced.count == 1 && announced[0].announcement.neighbors == nil)
    }

    private func announced(_ effects: [LedgerEffect]) -> [LedgerEntry] {
        effects.compactMap { if case .announce(let entry) = $0 { entry } else { nil } }
    }

    @Test func aRuleAgainstOurOwnHostIsHeldToItsSource() throws {
        var ledger = ledger()
        let answer = try announce("flow route source 198.51.100.5/32 destination 203.0.113.1/32 discard", in: &ledger)
        #expect(!answer.isRefused)
        #expect(ledger.inForce[0].direction == .outgoing && ledger.inForce[0].target == IPPrefix("198.51.100.5/32"))
    }

    @Test func theSameRouteWithOtherActionsTakesItsPlace() throws {
        var ledger = ledger()
        _ = try announce(udp, in: &ledger)
        let again = try announce(udp, in: &ledger, at: begin + .seconds(10))
        #expect(!again.isRefused && !again.effects.contains { if case .announce = $0 { true } else { false } })
        #expect(ledger.inForce[0].expires == begin + .seconds(3610))
        let changed = try announce(udp.replacing("discard", with: "rate-limit 9600"), in: &ledger)
        #expect(changed.effects.contains { if case .announce = $0 { true } else { false } })
        #expect(ledger.inForce.map(\.announcement.actions) == [[.rateLimitBytes(asn: 0, bytesPerSecond: 9600)]])
        let foreign = try announce(udp, in: &ledger, by: other)
        #expect(foreign.isRefused, "another client's rule is not changed behind its back")
    }

    @Test func aRuleOfTwoClientsGoesWithTheLast() throws {
        var ledger = ledger()
        _ = try announce(udp, in: &ledger)
        _ = try announce(udp, in: &ledger, by: other)
        let first = ledger.withdraw(try route(udp), by: pipe, at: begin)
        #expect(!first.isRefused && first.text.contains("stays") && ledger.entries.count == 1)
        let second = ledger.withdraw(try route(udp), by: other, at: begin)
        #expect(second.effects.first.map { if case .withdraw = $0 { true } else { false } } == true)
        #expect(ledger.entries.isEmpty)
    }

    @Test func aRuleThatNoCommandAskedForStays() throws {
        var ledger = ledger()
        _ = ledger.ban(IPPrefix("198.51.100.5/32")!, reason: "by hand", at: begin)
        let answer = ledger.withdraw(try route(plain), by: pipe, at: begin)
        #expect(answer.isRefused && answer.text.contains("operator") && ledger.entries.count == 1)
        #expect(!ledger.withdraw(try route(plain), by: .operator, at: begin).isRefused)
    }

    // MARK: Withdrawn in another form

    @Test(arguments: [
        ("flow route destination 198.51.100.5/32 discard", true),
        ("flow route destination 198.51.100.5/32 protocol udp source-port 53 discard", true),
        ("flow route destination 198.51.100.5/32 protocol tcp discard", false),
        ("flow route destination 198.51.100.6/32 discard", false),
        ("route 198.51.100.5/32 next-hop self", false),
    ])
    func theOnlyRuleThatCanBeMeantGoes(withdrawal: String, goes: Bool) throws {
        var ledger = ledger()
        _ = try announce(udp, in: &ledger)
        let answer = ledger.withdraw(try route(withdrawal), by: pipe, at: begin)
        #expect(answer.isRefused == !goes && ledger.entries.isEmpty == goes, "\(answer.text)")
        guard goes, case .withdraw(let entry)? = answer.effects.first else { return }
        #expect(answer.text.contains("it was announced as"))
        #expect(entry.withdrawnBecause?.contains("could mean no other rule") == true)
    }

    @Test func ofSeveralNoneIsTaken() throws {
        var ledger = ledger()
        _ = try announce(udp, in: &ledger)
        _ = try announce(udp.replacing("udp", with: "tcp"), in: &ledger)
        let answer = ledger.withdraw(try route(plain), by: pipe, at: begin)
        #expect(answer.isRefused && answer.text.contains("r1") && answer.text.contains("r2"))
        #expect(ledger.entries.count == 2)
    }

    // MARK: Some neighbors

    @Test func aRuleForSomeNeighborsIsWidenedAndNarrowed() throws {
        var ledger = ledger()
        let (one, two) = (IPAddress(192, 0, 2, 1), IPAddress(192, 0, 2, 2))
        _ = try announce(udp, in: &ledger, to: [one])
        #expect(ledger.inForce[0].announcement.neighbors == [one])
        _ = try announce(udp, in: &ledger, to: [two])
        #expect(ledger.inForce[0].announcement.neighbors == [one, two])
        let narrowed = ledger.withdraw(try route(udp), from: [two], of: [one, two], by: pipe, at: begin)
        #expect(!narrowed.isRefused && ledger.inForce[0].announcement.neighbors == [one])
        #expect(ledger.withdraw(try route(udp), from: [two], of: [one, two], by: pipe, at: begin).isRefused)
        _ = ledger.withdraw(try route(udp), from: [one], of: [one, two], by: pipe, at: begin)
        #expect(ledger.entries.isEmpty)
        _ = try announce(udp, in: &ledger)
        _ = ledger.withdraw(try route(udp), from: [one], of: [one, two], by: pipe, at: begin)
        #expect(ledger.inForce[0].announcement.neighbors == [two], "of all, one less")
    }

    // MARK: Bounds

    @Test func aClientPushesOutNothing() throws {
        var ledger = ledger { $0.maximumRules = 2 }
        for host in 1...3 {
            let answer = try announce("flow route destination 198.51.100.\(host)/32 discard", in: &ledger)
            #expect(answer.isRefused == (host == 3))
        }
        #expect(ledger.inForce.map(\.target.address) == [IPAddress(198, 51, 100, 1), IPAddress(198, 51, 100, 2)])
    }

    @Test func changesBeyondTheBudgetWaitOrAreRefused() throws {
        var ledger = ledger { $0.maximumChangesPerMinute = 1 }
        _ = try announce(udp, in: &ledger)
        #expect(try announce(udp.replacing("discard", with: "rate-limit 9600"), in: &ledger).isRefused)
        #expect(ledger.inForce[0].announcement.actions == [.discard], "what stands stays as it is")
        #expect(try announce(plain, in: &ledger).text.hasPrefix("r2 waiting"))
    }

    @Test func aClientGivesUpItsOwn() throws {
        var ledger = ledger()
        _ = try announce(udp, in: &ledger)
        _ = try announce(plain, in: &ledger, by: other)
        #expect(ledger.clear(by: pipe, at: begin).text == "1 rules given up")
        #expect(ledger.inForce.map(\.requesters) == [[other]])
    }
}
