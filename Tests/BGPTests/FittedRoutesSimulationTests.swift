import FlowSpec
import NetworkTypes
import Simulation
import Testing

@testable import BGP

private func rule(_ ports: ClosedRange<UInt64>, isChain: Bool = false, rate: Float = 0) throws -> Announcement {
    let target = PrefixPattern(IPPrefix(host: IPAddress(198, 51, 100, 1)))
    // A chain is one condition that cannot be cut.
    let terms = ports.map { NumericTerm(isChain ? .notEqual : .equal, $0, and: isChain && $0 > ports.lowerBound) }
    let rule = try FlowSpecRule(family: .ipv4, components: [.destination(target), .sourcePort(terms)])
    return Announcement(route: .flowSpec(rule), actions: [.rateLimitBytes(asn: 0, bytesPerSecond: rate)])
}

/// The rule of five ports is also a piece of that of six, and is nobody's in the end.
@Test func aPieceOfTwoRulesGoesWithTheLastOfThem() throws {
    let (piece, whole) = (try rule(1...5), try rule(1...6))
    var rib = AdjRIBOut()
    var fitted = FittedRoutes()
    for one in [piece, whole] { fitted.announce(one, as: .compatible, to: &rib, at: time(0)) }
    for one in [whole, piece] { fitted.withdraw(one.route, from: &rib, at: time(0)) }
    fitted.announce(whole, as: .compatible, to: &rib, at: time(0))
    #expect(rib.count == 2)
    fitted.withdraw(whole.route, from: &rib, at: time(0))
    #expect(rib.count == 0 && fitted.isEmpty)
}

/// Rules that are cut, whole or refused, and share pieces: the neighbor is to have the pieces of those that are in force,
/// each with the actions of one of them, and no other.
@Test func theNeighborIsToHaveThePiecesOfTheRulesInForce() throws {
    var candidates: [Announcement] = []
    for (first, last) in [(1, 3), (1, 5), (1, 6), (1, 7), (1, 10), (1, 11), (6, 6), (6, 10), (6, 12), (11, 11)] {
        for rate: Float in [0, 1000] {
            candidates.append(try rule(UInt64(first)...UInt64(last), rate: rate))
            candidates.append(try rule(UInt64(first)...UInt64(last), isChain: true, rate: rate))
        }
    }
    for seed in 1...25 as ClosedRange<UInt64> {
        var random = SeededGenerator(seed: seed)
        var rib = AdjRIBOut()
        var fitted = FittedRoutes()
        var inForce: [AnnouncedRoute: Announcement] = [:]
        for step in 0..<300 {
            let one = try #require(candidates.randomElement(using: &random))
            // Few are in force at a time, so that often there are none.
            if Int.random(in: 0..<10, using: &random) < 3 {
                inForce[one.route] = one
                fitted.announce(one, as: .compatible, to: &rib, at: time(0))
            } else {
                inForce[one.route] = nil
                fitted.withdraw(one.route, from: &rib, at: time(0))
            }
            var expected: [AnnouncedRoute: [Announcement]] = [:]
            var refused: Set<AnnouncedRoute> = []
            for rule in inForce.values {
                do {
                    for piece in try CompatibilityProfile.compatible.fit(rule) {
                        expected[piece.route, default: []].append(piece)
                    }
                } catch { refused.insert(rule.route) }
            }
            let had = rib.slots.compactMap(\.announcement)
            let isRight =
                Set(had.map(\.route)) == Set(expected.keys) && had.count == expected.count
                && had.allSatisfy { expected[$0.route]?.contains($0) == true } && Set(fitted.refused.keys) == refused
                && (!inForce.isEmpty || fitted.isEmpty)
            #expect(isRight, "seed \(seed), step \(step)")
            guard isRight else { return }
        }
    }
}
