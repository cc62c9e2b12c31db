/// Why a capture file cannot be read, or not to its end, or not be written.
public enum CaptureError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Neither pcap nor pcapng.
    case notCapture
    /// A link layer that is not read, by its number in the file.
    case unsupportedLink(UInt32)
    /// A length that cannot be, of what begins at the offset.
    case invalidLength(offset: Int)
    /// The file ends within what begins at the offset.
    case truncated(offset: Int)
    /// A compressed file ends within its data, of which so many octets could be read.
    case compressionTruncated(after: Int)
    /// A compressed file is damaged before the offset; so many octets could be read.
    case compressionCorrupt(offset: Int, after: Int)
    /// The system would not have it read.
    case unreadable(String)
    /// The system would not have it written.
    case unwritable(String)

    public var description: String {
        switch self {
        case .notCapture: "neither a pcap nor a pcapng file, as it is or compressed by gzip"
        case .unsupportedLink(let type):
            "link type \(type) is not supported; Ethernet, Linux cooked capture, raw IP and loopback are"
        case .invalidLength(let offset): "what begins at offset \(offset) says a length that cannot be"
        case .truncated(let offset): "the file ends within the packet at offset \(offset)"
        case .compressionTruncated(let octets):
            "the gzip file ends within its data; the capture's first \(octets) octets were read"
        case .compressionCorrupt(let offset, let octets):
            "the gzip file is damaged at or before offset \(offset); the capture's first \(octets) octets were read"
        case .unreadable(let reason), .unwritable(let reason): reason
        }
    }
}
