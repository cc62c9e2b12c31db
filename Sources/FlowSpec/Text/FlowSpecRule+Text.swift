internal import NetworkTypes

extension FlowSpecRule: CustomStringConvertible {
    /// The components as ExaBGP writes them: `destination 198.51.100.5/32 protocol =udp destination-port =53`; before
    /// them the route distinguisher of a rule for a VPN.
    public var description: String { statements.joined(separator: " ") }

    /// An IPv6 rule without a prefix does not look like one; ExaBGP would take it for IPv4 unless it is said.
    var needsFamily: Bool {
        family == .ipv6 && !components.contains { $0.type == .destinationPrefix || $0.type == .sourcePrefix }
    }

    /// What stands before the rule on a line.
    var keywords: String { needsFamily ? "ipv6 flow" : "flow route" }

    /// One for each component.
    var statements: [String] {
        (routeDistinguisher.map { ["rd \($0)"] } ?? []) + components.map { $0.text(for: family) }
    }
}

extension MatchComponent {
    func text(for family: AddressFamily) -> String {
        switch self {
        case .destination(let pattern): return "destination \(pattern)"
        case .source(let pattern): return "source \(pattern)"
        default: break
        }
        let keyword = type.keyword(for: family)
        switch terms {
        case .numeric(let list): return "\(keyword) \(joined(list) { $0.text(type) })"
        case .bitmask(let list): return "\(keyword) \(joined(list) { $0.text(type) })"
        case nil: return keyword
        }
    }

    /// `=80`, or `[ >=1024&<=65535 =53 ]` for several.
    private func joined<Term: JoinedTerm>(_ terms: [Term], _ text: (Term) -> String) -> String {
        guard terms.count > 1 else { return terms.first.map(text) ?? "" }
        var result = "["
        for (index, term) in terms.enumerated() { result += (term.and && index > 0 ? "&" : " ") + text(term) }
        return result + " ]"
    }
}

/// What a term of either sort has: how it is joined to the one before.
private protocol JoinedTerm {
    var and: Bool { get }
}

extension NumericTerm: JoinedTerm {}
extension BitmaskTerm: JoinedTerm {}

extension NumericTerm {
    fileprivate func text(_ type: MatchComponentType) -> String {
        comparison.symbol + (type == .ipProtocol ? Self.protocolName(value) : String(value))
    }

    /// Names that ExaBGP knows; it has none for ICMPv6.
    private static func protocolName(_ value: UInt64) -> String {
        switch value {
        case 1: "icmp"
        case 2: "igmp"
        case 6: "tcp"
        case 17: "udp"
        case 47: "gre"
        case 50: "esp"
        case 51: "ah"
        default: String(value)
        }
    }
}

extension NumericTerm.Comparison {
    /// As in text: `=`, `>=`, `!=`, …
    var symbol: String {
        switch self {
        case .never: "false"
        case .equal: "="
        case .greater: ">"
        case .greaterOrEqual: ">="
        case .less: "<"
        case .lessOrEqual: "<="
        case .notEqual: "!="
        case .always: "true"
        }
    }
}

extension BitmaskTerm {
    fileprivate func text(_ type: MatchComponentType) -> String {
        (not ? "!" : "") + (match ? "=" : "") + names(type == .fragment ? FragmentBits.names : ValueNames.tcpFlags)
    }

    /// Names joined by `+`; the number where a bit has none.
    private func names(_ known: [(bit: UInt16, name: String)]) -> String {
        var rest = value
        var names: [String] = []
        for (bit, name) in known where rest & bit != 0 {
            names.append(name)
            rest &= ~bit
        }
        return rest == 0 && !names.isEmpty ? names.joined(separator: "+") : String(value)
    }
}

extension PrefixPattern: CustomStringConvertible {
    /// The prefix, with the offset behind another slash where there is one.
    public var description: String { offset == 0 ? prefix.description : "\(prefix)/\(offset)" }
}
