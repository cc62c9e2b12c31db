/// Places in a line: first come, first served, and one may leave from anywhere in between at no more cost.
struct WaitingLine: Sendable {
    /// Nil where one has left.
    private var line: [Int?] = []
    private var head = 0
    private var positions: [Int: Int] = [:]

    /// Joins at the end; who stands in the line already stays where it is.
    mutating func append(_ place: Int) {
        guard positions[place] == nil else { return }
        if line.count > 2 * positions.count + 64 { closeRanks() }
        positions[place] = line.count
        line.append(place)
    }

    mutating func remove(_ place: Int) {
        if let position = positions.removeValue(forKey: place) { line[position] = nil }
    }

    mutating func popFirst() -> Int? {
        while head < line.count {
            let first = line[head]
            head += 1
            if let first {
                positions[first] = nil
                return first
            }
        }
        return nil
    }

    private mutating func closeRanks() {
        line = line[head...].filter { $0 != nil }
        head = 0
        for (position, place) in line.enumerated() {
            if let place { positions[place] = position }
        }
    }
}
