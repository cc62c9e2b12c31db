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

/// One exporter of telemetry, as `exporters` lists it.
public struct ExporterReport: Codable, Sendable, Hashable {
    public var address: String
    /// The formats it speaks: `sFlow v5`, `NetFlow v9`, …
    public var formats: [String]
    public var datagrams: UInt64
    public var records: UInt64
    /// Datagrams that could not be read to their end, by reason.
    public var malformed: [String: UInt64]
    /// Data sets whose template had not been seen.
    public var missingTemplates: UInt64
    /// Datagrams that the sequence numbers say were lost on the way.
    public var lostDatagrams: UInt64
    /// The sampling rate last seen; nil when the exporter has not said.
    public var samplingRate: UInt32?
    /// Since the last datagram.
    public var silentSeconds: Double

    public init(
        address: String,
        formats: [String],
        datagrams: UInt64,
        records: UInt64,
        malformed: [String: UInt64],
        missingTemplates: UInt64,
        lostDatagrams: UInt64,
        samplingRate: UInt32?,
        silentSeconds: Double
    ) {
        self.address = address
        self.formats = formats
        self.datagrams = datagrams
        self.records = records
        self.malformed = malformed
        self.missingTemplates = missingTemplates
        self.lostDatagrams = lostDatagrams
        self.samplingRate = samplingRate
        self.silentSeconds = silentSeconds
    }
}
