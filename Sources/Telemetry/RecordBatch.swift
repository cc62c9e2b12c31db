public import NetworkTypes

/// Flow records on their way from the decoder to the counters: memory that is allocated once and used again.
///
/// The decoder appends and stops at the capacity; the caller empties the batch between datagrams, so a capacity of more
/// than the records of one datagram (at most 65,535 bytes, so fewer than `maximumRecordsPerDatagram`) loses nothing.
// Safe: the buffer is allocated in init, freed in deinit, reached through bounds checks only, and uniquely owned.
@safe
public struct RecordBatch: ~Copyable, @unchecked Sendable {
    private let storage: UnsafeMutableBufferPointer<FlowRecord>
    /// Of records that were read from packets, in the order of the records; at most one of each.
    private let places: UnsafeMutableBufferPointer<HeaderPlace>
    private var placeCount = 0
    public private(set) var count = 0
    /// Who told of the records, as `FlowRecord.exporter` counts them; one that spoke in between may be in it twice.
    public private(set) var exporters: [IPAddress] = []

    /// More records than one datagram can hold. Decoders stop here and count the datagram as malformed: only records of
    /// zero or a few bytes, which no exporter sends, could ask for more.
    public static let maximumRecordsPerDatagram = 8192

    public init(capacity: Int = 2 * maximumRecordsPerDatagram) {
        unsafe storage = .allocate(capacity: max(capacity, Self.maximumRecordsPerDatagram))
        unsafe places = .allocate(capacity: max(capacity, Self.maximumRecordsPerDatagram))
    }

    deinit {
        unsafe storage.deallocate()
        unsafe places.deallocate()
    }

    public var capacity: Int { unsafe storage.count }

    /// Whether another whole datagram fits.
    @inline(__always)
    public var hasRoomForDatagram: Bool { capacity &- count >= Self.maximumRecordsPerDatagram }

    /// Appends a record; false when the batch is full.
    @inline(__always)
    public mutating func append(_ record: FlowRecord) -> Bool {
        guard count < capacity else { return false }
        unsafe storage.initializeElement(at: count, to: record)
        count &+= 1
        return true
    }

    /// Makes room for a record that is written where it stays, as it has more fields than a processor has registers, and
    /// begins it anew; false when the batch is full. It is none of the records before `appendOpened`.
    @inline(__always)
    mutating func open() -> Bool {
        guard count < capacity else { return false }
        unsafe storage.initializeElement(at: count, to: FlowRecord())
        return true
    }

    /// The record that `open` made room for.
    var opened: FlowRecord {
        @inline(__always) _read {
            precondition(count < capacity)
            yield unsafe storage[count]
        }
        @inline(__always) _modify {
            precondition(count < capacity)
            yield unsafe &storage[count]
        }
    }

    @inline(__always)
    mutating func appendOpened() { if count < capacity { count &+= 1 } }

    /// Forgets the records; the memory stays.
    public mutating func removeAll() {
        count = 0
        placeCount = 0
        exporters.removeAll(keepingCapacity: true)
    }

    /// Says who told of the records from `start` on. As each call is for a record at least, the list is bounded; what
    /// would not fit its numbers is of nobody.
    mutating func note(_ exporter: IPAddress, from start: Int) {
        guard start < count else { return }
        if exporters.last != exporter, exporters.count < Int(UInt16.max) { exporters.append(exporter) }
        let number = exporters.last == exporter ? UInt16(truncatingIfNeeded: exporters.count) : 0
        for index in max(start, 0)..<count { unsafe storage[index].exporter = number }
    }

    /// Forgets the records after the first `kept`, as when a datagram turns out to be unusable.
    public mutating func truncate(to kept: Int) {
        count = min(count, max(kept, 0))
        while placeCount > 0, unsafe Int(places[placeCount &- 1].record) >= count { placeCount &-= 1 }
    }

    /// Whether there are records that were read from packets, whose octets can be asked for.
    @inline(__always)
    public var hasPackets: Bool { placeCount > 0 }

    @inline(__always)
    mutating func note(_ place: HeaderPlace) {
        guard placeCount < count else { return }
        unsafe places.initializeElement(at: placeCount, to: place)
        placeCount &+= 1
    }

    func headerPlace(ofRecord index: Int) -> HeaderPlace? {
        var low = 0
        var high = placeCount
        while low < high {
            let middle = (low + high) / 2
            if unsafe Int(places[middle].record) < index { low = middle + 1 } else { high = middle }
        }
        guard low < placeCount, unsafe Int(places[low].record) == index else { return nil }
        return unsafe places[low]
    }

    /// Moves the times of the records from `start` on towards the present, but not beyond `limit`.
    mutating func shiftTimes(from start: Int, by shift: Duration, notAfter limit: Timestamp) {
        let nanoseconds = shift.nanoseconds
        for index in max(start, 0)..<max(start, count) {
            let (first, last) = unsafe (storage[index].first.nanoseconds, storage[index].last.nanoseconds)
            unsafe storage[index].first = min(Timestamp(nanoseconds: first &+ nanoseconds), limit)
            unsafe storage[index].last = min(Timestamp(nanoseconds: last &+ nanoseconds), limit)
        }
    }

    /// The records.
    public var records: Span<FlowRecord> {
        @_lifetime(borrow self)
        get {
            let span = unsafe Span(_unsafeElements: UnsafeBufferPointer(rebasing: storage[..<count]))
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }
}
