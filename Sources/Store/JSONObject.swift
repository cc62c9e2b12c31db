internal import Foundation

/// Writes one JSON object, field by field, as `JSONEncoder` would.
///
/// `JSONEncoder` takes most of the time that a rule takes from the request to the disk, and nothing is announced before.
struct JSONObject<Key: CodingKey> {
    private var written: [UInt8] = []

    init() { written.reserveCapacity(512) }

    /// Nil is left out.
    mutating func add(_ key: Key, _ value: (some JSONValue)?) {
        guard let value else { return }
        written.append(written.isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
        written.append(UInt8(ascii: "\""))
        written += key.stringValue.utf8
        written.append(UInt8(ascii: "\""))
        written.append(UInt8(ascii: ":"))
        value.write(into: &written)
    }

    /// The whole object.
    consuming func octets() -> [UInt8] {
        if written.isEmpty { written.append(UInt8(ascii: "{")) }
        written.append(UInt8(ascii: "}"))
        return written
    }
}

/// What can stand in a `JSONObject`.
protocol JSONValue {
    func write(into octets: inout [UInt8])
}

extension String: JSONValue {
    func write(into octets: inout [UInt8]) {
        octets.append(UInt8(ascii: "\""))
        defer { octets.append(UInt8(ascii: "\"")) }
        let start = octets.count
        octets += utf8
        let isPlain = octets[start...].allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
        if isPlain { return }
        octets.removeSubrange(start...)
        for octet in utf8 {
            switch octet {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                octets.append(UInt8(ascii: "\\"))
                octets.append(octet)
            case 0..<0x20:
                let hexadecimal = Array("0123456789abcdef".utf8)
                octets += "\\u00".utf8
                octets.append(hexadecimal[Int(octet >> 4)])
                octets.append(hexadecimal[Int(octet & 0x0F)])
            default: octets.append(octet)
            }
        }
    }
}

extension Bool: JSONValue {
    func write(into octets: inout [UInt8]) { octets += (self ? "true" : "false").utf8 }
}

extension JSONValue where Self: BinaryInteger {
    func write(into octets: inout [UInt8]) {
        if self < 0 { octets.append(UInt8(ascii: "-")) }
        let start = octets.count
        var rest = magnitude
        repeat {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            octets.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit))
            rest = quotient
        } while rest > 0
        // From the last digit to the first.
        var (low, high) = (start, octets.count - 1)
        while low < high {
            octets.swapAt(low, high)
            (low, high) = (low + 1, high - 1)
        }
    }
}

extension UInt8: JSONValue {}
extension UInt16: JSONValue {}
extension UInt32: JSONValue {}
extension UInt64: JSONValue {}
extension Int64: JSONValue {}
extension Int: JSONValue {}

/// In base 64, which needs no escapes.
extension Data: JSONValue {
    func write(into octets: inout [UInt8]) {
        octets.append(UInt8(ascii: "\""))
        octets += base64EncodedData()
        octets.append(UInt8(ascii: "\""))
    }
}

extension Array: JSONValue where Element: JSONValue {
    func write(into octets: inout [UInt8]) {
        octets.append(UInt8(ascii: "["))
        for (index, element) in enumerated() {
            if index > 0 { octets.append(UInt8(ascii: ",")) }
            element.write(into: &octets)
        }
        octets.append(UInt8(ascii: "]"))
    }
}

extension Double: JSONValue {
    /// The shortest digits that are read back as the same; JSON has no others than finite ones.
    func write(into octets: inout [UInt8]) { octets += (isFinite ? String(self) : "0").utf8 }
}
