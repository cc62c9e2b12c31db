internal import FlowSpec
internal import NetworkTypes

/// Which rules of one neighbor had to be cut for it, and into what.
///
/// A piece may be wanted by several rules, and be a rule itself: it goes with the last of them.
struct FittedRoutes: Sendable {
    /// By the rule that was cut.
    private var pieces: [AnnouncedRoute: [AnnouncedRoute]] = [:]
    /// By piece: who wants it, and as what.
    private var owners: [AnnouncedRoute: [AnnouncedRoute: Announcement]] = [:]
    /// Rules that the neighbor cannot be told at all.
    private(set) var refused: [AnnouncedRoute: CompatibilityProfile.Refusal] = [:]

    /// Every rule stands for itself. One that was a piece of another, too, has an owner as long as it stands: itself.
    var isEmpty: Bool { pieces.isEmpty && refused.isEmpty && owners.isEmpty }

    /// The rules whose piece a route is; none for a route that stands for itself.
    func parents(of piece: AnnouncedRoute) -> [AnnouncedRoute] {
        owners[piece].map { Array($0.keys) } ?? []
    }

    func pieces(of route: AnnouncedRoute) -> [AnnouncedRoute]? { pieces[route] }

    /// Changes what the neighbor is to have by one announcement.
    mutating func announce(
        _ announcement: Announcement,
        as profile: CompatibilityProfile,
        to rib: inout AdjRIBOut,
        at time: Timestamp
    ) {
        let route = announcement.route
        if isEmpty, profile.takesAsIs(announcement) { return rib.announce(announcement, at: time) }
        let fitted: [Announcement]
        do {
            fitted = profile.takesAsIs(announcement) ? [announcement] : try profile.fit(announcement)
            refused[route] = nil
        } catch {
            withdraw(route, from: &rib, at: time)
            refused[route] = error
            return
        }
        let isCut = fitted.count > 1 || fitted.first?.route != route
        if isCut || pieces[route] != nil {
            let former = pieces[route] ?? []
            pieces[route] = isCut ? fitted.map(\.route) : nil
            for piece in former where !fitted.contains(where: { $0.route == piece }) {
                release(piece, by: route, from: &rib, at: time)
            }
        }
        for piece in fitted {
            if isCut, owners[piece.route] == nil, let direct = rib[piece.route]?.announcement {
                owners[piece.route] = [piece.route: direct]
            }
            if isCut || owners[piece.route] != nil { owners[piece.route, default: [:]][route] = piece }
            rib.announce(piece, at: time)
        }
    }

    mutating func withdraw(_ route: AnnouncedRoute, from rib: inout AdjRIBOut, at time: Timestamp) {
        if isEmpty { return rib.withdraw(route, at: time) }
        refused[route] = nil
        for piece in pieces.removeValue(forKey: route) ?? [route] { release(piece, by: route, from: &rib, at: time) }
    }

    private mutating func release(
        _ piece: AnnouncedRoute,
        by route: AnnouncedRoute,
        from rib: inout AdjRIBOut,
        at time: Timestamp
    ) {
        owners[piece]?[route] = nil
        // Of those that still want it any will do, as long as it is always the same.
        if let left = owners[piece]?.min(by: { "\($0.key)" < "\($1.key)" }) {
            rib.announce(left.value, at: time)
            if left.key == piece, owners[piece]?.count == 1, pieces[piece] == nil { owners[piece] = nil }
        } else {
            owners[piece] = nil
            rib.withdraw(piece, at: time)
        }
    }
}

extension CompatibilityProfile {
    /// Whether there is certainly nothing to cut or refuse; said without building anything, as it is so for most rules.
    func takesAsIs(_ announcement: Announcement) -> Bool {
        guard case .flowSpec(let rule) = announcement.route else { return true }
        guard redirects == .asWritten, vpn == nil || rule.routeDistinguisher != nil,
            rule.encodedNLRI.count <= maximumNLRI
        else { return false }
        let most = maximumTerms ?? .max
        for component in rule.components {
            let terms: Int
            switch component {
            case .destination(let pattern), .source(let pattern):
                guard allowsIPv6Offsets || pattern.offset == 0 else { return false }
                continue
            case .tcpFlags(let list), .fragment(let list): terms = list.count
            case .ipProtocol(let list), .port(let list), .destinationPort(let list), .sourcePort(let list),
                .icmpType(let list), .icmpCode(let list), .packetLength(let list), .dscp(let list),
                .flowLabel(let list):
                terms = list.count
            }
            guard terms <= most else { return false }
        }
        return true
    }
}
