public import NetworkTypes

/// What speaks against a rule whatever the circumstances. The configuration holds what it announces against the same
/// as the ledger does, so that what was read is not refused later.
public struct GuardRails: Sendable, Hashable {
    public enum Objection: Sendable, Hashable {
        /// No network of the operator holds the prefix whole.
        case outsideNetworks
        /// The prefix is shorter than is allowed.
        case tooShort(allowed: Int)
        /// The prefix holds or lies in a protected one.
        case whitelisted(IPPrefix)
        /// The rule matches more than the traffic of the prefix, maybe everybody's.
        case matchesAll
    }

    /// The operator's own networks: no rule may reach beyond them.
    public var networks: [IPPrefix]
    /// Protected destinations, which no rule may touch.
    public var whitelist: [IPPrefix]
    /// The shortest prefix that a rule may name, by family. A default route stays forbidden however short these are.
    public var shortestIPv4Length: Int
    public var shortestIPv6Length: Int

    public init(networks: [IPPrefix], whitelist: [IPPrefix], shortestIPv4Length: Int, shortestIPv6Length: Int) {
        self.networks = networks
        self.whitelist = whitelist
        self.shortestIPv4Length = shortestIPv4Length
        self.shortestIPv6Length = shortestIPv6Length
    }

    /// What a rule that somebody wrote protects, or holds back; nil where it names no prefix at all.
    public func subject(of route: AnnouncedRoute) -> (target: IPPrefix, direction: TrafficDirection)? {
        switch route {
        case .unicast(let prefix): return (prefix, .incoming)
        case .flowSpec(let rule):
            var source: IPPrefix?
            for case .source(let pattern) in rule.components { source = pattern.prefix }
            if let destination = rule.destination, isOwn(destination) { return (destination, .incoming) }
            if let source, isOwn(source) { return (source, .outgoing) }
            if let destination = rule.destination { return (destination, .incoming) }
            return source.map { ($0, .outgoing) }
        }
    }

    /// What speaks against a rule for the target; nil when nothing does.
    public func objection(
        to route: AnnouncedRoute,
        target: IPPrefix,
        direction: TrafficDirection
    ) -> Objection? {
        guard isOwn(target) else { return .outsideNetworks }
        let shortest = max(target.family == .ipv4 ? shortestIPv4Length : shortestIPv6Length, 1)
        if target.length < shortest { return .tooShort(allowed: shortest) }
        if let protected = whitelist.first(where: { $0.overlaps(target) || route.names($0) }) {
            return .whitelisted(protected)
        }
        return Self.holdsToTarget(route, target: target, direction: direction) ? nil : .matchesAll
    }

    private func isOwn(_ prefix: IPPrefix) -> Bool { networks.contains { $0.contains(prefix) } }

    /// Whether the rule matches nothing but the target's traffic, whatever the template left out.
    private static func holdsToTarget(
        _ route: AnnouncedRoute,
        target: IPPrefix,
        direction: TrafficDirection
    ) -> Bool {
        switch route {
        case .unicast(let prefix):
            return target.contains(prefix)
        case .flowSpec(let rule):
            return rule.components.contains { component in
                switch (component, direction) {
                case (.destination(let pattern), .incoming), (.source(let pattern), .outgoing):
                    pattern.offset == 0 && target.contains(pattern.prefix)
                default:
                    false
                }
            }
        }
    }
}

extension AnnouncedRoute {
    /// Whether it is about an address of the prefix by what it says of sources or destinations, not only as one of all.
    public func names(_ prefix: IPPrefix) -> Bool {
        switch self {
        case .unicast(let own): own.overlaps(prefix)
        case .flowSpec(let rule):
            rule.components.contains { component in
                switch component {
                case .destination(let pattern), .source(let pattern):
                    pattern.prefix.length > 0 && pattern.mayMatch(prefix)
                default: false
                }
            }
        }
    }
}

extension PrefixPattern {
    /// Whether it matches an address of the prefix. Bits before its offset are not looked at (RFC 8956 section 3.1).
    fileprivate func mayMatch(_ other: IPPrefix) -> Bool {
        guard offset > 0 else { return prefix.overlaps(other) }
        guard prefix.family == other.family else { return false }
        let length = min(prefix.length, other.length)
        guard offset < length, offset < 128 else { return true }
        func bits(_ address: IPAddress) -> UInt128 { UInt128(address.high) << 64 | UInt128(address.low) }
        let difference = bits(prefix.address) ^ bits(other.address)
        return (difference << UInt128(offset)) >> UInt128(128 - (length - offset)) == 0
    }
}
