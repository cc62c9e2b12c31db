internal import Detection
internal import FlowSpec
internal import Foundation
internal import Mitigation
internal import NetworkTypes

/// A row whose body is not what was written.
struct UnreadableRow: Error, CustomStringConvertible {
    var what: String
    var description: String { "a row cannot be read: \(what)" }
}

/// A ledger entry as it stands on disk. Rules and actions are kept in their wire form, which no release may change.
struct StoredEntry: Decodable {
    var id: UInt64
    var family: UInt16
    /// FlowSpec NLRI; nil for a plain prefix.
    var nlri: Data?
    var prefix: String?
    var nextHop: String?
    var actions: [Data]
    var communities: [UInt32]
    // Rows have none of these where there is nothing to say, and those of earlier releases never.
    /// The NLRI begins with a route distinguisher.
    var isVPN: Bool?
    var extendedCommunities: [UInt64]?
    var largeCommunities: [[UInt32]]?
    var origin: UInt8?
    var asPath: [UInt32]?
    var metric: UInt32?
    var localPreference: UInt32?
    var neighbors: [String]?
    var target: String
    var direction: String
    var template: String
    var reason: String
    var expectation: StoredExpectation?
    var created: Int64
    var requesters: [String]
    /// Until when each of them asked for it, in their order; 0 where that is not known.
    var terms: [Int64]?
    var announced: Int64?
    var expires: Int64
    var state: String
    var withdrawn: Int64?
    var withdrawnBecause: String?
    /// Nanoseconds, where it is not the policy's.
    var banTime: Int64?
    var failedProbes: UInt8?

    init(_ entry: LedgerEntry) {
        id = entry.id.rawValue
        family = entry.announcement.route.family.rawValue
        let announcement = entry.announcement
        switch announcement.route {
        case .flowSpec(let rule):
            nlri = Data(rule.encodedNLRI)
            isVPN = rule.routeDistinguisher == nil ? nil : true
        case .unicast(let route): prefix = route.description
        }
        nextHop = announcement.nextHop?.description
        actions = announcement.actions.compactMap { action in
            guard let community = action.extendedCommunity else { return action.ipv6ExtendedCommunity.map { Data($0) } }
            var octets: [UInt8] = []
            octets.append(bigEndian: community.rawValue)
            return Data(octets)
        }
        communities = announcement.communities.map(\.rawValue)
        if !announcement.extendedCommunities.isEmpty {
            extendedCommunities = announcement.extendedCommunities.map(\.rawValue)
        }
        if !announcement.largeCommunities.isEmpty {
            largeCommunities = announcement.largeCommunities.map { [$0.administrator, $0.first, $0.second] }
        }
        if announcement.origin != .igp { origin = announcement.origin.rawValue }
        if !announcement.asPath.isEmpty { asPath = announcement.asPath.map(\.rawValue) }
        metric = announcement.metric
        localPreference = announcement.localPreference
        neighbors = announcement.neighbors?.map(\.description)
        target = entry.target.description
        direction = entry.direction.rawValue
        template = entry.template
        reason = entry.reason
        expectation = entry.expectation.map { StoredExpectation($0) }
        created = entry.created.nanoseconds
        requesters = entry.requesters.map(\.description)
        if !entry.terms.isEmpty { terms = entry.requesters.map { entry.terms[$0]?.nanoseconds ?? 0 } }
        announced = entry.announced?.nanoseconds
        expires = entry.expires.nanoseconds
        state = entry.state.rawValue
        withdrawn = entry.withdrawn?.nanoseconds
        withdrawnBecause = entry.withdrawnBecause
        banTime = entry.banTime?.nanoseconds
        if entry.failedProbes > 0 { failedProbes = entry.failedProbes }
    }

    private enum CodingKeys: String, CodingKey {
        case id, family, nlri, prefix, nextHop, actions, communities, isVPN, extendedCommunities, largeCommunities,
            origin
        case asPath, metric, localPreference, neighbors, target, direction, template, reason, created, requesters,
            announced
        case expires, state, withdrawn, withdrawnBecause, expectation, banTime, terms, failedProbes
    }

    func encoded() -> [UInt8] {
        var object = JSONObject<CodingKeys>()
        object.add(.id, id)
        object.add(.family, family)
        object.add(.nlri, nlri)
        object.add(.prefix, prefix)
        object.add(.nextHop, nextHop)
        object.add(.actions, actions)
        object.add(.communities, communities)
        object.add(.isVPN, isVPN)
        object.add(.extendedCommunities, extendedCommunities)
        object.add(.largeCommunities, largeCommunities)
        object.add(.origin, origin)
        object.add(.asPath, asPath)
        object.add(.metric, metric)
        object.add(.localPreference, localPreference)
        object.add(.neighbors, neighbors)
        object.add(.target, target)
        object.add(.direction, direction)
        object.add(.template, template)
        object.add(.reason, reason)
        object.add(.expectation, expectation)
        object.add(.created, created)
        object.add(.requesters, requesters)
        object.add(.terms, terms)
        object.add(.announced, announced)
        object.add(.expires, expires)
        object.add(.state, state)
        object.add(.withdrawn, withdrawn)
        object.add(.withdrawnBecause, withdrawnBecause)
        object.add(.banTime, banTime)
        object.add(.failedProbes, failedProbes)
        return object.octets()
    }

    static func decode(_ data: Data) throws -> StoredEntry { try JSONDecoder().decode(StoredEntry.self, from: data) }

    func entry() throws -> LedgerEntry {
        guard let target = IPPrefix(target), let direction = TrafficDirection(rawValue: direction),
            let state = LedgerEntry.State(rawValue: state)
        else { throw UnreadableRow(what: "rule \(id)") }
        let asked = zip(requesters, terms ?? []).compactMap { name, term in
            LedgerEntry.Requester(name).flatMap { term == 0 ? nil : ($0, Timestamp(nanoseconds: term)) }
        }
        return LedgerEntry(
            id: LedgerEntry.ID(rawValue: id),
            announcement: try announcement(),
            target: target,
            direction: direction,
            template: template,
            reason: reason,
            expectation: expectation?.expectation,
            created: Timestamp(nanoseconds: created),
            requesters: requesters.compactMap { LedgerEntry.Requester($0) },
            terms: Dictionary(asked, uniquingKeysWith: { max($0, $1) }),
            announced: announced.map { Timestamp(nanoseconds: $0) },
            expires: Timestamp(nanoseconds: expires),
            state: state,
            withdrawn: withdrawn.map { Timestamp(nanoseconds: $0) },
            withdrawnBecause: withdrawnBecause,
            banTime: banTime.map { Duration.nanoseconds($0) },
            failedProbes: failedProbes ?? 0
        )
    }

    private func announcement() throws -> Announcement {
        let route: AnnouncedRoute
        if let nlri {
            guard let family = AddressFamily(rawValue: family) else { throw UnreadableRow(what: "rule \(id)") }
            let isVPN = isVPN ?? false
            route = .flowSpec(try FlowSpecRule.decodeNLRI(ArraySlice(nlri), family: family, isVPN: isVPN).rule)
        } else if let prefix = prefix.flatMap({ IPPrefix($0) }) {
            route = .unicast(prefix)
        } else {
            throw UnreadableRow(what: "rule \(id)")
        }
        let read = actions.compactMap { TrafficAction(extendedCommunity: $0) }
        // A rule whose action is lost would let pass what it was to drop, or the other way about.
        guard read.count == actions.count else { throw UnreadableRow(what: "the actions of rule \(id)") }
        let large = try (largeCommunities ?? []).map { parts in
            guard parts.count == 3 else { throw UnreadableRow(what: "the communities of rule \(id)") }
            return LargeCommunity(parts[0], parts[1], parts[2])
        }
        let readNeighbors = neighbors?.compactMap { IPAddress($0) }
        // A rule for some must not become one for all.
        guard readNeighbors?.count == neighbors?.count else { throw UnreadableRow(what: "the neighbors of rule \(id)") }
        return Announcement(
            route: route,
            actions: read,
            communities: communities.map { Community(rawValue: $0) },
            extendedCommunities: (extendedCommunities ?? []).map { ExtendedCommunity(rawValue: $0) },
            largeCommunities: large,
            nextHop: nextHop.flatMap { IPAddress($0) },
            origin: origin.flatMap { RouteOrigin(rawValue: $0) } ?? .igp,
            asPath: (asPath ?? []).map { ASN($0) },
            metric: metric,
            localPreference: localPreference,
            neighbors: readNeighbors
        )
    }
}
