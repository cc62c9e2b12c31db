/// Finds where commands begin in a text that is none: writers of one stream may have come upon each other.
enum CommandStarts {
    private static let orders = ["announce ", "withdraw "].map { Array($0.utf8) }
    private static let objects = ["flow", "route", "ipv4", "ipv6", "attribute"].map { Array($0.utf8) }
    private static let selectors = ["neighbor ", "peer "].map { Array($0.utf8) }

    /// The first is the text's own beginning. A selector belongs to the order behind it.
    static func all(in octets: [UInt8]) -> [Int] {
        [0] + starts(in: octets[...], behindOrder: false)
    }

    /// The last in a line beside the one that it begins with; nil where there is none.
    ///
    /// - Parameter behindOrder: the line belongs to a command that began before it.
    static func last(in line: ArraySlice<UInt8>, behindOrder: Bool) -> Int? {
        starts(in: line, behindOrder: behindOrder).last
    }

    /// All in what belongs to something else.
    static func all(within octets: ArraySlice<UInt8>) -> [Int] { starts(in: octets, behindOrder: true) }

    private static func starts(in octets: ArraySlice<UInt8>, behindOrder: Bool) -> [Int] {
        var starts: [Int] = []
        // The attributes of a group hold for its orders: none of them stands for itself.
        guard behindOrder || !octets.starts(with: "group ".utf8) else { return starts }
        var hasOrder = behindOrder
        var index = octets.startIndex
        while index < octets.endIndex {
            defer { index += 1 }
            guard [97, 119, 110, 112].contains(octets[index]) else { continue }
            if let word = orders.first(where: { octets[index...].starts(with: $0) }),
                objects.contains(where: { octets[(index + word.count)...].starts(with: $0) })
            {
                if hasOrder { starts.append(index) }
                hasOrder = true
                index += word.count - 1
            } else if hasOrder, let word = selectors.first(where: { octets[index...].starts(with: $0) }) {
                starts.append(index)
                hasOrder = false
                index += word.count - 1
            }
        }
        return starts
    }
}
