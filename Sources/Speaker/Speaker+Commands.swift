public import BGP
public import FlowSpec
public import NetworkTypes

/// What is ordered of some neighbors by name.
extension Speaker {
    /// All neighbors there are.
    public var addresses: [IPAddress] { Array(neighbors.keys) }

    /// The neighbors that a command is for: those that one of the selectors means. Nil for all, whoever comes later
    /// included; empty where there is none.
    public func meant(by selectors: [NeighborSelector]) -> [IPAddress]? {
        guard !selectors.isEmpty, !selectors.contains(NeighborSelector()) else { return nil }
        return neighbors.values.map(\.session.configuration)
            .filter { neighbor in selectors.contains { $0.means(neighbor) } }.map(\.address).sorted()
    }

    /// Says all routes again. Nil: to all neighbors.
    public func resend(to wanted: [IPAddress]?) {
        for address in wanted ?? addresses { apply(to: address) { $0.resend(at: $1) } }
    }

    /// Ends sessions, which begin anew at once. Nil: those with all neighbors.
    public func reset(_ wanted: [IPAddress]?, because error: BGPError) {
        for address in wanted ?? addresses { apply(to: address) { $0.reset(error, for: .seconds(1), at: $1) } }
    }
}

extension NeighborSelector {
    /// Whether all that the selector says holds for the neighbor.
    fileprivate func means(_ neighbor: NeighborConfiguration) -> Bool {
        func holds<Value: Equatable>(_ wanted: Value?, _ value: Value?) -> Bool { wanted == nil || wanted == value }
        return holds(address, neighbor.address) && holds(localAddress, neighbor.localAddress)
            && holds(localAS, neighbor.localAS) && holds(peerAS, neighbor.remoteAS)
            && holds(routerID?.v4, neighbor.routerID)
    }
}
