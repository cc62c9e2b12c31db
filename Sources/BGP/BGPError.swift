/// A fault of the neighbor, as the NOTIFICATION that answers it (RFC 4271 section 4.5 and 6, RFC 6608, RFC 9072).
public struct BGPError: Error, Sendable, Hashable {
    public var code: Code
    public var subcode: UInt8
    public var data: [UInt8]

    public enum Code: UInt8, Sendable, Hashable {
        case messageHeader = 1
        case openMessage = 2
        case updateMessage = 3
        case holdTimerExpired = 4
        case finiteStateMachine = 5
        case cease = 6
        case routeRefresh = 7
    }

    public init(_ code: Code, _ subcode: UInt8 = 0, data: [UInt8] = []) {
        self.code = code
        self.subcode = subcode
        self.data = data
    }

    // Message header errors, RFC 4271 section 6.1.
    public static let connectionNotSynchronized = BGPError(.messageHeader, 1)
    public static func badMessageLength(_ length: UInt16) -> BGPError {
        BGPError(.messageHeader, 2, data: [UInt8(length >> 8), UInt8(length & 0xFF)])
    }
    public static func badMessageType(_ type: UInt8) -> BGPError { BGPError(.messageHeader, 3, data: [type]) }

    // OPEN errors, RFC 4271 section 6.2.
    public static let malformedOpen = BGPError(.openMessage, 0)
    /// The data is the version that we speak.
    public static let unsupportedVersion = BGPError(.openMessage, 1, data: [0, 4])
    public static let badPeerAS = BGPError(.openMessage, 2)
    public static let badBGPIdentifier = BGPError(.openMessage, 3)
    public static let unsupportedOptionalParameter = BGPError(.openMessage, 4)
    public static let unacceptableHoldTime = BGPError(.openMessage, 6)

    // UPDATE errors, RFC 4271 section 6.3.
    public static let malformedAttributeList = BGPError(.updateMessage, 1)
    public static let optionalAttributeError = BGPError(.updateMessage, 9)
    public static let invalidNetworkField = BGPError(.updateMessage, 10)

    public static let holdTimerExpired = BGPError(.holdTimerExpired)

    // State machine errors, RFC 6608.
    public static let unexpectedInOpenSent = BGPError(.finiteStateMachine, 1)
    public static let unexpectedInOpenConfirm = BGPError(.finiteStateMachine, 2)
    public static let unexpectedInEstablished = BGPError(.finiteStateMachine, 3)

    // CEASE, RFC 4486.
    public static let administrativeShutdown = BGPError(.cease, 2)
    public static let connectionRejected = BGPError(.cease, 5)
    public static let collisionResolution = BGPError(.cease, 7)
}

extension BGPError: CustomStringConvertible {
    /// The code and subcode in the registry's words.
    public var description: String {
        let codeText =
            switch code {
            case .messageHeader: "message header error"
            case .openMessage: "OPEN message error"
            case .updateMessage: "UPDATE message error"
            case .holdTimerExpired: "hold timer expired"
            case .finiteStateMachine: "finite state machine error"
            case .cease: "cease"
            case .routeRefresh: "route refresh error"
            }
        guard let detail = Self.subcodes[code]?[subcode] else {
            return subcode == 0 ? codeText : "\(codeText)/\(subcode)"
        }
        return "\(codeText): \(detail)"
    }

    private static let subcodes: [Code: [UInt8: String]] = [
        .messageHeader: [1: "connection not synchronized", 2: "bad message length", 3: "bad message type"],
        .openMessage: [
            1: "unsupported version number", 2: "bad peer AS", 3: "bad BGP identifier",
            4: "unsupported optional parameter", 6: "unacceptable hold time", 7: "unsupported capability",
        ],
        .updateMessage: [
            1: "malformed attribute list", 2: "unrecognized well-known attribute", 3: "missing well-known attribute",
            4: "attribute flags error", 5: "attribute length error", 6: "invalid ORIGIN", 8: "invalid NEXT_HOP",
            9: "optional attribute error", 10: "invalid network field", 11: "malformed AS_PATH",
        ],
        .finiteStateMachine: [
            1: "unexpected message in OpenSent", 2: "unexpected message in OpenConfirm",
            3: "unexpected message in Established",
        ],
        .cease: [
            1: "maximum number of prefixes reached", 2: "administrative shutdown", 3: "peer de-configured",
            4: "administrative reset", 5: "connection rejected", 6: "other configuration change",
            7: "connection collision resolution", 8: "out of resources", 9: "hard reset", 10: "BFD down",
        ],
    ]
}
