internal import FlowSpec
internal import NetworkTypes

/// Packs routes into as few UPDATE messages as their attributes allow.
struct UpdatePacker {
    /// What makes routes fit into one message: the same family and the same attributes.
    private struct Group: Hashable {
        var family: BGPFamily
        var actions: [TrafficAction]
        var communities: [Community]
        var nextHop: IPAddress?
    }

    /// How the session writes attributes.
    struct Manner {
        var context: MessageContext
        /// iBGP: LOCAL_PREF and an empty AS_PATH.
        var isInternal: Bool
        var localAS: ASN
        /// The session's own address: the next hop of unicast routes that name none.
        var localAddress: IPAddress?
        var communities: [Community]
    }

    let manner: Manner

    /// Messages that announce; the routes of each family and attribute set keep their order.
    func announce(_ announcements: [Announcement]) -> [[UInt8]] {
        var order: [Group] = []
        var groups: [Group: [AnnouncedRoute]] = [:]
        for announcement in announcements {
            let family = announcement.route.bgpFamily
            let group = Group(
                family: family,
                actions: announcement.actions,
                communities: announcement.communities
                    + manner.communities.filter { !announcement.communities.contains($0) },
                nextHop: family.isFlowSpec ? nil : nextHop(of: announcement)
            )
            // A unicast route needs a next hop of its own family.
            if !family.isFlowSpec, group.nextHop?.family != family.addressFamily { continue }
            if groups[group] == nil { order.append(group) }
            groups[group, default: []].append(announcement.route)
        }
        return order.flatMap { announce(groups[$0] ?? [], as: $0) }
    }

    private func nextHop(of announcement: Announcement) -> IPAddress? { announcement.nextHop ?? manner.localAddress }

    private func announce(_ routes: [AnnouncedRoute], as group: Group) -> [[UInt8]] {
        let attributes = PathAttributes(
            asPath: manner.isInternal ? [] : [manner.localAS],
            localPreference: manner.isInternal ? 100 : nil,
            nextHop: group.nextHop,
            communities: group.communities,
            actions: group.actions
        )
        let path = attributes.encoded(plainNextHop: group.family == .ipv4Unicast, as: manner.context)
        // Withdrawn length, attributes length; MP_REACH: flags, type, length, AFI, SAFI, next hop, reserved.
        let overhead = BGPMessage.headerLength + 4 + path.count + 4 + 5 + (group.nextHop?.bytes.count ?? 0)
        return pack(routes, overhead: overhead) { nlri in
            group.family == .ipv4Unicast
                ? UpdateMessage.body(withdrawn: [], attributes: path, announced: nlri)
                : UpdateMessage.body(
                    withdrawn: [],
                    attributes: path + UpdateMessage.reachable(group.family, nextHop: group.nextHop, nlri: nlri),
                    announced: []
                )
        }
    }

    /// Messages that withdraw.
    func withdraw(_ routes: [AnnouncedRoute]) -> [[UInt8]] {
        BGPFamily.allCases.flatMap { family in
            let gone = routes.filter { $0.bgpFamily == family }
            return pack(gone, overhead: BGPMessage.headerLength + 4 + 4 + 3) { nlri in
                family == .ipv4Unicast
                    ? UpdateMessage.body(withdrawn: nlri, attributes: [], announced: [])
                    : UpdateMessage.body(
                        withdrawn: [],
                        attributes: UpdateMessage.unreachable(family, nlri: nlri),
                        announced: []
                    )
            }
        }
    }

    private func pack(_ routes: [AnnouncedRoute], overhead: Int, body: ([UInt8]) -> [UInt8]) -> [[UInt8]] {
        var messages: [[UInt8]] = []
        var nlri: [UInt8] = []
        for route in routes {
            guard let next = route.encodedNLRI else { continue }
            if !nlri.isEmpty, overhead + nlri.count + next.count > BGPMessage.maximumLength {
                messages.append(BGPMessage.frame(type: 2, body(nlri)))
                nlri.removeAll(keepingCapacity: true)
            }
            guard overhead + next.count <= BGPMessage.maximumLength else { continue }
            nlri += next
        }
        if !nlri.isEmpty { messages.append(BGPMessage.frame(type: 2, body(nlri))) }
        return messages
    }
}
