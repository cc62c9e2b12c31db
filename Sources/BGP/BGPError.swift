/// A fault, or the end of a session, as the NOTIFICATION that says it (RFC 4271 section 4.5).
public struct BGPError: Error, Sendable, Hashable {
    public var code: Code
    public var subcode: UInt8
    public var data: [UInt8]

    /// Any number can arrive; those of the registry have names.
    public struct Code: RawRepresentable, Sendable, Hashable {
        public var rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        public static let messageHeader = Code(rawValue: 1)
        public static let openMessage = Code(rawValue: 2)
        public static let updateMessage = Code(rawValue: 3)
        public static let holdTimerExpired = Code(rawValue: 4)
        public static let finiteStateMachine = Code(rawValue: 5)
        public static let cease = Code(rawValue: 6)
        /// RFC 7313 section 5.
        public static let routeRefresh = Code(rawValue: 7)
        /// RFC 9687 section 4.
        public static let sendHoldTimerExpired = Code(rawValue: 8)
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
    /// RFC 5492 section 5; the data is the capabilities that are wanted.
    public static func unsupportedCapability(_ wanted: [UInt8]) -> BGPError {
        BGPError(.openMessage, 7, data: wanted)
    }
    /// RFC 9234 section 4.2.
    public static let roleMismatch = BGPError(.openMessage, 11)

    // UPDATE errors, RFC 4271 section 6.3.
    public static let malformedAttributeList = BGPError(.updateMessage, 1)
    public static let optionalAttributeError = BGPError(.updateMessage, 9)
    public static let invalidNetworkField = BGPError(.updateMessage, 10)

    public static let holdTimerExpired = BGPError(.holdTimerExpired)
    public static let sendHoldTimerExpired = BGPError(.sendHoldTimerExpired)

    // State machine errors, RFC 6608. The data is the type of the message that was out of place.
    public static func unexpectedInOpenSent(_ type: UInt8) -> BGPError {
        BGPError(.finiteStateMachine, 1, data: [type])
    }
    public static func unexpectedInOpenConfirm(_ type: UInt8) -> BGPError {
        BGPError(.finiteStateMachine, 2, data: [type])
    }
    public static func unexpectedInEstablished(_ type: UInt8) -> BGPError {
        BGPError(.finiteStateMachine, 3, data: [type])
    }

    // ROUTE-REFRESH errors, RFC 7313 section 5. The data is the whole message.
    public static func badRouteRefreshLength(_ message: [UInt8]) -> BGPError {
        BGPError(.routeRefresh, 1, data: message)
    }

    // CEASE, RFC 4486.
    /// The data names the family and its limit.
    public static func maximumPrefixesReached(_ family: BGPFamily, limit: Int) -> BGPError {
        var data: [UInt8] = [UInt8(family.afi >> 8), UInt8(family.afi & 0xFF), family.safi]
        let bound = UInt32(clamping: limit)
        data += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: bound >> $0) }
        return BGPError(.cease, 1, data: data)
    }
    public static let administrativeShutdown = BGPError(.cease, 2)
    public static let peerDeconfigured = BGPError(.cease, 3)
    public static let administrativeReset = BGPError(.cease, 4)
    public static let connectionRejected = BGPError(.cease, 5)
    public static let otherConfigurationChange = BGPError(.cease, 6)
    public static let collisionResolution = BGPError(.cease, 7)
    public static let outOfResources = BGPError(.cease, 8)
}

extension BGPError: CustomStringConvertible {
    /// The code and subcode in the registry's words, then what the sender had to say.
    public var description: String {
        if let inner = hardReset { return "cease: hard reset, \(inner)" }
        let text = Self.words(code, subcode)
        guard let said = shutdownCommunication, !said.isEmpty else { return text }
        return "\(text), \"\(said)\""
    }

    private static func words(_ code: Code, _ subcode: UInt8) -> String {
        guard let named = names[code] else { return "code \(code.rawValue)/\(subcode)" }
        guard let detail = subcodes[code]?[subcode] else { return subcode == 0 ? named : "\(named)/\(subcode)" }
        return "\(named): \(detail)"
    }

    private static let names: [Code: String] = [
        .messageHeader: "message header error", .openMessage: "OPEN message error",
        .updateMessage: "UPDATE message error", .holdTimerExpired: "hold timer expired",
        .finiteStateMachine: "finite state machine error", .cease: "cease",
        .routeRefresh: "ROUTE-REFRESH message error",
        .sendHoldTimerExpired: "send hold timer expired",
    ]

    /// Every subcode of the IANA registry; those that only others send too.
    static let subcodes: [Code: [UInt8: String]] = [
        .messageHeader: [1: "connection not synchronized", 2: "bad message length", 3: "bad message type"],
        .openMessage: [
            1: "unsupported version number", 2: "bad peer AS", 3: "bad BGP identifier",
            4: "unsupported optional parameter", 6: "unacceptable hold time", 7: "unsupported capability",
            11: "role mismatch",
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
        .routeRefresh: [1: "invalid message length"],
    ]
}
