/// Reads network-order values off a slice of octets; nil at the end, never beyond it.
public struct OctetReader: Sendable {
    public private(set) var rest: ArraySlice<UInt8>

    public init(_ octets: ArraySlice<UInt8>) { rest = octets }

    public var isAtEnd: Bool { rest.isEmpty }
    public var count: Int { rest.count }

    public mutating func read<Value: FixedWidthInteger>(_: Value.Type = Value.self) -> Value? {
        guard let octets = take(MemoryLayout<Value>.size) else { return nil }
        return octets.reduce(0) { $0 << 8 | Value(truncatingIfNeeded: $1) }
    }

    /// The next `count` octets; nil when there are fewer.
    public mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, count <= rest.count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }
}

extension Array<UInt8> {
    /// Appends a value in network order.
    public mutating func append(bigEndian value: some FixedWidthInteger) {
        var shift = value.bitWidth
        while shift >= 8 {
            shift -= 8
            append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}
