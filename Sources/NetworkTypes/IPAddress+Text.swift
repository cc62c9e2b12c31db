extension IPAddress: CustomStringConvertible, LosslessStringConvertible {
    /// Dotted quad, or the canonical IPv6 text of RFC 5952.
    public var description: String {
        if isIPv4 {
            var text: [UInt8] = []
            text.reserveCapacity(15)
            for shift in stride(from: UInt32(24), through: 0, by: -8) {
                let octet = UInt8(truncatingIfNeeded: v4 >> shift)
                if octet >= 100 { text.append(48 + octet / 100) }
                if octet >= 10 { text.append(48 + octet / 10 % 10) }
                text.append(48 + octet % 10)
                if shift > 0 { text.append(UInt8(ascii: ".")) }
            }
            return String(decoding: text, as: UTF8.self)
        }
        let groups = (0..<8).map { index -> UInt16 in
            UInt16(truncatingIfNeeded: (index < 4 ? high : low) >> UInt64(48 - (index & 3) * 16))
        }
        guard let gap = Self.longestZeroRun(groups) else {
            return groups.map { String($0, radix: 16) }.joined(separator: ":")
        }
        let head = groups[..<gap.lowerBound].map { String($0, radix: 16) }.joined(separator: ":")
        let tail = groups[gap.upperBound...].map { String($0, radix: 16) }.joined(separator: ":")
        return head + "::" + tail
    }

    /// The first of the longest runs of at least two zero groups (RFC 5952 section 4.2).
    private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int>? {
        var best: Range<Int>?
        var start: Int?
        for index in 0...groups.count {
            if index < groups.count, groups[index] == 0 {
                start = start ?? index
            } else if let begun = start {
                if index - begun >= 2, index - begun > (best?.count ?? 0) { best = begun..<index }
                start = nil
            }
        }
        return best
    }

    /// Reads a dotted quad or any IPv6 form of RFC 4291 section 2.2; nil for anything else, zone identifiers included.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        if bytes.contains(UInt8(ascii: ":")) {
            self.init(v6Text: bytes[...])
        } else {
            guard let bits = Self.parseDottedQuad(bytes[...]) else { return nil }
            self.init(v4: bits)
        }
    }

    /// Exactly four decimal octets; leading zeros are refused because programs disagree on whether they mean octal.
    private static func parseDottedQuad(_ text: ArraySlice<UInt8>) -> UInt32? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
            var octet: UInt32 = 0
            for character in part {
                guard (48...57).contains(character) else { return nil }
                octet = octet * 10 + UInt32(character - 48)
            }
            guard octet <= 255 else { return nil }
            bits = bits << 8 | octet
        }
        return bits
    }

    private init?(v6Text text: ArraySlice<UInt8>) {
        var text = text
        var trailer: [UInt16] = []
        // An IPv4 tail stands for the last two groups (RFC 4291 section 2.2, form 3).
        if text.contains(UInt8(ascii: ".")) {
            guard let colon = text.lastIndex(of: UInt8(ascii: ":")),
                let quad = Self.parseDottedQuad(text[(colon + 1)...])
            else { return nil }
            trailer = [UInt16(quad >> 16), UInt16(quad & 0xFFFF)]
            // Keep a "::" that stands directly before the quad.
            let keep = colon > text.startIndex && text[colon - 1] == UInt8(ascii: ":") ? colon + 1 : colon
            text = text[..<keep]
        }
        guard let gap = Self.firstDoubleColon(text) else {
            guard let groups = Self.parseGroups(text), groups.count + trailer.count == 8 else { return nil }
            self.init(groups: groups + trailer)
            return
        }
        let after = text[(gap + 2)...]
        guard let head = Self.parseGroups(text[..<gap]), let tail = Self.parseGroups(after),
            head.count + tail.count + trailer.count <= 7
        else { return nil }
        let zeros = [UInt16](repeating: 0, count: 8 - head.count - tail.count - trailer.count)
        self.init(groups: head + zeros + tail + trailer)
    }

    private init(groups: [UInt16]) {
        self.init(
            high: groups[..<4].reduce(0) { $0 << 16 | UInt64($1) },
            low: groups[4...].reduce(0) { $0 << 16 | UInt64($1) }
        )
    }

    private static func firstDoubleColon(_ text: ArraySlice<UInt8>) -> Int? {
        text.indices.first { index in
            text[index] == UInt8(ascii: ":") && index + 1 < text.endIndex && text[index + 1] == UInt8(ascii: ":")
        }
    }

    /// Colon-separated hexadecimal groups; an empty text is an empty list, an empty group is an error.
    private static func parseGroups(_ text: ArraySlice<UInt8>) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var groups: [UInt16] = []
        for part in text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false) {
            guard (1...4).contains(part.count) else { return nil }
            var value: UInt16 = 0
            for character in part {
                guard let digit = hexadecimalDigit(character) else { return nil }
                value = value << 4 | digit
            }
            groups.append(value)
        }
        return groups
    }

    private static func hexadecimalDigit(_ character: UInt8) -> UInt16? {
        switch character {
        case 48...57: UInt16(character - 48)
        case 65...70: UInt16(character - 55)
        case 97...102: UInt16(character - 87)
        default: nil
        }
    }
}
