public import NetworkTypes

/// The evidence.
extension TrafficMerger {
    /// Puts a worker's samples where they are found again. After its deltas were merged.
    mutating func shelve(_ delta: borrowing DeltaTable) {
        // Taken out for as long as it is in use.
        var memory = SampleChoice.WeighedSamples()
        swap(&memory, &weighed)
        defer { swap(&memory, &weighed) }
        delta.weighSamples(into: &memory)
        let weighed = memory.samples
        guard !weighed.isEmpty else { return }
        // Through a span, as a loop over the array copies each sample.
        let all = weighed.span
        let states = states
        samples.add(tick: tick) { shelf in
            shelf.reserve(weighed.count)
            let all = weighed.span
            var last = -1
            var place = -1
            for number in all.indices {
                if number % Self.fetched == 0 {
                    let next = number..<min(number + Self.fetched, all.count)
                    for ahead in next { states.fetchSlot(delta.entries[all[ahead].entry].key) }
                    for ahead in next { states.fetchState(delta.entries[all[ahead].entry].key) }
                }
                if all[number].entry != last {
                    last = all[number].entry
                    place = states.find(delta.entries[last].key)
                }
                let isIncoming = delta.entries[last].key.direction == .incoming
                guard shelf.add(all[number].sample, place: place, isIncoming: isIncoming) else { break }
                if all[number].packet >= 0, let packet = delta.packet(all[number].packet) { shelf.add(packet) }
            }
            shelf.sort()
        }
        let now = tickEnd
        var hashes = InlineArray<32, UInt32>(repeating: 0)
        var places = InlineArray<32, Int32>(repeating: -1)
        for number in all.indices {
            let offset = number % Self.fetched
            if offset == 0 {
                let count = min(Self.fetched, all.count - number)
                for ahead in 0..<count {
                    hashes[ahead] = earlier.fetchSlot(delta.entries[all[number + ahead].entry].key)
                }
                for ahead in 0..<count { places[ahead] = earlier.fetchHost(hashes[ahead]) }
                for ahead in 0..<count { earlier.fetchSample(places[ahead]) }
            }
            let key = delta.entries[all[number].entry].key
            if !earlier.frozenAggregates.isEmpty, earlier.frozenAggregates.contains(where: { holds($0, key) }) {
                continue
            }
            earlier.add(all[number].sample, of: key, hash: hashes[offset], at: now)
        }
    }

    /// For so many samples what is known of their hosts is brought into the caches together.
    private static let fetched = 32

    /// An attack began at `time` or later: what came since is no example of the target's usual traffic, nor is what comes
    /// until `endAttack`.
    ///
    /// - Parameter isToldLate: Whether flows tell of it, which do so up to a minute later.
    public mutating func beginAttack(on key: TrafficKey, since time: Timestamp, isToldLate: Bool = false) {
        let view = view
        earlier.freeze(key, since: time, isToldLate: isToldLate) { Self.holds(key, $0, view) }
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

    /// Samples of what a host, group or network gets now, the latest first, with the packets that they were read from
    /// where these are known, the oldest first.
    ///
    /// - Parameter longest: A flow of a minute is told of once a minute, and is taken to go on: of what such a record
    ///   stands for only the part counts that came in the time looked at. That is the shortest, from `time` up to
    ///   `longest`, in which there are enough samples: an attack of some seconds must not be lost among what came in the
    ///   minute before it. Nil: all that came within `time`, in full.
    /// - Parameter enough: how many samples of equal weight are enough.
    /// - Returns: also the time in which what the samples stand for came.
    public func evidence(
        of key: TrafficKey,
        limit: Int,
        over time: Duration = .seconds(1),
        upTo longest: Duration? = nil,
        enough: Double = 48
    ) -> (samples: [TrafficSample], packets: [SampledPacket], seconds: Double) {
        let found = recent(of: key, over: max(time, longest ?? time))
        var present = found
        var seconds = time.inSeconds
        if var longest = longest?.inSeconds {
            let tick = configuration.tick.inSeconds
            // Where very many are sampled those of a second or two are kept.
            longest = min(longest, max(seconds, Double(samples.ticksHeld(upTo: self.tick)) * tick))
            seconds = max(seconds, tick)
            present = Self.parts(of: found, within: seconds, tick: tick)
            while seconds < longest, Self.effectiveCount(present) < enough {
                seconds = min(seconds * 2, longest)
                present = Self.parts(of: found, within: seconds, tick: tick)
            }
        }
        let chosen = TrafficSample.fairPlaces(of: present.map(\.sample), limit: limit)
        let packets = chosen.compactMap { choice in
            samples.packet(ofSample: present[choice.place].number, inSlot: present[choice.place].slot)
        }
        return (chosen.map(\.sample), packets.sorted { $0.time < $1.time }, seconds)
    }

    /// A sample, how long ago it came, and where it stands.
    private struct Recent {
        var sample: TrafficSample
        var ticksAgo: Int
        var slot: Int
        var number: Int
    }

    private static func parts(of found: [Recent], within seconds: Double, tick: Double) -> [Recent] {
        var carry = 0.0
        return found.compactMap { recent in
            let length = Double(recent.sample.flowSeconds)
            guard Double(recent.ticksAgo) * tick < max(seconds, length) else { return nil }
            guard length > seconds else { return recent }
            var part = recent
            part.sample = recent.sample.scaled(by: seconds / length, carry: &carry)
            return part
        }
    }

    /// How many samples of equal weight would say as much (Kish): (Σw)² / Σw².
    private static func effectiveCount(_ samples: [Recent]) -> Double {
        var (sum, squares) = (0.0, 0.0)
        for recent in samples {
            let weight = Double(recent.sample.weight)
            sum += weight
            squares += weight * weight
        }
        return squares > 0 ? sum * sum / squares : 0
    }

    private func recent(of key: TrafficKey, over time: Duration) -> [Recent] {
        var found: [Recent] = []
        let ticks = Int(clamping: time.nanoseconds / max(1, configuration.tick.nanoseconds))
        let isIncoming = key.direction == .incoming
        if key.isHost {
            guard let place = position(of: key) else { return [] }
            samples.forEach(upTo: tick, count: ticks) { shelf, slot, ticksAgo in
                shelf.forEach(ofPlace: place, isIncoming: isIncoming) { sample, number in
                    // The place may have been another's.
                    guard (isIncoming ? sample.destination : sample.source) == key.address else { return }
                    found.append(Recent(sample: sample, ticksAgo: ticksAgo, slot: slot, number: number))
                }
            }
        } else {
            samples.forEach(upTo: tick, count: ticks) { shelf, slot, ticksAgo in
                shelf.forEach(isIncoming: isIncoming) { sample, number in
                    guard holds(key, isIncoming ? sample.destination : sample.source) else { return }
                    found.append(Recent(sample: sample, ticksAgo: ticksAgo, slot: slot, number: number))
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
