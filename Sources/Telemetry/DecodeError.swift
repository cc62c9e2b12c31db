/// Why a datagram, or the rest of it, could not be read. The raw value is an index into counters.
public enum DecodeError: Int, Error, Sendable, Hashable, CaseIterable {
    /// A length or count says more than the datagram holds.
    case truncated
    /// The version field is none of ours.
    case unknownVersion
    /// A length field that cannot be: a set shorter than its own header, an agent address of no known type.
    case invalidLength
    /// A template whose records would be empty.
    case emptyTemplate
    /// A template with more fields than any exporter uses.
    case tooManyFields
    /// A template number that is reserved.
    case reservedTemplate
    /// More records than a datagram can hold.
    case tooManyRecords

    /// For counters and logs: `truncated`, `unknown_version`, …
    public var name: String {
        switch self {
        case .truncated: "truncated"
        case .unknownVersion: "unknown_version"
        case .invalidLength: "invalid_length"
        case .emptyTemplate: "empty_template"
        case .tooManyFields: "too_many_fields"
        case .reservedTemplate: "reserved_template"
        case .tooManyRecords: "too_many_records"
        }
    }
}
