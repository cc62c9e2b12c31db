/// The values that account for most of a sum, in little room (space saving: Metwally, Agrawal, El Abbadi, 2005).
public struct HeavyHitters<Value: Hashable & Sendable>: Sendable, Hashable {
    struct Entry: Sendable, Hashable {
        var value: Value
        var amount: Double
        /// How much of the amount may have been of values that had to give way.
        var doubt: Double
    }

    var entries: [Entry] = []
    let capacity: Int

    init(capacity: Int) { self.capacity = capacity }

    init(capacity: Int, _ known: [(value: Value, amount: Double)]) {
        self.capacity = capacity
        entries = known.prefix(capacity).map { Entry(value: $0.value, amount: $0.amount, doubt: 0) }
    }

    mutating func add(_ value: Value, _ amount: Double) {
        if let index = entries.firstIndex(where: { $0.value == value }) {
            entries[index].amount += amount
        } else if entries.count < capacity {
            entries.append(Entry(value: value, amount: amount, doubt: 0))
        } else if let index = entries.indices.min(by: { entries[$0].amount < entries[$1].amount }) {
            let least = entries[index].amount
            entries[index] = Entry(value: value, amount: least + amount, doubt: least)
        }
    }

    /// The values with the amount that is surely theirs, the largest first.
    public var top: [(value: Value, amount: Double)] {
        entries.map { (value: $0.value, amount: $0.amount - $0.doubt) }.filter { $0.amount > 0 }
            .enumerated().sorted { ($0.element.amount, -$0.offset) > ($1.element.amount, -$1.offset) }.map(\.element)
    }
}
