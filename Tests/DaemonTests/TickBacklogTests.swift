import Detection
import NetworkTypes
import Testing
import Traffic

@testable import Daemon

/// What waits for a slow mitigation actor: bounded, and nothing lost that matters.
@Suite
struct TickBacklogTests {
    private func attack(_ id: UInt64) -> Attack {
        Attack(
            id: Attack.ID(rawValue: id),
            target: .host(IPAddress(198, 51, 100, UInt8(id))),
            direction: .incoming,
            began: Timestamp(seconds: 1),
            kind: .udpFlood,
            kindShare: 1,
            crossing: ThresholdCrossing(
                trafficClass: .total,
                unit: .packets,
                threshold: 1,
                rate: 2,
                lowerBound: 2,
                upperBound: 2,
                window: .seconds(1),
                samples: 2,
                group: nil
            ),
            rates: TrafficRates(),
            samples: []
        )
    }

    private func tick(_ number: Int, _ events: [AttackEvent] = []) -> EngineTick {
        EngineTick(time: Timestamp(seconds: Double(number)), events: events)
    }

    @Test func ticksWithoutEventsBecomeOne() {
        let backlog = TickBacklog()
        for number in 1...10_000 { backlog.add(tick(number)) }
        #expect(backlog.takeAll().map(\.time) == [Timestamp(seconds: 10_000)])
        #expect(backlog.takeAll().isEmpty)
    }

    @Test func beginningsAndEndsStayAndOfUpdatesTheLast() {
        let backlog = TickBacklog()
        backlog.add(tick(1, [.began(attack(1))]))
        for number in 2...5000 { backlog.add(tick(number, [.updated(attack(1)), .updated(attack(2))])) }
        backlog.add(tick(5001, [.ended(attack(2))]))
        backlog.add(tick(5002, [.ended(attack(1))]))
        for number in 5003...6000 { backlog.add(tick(number)) }
        let taken = backlog.takeAll()
        #expect(taken.map(\.time.nanoseconds).map { $0 / 1_000_000_000 } == [1, 5000, 5001, 5002, 6000])
        #expect(taken[0].events == [.began(attack(1))])
        #expect(taken[1].events == [.updated(attack(1)), .updated(attack(2))])
        #expect(taken[2].events == [.ended(attack(2))] && taken[3].events == [.ended(attack(1))])
        #expect(taken[4].events.isEmpty)
    }

    @Test func whoWaitsIsWoken() async {
        let backlog = TickBacklog()
        backlog.add(tick(1))
        backlog.add(tick(2))
        backlog.finish()
        var woken = 0
        for await _ in backlog.arrivals { woken += backlog.takeAll().count }
        #expect(woken == 1, "two empty ticks are one")
    }
}

/// One after another, where an actor would let the next in.
@Test func aTurnstileKeepsTheOrder() async {
    let turnstile = Turnstile()
    let log = AsyncStream.makeStream(of: Int.self)
    let release = AsyncStream.makeStream(of: Void.self)
    let first = Task {
        await turnstile.pass {
            for await _ in release.stream {}
            log.continuation.yield(1)
        }
    }
    while await !turnstile.isTaken { await Task.yield() }
    let second = Task { await turnstile.pass { log.continuation.yield(2) } }
    try? await Task.sleep(for: .milliseconds(20))
    release.continuation.finish()
    await first.value
    await second.value
    log.continuation.finish()
    var order: [Int] = []
    for await number in log.stream { order.append(number) }
    #expect(order == [1, 2])
}
