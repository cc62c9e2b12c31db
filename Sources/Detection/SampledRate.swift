/// How sure a rate is that was estimated from samples.
///
/// The number of sampled packets is Poisson distributed about its mean, so k samples tell of a mean that in all but one
/// case of a thousand is above the lower and below the upper bound (Wilson and Hilferty's approximation of the exact
/// interval, good to a percent from one sample on).
public enum SampledRate {
    /// The quantile of the normal distribution that one in a thousand exceeds.
    static let doubt = 3.0902

    /// The quantile that one in ten million exceeds.
    static let lastingDoubt = 5.1993
    /// The share of a threshold at which traffic may stay for days.
    static let ordinaryShare = 0.8

    /// Bounds of an estimate that rests on `samples` samples. With none there is no lower bound but zero.
    public static func bounds(of estimate: Double, samples: Double) -> (lower: Double, upper: Double) {
        guard samples >= 1 else { return (0, estimate * 8 + 1) }
        let next = samples + 1
        let upper = next * cube(1 - 1 / (9 * next) + doubt / (3 * next.squareRoot()))
        return (estimate * lower(samples, doubt) / samples, estimate * upper / samples)
    }

    /// Whether samples tell of a rate above a limit.
    ///
    /// All but one window in a thousand of a rate at the limit do not. And as windows are judged ten times a second, day
    /// after day, of a rate at `ordinaryShare` of it not one in ten million does: with few samples a second that is the
    /// harder of both.
    public static func isSure(samples: Double, of estimate: Double, above limit: Double) -> Bool {
        guard samples >= 1, estimate > limit else { return false }
        return estimate * lower(samples, doubt) / samples > limit
            && estimate * lower(samples, lastingDoubt) / samples > limit * ordinaryShare
    }

    /// The highest limit above which samples tell an estimate to be: `isSure` of all below it.
    static func certain(_ estimate: Double, samples: Double) -> Double {
        guard samples >= 1 else { return 0 }
        let share = min(lower(samples, doubt), lower(samples, lastingDoubt) / ordinaryShare) / samples
        return estimate * min(1, max(0, share))
    }

    private static func lower(_ samples: Double, _ doubt: Double) -> Double {
        samples * cube(max(0, 1 - 1 / (9 * samples) - doubt / (3 * samples.squareRoot())))
    }

    private static func cube(_ value: Double) -> Double { value * value * value }

    /// No packet on an ordinary link is larger, in octets.
    public static let largestPacket = 1500.0

    /// How many samples an amount rests on at a sampling rate.
    public static func samples(packets amount: Double, samplingRate: UInt32) -> Double {
        amount / Double(max(1, samplingRate))
    }

    /// The same of bits, which are the sum of packets' sizes, and these vary. The variance of such a sum, Σ size², is that of
    /// `sum / typical` packets of one size, where `typical` is Σ size² / Σ size: the size of the packet that an octet comes
    /// in. It is at most that of the largest packet, which errs towards doubt; `PacketLengths` tells of less.
    public static func samples(bits amount: Double, samplingRate: UInt32, typical: Double = largestPacket) -> Double {
        amount / 8 / max(1, typical) / Double(max(1, samplingRate))
    }
}
