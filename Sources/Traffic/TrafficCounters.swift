public import NetworkTypes

/// An amount for every class of traffic.
public struct TrafficCounters: Sendable, BitwiseCopyable {
    // Class by class rather than unit by unit: a packet touches two or three neighboring places. The last class first, so
    // that in a state the sums of all packets and of TCP are next to what else a record touches.
    private var amounts: InlineArray<6, TrafficAmount> = .init(repeating: TrafficAmount())

    public init() {}

    public subscript(trafficClass: TrafficClass) -> TrafficAmount {
        get { amounts[Self.place(trafficClass.rawValue)] }
        set { amounts[Self.place(trafficClass.rawValue)] = newValue }
    }

    @inline(__always)
    private static func place(_ number: Int) -> Int { 5 &- number }

    public var isZero: Bool { self[.total].isZero }

    /// The sum in a unit: packets, bits or flows.
    public func sum(_ trafficClass: TrafficClass, _ unit: TrafficUnit) -> Double { self[trafficClass].value(in: unit) }

    /// The sums as rates over a time.
    public func rates(over window: Duration) -> TrafficRates {
        var rates = TrafficRates()
        let seconds = max(window.inSeconds, 0.001)
        for trafficClass in TrafficClass.allCases {
            for unit in TrafficUnit.allCases { rates[trafficClass, unit] = sum(trafficClass, unit) / seconds }
        }
        return rates
    }

    @inline(__always)
    mutating func add(_ amount: TrafficAmount, to classes: TrafficClassSet) {
        var rest = classes.bits
        while rest != 0 {
            amounts[Self.place(rest.trailingZeroBitCount)] &+= amount
            rest &= rest &- 1
        }
    }

    @inline(__always)
    mutating func subtract(_ amount: TrafficAmount, from classes: TrafficClassSet) {
        var rest = classes.bits
        while rest != 0 {
            amounts[Self.place(rest.trailingZeroBitCount)] &-= amount
            rest &= rest &- 1
        }
    }

    mutating func add(_ other: TrafficCounters) {
        for index in 0..<6 { amounts[index] &+= other.amounts[index] }
    }

    /// Sums that are worth a closer look when they are exceeded.
    struct Limits: Sendable {
        private var amounts = InlineArray<6, TrafficAmount>(
            repeating: TrafficAmount(packets: .max, bytes: .max, flows: .max)
        )
        /// The least of all classes.
        private var least = TrafficAmount(packets: .max, bytes: .max, flows: .max)

        subscript(trafficClass: TrafficClass) -> TrafficAmount {
            get { amounts[TrafficCounters.place(trafficClass.rawValue)] }
            set {
                amounts[TrafficCounters.place(trafficClass.rawValue)] = newValue
                least.packets = min(least.packets, newValue.packets)
                least.bytes = min(least.bytes, newValue.bytes)
                least.flows = min(least.flows, newValue.flows)
            }
        }

        /// Whether an amount of the classes is above the limit of its class.
        @inline(__always)
        func areExceeded(by counters: borrowing TrafficCounters, in classes: TrafficClassSet) -> Bool {
            // What is of any class is of all traffic too, and that is below every limit of nearly every host.
            let total = counters.amounts[5]
            guard total.packets > least.packets || total.bytes > least.bytes || total.flows > least.flows else {
                return false
            }
            return isOneExceeded(by: counters, in: classes)
        }

        @inline(never)
        private func isOneExceeded(by counters: borrowing TrafficCounters, in classes: TrafficClassSet) -> Bool {
            var rest = classes.bits
            while rest != 0 {
                let index = TrafficCounters.place(rest.trailingZeroBitCount)
                if counters.amounts[index].packets > amounts[index].packets { return true }
                if counters.amounts[index].bytes > amounts[index].bytes { return true }
                if counters.amounts[index].flows > amounts[index].flows { return true }
                rest &= rest &- 1
            }
            return false
        }
    }
}
