internal import NetworkTypes

extension FlowSpecRule {
    /// Whether a router tries this rule before `other` (RFC 8955 section 5.1, RFC 8956 section 4).
    ///
    /// Rules of different families and VPNs never meet in a router; they are put in order all the same, IPv4 first and
    /// the default instance before VPNs, so that this sorts any list.
    public func precedes(_ other: FlowSpecRule) -> Bool {
        guard family == other.family else { return family == .ipv4 }
        guard routeDistinguisher == other.routeDistinguisher else {
            guard let mine = routeDistinguisher else { return true }
            guard let theirs = other.routeDistinguisher else { return false }
            return mine < theirs
        }
        for (mine, theirs) in zip(components, other.components) {
            guard mine.type == theirs.type else { return mine.type < theirs.type }
            switch (mine, theirs) {
            case (.destination(let left), .destination(let right)), (.source(let left), .source(let right)):
                guard left != right else { continue }
                return left.precedes(right)
            default:
                var left: [UInt8] = []
                var right: [UInt8] = []
                mine.encodeValue(into: &left)
                theirs.encodeValue(into: &right)
                guard left != right else { continue }
                // As memcmp has it; where one is the beginning of the other, the longer one is first.
                for (one, two) in zip(left, right) where one != two { return one < two }
                return left.count > right.count
            }
        }
        // The rule with more components is first.
        return components.count > other.components.count
    }
}

extension PrefixPattern {
    /// The lower offset first, then the longer of overlapping prefixes, then the lower address.
    fileprivate func precedes(_ other: PrefixPattern) -> Bool {
        guard offset == other.offset else { return offset < other.offset }
        let common = min(prefix.length, other.prefix.length)
        let mine = prefix.address.masked(to: common)
        let theirs = other.prefix.address.masked(to: common)
        guard mine == theirs || common == 0 else { return mine < theirs }
        return prefix.length > other.prefix.length
    }
}

extension AnnouncedRoute {
    /// The order in which routes are listed: FlowSpec rules as a router tries them, then prefixes.
    public func precedes(_ other: AnnouncedRoute) -> Bool {
        switch (self, other) {
        case (.flowSpec(let mine), .flowSpec(let theirs)): return mine.precedes(theirs)
        case (.flowSpec, .unicast): return true
        case (.unicast, .flowSpec): return false
        case (.unicast(let mine), .unicast(let theirs)):
            return mine.family == theirs.family ? mine < theirs : mine.family == .ipv4
        }
    }
}
