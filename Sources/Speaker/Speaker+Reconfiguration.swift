public import BGP
internal import NIOCore
internal import NetworkTypes

extension Speaker {
    /// What a new configuration changed.
    public struct Changes: Sendable, Hashable {
        public var added: [String] = []
        public var removed: [String] = []
        /// Their sessions were reset.
        public var changed: [String] = []
        public var unchanged = 0
    }

    /// Takes a new configuration: sessions that it does not touch stay up.
    ///
    /// Throws, and changes nothing, when an address cannot be listened on.
    public func reconfigure(
        neighbors wanted: [NeighborConfiguration],
        listen addresses: [ListenAddress]
    ) async throws -> Changes {
        let standing = listeners.filter { addresses.contains($0.address) }
        let former = unprotected
        unprotected = [:]
        do {
            // First of all, as nothing else can fail: keys that are gone do not come back.
            try await listen(
                on: addresses.filter { address in !standing.contains { $0.address == address } },
                for: wanted
            )
        } catch {
            unprotected = former
            throw error
        }
        for range in ranges where range.hasKey {
            let isKept = wanted.contains { $0.range == range.range && $0.password != nil }
            if !isKept { await forgetKey(of: range) }
        }
        for listener in standing {
            let isIPv4 = listener.address.address.isIPv4
            try await SessionProtection.protectListening(listener.channel, isIPv4: isIPv4, for: wanted) {
                [weak self] neighbor, error in
                self?.assumeIsolated { $0.refuseUnprotected(neighbor, because: error) }
            }.get()
        }
        for listener in listeners where !addresses.contains(listener.address) { try? await listener.channel.close() }
        listeners.removeAll { !addresses.contains($0.address) }

        var changes = Changes()
        let fixed = wanted.filter { $0.range == nil }
        for address in order where !fixed.contains(where: { $0.address == address }) {
            if let configuration = neighbors[address]?.session.configuration { await forgetKey(of: configuration) }
            remove(address, because: .peerDeconfigured)
            changes.removed.append("\(address)")
        }
        let ranged = wanted.filter { $0.range != nil }
        changes.removed += ranges.compactMap(\.range).filter { old in !ranged.contains { $0.range == old } }.map {
            "\($0)"
        }
        changes.added += ranged.compactMap(\.range).filter { new in !ranges.contains { $0.range == new } }.map {
            "\($0)"
        }
        changes.changed += ranged.filter { new in
            ranges.contains { $0.range == new.range && new.needsReset(from: $0) }
        }.compactMap(\.range).map { "\($0)" }
        for (address, neighbor) in neighbors where neighbor.isDynamic {
            let former = ranges.first { $0.range?.contains(address) == true }
            let now = ranged.first { $0.range?.contains(address) == true }
            guard let now else {
                remove(address, because: .peerDeconfigured)
                continue
            }
            if former.map({ now.needsReset(from: $0) }) != false {
                remove(address, because: .otherConfigurationChange)
            } else {
                neighbors[address]?.session.adopt(now.member(at: address))
            }
        }
        ranges = ranged
        for configuration in fixed {
            let address = configuration.address
            guard let former = neighbors[address]?.session.configuration, neighbors[address]?.isDynamic == false else {
                if neighbors[address] != nil { remove(address, because: .otherConfigurationChange) }
                add(configuration)
                changes.added.append("\(address)")
                continue
            }
            if configuration.needsReset(from: former) {
                if configuration.password == nil { await forgetKey(of: former) }
                remove(address, because: .otherConfigurationChange, keepingRoutes: true)
                add(configuration)
                changes.changed.append("\(address)")
            } else {
                neighbors[address]?.session.adopt(configuration)
                changes.unchanged += 1
            }
        }
        order = fixed.map(\.address)
        return changes
    }

    private func forgetKey(of configuration: NeighborConfiguration) async {
        guard configuration.password != nil else { return }
        for listener in listeners {
            let isIPv4 = listener.address.address.isIPv4
            try? await SessionProtection.forgetPassword(of: configuration, on: listener.channel, isIPv4: isIPv4).get()
        }
    }
}
