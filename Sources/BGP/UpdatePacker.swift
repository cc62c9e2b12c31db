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
        /// What we are to the neighbor, where that was configured.
        public var role: SpeakerRole?
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
            role: SpeakerRole? = nil,
            maximumLength: Int = BGPMessage.maximumLength,
            maximumReachable: Int = 4094
        ) {
            self.context = context
            self.isInternal = isInternal
            self.localAS = localAS
            self.localAddress = localAddress
            self.communities = communities
            self.redirects = redirects
            self.role = role
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
            let path = encoded(group)
            pack(group.routes, group.family, base: announceBase(group, path), limit: reachableLimit(group)) {
                nlri,
                length in
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
            let path = encoded(group)
            pack(group.routes, group.family, base: announceBase(group, path), limit: reachableLimit(group)) {
                nlri,
                length in
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
            pack(gone, family, base: base, limit: manner.maximumReachable) { nlri, length in
                var octets: [UInt8] = []
                octets.reserveCapacity(base + length)
                self.write(withdrawing: nlri, length, family, into: &octets)
                messages.append(octets)
            }
        }
        return messages
    }

    /// Octets that NLRI may take in a message.
    func room(base: Int, limit: Int) -> Int { min(manner.maximumLength - base, limit) }

    func identifierLength(_ family: BGPFamily) -> Int {
        manner.context.sentAddPathFamilies.contains(family) ? 4 : 0
    }

    /// Of unicast routes: whether there is a next hop, and one that the neighbor takes.
    func canSayNextHop(of announcement: Announcement) -> Bool {
        guard case .unicast = announcement.route else { return true }
        let family = announcement.route.bgpFamily
        guard let hop = announcement.nextHop ?? manner.localAddress else { return false }
        return hop.family == family.addressFamily || manner.context.extendedNextHop.contains(family)
    }

    // MARK: Groups

    /// Routes that fit into one message: the same family and the same attributes.
    struct Group {
        var family: BGPFamily
        var attributes: PathAttributes
        var routes: [AnnouncedRoute] = []

        /// The routes stand at the message's end and their next hop in an attribute of its own (RFC 4271); else both are in
        /// MP_REACH_NLRI.
        var isPlain: Bool { family == .ipv4Unicast && attributes.nextHop?.isIPv4 == true }
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
    func attributes(of announcement: Announcement, _ family: BGPFamily) -> PathAttributes? {
        for action in announcement.actions {
            do { try action.validate() } catch { return nil }
        }
        var (actions, nextHop) = redirects(of: announcement)
        if !family.isFlowSpec {
            nextHop = announcement.nextHop ?? manner.localAddress
            actions = []
            guard canSayNextHop(of: announcement) else { return nil }
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
            extendedCommunities: announcement.extendedCommunities,
            onlyToCustomer: isMarked(family) ? manner.localAS : nil
        )
    }

    /// RFC 9234 section 5, of which rules are no concern: what we tell a customer, a peer or a client goes no further up.
    private func isMarked(_ family: BGPFamily) -> Bool {
        guard let role = manner.role, !manner.isInternal, !family.isFlowSpec else { return false }
        return [.provider, .peer, .routeServer].contains(role)
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

    func encoded(_ group: Group) -> [UInt8] {
        var path: [UInt8] = []
        group.attributes.encode(into: &path, plainNextHop: group.isPlain, as: manner.context)
        return path
    }

    /// Withdrawn length, attributes length; MP_REACH: flags, type, length, AFI, SAFI, next hop, reserved.
    func announceBase(_ group: Group, _ path: [UInt8]) -> Int {
        let plain = BGPMessage.headerLength + 4 + path.count
        return group.isPlain ? plain : plain + 4 + 5 + hopLength(group)
    }

    private func hopLength(_ group: Group) -> Int {
        group.attributes.nextHop.map { $0.isIPv4 ? 4 : 16 } ?? 0
    }

    func reachableLimit(_ group: Group) -> Int {
        group.isPlain ? .max : manner.maximumReachable - 5 - hopLength(group)
    }

    /// Hands over runs of routes that fit, with their octets. What fits nowhere is left out: `Checker` finds it before.
    private func pack(
        _ routes: [AnnouncedRoute],
        _ family: BGPFamily,
        base: Int,
        limit: Int,
        _ write: (ArraySlice<AnnouncedRoute>, Int) -> Void
    ) {
        let room = room(base: base, limit: limit)
        let identifier = identifierLength(family)
        var start = 0
        var length = 0
        for (index, route) in routes.enumerated() {
            let next = route.lengthOfNLRI + identifier
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
        if group.isPlain {
            octets += path
            octets.patch(UInt16(clamping: octets.count - attributes), at: attributes - 2)
            append(routes, group.family, to: &octets)
        } else {
            UpdateMessage.appendReachable(group.family, nextHop: group.attributes.nextHop, length: length, to: &octets)
            append(routes, group.family, to: &octets)
            octets += path
            octets.patch(UInt16(clamping: octets.count - attributes), at: attributes - 2)
        }
        octets.patch(UInt16(clamping: octets.count - start), at: start + 16)
    }

    /// We know one path to each route: its identifier is always the same.
    private func append(_ routes: ArraySlice<AnnouncedRoute>, _ family: BGPFamily, to octets: inout [UInt8]) {
        guard manner.context.sentAddPathFamilies.contains(family) else {
            for route in routes { octets += route.encodedNLRI }
            return
        }
        for route in routes {
            octets.append(bigEndian: UInt32(1))
            octets += route.encodedNLRI
        }
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
            append(routes, family, to: &octets)
            octets.append(bigEndian: UInt16(0))
        } else {
            octets.append(bigEndian: UInt16(0))
            octets.append(bigEndian: UInt16(0))
            let attributes = octets.count
            UpdateMessage.appendUnreachable(family, length: length, to: &octets)
            append(routes, family, to: &octets)
            octets.patch(UInt16(clamping: octets.count - attributes), at: attributes - 2)
        }
        octets.patch(UInt16(clamping: octets.count - start), at: start + 16)
    }
}

extension AnnouncedRoute {
    var lengthOfNLRI: Int {
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
