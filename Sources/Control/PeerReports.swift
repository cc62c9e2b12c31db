/// One BGP neighbor, as `neighbors` lists it.
public struct NeighborReport: Codable, Sendable, Hashable {
    public var address: String
    public var remoteAS: UInt32
    public var description: String?
    /// The state of RFC 4271 section 8.2.2: `Established`, `Connect`, …
    public var state: String
    /// How long it has been in that state.
    public var stateSeconds: Double
    /// The families negotiated; empty unless established.
    public var families: [String]
    public var announcedRoutes: Int
    public var messagesReceived: UInt64
    public var messagesSent: UInt64
    /// FlowSpec rules of the neighbor that could not be read, and were passed over.
    public var unreadableRules: UInt64
    /// The last error, with its NOTIFICATION code in words.
    public var lastError: String?

    /// `remoteAs`, so that the change to snake case and back meets the same key.
    private enum CodingKeys: String, CodingKey {
        case address, remoteAS = "remoteAs", description, state, stateSeconds, families, announcedRoutes
        case messagesReceived, messagesSent, unreadableRules, lastError
    }

    public init(
        address: String,
        remoteAS: UInt32,
        description: String?,
        state: String,
        stateSeconds: Double,
        families: [String],
        announcedRoutes: Int,
        messagesReceived: UInt64,
        messagesSent: UInt64,
        unreadableRules: UInt64,
        lastError: String?
    ) {
        self.address = address
        self.remoteAS = remoteAS
        self.description = description
        self.state = state
        self.stateSeconds = stateSeconds
        self.families = families
        self.announcedRoutes = announcedRoutes
        self.messagesReceived = messagesReceived
        self.messagesSent = messagesSent
        self.unreadableRules = unreadableRules
        self.lastError = lastError
    }
}
