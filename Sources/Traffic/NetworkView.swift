public import NetworkTypes

/// The configuration as workers look things up in it.
///
/// A worker adds a record to one network and one part of the groups: the merger knows in which others these lie, so that
/// a record costs the same however deep they are nested.
public struct NetworkView: Sendable {
    /// Indices into the networks in ascending order of prefix.
    let networks: PrefixTable<Bool>
    private let leadingOctets: LeadingOctets
    /// Indices into the groups.
    let groups: PrefixTable<Int>
    let ignoredSources: PrefixTable<Bool>
    public let groupCount: Int
    /// By network: itself, and those that it lies in.
    private let networksAround: [[Int]]
    /// By place in `groups`: the part of the groups that a prefix is, which all prefixes in the same groups share.
    private let parts: [Int]
    /// By part: the groups that it lies in. The first parts are those of a group alone, in the order of the groups.
    private let groupsAround: [[Int]]

    public init(_ configuration: TrafficConfiguration) {
        networks = PrefixTable(configuration.networks.map { ($0, true) })
        leadingOctets = LeadingOctets(networks)
        groups = PrefixTable(
            configuration.groups.enumerated().flatMap { index, group in group.prefixes.map { ($0, index) } }
        )
        ignoredSources = PrefixTable(configuration.ignoredSources.map { ($0, true) })
        groupCount = configuration.groups.count
        networksAround = Self.enclosing(networks.entries.map(\.prefix))
        var parts: [Int] = []
        var groupsAround = configuration.groups.indices.map { [$0] }
        var known = Dictionary(uniqueKeysWithValues: groupsAround.enumerated().map { ($1, $0) })
        for places in Self.enclosing(groups.entries.map(\.prefix)) {
            var around: [Int] = []
            for place in places where !around.contains(groups.entries[place].value) {
                around.append(groups.entries[place].value)
            }
            let part = known[around] ?? groupsAround.count
            if part == groupsAround.count { groupsAround.append(around) }
            known[around] = part
            parts.append(part)
        }
        self.parts = parts
        self.groupsAround = groupsAround
    }

    /// For each of some prefixes in ascending order: where it stands, and those that it lies in, the longest first.
    private static func enclosing(_ prefixes: [IPPrefix]) -> [[Int]] {
        // What encloses a prefix comes before it: a stack of those that are open.
        var open: [Int] = []
        return prefixes.indices.map { index in
            while let last = open.last, !prefixes[last].contains(prefixes[index]) { open.removeLast() }
            open.append(index)
            return open.reversed()
        }
    }

    /// The innermost network that an address lies in; -1 for none.
    @inline(__always)
    func network(of address: IPAddress) -> Int { leadingOctets.index(of: address, in: networks) }

    public var networkCount: Int { networks.count }

    /// The networks in the order of their indices.
    public var networkPrefixes: [IPPrefix] { networks.entries.map(\.prefix) }

    /// Those that lie in no other: all traffic is in one of them.
    var outermostNetworks: [Int] { networksAround.indices.filter { networksAround[$0].count == 1 } }

    /// The group that an address belongs to; nil for none.
    public func groupIndex(of address: IPAddress) -> Int? {
        let index = group(of: address)
        return index < 0 ? nil : index
    }

    /// The group of an address; -1 for none.
    func group(of address: IPAddress) -> Int {
        let index = groups.index(of: address)
        return index < 0 ? -1 : groups.entries[index].value
    }

    /// How many parts of groups are told apart.
    var partCount: Int { groupsAround.count }

    /// The part of the groups that an address is in; -1 for none.
    @inline(__always)
    func part(of address: IPAddress) -> Int {
        let index = groups.index(of: address)
        return index < 0 ? -1 : parts[index]
    }

    /// What a worker's sum of a network or of a part of the groups counts for.
    func wholes(of key: TrafficKey) -> [TrafficKey] {
        let isIncoming = key.direction == .incoming
        switch key.scope {
        case .networkIncoming, .networkOutgoing:
            guard networksAround.indices.contains(key.index) else { return [] }
            return networksAround[key.index].map { TrafficKey(network: $0, isIncoming: isIncoming) }
        case .groupIncoming, .groupOutgoing:
            guard groupsAround.indices.contains(key.index) else { return [] }
            return groupsAround[key.index].map { TrafficKey(group: $0, isIncoming: isIncoming) }
        case .hostIncoming, .hostOutgoing, .other: return [key]
        }
    }

    /// The networks and groups that an address counts for.
    func wholes(around address: IPAddress, isIncoming: Bool) -> [TrafficKey] {
        let network = networks.index(of: address)
        let part = part(of: address)
        return (network < 0 ? [] : wholes(of: TrafficKey(network: network, isIncoming: isIncoming)))
            + (part < 0 ? [] : wholes(of: TrafficKey(group: part, isIncoming: isIncoming)))
    }

    /// Whether an address is counted with a network or group.
    func holds(_ key: TrafficKey, _ address: IPAddress) -> Bool {
        switch key.scope {
        case .groupIncoming, .groupOutgoing:
            let part = part(of: address)
            return part >= 0 && groupsAround[part].contains(key.index)
        case .networkIncoming, .networkOutgoing:
            let network = networks.index(of: address)
            return network >= 0 && networksAround[network].contains(key.index)
        case .hostIncoming, .hostOutgoing, .other: return false
        }
    }
}
