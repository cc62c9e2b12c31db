/// Decompresses a stream of DEFLATE (RFC 1951) piece by piece. Pure, and nothing that the stream says makes it keep more than
/// its window and one piece.
struct Inflater {
    enum Failure: Error {
        /// The input ends within the stream.
        case truncated
        /// What no compressor writes.
        case corrupt
    }

    private enum Block {
        /// Between two blocks.
        case none
        case stored(left: Int)
        case coded
        case ended
    }

    /// As far as the stream may refer back.
    private static let window = 32_768
    /// No single reference makes more.
    private static let longestMatch = 258
    static let pieceLength = 1 << 18

    private var block = Block.none
    private var isLast = false
    private var literals = PrefixCode()
    private var distances = PrefixCode()
    /// What was made: the window, then the piece in hand.
    private var made: [UInt8]
    private var end = 0
    private var begin = 0

    init() {
        made = [UInt8](repeating: 0, count: Self.window + Self.pieceLength + Self.longestMatch)
    }

    /// Ready for another stream.
    mutating func restart() { (block, isLast, begin, end) = (.none, false, 0, 0) }

    var hasEnded: Bool { if case .ended = block { true } else { false } }

    /// What the last call of `inflate` has made.
    var piece: ArraySlice<UInt8> { made[begin..<end] }

    /// Makes the next piece, which is empty only at the end. Where the input fails, what was made before is in `piece`.
    mutating func inflate(_ input: inout BitInput) throws(Failure) {
        if end > Self.window {
            for index in 0..<Self.window { made[index] = made[end - Self.window + index] }
            end = Self.window
        }
        begin = end
        let limit = begin + Self.pieceLength
        while end < limit {
            switch block {
            case .ended: return
            case .none: try beginBlock(&input)
            case .stored(let left):
                guard left > 0 else {
                    block = isLast ? .ended : .none
                    continue
                }
                made[end] = UInt8(truncatingIfNeeded: try input.take(8))
                end += 1
                block = .stored(left: left - 1)
            case .coded: try readCoded(&input, until: limit)
            }
        }
    }

    private mutating func beginBlock(_ input: inout BitInput) throws(Failure) {
        guard !isLast else {
            block = .ended
            return
        }
        isLast = try input.take(1) == 1
        switch try input.take(2) {
        case 0:
            input.alignToOctet()
            let length = try input.take(16)
            guard try input.take(16) == ~length & 0xFFFF else { throw .corrupt }
            block = .stored(left: Int(length))
        case 1:
            (literals, distances) = (.fixedLiterals, .fixedDistances)
            block = .coded
        case 2:
            try readCodes(&input)
            block = .coded
        default: throw .corrupt
        }
    }

    /// The order in which the lengths of the code of lengths are told.
    private static let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

    private mutating func readCodes(_ input: inout BitInput) throws(Failure) {
        let literalCount = Int(try input.take(5)) + 257
        let distanceCount = Int(try input.take(5)) + 1
        let lengthCount = Int(try input.take(4)) + 4
        guard literalCount <= 286, distanceCount <= 30 else { throw .corrupt }
        var lengths = [UInt8](repeating: 0, count: Self.order.count)
        for place in Self.order.prefix(lengthCount) { lengths[place] = UInt8(truncatingIfNeeded: try input.take(3)) }
        guard let code = PrefixCode(lengths, mayBeIncomplete: false) else { throw .corrupt }
        lengths = []
        while lengths.count < literalCount + distanceCount {
            let symbol = try code.next(&input)
            switch symbol {
            case 0...15: lengths.append(UInt8(symbol))
            case 16:
                guard let last = lengths.last else { throw .corrupt }
                lengths += repeatElement(last, count: 3 + Int(try input.take(2)))
            case 17: lengths += repeatElement(0, count: 3 + Int(try input.take(3)))
            default: lengths += repeatElement(0, count: 11 + Int(try input.take(7)))
            }
        }
        // Without an end of the block it has none.
        guard lengths.count == literalCount + distanceCount, lengths[256] > 0,
            let literals = PrefixCode(Array(lengths.prefix(literalCount)), mayBeIncomplete: true),
            let distances = PrefixCode(Array(lengths.dropFirst(literalCount)), mayBeIncomplete: true)
        else { throw .corrupt }
        (self.literals, self.distances) = (literals, distances)
    }

    private static let lengthBases = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227,
        258,
    ]
    private static let lengthBits = [
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
    ]
    private static let distanceBases = [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
        6145,
        8193, 12_289, 16_385, 24_577,
    ]

    private mutating func readCoded(_ input: inout BitInput, until limit: Int) throws(Failure) {
        let (lengthBases, lengthBits, distanceBases) = (Self.lengthBases, Self.lengthBits, Self.distanceBases)
        // A match goes beyond by less than there is room for.
        while end < limit {
            let symbol = try literals.next(&input)
            if symbol < 256 {
                made[end] = UInt8(truncatingIfNeeded: symbol)
                end += 1
                continue
            }
            guard symbol > 256 else {
                block = isLast ? .ended : .none
                return
            }
            let index = symbol - 257
            guard index < lengthBases.count else { throw .corrupt }
            let length = lengthBases[index] + Int(try input.take(lengthBits[index]))
            let far = try distances.next(&input)
            guard far < distanceBases.count else { throw .corrupt }
            let distance = distanceBases[far] + Int(try input.take(far < 4 ? 0 : far / 2 - 1))
            guard distance <= end else { throw .corrupt }
            // One after the other, as a match may overlap what it makes.
            for place in end..<(end + length) { made[place] = made[place - distance] }
            end += length
        }
    }
}

/// A canonical prefix code (RFC 1951 section 3.2.2).
struct PrefixCode {
    private static let longest = 15
    /// Bits that are looked up at once.
    private static let quick = 10

    /// By the next bits: a symbol above four bits of its length; 0 where the code is longer or there is none.
    private var table = [UInt16](repeating: 0, count: 1 << quick)
    /// How many codes there are of each length.
    private var counts = [Int](repeating: 0, count: longest + 1)
    /// In the order of their codes.
    private var symbols: [UInt16] = []

    static let fixedLiterals =
        PrefixCode(
            (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 },
            mayBeIncomplete: false
        ) ?? PrefixCode()
    static let fixedDistances = PrefixCode([UInt8](repeating: 5, count: 32), mayBeIncomplete: false) ?? PrefixCode()

    /// Without any code.
    init() {}

    /// Nil where there are more codes of a length than there can be, or fewer, except for one alone or none.
    init?(_ lengths: [UInt8], mayBeIncomplete: Bool) {
        for length in lengths where length > 0 { counts[Int(length)] += 1 }
        var left = 1
        for length in 1...Self.longest {
            left = left * 2 - counts[length]
            guard left >= 0 else { return nil }
        }
        let isAlone = mayBeIncomplete && counts.dropFirst(2).allSatisfy { $0 == 0 }
        guard left == 0 || isAlone else { return nil }
        var code = 0
        for length in 1...Self.longest {
            code <<= 1
            for (symbol, own) in lengths.enumerated() where own == length {
                symbols.append(UInt16(symbol))
                if length <= Self.quick { fill(code, length, UInt16(symbol)) }
                code += 1
            }
        }
    }

    /// Codes come with their first bit lowest.
    private mutating func fill(_ code: Int, _ length: Int, _ symbol: UInt16) {
        var reversed = 0
        for bit in 0..<length where code >> bit & 1 == 1 { reversed |= 1 << (length - 1 - bit) }
        for place in stride(from: reversed, to: table.count, by: 1 << length) {
            table[place] = symbol << 4 | UInt16(length)
        }
    }

    func next(_ input: inout BitInput) throws(Inflater.Failure) -> Int {
        let bits = input.peek()
        let entry = table[Int(bits & UInt64(1 << Self.quick - 1))]
        if entry != 0 {
            try input.drop(Int(entry & 15))
            return Int(entry >> 4)
        }
        var (code, first, index) = (0, 0, 0)
        for length in 1...Self.longest {
            code |= Int(truncatingIfNeeded: bits >> UInt64(length - 1) & 1)
            let count = counts[length]
            if code - count < first {
                try input.drop(length)
                return Int(symbols[index + code - first])
            }
            index += count
            first = (first + count) << 1
            code <<= 1
        }
        throw input.hasEnded ? .truncated : .corrupt
    }
}

/// Takes octets bit by bit, the lowest first, from what is appended.
struct BitInput {
    private var octets: [UInt8] = []
    private var at = 0
    private var bits: UInt64 = 0
    private var count = 0
    /// Octets that were taken and dropped from the buffer.
    private var taken = 0
    /// Reads on; without octets at the end.
    private let more: () throws(CaptureError) -> [UInt8]
    private(set) var hasEnded = false
    /// Why nothing more could be read, where that was not the end.
    private(set) var failure: CaptureError?

    init(beginningWith octets: [UInt8] = [], more: @escaping () throws(CaptureError) -> [UInt8]) {
        self.octets = octets
        self.more = more
    }

    /// Octets that were used up.
    var offset: Int { taken + at - count / 8 }

    /// Whether there is not one octet left.
    mutating func isAtEnd() -> Bool {
        fill()
        return count == 0
    }

    private mutating func fill() {
        while count <= 56 {
            if at == octets.count {
                guard !hasEnded else { return }
                taken += at
                at = 0
                do throws(CaptureError) {
                    octets = try more()
                } catch {
                    (octets, failure) = ([], error)
                }
                guard !octets.isEmpty else {
                    hasEnded = true
                    return
                }
            }
            bits |= UInt64(octets[at]) << UInt64(count)
            at += 1
            count += 8
        }
    }

    /// The next bits, 48 at least, or with zeros behind the last.
    mutating func peek() -> UInt64 {
        if count < 48 { fill() }
        return bits
    }

    mutating func drop(_ length: Int) throws(Inflater.Failure) {
        guard length <= count else { throw .truncated }
        bits >>= UInt64(length)
        count -= length
    }

    /// A number of up to 32 bits.
    mutating func take(_ length: Int) throws(Inflater.Failure) -> UInt32 {
        let value = peek() & (1 << UInt64(length) - 1)
        try drop(length)
        return UInt32(truncatingIfNeeded: value)
    }

    mutating func alignToOctet() {
        bits >>= UInt64(count % 8)
        count -= count % 8
    }
}
