public import FlowSpec
public import NetworkTypes

/// How a redirect to an address is told (two drafts, of which routers know one or the other).
public enum RedirectEncoding: String, Sendable, Hashable, CaseIterable {
    /// As each announcement has it.
    case asWritten = "as-written"
    /// The address as the next hop of the route (draft-simpson-idr-flowspec-redirect).
    case simpson
    /// The address within the extended community (draft-ietf-idr-flowspec-redirect-ip).
    case ietf
}

/// Packs routes into as few UPDATE messages as their attributes allow.
public struct UpdatePacker: Sendable {
    /// How the session writes attributes.
    public struct Manner: Sendable {
        public var context: MessageContext
        /// iBGP: LOCAL_PREF and an AS_PATH without our own AS.
        public var isInternal: Bool
        public var localAS: ASN
        /// The session's own address: the next hop of unicast routes that name none.
        public var localAddress: IPAddress?
        /// Added to every route.
        public var communities: [Community]
        public var redirects: RedirectEncoding
        /// Octets of a message at most.
        public var maximumLength: Int
        /// Octets of MP_REACH_NLRI's value at most: some routers take no more, however long a message may be.
        public var maximumReachable: Int

        public init(
            context: MessageContext,
            isInternal: Bool,
            localAS: ASN,
            localAddress: IPAddress? = nil,
            communities: [Community] = [],
            redirects: RedirectEncoding = .asWritten,
            maximumLength: Int = BGPMessage.maximumLength,
            maximumReachable: Int = 4094
        ) {
            self.context = context
            self.isInternal = isInternal
            self.localAS = localAS
            self.localAddress = localAddress
            self.communities = communities
            self.redirects = redirects
            self.maximumLength = maximumLength
            self.maximumReachable = maximumReachable
        }
    }

    public let manner: Manner

    public init(manner: Manner) { self.manner = manner }

    /// Messages that announce; the routes of each family and attribute set keep their order.
    public func announce(_ announcements: [Announcement]) -> [[UInt8]] {
        var messages: [[UInt8]] = []
        for group in groups(announcements) {
            let path = encoded(group.attributes, group.family)
            pack(group.routes, base: announceBase(group, path), limit: reachableLimit(group)) { nlri, length in
                var octets: [UInt8] = []
                octets.reserveCapacity(announceBase(group, path) + length)
                self.write(nlri, length, group, path, into: &octets)
                messages.append(octets)
            }
        }
        return messages
    }

    /// Appends the messages that announce to one buffer; how many there are.
    public func announce(_ announcements: [Announcement], into octets: inout [UInt8]) -> Int {
        var count = 0
        for group in groups(announcements) {
            let path = encoded(group.attributes, group.family)
            pack(group.routes, base: announceBase(group, path), limit: reachableLimit(group)) { nlri, length in
                self.write(nlri, length, group, path, into: &octets)
                count += 1
            }
        }
        return count
    }

    /// Messages that withdraw.
    public func withdraw(_ routes: [AnnouncedRoute]) -> [[UInt8]] {
        var messages: [[UInt8]] = []
        for family in BGPFamily.allCases {
            let gone = routes.filter { $0.bgpFamily == family }
            let base = BGPMessage.headerLength + 4 + (family == .ipv4Unicast ? 0 : 4 + 3)
            pack(gone, base: base, limit: manner.maximumReachable) { nlri, length in
                var octets: [UInt8] = []
                octets.reserveCapacity(base + length)
                self.write(withdrawing: nlri, length, family, into: &octets)
                messages.append(octets)
            }
        }
        return messages
    }

    // MARK: Groups

    /// Routes that fit into one message: the same family and the same attributes.
    private struct Group {
        var family: BGPFamily
        var attributes: PathAttributes
        var routes: [AnnouncedRoute] = []
    }

    private struct Key: Hashable {
        var family: BGPFamily
        var attributes: PathAttributes
    }

    private func groups(_ announcements: [Announcement]) -> [Group] {
        var groups: [Group] = []
        var places: [Key: Int] = [:]
        var last: (like: Announcement, family: BGPFamily, place: Int)?
        for announcement in announcements {
            let family = announcement.route.bgpFamily
            // Most often the attributes are those of the one before.
            if let last, last.family == family, announcement.hasAttributes(of: last.like) {
                groups[last.place].routes.append(announcement.route)
                continue
            }
            guard let attributes = attributes(of: announcement, family) else { continue }
            let key = Key(family: family, attributes: attributes)
            let place = places[key] ?? groups.count
            if place == groups.count {
                places[key] = place
                groups.append(Group(family: family, attributes: attributes))
            }
            groups[place].routes.append(announcement.route)
            last = (announcement, family, place)
        }
        return groups
    }

    /// Nil for what cannot be said: a unicast route without a next hop of its family, a redirect to no next hop, an
    /// action that has no meaning.
    private func attributes(of announcement: Announcement, _ family: BGPFamily) -> PathAttributes? {
        for action in announcement.actions {
            do { try action.validate() } catch { return nil }
        }
        var (actions, nextHop) = redirects(of: announcement)
        if !family.isFlowSpec {
            nextHop = announcement.nextHop ?? manner.localAddress
            actions = []
            guard nextHop?.family == family.addressFamily else { return nil }
        }
        let own = announcement.communities
        return PathAttributes(
            origin: announcement.origin,
            asPath: ASPath((manner.isInternal ? [] : [manner.localAS]) + announcement.asPath),
            localPreference: manner.isInternal ? announcement.localPreference ?? 100 : nil,
            metric: announcement.metric,
            nextHop: nextHop,
            communities: own + manner.communities.filter { !own.contains($0) },
            largeCommunities: announcement.largeCommunities,
            actions: actions,
            extendedCommunities: announcement.extendedCommunities
        )
    }

    /// The actions in the neighbor's form of redirects, and the next hop that a rule then has.
    private func redirects(of announcement: Announcement) -> ([TrafficAction], IPAddress?) {
        var actions = announcement.actions
        let hop = announcement.redirectsToNextHop ? announcement.nextHop : nil
        switch manner.redirects {
        case .asWritten: return (actions, hop)
        case .ietf:
            guard let hop else { return (actions, nil) }
            for (index, action) in actions.enumerated() {
                if case .redirectToNextHop(let copy) = action { actions[index] = .redirectToIP(hop, copy: copy) }
            }
            return (actions, nil)
        case .simpson:
            guard hop == nil else { return (actions, hop) }
            // There is one next hop: several addresses, or one of the other family, stay as they are.
            let places = actions.indices.filter { if case .redirectToIP = actions[$0] { true } else { false } }
            guard places.count == 1, let place = places.first,
                case .redirectToIP(let address, let copy) = actions[place],
                address.family == announcement.route.family
            else { return (actions, nil) }
            actions[place] = .redirectToNextHop(copy: copy)
            return (actions, address)
        }
    }

    // MARK: Messages

    private func encoded(_ attributes: PathAttributes, _ family: BGPFamily) -> [UInt8] {
        var path: [UInt8] = []
        attributes.encode(into: &path, plainNextHop: family == .ipv4Unicast, as: manner.context)
        return path
    }

    /// Withdrawn length, attributes length; MP_REACH: flags, type, length, AFI, SAFI, next hop, reserved.
    private func announceBase(_ group: Group, _ path: [UInt8]) -> Int {
        let plain = BGPMessage.headerLength + 4 + path.count
        return group.family == .ipv4Unicast ? plain : plain + 4 + 5 + hopLength(group)
    }

    private func hopLength(_ group: Group) -> Int {
        group.attributes.nextHop.map { $0.isIPv4 ? 4 : 16 } ?? 0
    }

    private func reachableLimit(_ group: Group) -> Int {
        group.family == .ipv4Unicast ? .max : manner.maximumReachable - 5 - hopLength(group)
    }

    /// Hands over runs of routes that fit, with their octets. What fits nowhere is left out; the ledger and the
    /// neighbor's profile let nothing so long pass.
    private func pack(
        _ routes: [AnnouncedRoute],
        base: Int,
        limit: Int,
        _ write: (ArraySlice<AnnouncedRoute>, Int) -> Void
    ) {
        let room = min(manner.maximumLength - base, limit)
        var start = 0
        var length = 0
        for (index, route) in routes.enumerated() {
            let next = route.lengthOfNLRI
            if length + next > room {
                if length > 0 { write(routes[start..<index], length) }
                start = index
                length = 0
            }
            if next > room {
                start = index + 1
                continue
            }
            length += next
        }
        if length > 0 { write(routes[start...], length) }
    }

    private func write(
        _ routes: ArraySlice<AnnouncedRoute>,
        _ length: Int,
        _ group: Group,
        _ path: [UInt8],
        into octets: inout [UInt8]
    ) {
        let start = octets.count
        BGPMessage.appendHeader(type: 2, to: &octets)
        octets.append(bigEndian: UInt16(0))
        octets.append(bigEndian: UInt16(0))
        let attributes = octets.count
        if group.family == .ipv4Unicast {
            octets += path
            octets.patch(UInt16(clamping: octets.count - attributes), at: attributes - 2)
            for route in routes { octets += route.encodedNLRI }
        } else {
            UpdateMessage.appendReachable(group.family, nextHop: group.attributes.nextHop, length: length, to: &octets)
            for route in routes { octets += route.encodedNLRI }
            octets += path
            octets.patch(UInt16(clamping: octets.count - attributes), at: attributes - 2)
        }
        octets.patch(UInt16(clamping: octets.count - start), at: start + 16)
    }

    private func write(
        withdrawing routes: ArraySlice<AnnouncedRoute>,
        _ length: Int,
        _ family: BGPFamily,
        into octets: inout [UInt8]
    ) {
        let start = octets.count
        BGPMessage.appendHeader(type: 2, to: &octets)
        if family == .ipv4Unicast {
            octets.append(bigEndian: UInt16(clamping: length))
            for route in routes { octets += route.encodedNLRI }
            octets.append(bigEndian: UInt16(0))
        } else {
            octets.append(bigEndian: UInt16(0))
            octets.append(bigEndian: UInt16(0))
            let attributes = octets.count
            UpdateMessage.appendUnreachable(family, length: length, to: &octets)
            for route in routes { octets += route.encodedNLRI }
            octets.patch(UInt16(clamping: octets.count - attributes), at: attributes - 2)
        }
        octets.patch(UInt16(clamping: octets.count - start), at: start + 16)
    }
}

extension AnnouncedRoute {
    fileprivate var lengthOfNLRI: Int {
        switch self {
        case .flowSpec(let rule): rule.encodedNLRI.count
        case .unicast(let prefix): 1 + (prefix.length + 7) / 8
        }
    }
}

extension BGPMessage {
    /// Marker, a length to be filled in, and the type.
    static func appendHeader(type: UInt8, to octets: inout [UInt8]) {
        octets.append(contentsOf: repeatElement(0xFF, count: 16))
        octets.append(0)
        octets.append(0)
        octets.append(type)
    }
}

extension Array<UInt8> {
    /// Puts a number in network order over two octets that are there.
    fileprivate mutating func patch(_ value: UInt16, at place: Int) {
        self[place] = UInt8(truncatingIfNeeded: value >> 8)
        self[place + 1] = UInt8(truncatingIfNeeded: value)
    }
}
