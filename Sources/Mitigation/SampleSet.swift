/// A set of samples by their places, a bit each.
struct SampleSet: Hashable {
    // Four in a row rather than an array: sets are made by the thousand.
    private var first: UInt128 = 0
    private var second: UInt128 = 0
    private var third: UInt128 = 0
    private var fourth: UInt128 = 0

    /// Places are below this.
    static let capacity = 4 * UInt128.bitWidth

    init() {}

    /// The first so many.
    init(first count: Int) {
        first = Self.bits(count)
        second = Self.bits(count - UInt128.bitWidth)
        third = Self.bits(count - 2 * UInt128.bitWidth)
        fourth = Self.bits(count - 3 * UInt128.bitWidth)
    }

    private static func bits(_ count: Int) -> UInt128 {
        count <= 0 ? 0 : count >= UInt128.bitWidth ? .max : (UInt128(1) << UInt128(count)) - 1
    }

    var isEmpty: Bool { first | second | third | fourth == 0 }

    mutating func insert(_ place: Int) {
        let bit = UInt128(1) << UInt128(place % UInt128.bitWidth)
        switch place / UInt128.bitWidth {
        case 0: first |= bit
        case 1: second |= bit
        case 2: third |= bit
        case 3: fourth |= bit
        default: return
        }
    }

    func contains(_ place: Int) -> Bool {
        let bit = UInt128(1) << UInt128(place % UInt128.bitWidth)
        return switch place / UInt128.bitWidth {
        case 0: first & bit != 0
        case 1: second & bit != 0
        case 2: third & bit != 0
        case 3: fourth & bit != 0
        default: false
        }
    }

    func union(_ other: SampleSet) -> SampleSet {
        var result = self
        result.first |= other.first
        result.second |= other.second
        result.third |= other.third
        result.fourth |= other.fourth
        return result
    }

    func intersection(_ other: SampleSet) -> SampleSet {
        var result = self
        result.first &= other.first
        result.second &= other.second
        result.third &= other.third
        result.fourth &= other.fourth
        return result
    }

    func subtracting(_ other: SampleSet) -> SampleSet {
        var result = self
        result.first &= ~other.first
        result.second &= ~other.second
        result.third &= ~other.third
        result.fourth &= ~other.fourth
        return result
    }

    /// In ascending order.
    func forEach(_ body: (Int) -> Void) {
        Self.forEach(first, from: 0, body)
        Self.forEach(second, from: UInt128.bitWidth, body)
        Self.forEach(third, from: 2 * UInt128.bitWidth, body)
        Self.forEach(fourth, from: 3 * UInt128.bitWidth, body)
    }

    private static func forEach(_ bits: UInt128, from base: Int, _ body: (Int) -> Void) {
        var left = bits
        while left != 0 {
            body(base + left.trailingZeroBitCount)
            left &= left - 1
        }
    }

    /// What each sample weighs, so that the weight of a set is a few sums of four looked up.
    struct Weights {
        /// For each four samples of all sixteen sets of these.
        private let sums: [Double]

        init(_ weights: [Double]) {
            var sums: [Double] = []
            sums.reserveCapacity((weights.count + 3) / 4 * 16)
            for base in stride(from: 0, to: weights.count, by: 4) {
                let start = sums.count
                sums.append(0)
                for place in base..<(base + 4) {
                    let weight = place < weights.count ? weights[place] : 0
                    for index in start..<sums.count { sums.append(sums[index] + weight) }
                }
            }
            self.sums = sums
        }

        func sum(_ set: SampleSet) -> Double {
            sum(set.first, from: 0) + sum(set.second, from: UInt128.bitWidth)
                + sum(set.third, from: 2 * UInt128.bitWidth) + sum(set.fourth, from: 3 * UInt128.bitWidth)
        }

        private func sum(_ bits: UInt128, from base: Int) -> Double {
            guard bits != 0 else { return 0 }
            return sum(UInt64(truncatingIfNeeded: bits), from: base)
                + sum(UInt64(truncatingIfNeeded: bits >> 64), from: base + 64)
        }

        private func sum(_ bits: UInt64, from base: Int) -> Double {
            var left = bits
            var index = base * 4
            var sum = 0.0
            while left != 0, index < sums.count {
                sum += sums[index + Int(left & 15)]
                left >>= 4
                index += 16
            }
            return sum
        }
    }
}
