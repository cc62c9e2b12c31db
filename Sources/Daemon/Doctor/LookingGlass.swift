import FlowSpec
import NetworkTypes

/// What shows on a router whether it has a route.
struct LookingGlass: Sendable, Hashable {
    private let isFlowSpec: Bool
    private let isIPv4: Bool
    /// The destination, or else the source; of a unicast route the prefix.
    private let prefix: IPPrefix?

    init(_ route: AnnouncedRoute) {
        isIPv4 = route.family == .ipv4
        switch route {
        case .unicast(let prefix):
            isFlowSpec = false
            self.prefix = prefix
        case .flowSpec(let rule):
            isFlowSpec = true
            var destination: IPPrefix?
            var source: IPPrefix?
            for component in rule.components {
                switch component {
                case .destination(let pattern): destination = pattern.prefix
                case .source(let pattern): source = pattern.prefix
                default: continue
                }
            }
            prefix = destination ?? source
        }
    }

    /// A line for each of IOS XR, Junos, FRR and BIRD.
    var commands: [String] {
        let afi = isIPv4 ? "ipv4" : "ipv6"
        let text = prefix?.description ?? ""
        guard isFlowSpec else {
            let table = isIPv4 ? "inet.0" : "inet6.0"
            return [
                "IOS XR: show bgp \(afi) unicast \(text)", "Junos: show route \(text) exact table \(table) detail",
                "FRR: show bgp \(afi) unicast \(text)", "BIRD: birdc show route for \(text) all",
            ]
        }
        let address = prefix?.address.description ?? ""
        let tables = isIPv4 ? (junos: "inetflow.0", bird: "flowtab4") : (junos: "inet6flow.0", bird: "flowtab6")
        return [
            "IOS XR: show flowspec \(afi) detail | include \(address)",
            "Junos: show route table \(tables.junos) extensive | match \"\(address)\"",
            "FRR: show bgp \(afi) flowspec detail, and look for \(text)",
            "BIRD: birdc show route table \(tables.bird) all | grep -A6 \(address)",
        ]
    }
}
