internal import NetworkTypes

/// The values of traffic actions in text.
enum ActionText {
    /// `sample`, `terminal`, `sample-terminal`.
    static func control(_ cursor: inout TextCursor) throws(TextError) -> TrafficAction {
        try cursor.value("sample, terminal or sample-terminal") { text in
            switch text {
            case "sample": .control(continueWithNextRules: false, sample: true)
            case "terminal": .control(continueWithNextRules: true, sample: false)
            case "sample-terminal": .control(continueWithNextRules: true, sample: true)
            default: nil
            }
        }
    }

    /// `65001:100`, `4200000000:100`, `65001L:100` (four octets though two would do), `192.0.2.1:100`,
    /// `[2001:db8::1]:100`.
    static func routeTarget(_ text: some StringProtocol) -> RouteTarget? {
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            let rest = text[text.index(after: end)...]
            guard let address = IPAddress(String(text[..<end].dropFirst())), !address.isIPv4, rest.hasPrefix(":"),
                let number = Digits.number(rest.dropFirst()), number <= 0xFFFF
            else { return nil }
            return .ipv6(address, UInt16(number))
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = Digits.number(parts[1]), number <= 0xFFFF_FFFF else { return nil }
        if let address = IPAddress(String(parts[0])), address.isIPv4 {
            return UInt16(exactly: number).map { .ipv4(address, $0) }
        }
        let isLong = parts[0].hasSuffix("L")
        guard let asn = Digits.number(isLong ? parts[0].dropLast() : parts[0]), asn <= 0xFFFF_FFFF else { return nil }
        if asn <= 0xFFFF, !isLong { return .twoOctetAS(UInt16(asn), UInt32(number)) }
        return UInt16(exactly: number).map { .fourOctetAS(ASN(UInt32(asn)), $0) }
    }

    /// `non-transitive:input:65001:5`.
    static func interfaceSet(_ text: some StringProtocol) -> TrafficAction? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, ["transitive", "non-transitive"].contains(parts[0]),
            ["input", "output", "input-output"].contains(parts[1]),
            let asn = Digits.number(parts[2]), asn <= 0xFFFF_FFFF,
            let group = Digits.number(parts[3]), group <= 0x3FFF
        else { return nil }
        return .interfaceSet(
            asn: ASN(UInt32(asn)),
            group: UInt16(group),
            input: parts[1] != "output",
            output: parts[1] != "input",
            transitive: parts[0] == "transitive"
        )
    }

    static let rateForm =
        "a rate such as 9600 (bytes per second), 5000 packets, 100mbps or 12.5 MB/s"

    /// `9600`, `5000 packets`, `100mbps`, `12.5 MB/s`.
    static func rate(_ cursor: inout TextCursor) throws(TextError) -> TrafficAction {
        let token = cursor.next
        let text = try cursor.takeWord(expecting: rateForm)
        let digits = text.prefix { ("0"..."9").contains($0) || $0 == "." }
        guard (1...18).contains(digits.utf8.count), let number = Double(String(digits)) else {
            throw cursor.refused("\(rateForm) was expected", at: token)
        }
        var unit = RateUnit.bytes
        var isScaled = false
        if digits.endIndex < text.endIndex {
            guard let found = RateUnit(text[digits.endIndex...]) else {
                throw cursor.refused("\(rateForm) was expected", at: token)
            }
            unit = found
            isScaled = true
        } else if let word = cursor.word, let found = RateUnit(word) {
            cursor.advance()
            unit = found
            isScaled = true
        }
        guard isScaled || !digits.contains(".") else {
            throw cursor.refused("a whole number, or a rate with its unit such as 12.5 MB/s, was expected", at: token)
        }
        let value = Float(number * unit.factor)
        guard value.isRate else { throw cursor.refused("\(FlowSpecError.invalidRate)", at: token) }
        return unit.isPackets
            ? .rateLimitPackets(asn: 0, packetsPerSecond: value) : .rateLimitBytes(asn: 0, bytesPerSecond: value)
    }

    private struct RateUnit {
        var factor: Double
        var isPackets: Bool

        static let bytes = RateUnit(factor: 1, isPackets: false)

        /// `bytes`, `packets`, `pps`, `mbps`, `MB/s`, `Gbit/s`, …: a small b is a bit, a large one a byte.
        init?(_ text: some StringProtocol) {
            switch text {
            case "bytes": self = .bytes
            case "packets": self.init(factor: 1, isPackets: true)
            default:
                let scales: [Character: Double] = ["k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12]
                let scale = text.first.flatMap { $0.lowercased().first }.flatMap { scales[$0] }
                switch scale == nil ? text[...] : text.dropFirst() {
                case "bps", "b/s", "bit/s", "bits/s": self.init(factor: (scale ?? 1) / 8, isPackets: false)
                case "Bps", "B/s", "byte/s", "bytes/s": self.init(factor: scale ?? 1, isPackets: false)
                case "pps", "packet/s", "packets/s": self.init(factor: scale ?? 1, isPackets: true)
                default: return nil
                }
            }
        }

        private init(factor: Double, isPackets: Bool) {
            self.factor = factor
            self.isPackets = isPackets
        }
    }
}
