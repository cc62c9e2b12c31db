internal import NetworkTypes

extension NormalizedRecord {
    /// Appends the record as one JSON object, without a line's end.
    ///
    /// - Parameter datagram: the number of the datagram that it came in, where there is one.
    public func writeJSON(into out: inout [UInt8], datagram: UInt64? = nil) {
        out.append(UInt8(ascii: "{"))
        var isFirst = true
        for (key, value) in fields {
            if !isFirst { out.append(contentsOf: [UInt8(ascii: ","), UInt8(ascii: " ")]) }
            isFirst = false
            out.append(UInt8(ascii: "\""))
            out.append(contentsOf: key.rawValue.utf8)
            out.append(contentsOf: [UInt8(ascii: "\""), UInt8(ascii: ":"), UInt8(ascii: " ")])
            Self.write(value, into: &out)
        }
        if let datagram {
            out.append(contentsOf: ", \"datagram\": ".utf8)
            Self.write(datagram, into: &out)
        }
        out.append(UInt8(ascii: "}"))
    }

    private static func write(_ value: Value, into out: inout [UInt8]) {
        switch value {
        case .unsigned(let number): write(number, into: &out)
        case .signed(let number):
            if number < 0 { out.append(UInt8(ascii: "-")) }
            write(number.magnitude, into: &out)
        case .flag(let flag): out.append(contentsOf: (flag ? "true" : "false").utf8)
        // Texts are of our own making: none holds what JSON would have escaped.
        case .text(let text): quote(text.utf8, into: &out)
        case .address(let address): quote(address.description.utf8, into: &out)
        case .macAddress(let bits):
            out.append(UInt8(ascii: "\""))
            for shift in stride(from: 40, through: 0, by: -8) {
                writeHex(UInt8(truncatingIfNeeded: bits >> UInt64(shift)), into: &out)
                if shift > 0 { out.append(UInt8(ascii: ":")) }
            }
            out.append(UInt8(ascii: "\""))
        case .numbers(let numbers): writeList(numbers, into: &out) { write($0, into: &$1) }
        case .pairs(let pairs):
            writeList(pairs, into: &out) { pair, out in writeList(pair, into: &out) { write($0, into: &$1) } }
        case .elements(let elements): writeList(elements, into: &out) { write($0, into: &$1) }
        case .record(let record): record.writeJSON(into: &out)
        case .null: out.append(contentsOf: "null".utf8)
        }
    }

    private static func writeList<Item>(
        _ items: [Item],
        into out: inout [UInt8],
        _ write: (Item, inout [UInt8]) -> Void
    ) {
        out.append(UInt8(ascii: "["))
        for (index, item) in items.enumerated() {
            if index > 0 { out.append(contentsOf: [UInt8(ascii: ","), UInt8(ascii: " ")]) }
            write(item, &out)
        }
        out.append(UInt8(ascii: "]"))
    }

    /// The enterprise (or `scope`), the number and the octets in hexadecimal.
    private static func write(_ element: Element, into out: inout [UInt8]) {
        out.append(UInt8(ascii: "["))
        quote((element.isScope ? "scope" : String(element.enterprise)).utf8, into: &out)
        out.append(contentsOf: [UInt8(ascii: ","), UInt8(ascii: " ")])
        write(UInt64(element.number), into: &out)
        out.append(contentsOf: [UInt8(ascii: ","), UInt8(ascii: " "), UInt8(ascii: "\"")])
        for octet in element.octets { writeHex(octet, into: &out) }
        out.append(contentsOf: [UInt8(ascii: "\""), UInt8(ascii: "]")])
    }

    private static func quote(_ text: some Sequence<UInt8>, into out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        out.append(contentsOf: text)
        out.append(UInt8(ascii: "\""))
    }

    private static func writeHex(_ octet: UInt8, into out: inout [UInt8]) {
        for digit in [octet >> 4, octet & 15] {
            out.append(digit < 10 ? UInt8(ascii: "0") &+ digit : UInt8(ascii: "a") &+ digit &- 10)
        }
    }

    private static func write(_ number: UInt64, into out: inout [UInt8]) {
        guard number >= 10 else {
            out.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: number))
            return
        }
        let start = out.count
        var rest = number
        while rest > 0 {
            out.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        }
        out[start...].reverse()
    }
}
