public import NetworkTypes

/// Packets, octets and flows, one of each for every class of traffic.
///
/// Sums wrap rather than trap: what a record may add is bounded so that no window can reach the wrap.
public struct TrafficCounters: Sendable, BitwiseCopyable {
    public var packets: InlineArray<6, UInt64> = .init(repeating: 0)
    public var bytes: InlineArray<6, UInt64> = .init(repeating: 0)
    public var flows: InlineArray<6, UInt32> = .init(repeating: 0)

    @inlinable
    public init() {}

    /// What one record may count for: 2⁴⁰, so that 2²⁴ hostile records cannot overflow a sum.
    @usableFromInline static let largestRecord: UInt64 = 1 << 40

    @inlinable
    public mutating func add(_ other: TrafficCounters) {
        for index in 0..<6 {
            packets[index] &+= other.packets[index]
            bytes[index] &+= other.bytes[index]
            flows[index] &+= other.flows[index]
        }
    }

    @inlinable
    public mutating func subtract(_ other: TrafficCounters) {
        for index in 0..<6 {
            packets[index] &-= other.packets[index]
            bytes[index] &-= other.bytes[index]
            flows[index] &-= other.flows[index]
        }
    }

    public var isZero: Bool { packets[0] == 0 && bytes[0] == 0 && flows[0] == 0 }

    /// The sum in a unit: packets, bits or flows.
    @inlinable
    public func sum(_ trafficClass: TrafficClass, _ unit: TrafficUnit) -> Double {
        let index = trafficClass.rawValue
        return switch unit {
        case .packets: Double(packets[index])
        case .bits: Double(bytes[index]) * 8
        case .flows: Double(flows[index])
        }
    }

    /// The sums as rates over a time.
    public func rates(over window: Duration) -> TrafficRates {
        var rates = TrafficRates()
        let seconds = max(window.inSeconds, 0.001)
        for trafficClass in TrafficClass.allCases {
            for unit in TrafficUnit.allCases { rates[trafficClass, unit] = sum(trafficClass, unit) / seconds }
        }
        return rates
    }
}
