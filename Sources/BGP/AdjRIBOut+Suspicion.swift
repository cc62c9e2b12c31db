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
                    queuedAt: gone.queuedAt,
                    sentAt: gone.sentAt,
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
        // It came back when its place was already given away.
        case .overLimit: return slot.sentAt == nil ? .overLimit : .withdrawing
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

    /// What was sent until then is beyond suspicion for now.
    mutating func prove(sentUntil time: Timestamp) {
        for place in places {
            if let sent = slots[place].sentAt, sent <= time { setProven(place, true) }
        }
    }

    /// Nothing that was proven of these counts any more.
    mutating func doubt(_ places: some Sequence<Int>) {
        for place in places { setProven(place, false) }
    }

    /// What was sent on the session that ends and is not beyond suspicion, the oldest first.
    func suspects() -> [Int] { allSent().filter { !slots[$0].isProven } }

    /// What was sent on the session that ends, and would be on the next one; the oldest first.
    func allSent() -> [Int] {
        places.filter { slots[$0].sentAt != nil && isFree($0) }
            .sorted { (slots[$0].sentAt ?? .distantFuture, $0) < (slots[$1].sentAt ?? .distantFuture, $1) }
    }

    /// Wanted, and not held back.
    func isFree(_ place: Int) -> Bool { slots[place].isWanted && slots[place].hold == .none }

    /// Those of a group that are still held for suspicion, and still wanted.
    func stillSuspected(_ places: [Int]) -> [Int] {
        places.filter { slots[$0].hold == .suspected && slots[$0].isWanted }
    }

    mutating func acquit(_ places: [Int]) {
        for place in places where slots[place].isWanted { setProven(place, true) }
    }

    func isSent(_ places: [Int]) -> Bool { places.allSatisfy { slots[$0].ticket == 0 } }
}
