internal import FlowSpec
public import NetworkTypes

/// What telemetry says of a rule that is announced.
public struct RuleEffect: Sendable, Hashable {
    public enum Verdict: String, Sendable, Hashable, CaseIterable {
        /// What the rule matches no longer arrives, or not more of it than the rule lets through.
        case holding
        /// It still arrives.
        case leaking
        /// The rule does what it says, and as much comes in beside it as makes an attack.
        case changedShape = "attack changed shape"
        /// Telemetry does not tell.
        case unknown
    }

    public var verdict: Verdict
    /// Per second in `unit`, of what the rule matches, as far as it is known.
    public var arriving: Double?
    public var unit: TrafficUnit
    /// Where it still arrives, most of it first; `unspecified` for mirrored packets.
    public var exporters: [IPAddress]
    /// Whether all of `exporters` are known to sample after the filter: what else they tell of may as well be an attack
    /// that changed by itself.
    public var isProven = false
    /// Why nothing can be said; empty where something is.
    public var why: String

    public init(
        _ verdict: Verdict,
        arriving: Double? = nil,
        unit: TrafficUnit,
        exporters: [IPAddress] = [],
        why: String = ""
    ) {
        self.verdict = verdict
        self.arriving = arriving
        self.unit = unit
        self.exporters = exporters
        self.why = why
    }
}

extension RuleEffect: CustomStringConvertible {
    /// `holding, 12 Mbit/s arrive`, `leaking at 192.0.2.1, 3.2 Gbit/s arrive`, `unknown: too few samples`.
    public var description: String {
        var text = verdict.rawValue
        let known = exporters.filter { $0 != .unspecified }
        if verdict == .leaking, !known.isEmpty {
            text += " at \(known.map(\.description).joined(separator: ", "))"
        }
        if let arriving { text += ", \(RateText.describe(arriving, unit)) arrive" }
        return why.isEmpty ? text : "\(text): \(why)"
    }
}

extension Announcement {
    /// What the routers still let through of the traffic, if a rule is to hold it back at all.
    var allowance: (perSecond: Double, unit: TrafficUnit?)? {
        if case .unicast = route { return (0, nil) }
        for action in actions {
            switch action {
            case .rateLimitBytes(_, let bytes): return bytes == 0 ? (0, nil) : (Double(bytes) * 8, .bits)
            case .rateLimitPackets(_, let packets): return packets == 0 ? (0, nil) : (Double(packets), .packets)
            default: continue
            }
        }
        return nil
    }
}
