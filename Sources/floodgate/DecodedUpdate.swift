import BGP
import FlowSpec
import NetworkTypes

/// An UPDATE as `decode --json` prints it.
struct DecodedUpdate: Encodable {
    struct Route: Encodable {
        var afi: UInt16
        var safi: UInt8
        var nlri: String
        var text: String

        init(_ route: AnnouncedRoute, _ text: String) {
            afi = route.bgpFamily.afi
            safi = route.bgpFamily.safi
            nlri = Hexadecimal.text(route.encodedNLRI)
            self.text = text
        }
    }

    struct Family: Encodable {
        var afi: UInt16
        var safi: UInt8
    }

    struct Attributes: Encodable {
        var origin: String
        var asPath: String
        var localPreference: UInt32?
        var med: UInt32?
        var nextHop: String?
        var communities: [String]
        var largeCommunities: [String]
        var extendedCommunities: [String]
        var actions: [String]
        var aggregator: String?

        private enum CodingKeys: String, CodingKey {
            case origin, med, communities, actions, aggregator
            case asPath = "as_path"
            case localPreference = "local_preference"
            case nextHop = "next_hop"
            case largeCommunities = "large_communities"
            case extendedCommunities = "extended_communities"
        }

        init(_ attributes: PathAttributes) {
            origin = "\(attributes.origin)"
            asPath = attributes.asPath.description
            localPreference = attributes.localPreference
            med = attributes.metric
            nextHop = attributes.nextHop?.description
            communities = attributes.communities.map(\.description)
            largeCommunities = attributes.largeCommunities.map(\.description)
            extendedCommunities = attributes.extendedCommunities.map(\.description)
            actions = attributes.actions.map(\.description)
            aggregator = attributes.aggregator.map { "\($0.asn) \($0.address)" }
        }
    }

    struct Fault: Encodable {
        var attribute: UInt8?
        var handling: String
        var reason: String
    }

    var announced: [Route]
    var withdrawn: [Route]
    var attributes: Attributes?
    var endOfRIB: Family?
    var faults: [Fault]

    private enum CodingKeys: String, CodingKey {
        case announced, withdrawn, attributes, faults
        case endOfRIB = "end_of_rib"
    }

    init(_ update: UpdateMessage) {
        announced = update.announcements.map { Route($0.route, TextCommand(.announce($0)).description) }
        withdrawn = update.withdrawn.map { Route($0, TextCommand(.withdraw($0)).description) }
        attributes = update.attributes.map { Attributes($0) }
        endOfRIB = update.endOfRIB.map { Family(afi: $0.afi, safi: $0.safi) }
        faults = update.faults.map {
            Fault(attribute: $0.attribute, handling: $0.handling.description, reason: $0.reason)
        }
    }

    /// What is announced, withdrawn or ended, a line each.
    var lines: [String] {
        let end = endOfRIB.flatMap { BGPFamily(afi: $0.afi, safi: $0.safi) }.map { family in
            let kind: TextFamily = family.isFlowSpecVPN ? .flowVPN : family.isFlowSpec ? .flow : .unicast
            return TextCommand(.endOfRIB(family.addressFamily, kind)).description
        }
        return announced.map(\.text) + withdrawn.map(\.text) + (end.map { [$0] } ?? [])
    }
}
