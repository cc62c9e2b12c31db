internal import CProcessor
internal import NetworkTypes

/// A few samples of each host's traffic that reach back for minutes, so that an attack can be told from what is usual.
///
/// Time is cut into stretches, of each of which one sample stays: chosen by the weights of all, and standing for all. A
/// host's samples are a ring; while it is under attack nothing is added. Stretches begin short: when the ring is full, of
/// each two one stays, and stretches are twice as long from then on, until the ring reaches back for minutes.
///
/// Of hosts there are as many as fit: at the bound the lightest and those long silent give way, as looked for among a few
/// at a time. Each may have some samples, and those with much traffic hundreds, as that a rule drops less than one in a
/// hundred of it only hundreds can say: for these there is room of their own, of which the heaviest get.
struct EarlierSamples: Sendable {
    private(set) var hosts: [Host] = []
    private var index = SlotIndex()
    private var samples: [Sample] = []
    private var freeBlocks: [Int32] = []
    /// How many blocks are beyond what each host may have.
    private var extraBlocks = 0
    private var frozen: Set<TrafficKey> = []
    /// Networks and groups under attack as a whole.
    private(set) var frozenAggregates: [TrafficKey] = []
    private var draws: UInt64 = 0
    private var hand = 0
    private let seed: UInt64
    private let maximumHosts: Int

    private static let blockLength = 16
    private static let blocksPerHost = 4
    private static let blocksPerHeavyHost = 32
    static let samplesPerHost = blocksPerHost * blockLength
    static let samplesPerHeavyHost = blocksPerHeavyHost * blockLength
    static let shortestStretch: Int64 = 125_000_000
    /// How far back a full ring of the longest stretches reaches.
    private static let reach: Int64 = 256_000_000_000
    private static let silence: Int64 = 300_000_000_000

    /// - Parameter maximumHosts: each direction counts as one. The default takes 75 MB when full.
    init(seed: UInt64, maximumHosts: Int = 30_000) {
        self.seed = seed
        self.maximumHosts = maximumHosts
    }

    /// Blocks of samples that hosts may have without being heavy: two for each on average, so that not all can reach back
    /// equally far.
    private var maximumBlocks: Int { maximumHosts * 2 }
    /// Those beyond, of the heavy.
    private var maximumExtraBlocks: Int { maximumHosts / 2 }

    var memoryBytes: Int {
        hosts.capacity * MemoryLayout<Host>.stride + samples.capacity * MemoryLayout<Sample>.stride
            + index.memoryBytes + freeBlocks.capacity * 4 + frozen.capacity * MemoryLayout<TrafficKey>.stride
    }
    var hostCount: Int { hosts.count }

    func find(_ key: TrafficKey) -> Int { find(key, hash: key.hash(seed: seed)) }

    private func find(_ key: TrafficKey, hash: UInt32) -> Int { index.find(hash) { hosts[$0].key == key } }

    /// Has the slot of the index brought into the caches that a host belongs into: its hash.
    func fetchSlot(_ key: TrafficKey) -> UInt32 {
        let hash = key.hash(seed: seed)
        index.fetch(hash)
        return hash
    }

    /// Then, what is known of the host: where it may stand, -1 for nowhere.
    func fetchHost(_ hash: UInt32) -> Int32 {
        let place = index.candidate(hash)
        guard place >= 0 else { return -1 }
        unsafe hosts.withUnsafeBufferPointer { hosts in
            guard let base = hosts.baseAddress else { return }
            let host = unsafe UnsafeRawPointer(base + Int(place))
            for offset in Swift.stride(from: 0, to: MemoryLayout<Host>.stride, by: 64) {
                unsafe processor_prefetch_for_write(host + offset)
            }
        }
        return place
    }

    /// And then, where its next sample will be put.
    func fetchSample(_ place: Int32) {
        let place = Int(place)
        guard place >= 0, Int(hosts[place].next) < room(of: place) else { return }
        let position = position(Int(hosts[place].next), at: place)
        unsafe samples.withUnsafeBufferPointer { samples in
            guard let base = samples.baseAddress else { return }
            let sample = unsafe UnsafeRawPointer(base + position)
            unsafe processor_prefetch_for_write(sample)
            unsafe processor_prefetch_for_write(sample + 63)
        }
    }

    // MARK: Adding

    /// Adds what a host was seen to get or send; of a host under attack nothing.
    mutating func add(_ sample: TrafficSample, of key: TrafficKey, at time: Timestamp) {
        add(sample, of: key, hash: key.hash(seed: seed), at: time)
    }

    /// - Parameter hash: the key's, as `fetchSlot` has told it.
    mutating func add(_ sample: TrafficSample, of key: TrafficKey, hash: UInt32, at time: Timestamp) {
        let now = time.nanoseconds
        guard let place = place(of: key, hash, weight: sample.weight, at: now), !hosts[place].isFrozen else { return }
        hosts[place].lastSeen = now
        let began = hosts[place].began ?? now
        if now - began >= hosts[place].stretch { close(place, at: now) }
        if hosts[place].began == nil { hosts[place].began = now }
        hosts[place].weight += Double(sample.weight)
        guard lot() * hosts[place].weight < Double(sample.weight) else { return }
        hosts[place].candidate = Self.compact(sample, isIncoming: key.direction == .incoming)
    }

    /// Ends a stretch: what was chosen of it stands for all that came in it.
    private mutating func close(_ place: Int, at now: Int64) {
        let weight = Float(hosts[place].weight)
        if var chosen = hosts[place].candidate, let began = hosts[place].began {
            chosen.time = now
            chosen.seconds = Float(now - began) / 1e9
            chosen.packets *= weight
            hosts[place].rate = weight / chosen.seconds
            push(chosen, to: place)
        }
        hosts[place].candidate = nil
        hosts[place].weight = 0
        hosts[place].began = now
    }

    private mutating func push(_ sample: Sample, to place: Int) {
        if Int(hosts[place].next) >= room(of: place) { makeRoom(for: place) }
        guard hosts[place].blockCount > 0 else { return }
        samples[position(Int(hosts[place].next), at: place)] = sample
        hosts[place].next += 1
        hosts[place].count = max(hosts[place].count, hosts[place].next)
    }

    private func room(of place: Int) -> Int { Int(hosts[place].blockCount) * Self.blockLength }

    /// At the end of the ring: another block, or half of what there is, or back to the beginning.
    private mutating func makeRoom(for place: Int) {
        let count = Int(hosts[place].blockCount)
        if count < Self.blocksPerHeavyHost, let block = takeBlock(for: place) {
            // What was overwritten so far stands in the order of time only if the ring begins anew.
            write(ring(place), to: place)
            hosts[place].blocks[count] = block
            hosts[place].blockCount += 1
            // One that had its room taken away is not to reach back for hours when it has it again.
            let longest = max(Self.shortestStretch, Self.reach / Int64(room(of: place)))
            hosts[place].stretch = min(hosts[place].stretch, longest)
            hosts[place].next = hosts[place].count
        } else if count > 0, canHalve(place, keeping: room(of: place)) {
            halve(place)
        } else {
            hosts[place].next = 0
        }
    }

    /// Whether so many samples would reach back no longer than they may, each standing for twice the time.
    private func canHalve(_ place: Int, keeping count: Int) -> Bool {
        hosts[place].stretch * Int64(count) < Self.reach
    }

    /// Of each two samples one stays, by their weights, and stands for both.
    private mutating func halve(_ place: Int) {
        let all = ring(place)
        var kept: [Sample] = []
        kept.reserveCapacity(all.count / 2 + 1)
        for first in stride(from: 0, to: all.count, by: 2) {
            guard first + 1 < all.count else {
                kept.append(all[first])
                continue
            }
            let (one, other) = (all[first], all[first + 1])
            let weight = one.weight + other.weight
            var chosen = lot() * weight < one.weight ? one : other
            chosen.packets *= Float(weight / max(chosen.weight, 1e-9))
            chosen.seconds = one.seconds + other.seconds
            chosen.time = other.time
            kept.append(chosen)
        }
        hosts[place].stretch *= 2
        write(kept, to: place)
    }

    /// Makes these, the oldest first, all that a host has.
    private mutating func write(_ kept: some Collection<Sample>, to place: Int) {
        hosts[place].count = UInt16(kept.count)
        hosts[place].next = UInt16(kept.count)
        for (number, sample) in kept.enumerated() { samples[position(number, at: place)] = sample }
    }

    /// Of no secret, so that a replay draws the same.
    private mutating func lot() -> Double {
        draws &+= 1
        var lot = draws &* 0x9E37_79B9_7F4A_7C15
        lot = (lot ^ lot >> 31) &* 0xBF58_476D_1CE4_E5B9
        return Double((lot ^ lot >> 29) >> 11) * 0x1p-53
    }

    /// Without a copy of all that is known of the host.
    private func position(_ number: Int, at place: Int) -> Int {
        Int(hosts[place].blocks[number / Self.blockLength]) * Self.blockLength + number % Self.blockLength
    }

    private mutating func takeBlock(for place: Int) -> Int32? {
        let isExtra = Int(hosts[place].blockCount) >= Self.blocksPerHost
        if isExtra {
            if extraBlocks >= maximumExtraBlocks { takeFromLighter(than: hosts[place].rate) }
            guard extraBlocks < maximumExtraBlocks else { return nil }
        }
        let inUse = samples.count / Self.blockLength - freeBlocks.count
        guard isExtra || inUse - extraBlocks < maximumBlocks else { return nil }
        if isExtra { extraBlocks += 1 }
        if let block = freeBlocks.popLast() { return block }
        let nothing = Self.compact(.nothing, isIncoming: true)
        samples.append(contentsOf: repeatElement(nothing, count: Self.blockLength))
        return Int32(samples.count / Self.blockLength - 1)
    }

    /// One with much room and less than half the traffic, as looked for among a few, goes back to what each may have.
    private mutating func takeFromLighter(than rate: Float) {
        for _ in 0..<8 {
            hand = hand + 1 < hosts.count ? hand + 1 : 0
            guard !hosts[hand].isFrozen, hosts[hand].blockCount > Self.blocksPerHost, hosts[hand].rate < rate / 2
            else { continue }
            while hosts[hand].count > Self.samplesPerHost, canHalve(hand, keeping: Self.samplesPerHost) { halve(hand) }
            // In the order of time, from the beginning.
            write(ring(hand).suffix(Self.samplesPerHost), to: hand)
            release(hand, from: Self.blocksPerHost)
            return
        }
    }

    /// Gives back the blocks of a host from a number on.
    private mutating func release(_ place: Int, from first: Int) {
        for number in first..<max(first, Int(hosts[place].blockCount)) {
            freeBlocks.append(hosts[place].blocks[number])
            if number >= Self.blocksPerHost { extraBlocks -= 1 }
            hosts[place].blocks[number] = -1
        }
        hosts[place].blockCount = min(hosts[place].blockCount, UInt8(first))
    }

    /// Where a host stands; nil when there is no room for it, or when it is not known and under attack.
    private mutating func place(of key: TrafficKey, _ hash: UInt32, weight: UInt64, at now: Int64) -> Int? {
        let found = find(key, hash: hash)
        if found >= 0 { return found }
        guard !frozen.contains(key) else { return nil }
        if hosts.count < maximumHosts {
            hosts.append(Host(key: key))
            index.insert(hash, hosts.count - 1)
            return hosts.count - 1
        }
        var lightest = -1
        var least = Float(weight)
        for _ in 0..<8 {
            hand = hand + 1 < hosts.count ? hand + 1 : 0
            guard !hosts[hand].isFrozen else { continue }
            // Of who came just now there is no rate yet.
            let known = max(hosts[hand].rate, Float(hosts[hand].weight))
            let rate = now - hosts[hand].lastSeen > Self.silence ? -1 : known
            if rate < least { (lightest, least) = (hand, rate) }
        }
        guard lightest >= 0 else { return nil }
        index.remove(hosts[lightest].key.hash(seed: seed), lightest)
        release(lightest, from: 0)
        hosts[lightest] = Host(key: key)
        index.insert(hash, lightest)
        return lightest
    }

    // MARK: Attacks

    /// An attack on a host, or on all hosts for which `isOf` holds, has begun at the latest at `time`: what came since is
    /// forgotten, as is what rose up to it, and nothing is added until it ends.
    ///
    /// - Parameter isToldLate: Whether what comes is told of by flows, which may have told of the attack for a minute.
    mutating func freeze(
        _ key: TrafficKey,
        since time: Timestamp,
        isToldLate: Bool = false,
        isOf: (TrafficKey) -> Bool
    ) {
        let places: [Int]
        if key.isHost {
            frozen.insert(key)
            let place = find(key)
            guard place >= 0 else { return }
            hosts[place].isFrozen = true
            places = [place]
        } else {
            if !frozenAggregates.contains(key) { frozenAggregates.append(key) }
            places = hosts.indices.filter { isOf(hosts[$0].key) }
        }
        let begin = beginOfRise(places, until: time.nanoseconds, isToldLate: isToldLate)
        for place in places { forget(place, since: begin) }
    }

    mutating func thaw(_ key: TrafficKey) {
        frozen.remove(key)
        frozenAggregates.removeAll { $0 == key }
        let place = key.isHost ? find(key) : -1
        if place >= 0 { hosts[place].isFrozen = false }
    }

    private mutating func forget(_ place: Int, since time: Int64) {
        let kept = ring(place).filter { $0.time <= time }
        hosts[place].candidate = nil
        hosts[place].weight = 0
        hosts[place].began = nil
        guard kept.count < Int(hosts[place].count) else { return }
        write(kept, to: place)
    }

    /// The oldest first.
    func ring(_ place: Int) -> [Sample] {
        let (count, next) = (Int(hosts[place].count), Int(hosts[place].next))
        return (Array(next..<max(next, count)) + Array(0..<min(next, count))).map { samples[position($0, at: place)] }
    }
}
