/// From what on a host's incoming traffic of a window is worth a note, beyond what is judged: more than either.
public struct HeavyNotice: Sendable, Hashable, BitwiseCopyable {
    public var packets: UInt64
    /// Octets.
    public var bytes: UInt64

    public init(packets: UInt64, bytes: UInt64) {
        self.packets = packets
        self.bytes = bytes
    }
}
