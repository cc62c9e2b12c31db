public import FlowSpec
public import NetworkTypes

/// What the operator allows, and how long.
public struct MitigationPolicy: Sendable {
    public enum Mode: String, Sendable, Hashable, CaseIterable {
        /// Announce.
        case enforce
        /// Do everything but announce.
        case observe
    }

    /// Routes that have a router drop all traffic to a prefix (remotely triggered blackholing).
    public struct Blackholes: Sendable, Hashable {
        /// Of which families the host under attack is announced, and the whole network of ours that it lies in.
        public var hosts: Set<AddressFamily> = []
        public var networks: Set<AddressFamily> = []
        public var communities: [Community] = []
        public var networkCommunities: [Community] = []
        /// Nil: the session's own address.
        public var nextHop: IPAddress?
        public var nextHopIPv6: IPAddress?

        public init() {}
    }

    /// An attack that comes back within a while of its rules' end is banned longer each time.
    public struct BanBackoff: Sendable, Hashable {
        /// At least 1.
        public var factor: Double
        public var longest: Duration
        public var within: Duration

        public init(factor: Double, longest: Duration, within: Duration) {
            self.factor = factor
            self.longest = longest
            self.within = within
        }
    }

    /// Rules whose attack is over are eased now and then for some seconds, to see whether it is.
    public struct Probe: Sendable, Hashable {
        public var every: Duration
        public var lasting: Duration
        /// What traffic may pass meanwhile: above the thresholds, or no attack could be seen through it.
        public var bitsPerSecond: Double

        public init(every: Duration, lasting: Duration, bitsPerSecond: Double) {
            self.every = every
            self.lasting = lasting
            self.bitsPerSecond = bitsPerSecond
        }
    }

    public var mode: Mode
    /// What is done otherwise for some of the targets.
    public var groups: [Group] {
        get { groupTable.groups }
        set { groupTable = GroupTable(newValue) }
    }
    private(set) var groupTable = GroupTable([])
    /// For targets whose group has none of its own; nil: templates alone say what is done.
    public var ladder: EscalationLadder?
    /// Bits per second of the link by which traffic comes in.
    public var capacity: Double?
    /// Nil: every ban lasts as long as the first.
    public var banBackoff: BanBackoff?
    /// Nil: nothing is eased.
    public var probe: Probe?
    /// Where exporters sample: true before what rules do, false after it; those that are not in it, nobody knows.
    public var samplesBeforeFilter = PrefixTable<Bool>([])
    /// Whether attacks are answered with FlowSpec rules.
    public var announcesRules = true
    public var blackholes = Blackholes()
    /// The kinds of attack that are acted on.
    public var kinds = Set(AttackKind.allCases)
    /// The operator's own networks: no rule may reach beyond them.
    public var networks: [IPPrefix]
    /// Protected destinations, which no rule may touch.
    public var whitelist: [IPPrefix]
    /// How long a rule stays at least.
    public var banTime: Duration
    /// Whether a rule outlasts its ban time while its attack goes on.
    public var unbanOnlyIfAttackFinished: Bool
    /// Added to every rule.
    public var communities: [Community]
    /// By the name of the attack kind, or `default`.
    public var templates: [String: RuleTemplate]
    /// Whether the match of a rule is looked for in the attack's samples; off: it is that of the template.
    public var synthesizes = true
    /// The share of an attack, 0...1, that its rules together are to match.
    public var coverage = 0.95
    /// How many rules a found answer to an attack may have, for each prefix that it is aimed at.
    public var maximumRulesPerAttack = 4
    /// Templates whose match stands: the operator has written it.
    public var fixedTemplates: Set<String> = []
    /// What found rules must not look at: there is a neighbor whose router cannot.
    public var lacks: Set<MatchFeature> = []
    /// How many rules may be in force at a time.
    public var maximumRules: Int
    /// How many announcements and withdrawals there may be within a minute before further announcements wait.
    public var maximumChangesPerMinute: Int
    /// The shortest prefix that a rule may name, by family.
    public var shortestIPv4Length: Int
    public var shortestIPv6Length: Int

    public init(
        mode: Mode,
        networks: [IPPrefix],
        whitelist: [IPPrefix] = [],
        banTime: Duration = .seconds(1900),
        unbanOnlyIfAttackFinished: Bool = true,
        communities: [Community] = [],
        templates: [String: RuleTemplate] = RuleTemplate.builtIn,
        maximumRules: Int = 1000,
        maximumChangesPerMinute: Int = 600,
        shortestIPv4Length: Int = 24,
        shortestIPv6Length: Int = 48
    ) {
        self.mode = mode
        self.networks = networks
        self.whitelist = whitelist
        self.banTime = banTime
        self.unbanOnlyIfAttackFinished = unbanOnlyIfAttackFinished
        self.communities = communities
        self.templates = templates
        self.maximumRules = maximumRules
        self.maximumChangesPerMinute = maximumChangesPerMinute
        self.shortestIPv4Length = shortestIPv4Length
        self.shortestIPv6Length = shortestIPv6Length
    }
}

extension MitigationPolicy {
    /// Whether attacks of a kind are acted on, by its own name or its family's.
    public func actsOn(_ kind: AttackKind) -> Bool {
        kinds.contains(kind) || kind.family.map { kinds.contains($0) } ?? false
    }

    /// The template for a kind of attack: its own, its family's, or `default`.
    func templateName(for kind: AttackKind) -> String {
        [kind, kind.family].compactMap { $0?.rawValue }.first { templates[$0] != nil } ?? "default"
    }

    /// The same where its match is to be announced: one of which a neighbor's router could match nothing but the target gives
    /// way to the next.
    func sayableTemplateName(for kind: AttackKind) -> String {
        [kind, kind.family].compactMap { $0?.rawValue }.first { template(named: $0) != nil } ?? "default"
    }

    /// A template as it can be announced: a built-in one without what a neighbor's router lacks. What the operator has
    /// written stands.
    func template(named name: String) -> RuleTemplate? {
        guard !lacks.isEmpty, !fixedTemplates.contains(name) else { return templates[name] }
        return templates[name]?.avoiding(lacks)
    }
}
