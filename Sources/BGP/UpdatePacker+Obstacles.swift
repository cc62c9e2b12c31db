internal import FlowSpec
internal import NetworkTypes

/// What keeps an announcement from being said on a session, told before it counts as sent.
extension UpdatePacker {
    /// Why an announcement cannot be said on a session.
    enum Obstacle: Sendable, Hashable, CustomStringConvertible {
        /// There is no next hop, or none of a family that the neighbor takes.
        case nextHop
        case refusal(CompatibilityProfile.Refusal)

        var description: String {
            switch self {
            case .nextHop: "it has no next hop that the neighbor takes"
            case .refusal(let refusal): "\(refusal)"
            }
        }
    }

    /// Looks for obstacles in one announcement after another; most have the attributes of the one before.
    struct Checker {
        private let packer: UpdatePacker
        private var last: (like: Announcement, family: BGPFamily, base: Int)?

        init(_ packer: UpdatePacker) { self.packer = packer }

        mutating func obstacle(to announcement: Announcement) -> Obstacle? {
            let family = announcement.route.bgpFamily
            let base: Int
            if let last, last.family == family, announcement.hasAttributes(of: last.like) {
                base = last.base
            } else {
                for action in announcement.actions {
                    do { try action.validate() } catch { return .refusal(.invalidAction(error)) }
                }
                guard let attributes = packer.attributes(of: announcement, family) else { return .nextHop }
                let group = Group(family: family, attributes: attributes)
                let path = packer.encoded(group)
                let room = packer.room(base: packer.announceBase(group, path), limit: packer.reachableLimit(group))
                base = packer.manner.maximumLength - room
                last = (announcement, family, base)
            }
            let octets = base + announcement.route.lengthOfNLRI + packer.identifierLength(family)
            guard octets > packer.manner.maximumLength else { return nil }
            return .refusal(.tooLongForMessage(octets: octets, limit: packer.manner.maximumLength))
        }
    }
}
