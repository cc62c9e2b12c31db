/// Random numbers that are the same for the same seed everywhere (SplitMix64).
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension SeededGenerator {
    /// At least 0, below 1.
    public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    public mutating func uniform(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound + uniform() * (range.upperBound - range.lowerBound)
    }

    /// Evenly spread over the orders of magnitude between two positive numbers.
    public mutating func logarithmic(_ range: ClosedRange<Double>) -> Double {
        // Through powers of two: thirty halvings of the exponent's range come close enough to any real number.
        var low = range.lowerBound
        var high = range.upperBound
        for _ in 0..<30 {
            let middle = (low * high).squareRoot()
            if next() & 1 == 0 { high = middle } else { low = middle }
        }
        return (low * high).squareRoot()
    }

    /// The time to the next of events that come at random, one a second on average.
    public mutating func exponential() -> Double { -Self.naturalLogarithm(1 - uniform()) }

    /// 0 up to below the bound, which is positive.
    public mutating func below(_ bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(max(1, bound))).high)
    }

    public mutating func element<T>(of list: [T]) -> T { list[below(list.count)] }

    /// The standard library has none, and the C library's differ in the last bit. Of a number over 0.
    static func naturalLogarithm(_ value: Double) -> Double {
        let mantissa = value.significand
        let ratio = (mantissa - 1) / (mantissa + 1)
        let square = ratio * ratio
        var sum = 0.0
        var power = ratio
        for odd in stride(from: 1.0, through: 27, by: 2) {
            sum += power / odd
            power *= square
        }
        return 2 * sum + Double(value.exponent) * 0.693_147_180_559_945_3
    }
}
