public import NetworkTypes

/// The evidence.
extension TrafficMerger {
    /// Puts a worker's samples where they are found again. After its deltas were merged.
    mutating func shelve(_ delta: borrowing DeltaTable) {
        let weighed = delta.weighedSamples()
        guard !weighed.isEmpty else { return }
        let entries = delta.entries
        let states = states
        samples.add(tick: tick) { shelf in
            var last = -1
            var place = -1
            for item in weighed {
                if item.entry != last {
                    last = item.entry
                    place = states.find(entries[last].key)
                }
                let isIncoming = entries[last].key.direction == .incoming
                shelf.add(item.sample, delta.packet(item.packet), place: place, isIncoming: isIncoming)
            }
            shelf.sort()
        }
        for item in weighed {
            let key = entries[item.entry].key
            if !earlier.frozenAggregates.isEmpty, earlier.frozenAggregates.contains(where: { holds($0, key) }) {
                continue
            }
            earlier.add(item.sample, of: key, at: tickEnd)
        }
    }

    /// An attack began at `time` or later: what came since is no example of the target's usual traffic, nor is what comes
    /// until `endAttack`.
    public mutating func beginAttack(on key: TrafficKey, since time: Timestamp) {
        let view = view
        earlier.freeze(key, since: time) { Self.holds(key, $0, view) }
    }

    public mutating func endAttack(on key: TrafficKey) { earlier.thaw(key) }

    /// The usual traffic of a host, group or network, as far as it is known; empty where it is not.
    public func earlierTraffic(of key: TrafficKey, limit: Int) -> EarlierTraffic {
        earlier.traffic(of: key, limit: limit) { holds(key, $0) }
    }

    /// Samples of a host's, group's or network's traffic within the time up to now, the latest first.
    ///
    /// Where there are more than the limit, they are chosen by what they stand for, so that the shares of what is handed
    /// out are those of the traffic.
    public func samples(of key: TrafficKey, limit: Int, over time: Duration = .seconds(1)) -> [TrafficSample] {
        evidence(of: key, limit: limit, over: time).samples
    }

    /// The same, with the packets that the samples were read from where these are known: the oldest first.
    public func evidence(
        of key: TrafficKey,
        limit: Int,
        over time: Duration = .seconds(1)
    ) -> (samples: [TrafficSample], packets: [SampledPacket]) {
        var found: [TrafficSample] = []
        var places: [(slot: Int, number: Int)] = []
        let ticks = Int(clamping: time.nanoseconds / max(1, configuration.tick.nanoseconds))
        let isIncoming = key.direction == .incoming
        if key.isHost {
            guard let place = position(of: key) else { return ([], []) }
            samples.forEach(upTo: tick, count: ticks) { shelf, slot in
                shelf.forEach(ofPlace: place, isIncoming: isIncoming) { sample, number in
                    // The place may have been another's.
                    guard (isIncoming ? sample.destination : sample.source) == key.address else { return }
                    found.append(sample)
                    places.append((slot, number))
                }
            }
        } else {
            samples.forEach(upTo: tick, count: ticks) { shelf, slot in
                shelf.forEach(isIncoming: isIncoming) { sample, number in
                    guard holds(key, isIncoming ? sample.destination : sample.source) else { return }
                    found.append(sample)
                    places.append((slot, number))
                }
            }
        }
        let chosen = TrafficSample.fairPlaces(of: found, limit: limit)
        let packets = chosen.compactMap { choice in
            samples.packet(ofSample: places[choice.place].number, inSlot: places[choice.place].slot)
        }
        return (chosen.map(\.sample), packets.sorted { $0.time < $1.time })
    }

    /// Whether an address is counted with a network or group.
    func holds(_ key: TrafficKey, _ address: IPAddress) -> Bool { Self.holds(key, address, view) }

    private static func holds(_ key: TrafficKey, _ address: IPAddress, _ view: NetworkView) -> Bool {
        switch key.scope {
        case .groupIncoming, .groupOutgoing: view.group(of: address) == key.index
        case .networkIncoming, .networkOutgoing: view.networks.index(of: address) == key.index
        case .hostIncoming, .hostOutgoing, .other: false
        }
    }

    private func holds(_ key: TrafficKey, _ host: TrafficKey) -> Bool { Self.holds(key, host, view) }

    private static func holds(_ key: TrafficKey, _ host: TrafficKey, _ view: NetworkView) -> Bool {
        host.isHost && host.direction == key.direction && holds(key, host.address, view)
    }
}
