@testable import BGP

func octets(_ hex: some StringProtocol) -> [UInt8] {
    let digits = hex.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

func hex(_ octets: some Sequence<UInt8>) -> String {
    octets.map { (String($0 >> 4, radix: 16) + String($0 & 15, radix: 16)).uppercased() }.joined()
}

/// An UPDATE message as the sets of its parts, whatever their order.
struct UpdateParts: Hashable {
    var withdrawn: [UInt8]
    var attributes: Set<[UInt8]>
    var announced: [UInt8]

    init?(_ message: some Collection<UInt8>) {
        let body = Array(message.dropFirst(19))
        guard message.count >= 23 else { return nil }
        func word(_ at: Int) -> Int { Int(body[at]) << 8 | Int(body[at + 1]) }
        let gone = word(0)
        guard body.count >= gone + 4 else { return nil }
        withdrawn = Array(body[2..<2 + gone])
        let start = gone + 4
        let end = start + word(2 + gone)
        guard body.count >= end else { return nil }
        announced = Array(body[end...])
        attributes = []
        var index = start
        while index < end {
            let isWide = body[index] & 0x10 != 0
            let length = isWide ? word(index + 2) : Int(body[index + 2])
            let header = isWide ? 4 : 3
            // The length's own length is of no meaning.
            attributes.insert([body[index] & 0xE0, body[index + 1]] + body[index + header..<index + header + length])
            index += header + length
        }
    }

    /// Without the attributes of a type.
    func dropping(_ codes: Set<UInt8>) -> UpdateParts {
        var parts = self
        parts.attributes = attributes.filter { !codes.contains($0[1]) }
        return parts
    }
}
