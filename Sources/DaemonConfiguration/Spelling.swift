/// What somebody may have meant.
public enum Spelling {
    /// The nearest of the known words, if it is no more than two letters away.
    public static func nearest(to word: String, among known: some Sequence<String>) -> String? {
        var best: (word: String, distance: Int)?
        for candidate in known {
            let distance = distance(candidate, word)
            if distance <= 2, distance < best?.distance ?? 3 { best = (candidate, distance) }
        }
        return best?.word
    }

    /// Levenshtein's distance; of long words none is near.
    private static func distance(_ left: String, _ right: String) -> Int {
        guard left.utf8.count < 64, right.utf8.count < 64 else { return .max }
        var row = Array(0...right.count)
        for (index, character) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (column, other) in right.enumerated() {
                let above = row[column + 1]
                row[column + 1] = min(above + 1, row[column] + 1, diagonal + (character == other ? 0 : 1))
                diagonal = above
            }
        }
        return row[right.count]
    }
}
