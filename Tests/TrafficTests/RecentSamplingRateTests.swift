import Testing

@testable import Traffic

/// A rate holds for a minute at least, as flows are told of so late, and not for ever.
struct RecentSamplingRateTests {
    private func largest(after ticks: UInt32, from start: UInt32, of rate: UInt32, then other: UInt32 = 1) -> UInt32 {
        var recent = RecentSamplingRate()
        recent.note(rate, tick: start, last: start)
        var last = start
        while last &- start < ticks {
            recent.note(other, tick: last &+ 1, last: last)
            last &+= 1
        }
        return recent.largest
    }

    @Test(arguments: [0, 1, 4095, 4096, 5000, .max - 700]) func aRateGoesWhenNoneHasItAnyMore(start: UInt32) {
        #expect(largest(after: 640, from: start, of: 10_000) == 10_000, "a minute later")
        #expect(largest(after: 8193, from: start, of: 10_000) == 1)
        #expect(largest(after: 8193, from: start, of: 10_000, then: 1000) == 1000)
    }

    @Test func aPauseForgetsIt() {
        var recent = RecentSamplingRate()
        recent.note(4096, tick: 100, last: 100)
        recent.note(1, tick: 100 + 8192, last: 100)
        #expect(recent.largest == 1)
    }

    @Test func ratesThatAreSetAreExactAndOthersHardlyMore() {
        func kept(_ rate: UInt32) -> UInt32 {
            var recent = RecentSamplingRate()
            recent.note(rate, tick: 0, last: 0)
            return recent.largest
        }
        for rate in [1, 2, 100, 1000, 1024, 2000, 2047, 2048, 4000, 5000, 8192, 10_000, 20_000, 65_536]
            as [UInt32]
        {
            #expect(kept(rate) == rate)
        }
        var rate: UInt32 = 2049
        var former: UInt32 = 2048
        while rate < .max / 2 {
            let held = kept(rate)
            #expect(held >= rate && Double(held) <= Double(rate) * 1.001)
            #expect(held >= former, "a larger rate is never taken for less")
            (former, rate) = (held, rate + rate / 97)
        }
        #expect(kept(.max) == .max)
        #expect(kept(0) == 1)
    }
}
