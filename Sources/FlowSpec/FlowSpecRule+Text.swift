internal import NetworkTypes

extension FlowSpecRule: CustomStringConvertible {
    /// The components as ExaBGP writes them: `destination 198.51.100.5/32 protocol =udp destination-port =53`.
    public var description: String {
        components.isEmpty ? "everything" : components.map { $0.text(for: family) }.joined(separator: " ")
    }
}

extension MatchComponent {
    fileprivate func text(for family: AddressFamily) -> String {
        func list(_ name: String, _ terms: [NumericTerm], _ value: (UInt64) -> String = { String($0) }) -> String {
            "\(name) \(terms.joinedText { $0.text(value) })"
        }
        switch self {
        case .destination(let pattern): return "destination \(pattern)"
        case .source(let pattern): return "source \(pattern)"
        case .ipProtocol(let terms):
            return list(family == .ipv4 ? "protocol" : "next-header", terms) { value in
                UInt8(exactly: value).map { IPProtocol(rawValue: $0).description } ?? String(value)
            }
        case .port(let terms): return list("port", terms)
        case .destinationPort(let terms): return list("destination-port", terms)
        case .sourcePort(let terms): return list("source-port", terms)
        case .icmpType(let terms): return list("icmp-type", terms)
        case .icmpCode(let terms): return list("icmp-code", terms)
        case .packetLength(let terms): return list("packet-length", terms)
        case .dscp(let terms): return list(family == .ipv4 ? "dscp" : "traffic-class", terms)
        case .flowLabel(let terms): return list("flow-label", terms)
        case .tcpFlags(let terms):
            return
                "tcp-flags \(terms.joinedText { $0.text { TCPFlags(rawValue: UInt8(truncatingIfNeeded: $0)).description } })"
        case .fragment(let terms):
            return "fragment \(terms.joinedText { $0.text(FragmentBits.text) })"
        }
    }
}

extension PrefixPattern: CustomStringConvertible {
    /// The prefix, with the offset behind another slash where there is one.
    public var description: String { offset == 0 ? prefix.description : "\(prefix)/\(offset)" }
}

/// What a term of either sort has: how it is joined to the one before.
private protocol JoinedTerm {
    var and: Bool { get }
}

extension NumericTerm: JoinedTerm {}
extension BitmaskTerm: JoinedTerm {}

extension Array where Element: JoinedTerm {
    /// `=80`, or `[ >=1024&<=65535 =53 ]` for several.
    fileprivate func joinedText(_ text: (Element) -> String) -> String {
        guard count > 1 else { return first.map(text) ?? "" }
        var result = "["
        for (index, term) in enumerated() { result += (term.and && index > 0 ? "&" : " ") + text(term) }
        return result + " ]"
    }
}

extension NumericTerm {
    fileprivate func text(_ value: (UInt64) -> String) -> String { comparison.symbol + value(self.value) }
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
    fileprivate func text(_ bits: (UInt16) -> String) -> String {
        (not ? "!" : "") + (match ? "=" : "") + bits(value)
    }
}

extension FragmentBits {
    /// In text and configuration.
    public static let names: [(bit: UInt16, name: String)] = [
        (dontFragment, "dont-fragment"), (isFragment, "is-fragment"), (firstFragment, "first-fragment"),
        (lastFragment, "last-fragment"),
    ]

    static func text(_ bits: UInt16) -> String {
        let known = names.filter { bits & $0.bit != 0 }.map(\.name)
        return known.isEmpty ? "0" : known.joined(separator: "+")
    }
}

extension AnnouncedRoute: CustomStringConvertible {
    public var description: String {
        switch self {
        case .flowSpec(let rule): rule.description
        case .unicast(let prefix): prefix.description
        }
    }
}

extension Announcement: CustomStringConvertible {
    /// The match, then what is done: `destination … protocol =udp then discard`.
    public var description: String {
        switch route {
        case .flowSpec: "\(route) then \(actionText)"
        case .unicast: "route \(route)" + (nextHop.map { " next-hop \($0)" } ?? "") + communityText
        }
    }

    /// What routers do with the traffic, with the communities.
    public var actionText: String {
        (actions.isEmpty ? "accept" : actions.map(\.description).joined(separator: " ")) + communityText
    }

    private var communityText: String {
        communities.isEmpty ? "" : " community [ \(communities.map(\.description).joined(separator: " ")) ]"
    }
}
