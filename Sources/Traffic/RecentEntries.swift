internal import NetworkTypes

/// Where the entries of flows older than the tick stand that were added to last. Such flows have so many stretches of time
/// that two of a host are seldom of the same, and to look for one among all of a tick would cost more than an entry of
/// its own; a flood of flows that are all alike still finds its entry here.
///
/// The hash has no secret, so that every run puts the same flows together: who steers it has entries of their own, no
/// more.
// Safe: the buffer is allocated in init, freed in deinit, and uniquely owned; a slot's number is cut to its length.
@safe
struct RecentEntries: ~Copyable, @unchecked Sendable {
    /// The hash in the upper half, the position plus one in the lower; 0 is free. Fits the first-level cache.
    private let slots: UnsafeMutableBufferPointer<UInt64>
    private var isEmpty = true

    private static let size = 2048

    init() {
        unsafe slots = .allocate(capacity: Self.size)
        unsafe slots.initialize(repeating: 0)
    }

    deinit { unsafe slots.deallocate() }

    @inline(__always)
    static func hash(_ key: TrafficKey, _ classes: TrafficClassSet, _ ages: FlowAgeRange) -> UInt32 {
        let host = (key.address.low ^ key.address.high &* 0x9E37_79B9_7F4A_7C15) &* 0xD6E8_FEB8_6659_FD93
        let kind = ages.bits | UInt64(classes.bits) << 32 | UInt64(key.scope.rawValue) << 40
        return UInt32(truncatingIfNeeded: (host ^ host >> 32 ^ kind) &* 0xA076_1D64_78BD_642F >> 32)
    }

    /// Where an entry of this hash may stand; -1 for nowhere.
    @inline(__always)
    func position(_ hash: UInt32) -> Int {
        let slot = unsafe slots[Int(truncatingIfNeeded: hash) & (Self.size &- 1)]
        guard UInt32(truncatingIfNeeded: slot >> 32) == hash else { return -1 }
        return Int(truncatingIfNeeded: slot & 0xFFFF_FFFF) &- 1
    }

    @inline(__always)
    mutating func note(_ hash: UInt32, _ position: Int) {
        isEmpty = false
        unsafe slots[Int(truncatingIfNeeded: hash) & (Self.size &- 1)] =
            UInt64(hash) << 32 | UInt64(UInt32(truncatingIfNeeded: position &+ 1))
    }

    mutating func removeAll() {
        guard !isEmpty else { return }
        unsafe slots.update(repeating: 0)
        isEmpty = true
    }
}
