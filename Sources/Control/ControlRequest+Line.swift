internal import FoundationEssentials

/// How a request is read.
///
/// `JSONDecoder` takes a tenth of a millisecond for one, a third of all that passes until a rule is on the wire. Most
/// requests are the plainest of JSON and are read here; what is not, or is wrong, is the decoder's.
extension ControlRequest {
    init(line: [UInt8]) throws {
        if let plain = Self(plain: line) {
            self = plain
        } else {
            self = try ControlCoding.decoder().decode(ControlRequest.self, from: Data(line))
        }
    }

    /// An object of known names in ASCII, each there once, with strings that have no escapes, short whole numbers and
    /// truth values; nil for any other.
    init?(plain line: [UInt8]) {
        var reader = PlainObjectReader(line)
        var command: Command?
        var request = ControlRequest(.status)
        while let name = reader.nextName() {
            guard let value = reader.value() else { return nil }
            switch (name, value) {
            case ("command", .text(let text)) where command == nil:
                guard let known = Command(rawValue: text) else { return nil }
                command = known
            case ("id", .text(let text)) where request.id == nil: request.id = text
            case ("text", .text(let text)) where request.text == nil: request.text = text
            case ("limit", .number(let number)) where request.limit == nil: request.limit = number
            case ("target", .text(let text)) where request.target == nil: request.target = text
            case ("duration_seconds", .number(let number)) where request.durationSeconds == nil:
                request.durationSeconds = Double(number)
            case ("reason", .text(let text)) where request.reason == nil: request.reason = text
            case ("template", .text(let text)) where request.template == nil: request.template = text
            case ("include_past", .truth(let truth)) where request.includePast == nil: request.includePast = truth
            case ("sort", .text(let text)) where request.sort == nil: request.sort = text
            case ("direction", .text(let text)) where request.direction == nil: request.direction = text
            case ("neighbor", .text(let text)) where request.neighbor == nil: request.neighbor = text
            case ("group", .text(let text)) where request.group == nil: request.group = text
            case ("days", .number(let number)) where request.days == nil: request.days = number
            default: return nil
            }
        }
        guard let command, reader.isAtEnd else { return nil }
        request.command = command
        self = request
    }
}

/// Walks over the members of a plain JSON object.
private struct PlainObjectReader {
    enum Value {
        case text(String)
        case number(Int)
        case truth(Bool)
    }

    private let octets: [UInt8]
    private var place = 0
    private var isFirst = true
    /// The brace was closed.
    private var isClosed = false

    /// Longer ones may not be what a floating-point number holds.
    private static let longestNumber = 15

    init(_ octets: [UInt8]) { self.octets = octets }

    /// Whether the object is complete, with nothing behind it.
    var isAtEnd: Bool { isClosed && place == octets.count }

    /// The name of the next member, which its value must be asked for; nil at the end, and where it is not plain.
    mutating func nextName() -> String? {
        guard !isClosed, isFirst ? take("{") : true else { return nil }
        if take("}") {
            isClosed = true
            skipSpace()
            return nil
        }
        guard isFirst || take(",") else { return nil }
        isFirst = false
        guard let name = text(), take(":") else { return nil }
        return name
    }

    mutating func value() -> Value? {
        skipSpace()
        guard place < octets.count else { return nil }
        switch octets[place] {
        case UInt8(ascii: "\""): return text().map { .text($0) }
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return number().map { .number($0) }
        default: return take(word: "true") ? .truth(true) : take(word: "false") ? .truth(false) : nil
        }
    }

    private mutating func text() -> String? {
        guard take("\"") else { return nil }
        let start = place
        while place < octets.count, octets[place] != UInt8(ascii: "\"") {
            guard (0x20..<0x7F).contains(octets[place]), octets[place] != UInt8(ascii: "\\") else { return nil }
            place += 1
        }
        guard place < octets.count else { return nil }
        defer { place += 1 }
        return String(decoding: octets[start..<place], as: UTF8.self)
    }

    private mutating func number() -> Int? {
        let digits = octets[place...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard digits.count <= Self.longestNumber, digits.count == 1 || digits.first != UInt8(ascii: "0") else {
            return nil
        }
        place = digits.endIndex
        // A fraction or an exponent would follow at once.
        guard place < octets.count, Self.ends.contains(octets[place]) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    private static let ends = Array(",} \t\r".utf8)

    private mutating func take(word: StaticString) -> Bool {
        let word = Array(word.description.utf8)
        guard octets[place...].starts(with: word) else { return false }
        place += word.count
        return true
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard place < octets.count, octets[place] == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }

    private mutating func skipSpace() {
        while place < octets.count, [0x20, 0x09, 0x0D].contains(octets[place]) { place += 1 }
    }
}
