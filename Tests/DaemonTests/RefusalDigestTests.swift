import NetworkTypes
import Testing

@testable import Daemon

/// Which refusals of one client are written down.
@Suite
struct RefusalDigestTests {
    private func time(_ seconds: Double) -> Timestamp { Timestamp(seconds: 1000 + seconds) }

    @Test func oneThatRepeatsItselfHidesNothingElse() {
        var digest = RefusalDigest()
        let repeated = (0..<5000).count { number in
            digest.admit("no rule in force is 198.51.100.\(number % 256)/32", at: time(0.001 * Double(number)))
        }
        #expect(repeated == RefusalDigest.perKind, "they differ in the address only")
        let admitted6 = digest.admit("the rule would match everybody's traffic", at: time(6))
        #expect(admitted6)
        let admitted7 = digest.admit("no neighbor is neighbor 192.0.2.7", at: time(7))
        #expect(admitted7)
        let early = digest.leftOut(at: time(59))
        #expect(early.isEmpty, "the minute is not over")
        let left = digest.leftOut(at: time(61))
        #expect(left == [.init(count: 4990, reason: "no rule in force is 198.51.100.0/32")])
        let again = digest.leftOut(at: time(130))
        #expect(again.isEmpty, "told once")
        let admitted131 = digest.admit("no rule in force is 198.51.100.9/32", at: time(131))
        #expect(admitted131, "another minute")
    }

    @Test func whatIsQuotedMakesNoKindOfItsOwn() {
        var digest = RefusalDigest()
        let admitted = ["a", "b c", "d \\ e", "f", "g", "h", "i", "j", "k", "l", "m", "n"].count { word in
            digest.admit("column 3: \"\(word)\" is no keyword", at: time(0))
        }
        #expect(admitted == RefusalDigest.perKind)
    }

    @Test func thereAreOnlySoManyKinds() {
        var digest = RefusalDigest()
        let letters = Array("abcdefghijklmnopqrstuvwxyz")
        var admitted = 0
        for first in letters {
            for second in letters where digest.admit("reason \(first)\(second)", at: time(0)) { admitted += 1 }
        }
        #expect(admitted == RefusalDigest.kinds + RefusalDigest.perKind, "all others are one kind")
        let left = digest.leftOut(at: time(60))
        #expect(left.map(\.count) == [26 * 26 - admitted])
    }
}
