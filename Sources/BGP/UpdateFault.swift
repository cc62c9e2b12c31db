public import FlowSpec

/// Something wrong in a received UPDATE, and what is done about it (RFC 7606).
public struct UpdateFault: Sendable, Hashable {
    /// Ordered from the mildest to the gravest (RFC 7606 section 2).
    public enum Handling: Sendable, Hashable {
        /// The attribute is left out and the rest is used.
        case discardAttribute
        /// One rule is passed over; its length says where the next one begins (RFC 7606 section 5.4).
        case discardRule
        /// The announced routes count as withdrawn.
        case treatAsWithdraw
        /// What comes of this family on this session can no longer be relied on (RFC 4760 section 7).
        case disableFamily(BGPFamily)
        /// The session ends with this NOTIFICATION.
        case resetSession(BGPError)
    }

    public var handling: Handling
    /// The attribute's type; nil when it is none's.
    public var attribute: UInt8?
    public var reason: String
    /// Why a rule could not be read.
    public var rule: FlowSpecError?

    init(_ handling: Handling, attribute: UInt8? = nil, _ reason: String, rule: FlowSpecError? = nil) {
        self.handling = handling
        self.attribute = attribute
        self.reason = reason
        self.rule = rule
    }
}

extension UpdateFault: CustomStringConvertible {
    public var description: String {
        let place = attribute.map { "attribute \($0): " } ?? ""
        return "\(place)\(reason) (\(handling))"
    }
}

extension UpdateFault.Handling: CustomStringConvertible {
    public var description: String {
        switch self {
        case .discardAttribute: "attribute discard"
        case .discardRule: "rule passed over"
        case .treatAsWithdraw: "treat-as-withdraw"
        case .disableFamily(let family): "\(family.rawValue) disabled"
        case .resetSession(let error): "session reset, \(error)"
        }
    }
}
