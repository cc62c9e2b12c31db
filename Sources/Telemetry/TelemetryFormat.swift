/// The formats of telemetry that are read.
public enum TelemetryFormat: UInt8, Sendable, Hashable, CaseIterable {
    case netFlow1, netFlow5, netFlow7, netFlow9, ipfix, sFlow5

    /// For people: `NetFlow v9`.
    public var name: String {
        switch self {
        case .netFlow1: "NetFlow v1"
        case .netFlow5: "NetFlow v5"
        case .netFlow7: "NetFlow v7"
        case .netFlow9: "NetFlow v9"
        case .ipfix: "IPFIX"
        case .sFlow5: "sFlow v5"
        }
    }

    /// For programs: `nf9`.
    public var code: StaticString {
        switch self {
        case .netFlow1: "nf1"
        case .netFlow5: "nf5"
        case .netFlow7: "nf7"
        case .netFlow9: "nf9"
        case .ipfix: "ipfix"
        case .sFlow5: "sflow"
        }
    }

    /// What a datagram is, by its first octets alone: exporters send to the port that they were told, right or wrong.
    init(of datagram: RawSpan) throws(DecodeError) {
        guard datagram.byteCount >= 4 else { throw .truncated }
        switch datagram.uint16(0) {
        case 1: self = .netFlow1
        case 5: self = .netFlow5
        case 7: self = .netFlow7
        case 9: self = .netFlow9
        case 10: self = .ipfix
        case 0 where datagram.uint16(2) == 5: self = .sFlow5
        default: throw .unknownVersion
        }
    }

    /// Of what is not read, for people; nil where it is no version of these formats.
    static func nameOfUnread(_ datagram: RawSpan) -> String? {
        guard datagram.byteCount >= 4 else { return nil }
        return switch datagram.uint32(0) {
        case let word where word >> 16 == 8: "NetFlow v8"
        case let word where word == 2 || word == 4: "sFlow v\(word)"
        default: nil
        }
    }
}
