public import NetworkTypes

/// Packets, octets and flows: what a record adds to a counter, and what a counter holds.
///
/// Sums wrap rather than trap: what a record may add is bounded so that no window can reach the wrap.
@frozen
public struct TrafficAmount: Hashable, Sendable, BitwiseCopyable {
    public var packets: UInt64
    /// Octets of the IP layer.
    public var bytes: UInt64
    public var flows: UInt32

    @inlinable
    public init(packets: UInt64 = 0, bytes: UInt64 = 0, flows: UInt32 = 0) {
        self.packets = packets
        self.bytes = bytes
        self.flows = flows
    }

    /// What one record may count for: 2⁴⁰, so that 2²⁴ hostile records cannot overflow a sum.
    static let largestRecord: UInt64 = 1 << 40

    /// How much it counts where samples are chosen: packets, and octets as far as packets are long. At least 1.
    @inline(__always)
    var weight: UInt64 { max(1, packets &+ bytes &>> 9) }

    /// Of one record, which is far below the bounds of signed numbers: those the processor converts in one instruction.
    @inline(__always)
    var packetsAndBytes: SIMD2<Double> {
        SIMD2(Double(Int64(truncatingIfNeeded: packets)), Double(Int64(truncatingIfNeeded: bytes)))
    }

    public var isZero: Bool { packets == 0 && bytes == 0 && flows == 0 }

    /// The amount in a unit: packets, bits or flows.
    @inlinable
    public func value(in unit: TrafficUnit) -> Double {
        switch unit {
        case .packets: Double(packets)
        case .bits: Double(bytes) * 8
        case .flows: Double(flows)
        }
    }

    @inline(__always)
    static func &+= (left: inout TrafficAmount, right: TrafficAmount) {
        left.packets &+= right.packets
        left.bytes &+= right.bytes
        left.flows &+= right.flows
    }

    @inline(__always)
    static func &-= (left: inout TrafficAmount, right: TrafficAmount) {
        left.packets &-= right.packets
        left.bytes &-= right.bytes
        left.flows &-= right.flows
    }
}

/// The classes that an amount is of, a bit each.
struct TrafficClassSet: Hashable, Sendable, BitwiseCopyable {
    private(set) var bits: UInt8

    static let total = TrafficClassSet(.total)

    @inline(__always)
    init(_ trafficClass: TrafficClass) { bits = 1 << UInt8(truncatingIfNeeded: trafficClass.rawValue) }

    /// From the lowest six bits; others are ignored.
    @inline(__always)
    init(bits: UInt8) { self.bits = bits & 0x3F }

    /// With another class where a record is of it.
    @inline(__always)
    func union(_ trafficClass: TrafficClass, _ isIncluded: Bool) -> TrafficClassSet {
        let flag: UInt8 = isIncluded ? 1 : 0
        return TrafficClassSet(bits: bits | flag << UInt8(truncatingIfNeeded: trafficClass.rawValue))
    }

    @inline(__always)
    func contains(_ trafficClass: TrafficClass) -> Bool { bits & TrafficClassSet(trafficClass).bits != 0 }
}
