internal import BGP
internal import Logging
internal import NIOCore
internal import NetworkTypes

/// Neighbors out of ranges: they come as they like, and what is worth knowing of them outlasts their sessions for a time.
extension Speaker {
    /// A neighbor out of a range, for a connection from its address; nil when it is in none, or too many have come.
    func dynamicNeighbor(_ address: IPAddress) -> NeighborConfiguration? {
        guard isRunning, let range = ranges.first(where: { $0.range?.contains(address) == true }) else { return nil }
        guard members(of: range, areAway: false).count < range.maximumNeighbors else {
            logger.warning(
                "refused a neighbor: too many have come out of its range",
                metadata: ["neighbor": "\(address)", "allowed": "\(range.maximumNeighbors)"]
            )
            return nil
        }
        if let known = neighbors[address] { return known.session.configuration }
        let configuration = range.member(at: address)
        add(configuration, isDynamic: true)
        return configuration
    }

    private func members(of range: NeighborConfiguration, areAway: Bool) -> [IPAddress] {
        neighbors.filter { address, neighbor in
            neighbor.isDynamic && (neighbor.awaySince != nil) == areAway && range.range?.contains(address) == true
        }.map(\.key)
    }

    /// Lets go of a neighbor out of a range whose last connection is gone, unless something is to be remembered of it.
    func leaveIfGone(_ address: IPAddress) {
        guard let neighbor = neighbors[address], neighbor.isDynamic, neighbor.awaySince == nil,
            neighbor.channels.isEmpty, neighbor.wasConnected
        else { return }
        guard let memory = neighbor.session.memory else { return forget(address) }
        let since = now()
        neighbors[address]?.awaySince = since
        neighbors[address]?.oblivion = loop.scheduleTask(in: .nanoseconds(memory.nanoseconds)) { [weak self] in
            self?.assumeIsolated { speaker in
                if speaker.neighbors[address]?.awaySince == since { speaker.forget(address) }
            }
        }
        // No more are remembered than may come at a time.
        guard let range = ranges.first(where: { $0.range?.contains(address) == true }) else { return }
        let away = members(of: range, areAway: true)
        guard away.count > range.maximumNeighbors else { return }
        let oldest = away.min { first, second in
            (neighbors[first]?.awaySince ?? since) < (neighbors[second]?.awaySince ?? since)
        }
        if let oldest { forget(oldest) }
    }

    /// A neighbor out of a range has come back while it was remembered.
    func welcomeBack(_ address: IPAddress) {
        neighbors[address]?.oblivion?.cancel()
        neighbors[address]?.oblivion = nil
        neighbors[address]?.awaySince = nil
    }

    func forget(_ address: IPAddress) {
        neighbors[address]?.timer?.cancel()
        neighbors[address]?.oblivion?.cancel()
        neighbors[address] = nil
    }
}

extension NeighborConfiguration {
    /// What a neighbor out of this range is configured with.
    func member(at address: IPAddress) -> NeighborConfiguration {
        var configuration = self
        configuration.address = address
        configuration.range = nil
        configuration.isPassive = true
        return configuration
    }
}
