/// One question or order to the daemon: a JSON object on a line of its own.
public struct ControlRequest: Codable, Sendable, Hashable {
    public enum Command: String, Codable, Sendable, CaseIterable {
        case status
        case attacks
        case rules
        case neighbors
        case exporters
        case ban
        case unban
        /// Who is banned: prefixes, one a line.
        case banlist
        case explain
        /// Packets of an attack, as exporters handed them on.
        case packets
        case reload
        /// A rule or route in text; `withdraw` takes a rule's number too.
        case announce
        case withdraw
        /// A command of the ExaBGP API, whatever it is.
        case command
        case events
        /// The busiest hosts, and the networks.
        case top = "traffic/top"
        case doctor
        /// What is normal: of a host, network or group, or of those that have most.
        case baselines
        /// Thresholds that the recorded past proposes.
        case suggestions = "baselines/suggestions"

        /// Whether it is about a few rules, answered in a line, and waited for.
        var isOrder: Bool {
            switch self {
            case .ban, .unban, .announce, .withdraw, .command: true
            case .status, .attacks, .rules, .neighbors, .exporters, .banlist, .explain, .packets, .reload, .events,
                .top,
                .doctor, .baselines, .suggestions:
                false
            }
        }
    }

    public var command: Command
    /// Stands in the answer as it came, for those who ask several things at once.
    public var id: String?
    /// `announce`, `withdraw`, `command`: what is to be done.
    public var text: String?
    /// `events`: at most so many, the latest; `traffic/top`: at most so many hosts of each direction; `baselines`: at most
    /// so many; `explain`: at most so many rules of an attack, the latest.
    public var limit: Int?
    /// `ban`, `unban`: an address or prefix; `explain`: the number of an attack or of a rule (`r12`); `packets`: of an
    /// attack; `baselines`: an address, a network or the name of a group.
    public var target: String?
    /// `ban`, `announce`: how long, in seconds; the configured ban time when absent.
    public var durationSeconds: Double?
    /// `ban`, `announce`: why, in the operator's words.
    public var reason: String?
    /// `ban`: the template to use; `default` when absent.
    public var template: String?
    /// `attacks`, `rules`: also those that are over.
    public var includePast: Bool?
    /// `traffic/top`: `packets` (if absent), `bits` or `flows`.
    public var sort: String?
    /// `traffic/top`: `incoming` or `outgoing`; both if absent.
    public var direction: String?
    /// `rules`: how they stand with the neighbor of this address; `neighbors`: what it has announced to us.
    public var neighbor: String?
    /// `baselines/suggestions`: for the group of this name only.
    public var group: String?
    /// `baselines/suggestions`: how many days are looked back.
    public var days: Int?

    public init(
        _ command: Command,
        target: String? = nil,
        durationSeconds: Double? = nil,
        reason: String? = nil,
        template: String? = nil,
        includePast: Bool? = nil,
        neighbor: String? = nil,
        text: String? = nil,
        limit: Int? = nil,
        sort: String? = nil,
        direction: String? = nil,
        id: String? = nil
    ) {
        self.command = command
        self.target = target
        self.durationSeconds = durationSeconds
        self.reason = reason
        self.template = template
        self.includePast = includePast
        self.neighbor = neighbor
        self.text = text
        self.limit = limit
        self.sort = sort
        self.direction = direction
        self.id = id
    }
}

/// The answer to one request, on one line.
public enum ControlResponse: Codable, Sendable, Hashable {
    case status(StatusReport)
    case attacks([AttackReport])
    case rules([RuleReport])
    case neighborRules([NeighborRuleReport])
    case neighbors([NeighborReport])
    case receivedRoutes([ReceivedRouteReport])
    case exporters([ExporterReport])
    case explanation(ExplanationReport)
    case packets(PacketsReport)
    /// Oldest first.
    case events([EventReport])
    case top(TopReport)
    case diagnosis(DoctorReport)
    case baselines(BaselineReport)
    case suggestions(SuggestionReport)
    /// The order was carried out: what changed.
    case done(String)
    /// The order was refused, or the request made no sense: why.
    case refused(String)
}

/// An answer with the number of its request beside it.
struct NumberedResponse: Encodable {
    var id: String?
    var response: ControlResponse

    private enum CodingKeys: CodingKey { case id }

    func encode(to encoder: any Encoder) throws {
        try response.encode(to: encoder)
        guard let id else { return }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
    }
}

/// What answers requests: the daemon.
public protocol ControlResponder: Sendable {
    func respond(to request: ControlRequest) async -> ControlResponse
}
