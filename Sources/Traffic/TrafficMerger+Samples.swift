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
        TrafficSample.fairChoice(of: recentSamples(of: key, over: time).map(\.sample), limit: limit)
    }

    /// Samples of what a host, group or network gets now, the latest first.
    ///
    /// A flow of a minute is told of once a minute, and is taken to go on: of what such a record stands for only the part
    /// counts that came in the time looked at. That is the shortest, from `time` up to `longest`, in which there are enough
    /// samples: an attack of some seconds must not be lost among what came in the minute before it.
    public func presentSamples(
        of key: TrafficKey,
        limit: Int,
        over time: Duration,
        upTo longest: Duration
    ) -> [TrafficSample] {
        let found = recentSamples(of: key, over: max(time, longest))
        let tick = configuration.tick.inSeconds
        var seconds = max(time.inSeconds, tick)
        var present = Self.present(found, within: seconds, tick: tick)
        while seconds < longest.inSeconds, Self.effectiveCount(present) < Self.enoughSamples {
            seconds = min(seconds * 2, longest.inSeconds)
            present = Self.present(found, within: seconds, tick: tick)
        }
        return TrafficSample.fairChoice(of: present, limit: limit)
    }

    private static let enoughSamples = 48.0

    private static func present(
        _ found: [(sample: TrafficSample, ticksAgo: Int)],
        within seconds: Double,
        tick: Double
    ) -> [TrafficSample] {
        var carry = 0.0
        return found.compactMap { sample, ticksAgo in
            let length = Double(sample.flowSeconds)
            guard Double(ticksAgo) * tick < max(seconds, length) else { return nil }
            return length > seconds ? sample.scaled(by: seconds / length, carry: &carry) : sample
        }
    }

    /// How many samples of equal weight would say as much (Kish): (Σw)² / Σw².
    private static func effectiveCount(_ samples: [TrafficSample]) -> Double {
        var (sum, squares) = (0.0, 0.0)
        for sample in samples {
            let weight = Double(sample.weight)
            sum += weight
            squares += weight * weight
        }
        return squares > 0 ? sum * sum / squares : 0
    }

    /// Packets that such samples were read from, where these are known: the oldest first.
    public func packets(of key: TrafficKey, limit: Int, over time: Duration = .seconds(1)) -> [SampledPacket] {
        var found: [TrafficSample] = []
        var places: [(tick: Int64, number: Int)] = []
        let ticks = Int(clamping: time.nanoseconds / max(1, configuration.tick.nanoseconds))
        let isIncoming = key.direction == .incoming
        let place = key.isHost ? position(of: key) ?? -1 : -1
        guard place >= 0 || !key.isHost else { return [] }
        samples.forEach(upTo: tick, count: ticks) { shelf, ticksAgo in
            guard shelf.hasPackets else { return }
            func take(_ sample: TrafficSample, _ number: Int) {
                let address = isIncoming ? sample.destination : sample.source
                guard key.isHost ? address == key.address : holds(key, address) else { return }
                found.append(sample)
                places.append((tick - Int64(ticksAgo), number))
            }
            if key.isHost {
                shelf.forEach(ofPlace: place, isIncoming: isIncoming, take)
            } else {
                shelf.forEach(isIncoming: isIncoming, take)
            }
        }
        let chosen = TrafficSample.fairPlaces(of: found, limit: limit)
        return chosen.compactMap { choice in
            samples.packet(ofSample: places[choice.place].number, tick: places[choice.place].tick)
        }.sorted { $0.time < $1.time }
    }

    private func recentSamples(
        of key: TrafficKey,
        over time: Duration
    ) -> [(sample: TrafficSample, ticksAgo: Int)] {
        var found: [(sample: TrafficSample, ticksAgo: Int)] = []
        let ticks = Int(clamping: time.nanoseconds / max(1, configuration.tick.nanoseconds))
        let isIncoming = key.direction == .incoming
        if key.isHost {
            guard let place = position(of: key) else { return [] }
            samples.forEach(upTo: tick, count: ticks) { shelf, ticksAgo in
                shelf.forEach(ofPlace: place, isIncoming: isIncoming) { sample, _ in
                    // The place may have been another's.
                    guard (isIncoming ? sample.destination : sample.source) == key.address else { return }
                    found.append((sample, ticksAgo))
                }
            }
        } else {
            samples.forEach(upTo: tick, count: ticks) { shelf, ticksAgo in
                shelf.forEach(isIncoming: isIncoming) { sample, _ in
                    guard holds(key, isIncoming ? sample.destination : sample.source) else { return }
                    found.append((sample, ticksAgo))
                }
            }
        }
        return found
    }

    /// Whether an address is counted with a network or group.
    func holds(_ key: TrafficKey, _ address: IPAddress) -> Bool { view.holds(key, address) }

    private func holds(_ key: TrafficKey, _ host: TrafficKey) -> Bool { Self.holds(key, host, view) }

    private static func holds(_ key: TrafficKey, _ host: TrafficKey, _ view: NetworkView) -> Bool {
        host.isHost && host.direction == key.direction && view.holds(key, host.address)
    }
}
