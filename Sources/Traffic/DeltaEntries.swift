internal import CProcessor
internal import NetworkTypes

/// The entries of a table, in memory that is used again. Hosts are dealt out to 64 shares, and the entries of a share lie
/// in blocks of their own, in the order in which they came: who goes through the table share by share, as the merger does,
/// comes to all entries of a host while what it knows of the host is still in the cache.
// Safe: both buffers are allocated in init or when they grow, freed in deinit, and uniquely owned; positions are handed out
// here alone and held against the memory where they come back.
@safe
struct DeltaEntries: ~Copyable, @unchecked Sendable {
    private var storage: UnsafeMutableBufferPointer<TrafficDelta>
    /// By share, where its next entry goes; a multiple of the length of a block where it needs a new one.
    private let nexts: UnsafeMutableBufferPointer<Int>
    /// By block, whose it is.
    private var owners: [UInt8] = []
    /// How many entries there are.
    private(set) var count = 0

    private var capacity: Int { unsafe storage.count }
    private static let shares = 64
    /// As many as the merger looks up together.
    static let blockLength = StateTable.stride

    init() {
        unsafe storage = .allocate(capacity: 0)
        unsafe nexts = .allocate(capacity: Self.shares)
        unsafe nexts.initialize(repeating: 0)
    }

    deinit {
        unsafe storage.deallocate()
        unsafe nexts.deallocate()
    }

    /// The share of a key's host. Of no secret, so that every run deals alike: who steers it makes a table that is slower
    /// to merge, no more.
    @inline(__always)
    static func share(of key: TrafficKey) -> Int {
        let mixed = (key.address.low ^ key.address.high &* 0x9E37_79B9_7F4A_7C15) &* 0xD6E8_FEB8_6659_FD93
        return Int(truncatingIfNeeded: mixed >> 58)
    }

    subscript(position: Int) -> TrafficDelta {
        @inline(__always) _read {
            precondition(UInt(bitPattern: position) < UInt(bitPattern: capacity))
            yield unsafe storage[position]
        }
        @inline(__always) _modify {
            precondition(UInt(bitPattern: position) < UInt(bitPattern: capacity))
            yield unsafe &storage[position]
        }
    }

    /// Adds an entry; where it stands.
    ///
    /// - Parameter share: that of its key.
    @inline(__always)
    mutating func append(_ entry: TrafficDelta, toShare share: Int) -> Int {
        let share = share & (Self.shares &- 1)
        var position = unsafe nexts[share]
        if position & (Self.blockLength &- 1) == 0 { position = openBlock(of: share) }
        unsafe storage[position] = entry
        unsafe nexts[share] = position &+ 1
        count &+= 1
        // No processor foresees as many streams as there are shares.
        if let base = unsafe storage.baseAddress { unsafe processor_prefetch_for_write(base + position + 2) }
        return position
    }

    @inline(never)
    private mutating func openBlock(of share: Int) -> Int {
        let start = owners.count * Self.blockLength
        owners.append(UInt8(share))
        if start + Self.blockLength > capacity { grow() }
        return start
    }

    private mutating func grow() {
        let old = unsafe storage
        let nothing = TrafficDelta(key: .other, classes: .total, ages: .withinTick)
        unsafe storage = .allocate(capacity: max(16 * Self.blockLength, 2 * old.count))
        unsafe storage.initialize(repeating: nothing)
        for position in 0..<old.count { unsafe storage[position] = old[position] }
        unsafe old.deallocate()
    }

    // MARK: Reading

    /// Where each block begins, share by share.
    func blocks() -> [Int] {
        var counts = [Int](repeating: 0, count: Self.shares + 1)
        for owner in owners { counts[Int(owner) + 1] += 1 }
        for share in 0..<Self.shares { counts[share + 1] += counts[share] }
        var starts = [Int](repeating: 0, count: owners.count)
        for (block, owner) in owners.enumerated() {
            starts[counts[Int(owner)]] = block * Self.blockLength
            counts[Int(owner)] += 1
        }
        return starts
    }

    /// The entries of the block that begins at a position.
    @_lifetime(borrow self)
    func block(at start: Int) -> Span<TrafficDelta> {
        let next = unsafe nexts[Int(owners[start / Self.blockLength])]
        let isOpen = next > start && next < start + Self.blockLength
        let end = isOpen ? next : start + Self.blockLength
        let span = unsafe Span(_unsafeElements: UnsafeBufferPointer(rebasing: storage[start..<end]))
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Has an entry brought into the caches, to be added to.
    @inline(__always)
    func fetch(at position: Int) {
        guard let base = unsafe storage.baseAddress else { return }
        unsafe processor_prefetch_for_write(base + position)
    }

    /// Has the entries of the block that begins at a position brought into the caches.
    @inline(__always)
    func fetch(blockAt start: Int) {
        guard let base = unsafe storage.baseAddress else { return }
        let block = unsafe UnsafeRawPointer(base + start)
        for offset in Swift.stride(from: 0, to: Self.blockLength * MemoryLayout<TrafficDelta>.stride, by: 64) {
            unsafe processor_prefetch(block + offset)
        }
    }

    /// Forgets the entries. The memory stays, unless it is far more than was needed.
    mutating func removeAll() {
        if owners.count * Self.blockLength * 32 < capacity, capacity > 65_536 {
            unsafe storage.deallocate()
            unsafe storage = .allocate(capacity: 0)
        }
        owners.removeAll(keepingCapacity: true)
        unsafe nexts.update(repeating: 0)
        count = 0
    }
}
