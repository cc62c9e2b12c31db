/// The first octets of a packet as an exporter, or a mirror port, handed them to us.
///
/// Of one size, so that many lie in one list without memory of their own.
public struct SampledPacket: Sendable {
    /// What the octets begin with.
    public enum Link: UInt8, Sendable, Hashable, CaseIterable, BitwiseCopyable {
        case ethernet
        /// A stack of MPLS labels.
        case mpls
        /// The IP header.
        case ip
    }

    /// More octets are not kept: as many as sFlow agents send.
    public static let maximumOctets = 128

    public var link: Link
    /// When it came, by the collector's clock.
    public var time: Timestamp
    /// Octets that it had on the wire, as far as they are known; at least as many as are kept.
    public private(set) var originalLength: UInt32
    private var length: UInt8
    private var storage: InlineArray<128, UInt8>

    /// - Parameter originalLength: octets on the wire, with those of the link layer.
    public init(_ octets: some Sequence<UInt8>, link: Link, originalLength: UInt32, time: Timestamp) {
        self.link = link
        self.time = time
        storage = InlineArray(repeating: 0)
        var count = 0
        for octet in octets.prefix(Self.maximumOctets) {
            storage[count] = octet
            count += 1
        }
        length = UInt8(truncatingIfNeeded: count)
        self.originalLength = max(originalLength, UInt32(truncatingIfNeeded: count))
    }

    /// What is kept of it.
    public var octets: [UInt8] { (0..<Int(length)).map { storage[$0] } }
}

extension SampledPacket: Hashable {
    public static func == (left: SampledPacket, right: SampledPacket) -> Bool {
        left.link == right.link && left.time == right.time && left.originalLength == right.originalLength
            && left.length == right.length && left.storage.indices.allSatisfy { left.storage[$0] == right.storage[$0] }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(link)
        hasher.combine(time)
        hasher.combine(originalLength)
        hasher.combine(length)
        for place in 0..<Int(length) { hasher.combine(storage[place]) }
    }
}
