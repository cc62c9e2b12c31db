public import NetworkTypes

/// What an agent tells of one of its interfaces (sFlow's generic interface counters, RFC 2233). Totals; the agent's
/// restart sets them back.
public struct InterfaceCounters: Sendable, Hashable, BitwiseCopyable {
    public var index: UInt32
    public var bitsPerSecond: UInt64
    public var isUp: Bool
    public var inputBytes: UInt64
    public var inputDiscards: UInt32
    public var inputErrors: UInt32
    public var outputBytes: UInt64
    public var outputDiscards: UInt32
    public var outputErrors: UInt32
    /// When it was told.
    public var time: Timestamp

    static let length = 88

    /// From a counter record of at least `length` octets.
    init(_ record: RawSpan, at time: Timestamp) {
        index = record.uint32(0)
        bitsPerSecond = record.uint64(8)
        isUp = record.uint32(20) & 3 == 3
        inputBytes = record.uint64(24)
        inputDiscards = record.uint32(44)
        inputErrors = record.uint32(48)
        outputBytes = record.uint64(56)
        outputDiscards = record.uint32(76)
        outputErrors = record.uint32(80)
        self.time = time
    }
}

/// The interfaces of an exporter, by index, each with what it told last.
public struct InterfaceTable: Sendable, Hashable {
    /// In ascending order of index.
    public private(set) var all: [InterfaceCounters] = []

    public init() {}

    /// Whether that is an interface that was not known.
    @discardableResult
    mutating func note(_ counters: InterfaceCounters, atMost limit: Int) -> Bool {
        let position = position(of: counters.index)
        if position < all.count, all[position].index == counters.index {
            all[position] = counters
            return false
        }
        guard all.count < limit else { return false }
        all.insert(counters, at: position)
        return true
    }

    /// Where the interface is, or would be.
    private func position(of index: UInt32) -> Int {
        var low = 0
        var high = all.count
        while low < high {
            let middle = (low &+ high) / 2
            if all[middle].index < index { low = middle &+ 1 } else { high = middle }
        }
        return low
    }

    /// Takes over what another worker heard later.
    mutating func merge(_ other: InterfaceTable) {
        for counters in other.all {
            let position = position(of: counters.index)
            let isKnownLater =
                position < all.count && all[position].index == counters.index && all[position].time > counters.time
            if !isKnownLater { note(counters, atMost: .max) }
        }
    }
}
