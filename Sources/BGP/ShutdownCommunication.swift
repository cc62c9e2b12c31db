extension BGPError {
    /// The most octets that the text of a shutdown communication may have (RFC 9003 section 2).
    public static let longestShutdownText = 255

    /// The end of a session by an operator, with a text for the other operator (RFC 9003). What does not fit is cut
    /// between two characters.
    public func saying(_ text: String) -> BGPError {
        var octets: [UInt8] = []
        for character in text {
            let next = Array(String(character).utf8)
            guard octets.count + next.count <= Self.longestShutdownText else { break }
            octets += next
        }
        guard !octets.isEmpty else { return self }
        return BGPError(code, subcode, data: [UInt8(octets.count)] + octets)
    }

    /// What the operator of the other side says of the end: of an administrative shutdown or reset. Control characters
    /// are taken out, so that it can be logged; nil where there is none or it is not UTF-8.
    public var shutdownCommunication: String? {
        guard code == .cease, subcode == 2 || subcode == 4, let length = data.first, Int(length) < data.count else {
            return nil
        }
        guard let text = String(validating: data.dropFirst().prefix(Int(length)), as: UTF8.self) else { return nil }
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: shown.append(" ")
            default: shown.append(scalar)
            }
        }
        return String(shown)
    }

    /// RFC 8538 section 3: an end that leaves nothing standing, although graceful restart was agreed for
    /// NOTIFICATIONs. The reason is inside.
    public static func hardReset(_ reason: BGPError) -> BGPError {
        BGPError(.cease, 9, data: [reason.code.rawValue, reason.subcode] + reason.data)
    }

    /// The reason inside a hard reset; nil for anything else.
    public var hardReset: BGPError? {
        guard code == .cease, subcode == 9, data.count >= 2 else { return nil }
        let inner = BGPError(Code(rawValue: data[0]), data[1], data: Array(data.dropFirst(2)))
        // A reset in a reset in a reset could go on for thousands of levels.
        return inner.code == .cease && inner.subcode == 9 ? BGPError(.cease, 9) : inner
    }
}
