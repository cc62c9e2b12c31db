/// The largest sampling rate of the last minutes. One exporter that sampled one packet in 10,000 for an hour must not have a
/// network judged as though it still did, for as long as there is traffic.
struct RecentSamplingRate: Sendable, BitwiseCopyable {
    // In 4 octets, which a state has: of the period under way, of 410 seconds where ticks are of a tenth, and of that before.
    private var current: UInt16 = 1
    private var before: UInt16 = 1

    /// Ticks of a period as a power of two: flows are told of minutes late, and must find the rate of theirs.
    private static let ticksOfPeriod = UInt32(12)

    /// At least 1. Exact below 2048, of powers of two, and of 5,000, 10,000 and 20,000; of others up to a thousandth more.
    var largest: UInt32 { Self.rate(of: max(current, before)) }

    /// - Parameter last: the tick of the time before.
    @inline(__always)
    mutating func note(_ rate: UInt32, tick: UInt32, last: UInt32) {
        let periods = (tick &>> Self.ticksOfPeriod &- last &>> Self.ticksOfPeriod) & (UInt32.max &>> Self.ticksOfPeriod)
        if periods != 0 {
            before = periods == 1 ? current : 1
            current = 1
        }
        current = max(current, rate < 2048 ? UInt16(truncatingIfNeeded: rate) : Self.code(of: rate))
    }

    /// A number that grows with the rate: eleven bits of it, and above these how many were cut off.
    @inline(never)
    private static func code(of rate: UInt32) -> UInt16 {
        var shift = UInt32(21 - rate.leadingZeroBitCount)
        var digits = (UInt64(rate) + (1 << UInt64(shift)) - 1) >> UInt64(shift)
        if digits == 2048 {
            digits = 1024
            shift += 1
        }
        return UInt16(shift << 11 | UInt32(digits))
    }

    @inline(__always)
    private static func rate(of code: UInt16) -> UInt32 {
        let rate = UInt64(code & 2047) &<< UInt64(code &>> 11)
        return max(1, UInt32(clamping: rate))
    }
}
