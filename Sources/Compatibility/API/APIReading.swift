public import FlowSpec

/// What became of a text of the stream.
public enum APIReading: Sendable, Hashable {
    case command(APICommand, text: String)
    /// What was sent, cut to an excerpt of one line, and why it is refused.
    case refused(text: String, reason: String)
}

extension APIReading {
    /// Reads a piece: one command, or what can be saved where several writers got into each other's way.
    public static func read(_ piece: CommandAssembler.Piece) -> [APIReading] {
        switch piece {
        case .text(let octets):
            let text = String(decoding: octets, as: UTF8.self)
            do {
                return [.command(try APICommand.read(text), text: text)]
            } catch {
                return resynchronized(octets, error: error)
            }
        case .unfinished(let octets): return resynchronized(octets, error: nil)
        case .tooLong(let beginning):
            let reason = "it was not ended within \(CommandAssembler.maximumLength) octets"
            return [.refused(text: excerpt(beginning), reason: reason)]
        }
    }

    /// Where a whole command follows upon a broken one, it is carried out.
    ///
    /// The last may be what ended with its line; of those before only rules in braces that were closed are whole: what
    /// has no end might have been cut where the rule was still broader than it was meant.
    ///
    /// - Parameter error: what is wrong with the whole; nil when it was never ended.
    private static func resynchronized(_ octets: [UInt8], error: TextError?) -> [APIReading] {
        let starts = CommandStarts.all(in: octets)
        var readings: [APIReading] = []
        for (place, start) in starts.enumerated() {
            let isLast = place == starts.count - 1
            let segment = octets[start..<(isLast ? octets.count : starts[place + 1])]
            let isEnded = isLast && error != nil || CommandAssembler.isClosed(segment)
            let text = String(decoding: segment, as: UTF8.self)
            if starts.count > 1, isEnded {
                do {
                    readings.append(.command(try APICommand.read(text), text: text))
                } catch {
                    readings.append(.refused(text: excerpt(segment), reason: error.inOneLine))
                }
            } else {
                let reason = starts.count == 1 ? error?.inOneLine : nil
                readings.append(
                    .refused(text: excerpt(segment), reason: reason ?? "another command began before it had ended")
                )
            }
        }
        return readings
    }

    /// How a text begins, on one line, without what acts on a terminal.
    static func excerpt(_ octets: some Collection<UInt8>) -> String {
        let shown = octets.prefix(CommandAssembler.excerptLength).map { $0 < 32 || $0 > 126 ? 32 : $0 }
        let words = shown.split(separator: 32).map { String(decoding: $0, as: UTF8.self) }
        return words.joined(separator: " ") + (octets.count > CommandAssembler.excerptLength ? " …" : "")
    }

    /// The same of a text.
    public static func excerpt(of text: String) -> String { excerpt(Array(text.utf8)) }
}

extension TextError {
    /// Without the line that is at fault.
    public var inOneLine: String {
        line == 1 ? "column \(column): \(reason)" : "line \(line), column \(column): \(reason)"
    }
}
