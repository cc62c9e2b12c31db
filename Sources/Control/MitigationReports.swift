/// One attack, as `attacks` lists it.
public struct AttackReport: Codable, Sendable, Hashable {
    public var id: UInt64
    /// An address, a prefix or `group NAME`.
    public var target: String
    /// `incoming` or `outgoing`.
    public var direction: String
    public var kind: String
    /// 0…1: how much of the target's traffic is of that kind.
    public var kindShare: Double
    /// RFC 3339, UTC.
    public var began: String
    /// Nil while it lasts.
    public var ended: String?
    public var durationSeconds: Double
    public var packetsPerSecond: Double
    public var bitsPerSecond: Double
    public var peakPacketsPerSecond: Double
    public var peakBitsPerSecond: Double
    /// Which threshold was crossed, by how much, on what evidence: one sentence.
    public var reason: String
    /// What it is made of; nil from a daemon that does not tell.
    public var evidence: AttackEvidenceReport?

    public init(
        id: UInt64,
        target: String,
        direction: String,
        kind: String,
        kindShare: Double,
        began: String,
        ended: String?,
        durationSeconds: Double,
        packetsPerSecond: Double,
        bitsPerSecond: Double,
        peakPacketsPerSecond: Double,
        peakBitsPerSecond: Double,
        reason: String
    ) {
        self.id = id
        self.target = target
        self.direction = direction
        self.kind = kind
        self.kindShare = kindShare
        self.began = began
        self.ended = ended
        self.durationSeconds = durationSeconds
        self.packetsPerSecond = packetsPerSecond
        self.bitsPerSecond = bitsPerSecond
        self.peakPacketsPerSecond = peakPacketsPerSecond
        self.peakBitsPerSecond = peakBitsPerSecond
        self.reason = reason
    }
}

/// One rule of the ledger, as `rules` lists it.
public struct RuleReport: Codable, Sendable, Hashable {
    public var id: UInt64
    /// The FlowSpec rule or the prefix, in text.
    public var match: String
    /// What routers do with the traffic.
    public var action: String
    /// `announced`, `observed` (mode observe), `waiting` (held back by a guard rail) or `withdrawn`.
    public var state: String
    /// Who asks for it: `attack 3`, `operator`.
    public var requesters: [String]
    public var reason: String
    /// What it was expected to match when it was made, in words; nil for those that no samples speak for.
    public var expectation: String?
    /// The same in shares, 0…1.
    public var expectedAttackShare: Double?
    public var expectedNormalShare: Double?
    /// RFC 3339, UTC.
    public var created: String
    public var expires: String
    public var withdrawn: String?
    /// The neighbors that hold it.
    public var neighbors: [String]
    /// What telemetry says of it while an attack goes on: `holding, 12 Mbit/s arrive`, `leaking at 192.0.2.1, …`,
    /// `attack changed shape, …`, `unknown: …`.
    public var effect: String?
    /// What its rate limit lets through, in bits or packets per second: `800 kbit/s`. Nil without one.
    public var limit: String?
    /// Why no neighbor has it nor is about to, though it is announced: `192.0.2.1 family not agreed`.
    public var unheld: String?

    public init(
        id: UInt64,
        match: String,
        action: String,
        state: String,
        requesters: [String],
        reason: String,
        expectation: String? = nil,
        expectedAttackShare: Double? = nil,
        expectedNormalShare: Double? = nil,
        created: String,
        expires: String,
        withdrawn: String?,
        neighbors: [String],
        effect: String? = nil
    ) {
        self.id = id
        self.match = match
        self.action = action
        self.state = state
        self.requesters = requesters
        self.reason = reason
        self.expectation = expectation
        self.expectedAttackShare = expectedAttackShare
        self.expectedNormalShare = expectedNormalShare
        self.created = created
        self.expires = expires
        self.withdrawn = withdrawn
        self.neighbors = neighbors
        self.effect = effect
    }
}

/// Why an attack was called one and what was done about it, from stored facts.
public struct ExplanationReport: Codable, Sendable, Hashable {
    public var attack: AttackReport?
    public var rules: [RuleReport]
    /// How many of the attack's rules are not listed, all of them older; absent where none are.
    public var omittedRules: Int?
    /// The evidence and the reasoning, one sentence a line.
    public var evidence: [String]
    /// Some of the records that the attack was recognised by, in text.
    public var samples: [String]
    /// What happened when, one line each: `2026-11-24T03:00:00.250Z announced …`.
    public var events: [String]

    public init(
        attack: AttackReport?,
        rules: [RuleReport],
        evidence: [String],
        samples: [String],
        events: [String]
    ) {
        self.attack = attack
        self.rules = rules
        self.evidence = evidence
        self.samples = samples
        self.events = events
    }
}
