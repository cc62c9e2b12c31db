internal import NetworkTypes

/// One value for each unit: packets, bits and flows.
struct PeakUnits<Value: Sendable & BitwiseCopyable>: Sendable, BitwiseCopyable {
    private var values: InlineArray<3, Value>

    init(repeating value: Value) { values = InlineArray(repeating: value) }

    init(packets: Value, bits: Value, flows: Value) { values = [packets, bits, flows] }

    /// By `TrafficUnit.index`.
    subscript(index: Int) -> Value {
        get { values[index] }
        set { values[index] = newValue }
    }

    subscript(unit: TrafficUnit) -> Value {
        get { values[unit.index] }
        set { values[unit.index] = newValue }
    }

    static var indices: Range<Int> { 0..<3 }
}

/// Per second.
typealias PeakRates = PeakUnits<Double>

extension PeakUnits where Value: Comparable {
    /// Whether any is above that of the other.
    func exceeds(_ other: PeakUnits) -> Bool { Self.indices.contains { self[$0] > other[$0] } }

    /// Raises what is less than that of the other.
    mutating func raise(to other: PeakUnits) {
        for index in Self.indices { self[index] = max(self[index], other[index]) }
    }
}
