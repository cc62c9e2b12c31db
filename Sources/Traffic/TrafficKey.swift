public import NetworkTypes

/// What counters are kept for: a host, a network or a group, in one direction.
@frozen
public struct TrafficKey: Hashable, Sendable, BitwiseCopyable {
    /// The host; of networks and groups, the index in the lower half.
    public var address: IPAddress
    public var scope: Scope

    /// The raw value is even for incoming, odd for outgoing traffic.
    @frozen
    public enum Scope: UInt8, Sendable, BitwiseCopyable {
        case hostIncoming, hostOutgoing
        case networkIncoming, networkOutgoing
        case groupIncoming, groupOutgoing
        /// Traffic with neither end in a network of the operator.
        case other
    }

    @inlinable
    public init(host address: IPAddress, isIncoming: Bool) {
        self.address = address
        scope = isIncoming ? .hostIncoming : .hostOutgoing
    }

    @inlinable
    public init(network index: Int, isIncoming: Bool) {
        address = IPAddress(high: 0, low: UInt64(truncatingIfNeeded: index))
        scope = isIncoming ? .networkIncoming : .networkOutgoing
    }

    @inlinable
    public init(group index: Int, isIncoming: Bool) {
        address = IPAddress(high: 0, low: UInt64(truncatingIfNeeded: index))
        scope = isIncoming ? .groupIncoming : .groupOutgoing
    }

    public static let other = TrafficKey(scope: .other)

    private init(scope: Scope) {
        address = .unspecified
        self.scope = scope
    }

    public var direction: TrafficDirection { scope.rawValue & 1 == 0 ? .incoming : .outgoing }

    @inlinable
    public var isHost: Bool { scope.rawValue <= 1 }

    /// The index of a network or group.
    public var index: Int { Int(truncatingIfNeeded: address.low) }

    /// A hash that an attacker who picks addresses cannot steer: two folded multiplications with a secret.
    @inline(__always)
    func hash(seed: UInt64) -> UInt32 {
        let first = (address.high ^ seed).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15 ^ seed)
        let mixed = first.high ^ first.low ^ address.low ^ UInt64(scope.rawValue) &* 0xD6E8_FEB8_6659_FD93
        let second = mixed.multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
        return UInt32(truncatingIfNeeded: second.high ^ second.low)
    }
}
