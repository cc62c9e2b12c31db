/// A set of samples by their places, a bit each.
struct SampleSet: Hashable {
    private var words = SIMD8<UInt64>()

    /// Places are below this.
    static let capacity = SIMD8<UInt64>.scalarCount * UInt64.bitWidth

    init() {}

    /// The first so many.
    init(first count: Int) {
        for word in words.indices {
            let bits = min(max(count - word * UInt64.bitWidth, 0), UInt64.bitWidth)
            words[word] = bits == UInt64.bitWidth ? .max : (UInt64(1) << UInt64(bits)) - 1
        }
    }

    private init(_ words: SIMD8<UInt64>) { self.words = words }

    var isEmpty: Bool { words == SIMD8() }

    mutating func insert(_ place: Int) { words[place / UInt64.bitWidth] |= 1 << UInt64(place % UInt64.bitWidth) }

    func union(_ other: SampleSet) -> SampleSet { SampleSet(words | other.words) }
    func intersection(_ other: SampleSet) -> SampleSet { SampleSet(words & other.words) }
    func subtracting(_ other: SampleSet) -> SampleSet { SampleSet(words & ~other.words) }

    /// In ascending order.
    @inline(__always)
    func forEach(_ body: (Int) -> Void) {
        for word in words.indices {
            var left = words[word]
            while left != 0 {
                body(word * UInt64.bitWidth + left.trailingZeroBitCount)
                left &= left - 1
            }
        }
    }
}
