/// Columns for people: headings, left or right aligned, two spaces apart.
struct TextTable {
    enum Alignment { case left, right }

    private var columns: [(title: String, alignment: Alignment)] = []
    private var rows: [[String]] = []
    private let empty: String

    /// - Parameter empty: what is printed instead of a table without rows.
    init(_ columns: [(String, Alignment)], empty: String) {
        self.columns = columns.map { (title: $0.0, alignment: $0.1) }
        self.empty = empty
    }

    mutating func add(_ cells: [String]) { rows.append(cells) }

    func render() -> String {
        guard !rows.isEmpty else { return empty }
        let widths = columns.indices.map { index in
            ([columns[index].title] + rows.map { $0.indices.contains(index) ? $0[index] : "" }).map(\.count).max() ?? 0
        }
        func line(_ cells: [String]) -> String {
            var text = ""
            for (index, column) in columns.enumerated() {
                let cell = cells.indices.contains(index) ? cells[index] : ""
                let padding = String(repeating: " ", count: widths[index] - cell.count)
                if index > 0 { text += "  " }
                text += column.alignment == .left ? cell + padding : padding + cell
            }
            while text.last == " " { text.removeLast() }
            return text
        }
        return ([line(columns.map(\.title))] + rows.map(line)).joined(separator: "\n")
    }
}
