internal import FlowSpec
internal import NetworkTypes

/// How the routes stand with the neighbor, and which of them it may have complained of.
extension AdjRIBOut {
    /// A route that the neighbor holds, or is to hold, and how it stands.
    func entries() -> [NeighborRoute] {
        var entries = slots.enumerated().compactMap { place, slot -> NeighborRoute? in
            guard let route = slot.route else { return nil }
            return NeighborRoute(
                route: route,
                announcement: slot.announcement,
                state: state(of: slot),
                queuedAt: slot.queuedAt,
                sentAt: slot.sentAt,
                withdrawnAt: nil,
                refusal: refusals[place]
            )
        }
        for gone in withdrawn.suffix(Self.rememberedWithdrawals) where self[gone.route] == nil {
            entries.append(
                NeighborRoute(
                    route: gone.route,
                    announcement: nil,
                    state: .withdrawn,
                    queuedAt: gone.at,
                    sentAt: nil,
                    withdrawnAt: gone.at
                )
            )
        }
        return entries
    }

    /// How one route stands with the neighbor; nil when it is not to have it.
    func state(of route: AnnouncedRoute) -> NeighborRoute.State? { self[route].map(state(of:)) }

    private func state(of slot: Slot) -> NeighborRoute.State {
        switch slot.hold {
        case .overLimit: return .overLimit
        case .suspected: return .suspected
        case .quarantined: return .quarantined
        case .withoutNextHop: return .withoutNextHop
        case .refused: return .refused
        case .none: break
        }
        if !slot.isWanted { return .withdrawing }
        if slot.ticket == 0, slot.sentAt != nil { return .sent }
        guard let families else { return .waitsForSession }
        return families.contains(slot.family) ? .queued : .familyNotAgreed
    }

    /// Of the session that ends: what the neighbor has had for long enough is beyond suspicion.
    mutating func settle(probation: Duration, at time: Timestamp) {
        for place in places {
            if let sent = slots[place].sentAt, sent + probation <= time { prove(place) }
        }
    }

    /// What was sent on the session that ends and is not beyond suspicion, the oldest first.
    func suspects() -> [Int] {
        places.filter { slots[$0].sentAt != nil && !slots[$0].isProven && slots[$0].isWanted }
            .sorted { (slots[$0].sentAt ?? .distantFuture, $0) < (slots[$1].sentAt ?? .distantFuture, $1) }
    }

    /// Those of a group that are still held for suspicion, and still wanted.
    func stillSuspected(_ places: [Int]) -> [Int] {
        places.filter { slots[$0].hold == .suspected && slots[$0].isWanted }
    }

    mutating func acquit(_ places: [Int]) {
        for place in places where slots[place].isWanted { prove(place) }
    }

    func isSent(_ places: [Int]) -> Bool { places.allSatisfy { slots[$0].ticket == 0 } }
}
