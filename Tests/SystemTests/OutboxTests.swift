import Detection
import FlowSpec
import Mitigation
import NetworkTypes
import Store
import Testing

@testable import Daemon

/// Nothing is announced that is not on disk, and a disk that is full is waited for in bounded memory.
struct OutboxTests {
    private static let networks = [IPPrefix("198.51.100.0/24")].compactMap { $0 }
    private static let time = Timestamp(seconds: 1_000_000)

    private static func ledger() -> Ledger {
        Ledger(policy: MitigationPolicy(mode: .enforce, networks: networks, banTime: .seconds(100)))
    }

    private static func target(_ number: Int) throws -> IPPrefix {
        try #require(IPPrefix("198.51.100.\(number)/32"))
    }

    private func announced(_ effects: [LedgerEffect]) -> [LedgerEntry.ID] {
        effects.compactMap { if case .announce(let entry) = $0 { entry.id } else { nil } }
    }

    @Test func whatIsAnnouncedWaitsForTheDisk() throws {
        var ledger = Self.ledger()
        var outbox = Outbox()
        outbox.add(ledger.ban(try Self.target(1), reason: "", at: Self.time), changes: [])
        #expect(announced(outbox.failed()).isEmpty)
        outbox.add(ledger.ban(try Self.target(2), reason: "", at: Self.time), changes: [])
        #expect(announced(outbox.failed()).isEmpty)
        #expect(outbox.changes.count == 2, "the newest row of each")
        #expect(announced(outbox.written()).map(\.rawValue) == [1, 2])
        #expect(outbox.changes.isEmpty && outbox.written().isEmpty)
    }

    @Test func whatWasOnDiskBeforeARestartNeedsNoDiskToComeBack() throws {
        var ledger = Self.ledger()
        _ = ledger.ban(try Self.target(1), reason: "", at: Self.time)
        let rows = ledger.inForce
        var outbox = Outbox(onDisk: rows)
        var next = Self.ledger()
        let effects = next.restore(
            rows,
            attacks: [],
            overruled: [],
            highestID: .init(rawValue: 1),
            at: Self.time + .seconds(5)
        )
        outbox.add(effects, changes: [.event(.init(time: Self.time, text: "announced"))])
        #expect(announced(outbox.failed()).map(\.rawValue) == [1])
        #expect(announced(outbox.written()).isEmpty, "not twice")
    }

    @Test func otherActionsThanThoseOnDiskWait() throws {
        var ledger = Self.ledger()
        let text = "announce flow route destination 198.51.100.1/32 protocol =udp rate-limit"
        func announcement(_ rate: Int) throws -> Announcement {
            guard case .announce(let read)? = try FlowSpecText.parse("\(text) \(rate)").first?.order else {
                throw FlowSpecError.invalidRate
            }
            return read
        }
        let client = LedgerEntry.Requester.client("pipe /p")
        var outbox = Outbox()
        for (rate, isFull) in [(9600, false), (1000, true)] {
            let answer = ledger.announce(
                try announcement(rate),
                for: .seconds(50),
                by: client,
                reason: "",
                at: Self.time
            )
            outbox.add(answer.effects, changes: [])
            #expect(announced(isFull ? outbox.failed() : outbox.written()).count == (isFull ? 0 : 1))
        }
        #expect(announced(outbox.written()).count == 1)
    }

    @Test func withdrawalsDoNotWaitAndWhatCameAndWentLeavesNothing() throws {
        var ledger = Self.ledger()
        var outbox = Outbox()
        outbox.add(ledger.ban(try Self.target(1), reason: "", at: Self.time), changes: [])
        _ = outbox.written()
        outbox.add(ledger.ban(try Self.target(2), reason: "", at: Self.time), changes: [])
        _ = outbox.failed()
        for number in [1, 2] {
            outbox.add(ledger.unban(try Self.target(number), at: Self.time), changes: [])
            let withdrawn = outbox.failed().filter { if case .withdraw = $0 { true } else { false } }
            #expect(withdrawn.count == 1)
        }
        let rows = outbox.changes.compactMap { change -> LedgerEntry? in
            if case .entry(let entry) = change { entry } else { nil }
        }
        #expect(rows.map(\.id.rawValue) == [1] && rows.first?.state == .withdrawn)
        #expect(announced(outbox.written()).isEmpty, "nor is it announced when there is room again")
        #expect(!outbox.holds(.init(rawValue: 1)))
    }

    @Test func eventsAreBoundedAndTheLostAreCounted() {
        var outbox = Outbox()
        for number in 0..<(Outbox.maximumEvents + 7) {
            outbox.add([], changes: [.event(.init(time: Self.time, text: "\(number)"))])
            _ = outbox.failed()
        }
        #expect(outbox.changes.count == Outbox.maximumEvents)
        #expect(outbox.lostEvents == 7)
        guard case .event(let first)? = outbox.changes.first else { return #expect(Bool(false), "an event") }
        #expect(first.text == "7", "the oldest are lost")
        _ = outbox.written()
        #expect(outbox.lostEvents == 0)
    }
}
