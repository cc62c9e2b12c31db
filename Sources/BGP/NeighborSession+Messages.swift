public import NetworkTypes

/// What the neighbor says (events 19 to 28).
extension NeighborSession {
    /// Octets came.
    public mutating func received(_ octets: some Collection<UInt8>, on side: Side, at time: Timestamp) -> [Effect] {
        connections[side]?.framer.append(octets)
        var effects: [Effect] = []
        do {
            while let context = connections[side]?.context,
                let message = try connections[side]?.framer.next(as: context)
            {
                messagesReceived &+= 1
                if let refusal = refuse(type: message.dropFirst(18).first ?? 0, on: side, at: time) {
                    effects += refusal
                } else {
                    let decoded = try BGPMessage.decode(message, as: context)
                    effects += handle(decoded, octets: message, on: side, at: time)
                }
            }
        } catch {
            effects += fail(side, error, at: time)
        }
        return effects + transmit(at: time)
    }

    /// A message out of its place, whatever it says (RFC 6608); nil for one that may come now.
    private mutating func refuse(type: UInt8, on side: Side, at time: Timestamp) -> [Effect]? {
        guard let state = connections[side]?.state, type != 3 else { return nil }
        switch (state, type) {
        case (.delayingOpen, 1), (.openSent, 1), (.openConfirm, 4), (.established, 2), (.established, 4),
            (.established, 5):
            return nil
        case (.delayingOpen, _): return drop(side, because: "the neighbor spoke before its OPEN", at: time)
        case (.openSent, _): return fail(side, .unexpectedInOpenSent(type), at: time)
        case (.openConfirm, _): return fail(side, .unexpectedInOpenConfirm(type), at: time)
        case (.established, _): return fail(side, .unexpectedInEstablished(type), at: time)
        }
    }

    private mutating func handle(
        _ message: BGPMessage,
        octets: ArraySlice<UInt8>,
        on side: Side,
        at time: Timestamp
    ) -> [Effect] {
        switch message {
        case .open(let open): return take(open, on: side, at: time)
        case .notification(let error): return take(error, on: side, at: time)
        case .keepalive where connections[side]?.state == .openConfirm: return establish(side, at: time)
        case .keepalive:
            connections[side]?.heard(at: time)
            return []
        case .update(let update): return take(update, octets: octets, on: side, at: time)
        case .routeRefresh(let refresh): return take(refresh)
        }
    }

    // MARK: OPEN

    private mutating func take(_ open: OpenMessage, on side: Side, at time: Timestamp) -> [Effect] {
        var effects: [Effect] = []
        do {
            try configuration.check(open)
        } catch {
            return fail(side, error, at: time)
        }
        // With DelayOpen ours goes out only now (event 20).
        if connections[side]?.state == .delayingOpen { effects += sendOpen(on: side, at: time) }
        effects += resolveCollision(of: side, with: open, at: time)
        guard connections[side] != nil else { return effects }
        reconnection.reached()
        connections[side]?.accept(open, holdTime: configuration.holdTime, at: time)
        return effects + send(.keepalive, on: side, at: time)
    }

    /// RFC 4271 section 6.8: of two connections, the one opened by the side with the higher identifier stays.
    private mutating func resolveCollision(of side: Side, with open: OpenMessage, at time: Timestamp) -> [Effect] {
        switch connections[side.other]?.state {
        case .openConfirm?:
            let ours = configuration.routerID
            // RFC 6286 section 2.3: equal identifiers (eBGP) are told apart by the AS numbers.
            let weAreHigher =
                ours != open.routerID ? ours > open.routerID : configuration.localAS > configuration.remoteAS
            return end(weAreHigher ? .incoming : .outgoing, sending: .collisionResolution, at: time)
        case .established?:
            // Let in because the neighbor restarts gracefully: it has lost the old one, and nobody reads there.
            let effects = end(side.other, sending: nil, at: time)
            lastFailure = "the neighbor has restarted"
            return effects
        case .openSent?, .delayingOpen?, nil: return []
        }
    }

    // MARK: NOTIFICATION

    private mutating func take(_ error: BGPError, on side: Side, at time: Timestamp) -> [Effect] {
        let state = connections[side]?.state
        let reason = "the neighbor sent NOTIFICATION: \(error)"
        // The other connection stands, or will.
        if error != .collisionResolution { lastNotification = reason }
        switch state {
        case .delayingOpen?, .openSent?, .openConfirm?:
            // It would not have one of our capabilities: leave out what it does not need.
            if let next = CapabilityFallback.after(error, having: fallback) { fallback = next }
            // A neighbor that is idle rejects us. Were we to be idle for that, two of a kind would never meet.
            let isRejected = error.code == .cease && error.subcode == BGPError.connectionRejected.subcode
            return drop(side, because: reason, as: isRejected ? .refusal : .fault, at: time)
        // With graceful restart the complaint may come inside of a hard reset (RFC 8538 section 3).
        case .established? where (error.hardReset ?? error).code == .updateMessage:
            let complaint = error.hardReset ?? error
            let outcome = Quarantine.complain(
                complaint,
                about: &rib,
                probation: configuration.probation,
                standing: establishedAt.map { time - $0 } ?? .zero,
                at: time
            )
            let isExcused = rib.quarantine.excuses(outcome)
            let effects = drop(side, because: reason, as: isExcused ? .search : .fault, at: time)
            switch outcome {
            case .nobody: return effects
            case .suspects(let count): return effects + [.suspects(count, complaint)]
            case .found(let route): return effects + [.quarantined(route)]
            }
        default: return drop(side, because: reason, at: time)
        }
    }

    // MARK: UPDATE and ROUTE-REFRESH

    private mutating func take(
        _ update: UpdateMessage,
        octets: ArraySlice<UInt8>,
        on side: Side,
        at time: Timestamp
    ) -> [Effect] {
        connections[side]?.heard(at: time)
        unreadableRules &+= UInt64(update.unreadableRules)
        for fault in update.faults {
            updateFaults &+= 1
            lastFault = fault
            if case .disableFamily(let family) = fault.handling { adjRIBIn.disable(family) }
        }
        passOverFamilies(notAgreedOf: update)
        let effects = [Effect.received(update, Array(octets))]
        guard adjRIBIn.apply(update), configuration.endsSessionAtLimit else { return effects }
        let family = update.announced.last?.bgpFamily ?? .ipv4Unicast
        let error = BGPError.maximumPrefixesReached(family, limit: configuration.maximumReceived)
        return effects + reset(error, for: Self.idleAfterLimit, at: time)
    }

    /// Nothing was agreed that routes of these families could be kept under (RFC 4760 section 8).
    private mutating func passOverFamilies(notAgreedOf update: UpdateMessage) {
        guard let agreed = parameters?.families else { return }
        for route in update.announced {
            let family = route.bgpFamily
            guard !agreed.contains(family), !adjRIBIn.disabled.contains(family) else { continue }
            updateFaults &+= 1
            lastFault = UpdateFault(.disableFamily(family), "routes of a family that was not agreed")
            adjRIBIn.disable(family)
        }
    }

    /// Answered after all messages of this read, and from the one queue: many requests at once are one resend.
    private mutating func take(_ refresh: RouteRefresh?) -> [Effect] {
        guard let refresh, let family = refresh.family else { return [] }
        switch refresh.kind {
        case .request: rib.resend(family, marked: parameters?.enhancedRouteRefresh == true)
        // The neighbor's own resend: what it does not name is gone (RFC 7313 section 4).
        case .begin: adjRIBIn.beginRefresh(family)
        case .end: adjRIBIn.endRefresh(family)
        }
        return []
    }
}
