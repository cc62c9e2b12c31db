internal import NetworkTypes

/// A few samples of each host's traffic that reach back for minutes, so that an attack can be told from what is usual.
///
/// Time is cut into stretches, of each of which one sample stays: chosen by the weights of all, and standing for all. A
/// host's samples are a ring; while it is under attack nothing is added. Of hosts there are as many as fit: at the bound the
/// lightest and those long silent give way, as looked for among a few at a time.
struct EarlierSamples: Sendable {
    private struct Sample: BitwiseCopyable {
        var remote: IPAddress
        /// When the stretch ended, in nanoseconds.
        var time: Int64
        var packets: Float
        /// Octets of a packet.
        var length: Float
        /// How long the stretch was.
        var seconds: Float
        var sourcePort: UInt16
        var destinationPort: UInt16
        var ipProtocol: IPProtocol
        var tcpFlags: TCPFlags
        var icmpType: UInt8
        var icmpCode: UInt8
        var timeToLive: UInt8
        var isFragment: Bool
    }

    private struct Host: BitwiseCopyable {
        var key: TrafficKey
        /// Where its blocks of samples stand; -1 for none.
        var blocks = InlineArray<4, Int32>(repeating: -1)
        var count: UInt8 = 0
        /// The place in the ring that is written next.
        var next: UInt8 = 0
        var blockCount: UInt8 = 0
        var isFrozen = false
        /// The one of the stretch under way, and the weight of all that came in it.
        var candidate: Sample?
        var weight = 0.0
        /// When the stretch began; nil: with what comes next.
        var began: Int64?
        var lastSeen: Int64 = 0
        /// Weight a second, of the last stretch.
        var rate: Float = 0
    }

    private var hosts: [Host] = []
    private var index = SlotIndex()
    private var samples: [Sample] = []
    private var freeBlocks: [Int32] = []
    private var frozen: Set<TrafficKey> = []
    /// Networks and groups under attack as a whole.
    private(set) var frozenAggregates: [TrafficKey] = []
    private var draws: UInt64 = 0
    private var hand = 0
    private let seed: UInt64
    private let maximumHosts: Int

    private static let blockLength = 16
    static let samplesPerHost = 64
    /// While a host has few samples, stretches are short, so that there are some soon.
    private static let shortStretch: Int64 = 500_000_000
    private static let longStretch: Int64 = 4_000_000_000
    private static let silence: Int64 = 300_000_000_000

    /// - Parameter maximumHosts: each direction counts as one. The default takes 60 MB when full.
    init(seed: UInt64, maximumHosts: Int = 30_000) {
        self.seed = seed
        self.maximumHosts = maximumHosts
    }

    /// Blocks of samples: two for each host on average, so that not all can reach back equally far.
    private var maximumBlocks: Int { maximumHosts * 2 }

    var memoryBytes: Int {
        hosts.capacity * MemoryLayout<Host>.stride + samples.capacity * MemoryLayout<Sample>.stride
            + index.memoryBytes + freeBlocks.capacity * 4 + frozen.capacity * MemoryLayout<TrafficKey>.stride
    }
    var hostCount: Int { hosts.count }

    private func find(_ key: TrafficKey) -> Int { index.find(key.hash(seed: seed)) { hosts[$0].key == key } }

    // MARK: Adding

    /// Adds what a host was seen to get or send; of a host under attack nothing.
    mutating func add(_ sample: TrafficSample, of key: TrafficKey, at time: Timestamp) {
        let now = time.nanoseconds
        guard let place = place(of: key, weight: sample.weight, at: now), !hosts[place].isFrozen else { return }
        hosts[place].lastSeen = now
        let stretch = hosts[place].count < Self.blockLength ? Self.shortStretch : Self.longStretch
        let began = hosts[place].began ?? now
        if now - began >= stretch { close(place, at: now) }
        if hosts[place].began == nil { hosts[place].began = now }
        hosts[place].weight += Double(sample.weight)
        draws &+= 1
        var lot = (draws ^ UInt64(bitPattern: now)) &* 0x9E37_79B9_7F4A_7C15
        lot = (lot ^ lot >> 31) &* 0xBF58_476D_1CE4_E5B9
        guard Double(lot >> 11) * 0x1p-53 * hosts[place].weight < Double(sample.weight) else { return }
        hosts[place].candidate = Self.compact(sample, isIncoming: key.direction == .incoming)
    }

    private static func compact(_ sample: TrafficSample, isIncoming: Bool) -> Sample {
        Sample(
            remote: isIncoming ? sample.source : sample.destination,
            time: 0,
            // For each unit of weight, until the stretch ends.
            packets: Float(sample.packets) / Float(sample.weight),
            length: Float(sample.bytes) / Float(max(1, sample.packets)),
            seconds: 0,
            sourcePort: sample.sourcePort,
            destinationPort: sample.destinationPort,
            ipProtocol: sample.ipProtocol,
            tcpFlags: sample.tcpFlags,
            icmpType: sample.icmpType,
            icmpCode: sample.icmpCode,
            timeToLive: sample.timeToLive,
            isFragment: sample.isFragment
        )
    }

    /// Ends a stretch: what was chosen of it stands for all that came in it.
    private mutating func close(_ place: Int, at now: Int64) {
        let host = hosts[place]
        if var chosen = host.candidate, let began = host.began {
            chosen.time = now
            chosen.seconds = Float(now - began) / 1e9
            chosen.packets *= Float(host.weight)
            hosts[place].rate = Float(host.weight) / chosen.seconds
            push(chosen, to: place)
        }
        hosts[place].candidate = nil
        hosts[place].weight = 0
        hosts[place].began = now
    }

    private mutating func push(_ sample: Sample, to place: Int) {
        let room = Int(hosts[place].blockCount) * Self.blockLength
        if Int(hosts[place].next) >= room {
            if Int(hosts[place].blockCount) < Self.samplesPerHost / Self.blockLength, let block = takeBlock() {
                hosts[place].blocks[Int(hosts[place].blockCount)] = block
                hosts[place].blockCount += 1
            } else {
                hosts[place].next = 0
            }
        }
        guard hosts[place].blockCount > 0 else { return }
        samples[position(Int(hosts[place].next), hosts[place])] = sample
        hosts[place].next += 1
        hosts[place].count = max(hosts[place].count, hosts[place].next)
    }

    private func position(_ number: Int, _ host: Host) -> Int {
        Int(host.blocks[number / Self.blockLength]) * Self.blockLength + number % Self.blockLength
    }

    private mutating func takeBlock() -> Int32? {
        if let block = freeBlocks.popLast() { return block }
        guard samples.count < maximumBlocks * Self.blockLength else { return nil }
        let nothing = Self.compact(.nothing, isIncoming: true)
        samples.append(contentsOf: repeatElement(nothing, count: Self.blockLength))
        return Int32(samples.count / Self.blockLength - 1)
    }

    /// Where a host stands; nil when there is no room for it, or when it is not known and under attack.
    private mutating func place(of key: TrafficKey, weight: UInt64, at now: Int64) -> Int? {
        let found = find(key)
        if found >= 0 { return found }
        guard !frozen.contains(key) else { return nil }
        if hosts.count < maximumHosts {
            hosts.append(Host(key: key))
            index.insert(key.hash(seed: seed), hosts.count - 1)
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
        for number in 0..<Int(hosts[lightest].blockCount) { freeBlocks.append(hosts[lightest].blocks[number]) }
        hosts[lightest] = Host(key: key)
        index.insert(key.hash(seed: seed), lightest)
        return lightest
    }

    // MARK: Attacks

    /// An attack on a host, or on all hosts for which `isOf` holds, has begun at the latest at `time`: what came since is
    /// forgotten, and nothing is added until it ends.
    mutating func freeze(_ key: TrafficKey, since time: Timestamp, isOf: (TrafficKey) -> Bool) {
        if key.isHost {
            frozen.insert(key)
            let place = find(key)
            guard place >= 0 else { return }
            hosts[place].isFrozen = true
            forget(place, since: time.nanoseconds)
        } else {
            if !frozenAggregates.contains(key) { frozenAggregates.append(key) }
            for place in hosts.indices where isOf(hosts[place].key) { forget(place, since: time.nanoseconds) }
        }
    }

    mutating func thaw(_ key: TrafficKey) {
        frozen.remove(key)
        frozenAggregates.removeAll { $0 == key }
        let place = key.isHost ? find(key) : -1
        if place >= 0 { hosts[place].isFrozen = false }
    }

    private mutating func forget(_ place: Int, since time: Int64) {
        let kept = ring(hosts[place]).filter { $0.time <= time }
        hosts[place].candidate = nil
        hosts[place].weight = 0
        hosts[place].began = nil
        guard kept.count < Int(hosts[place].count) else { return }
        hosts[place].count = UInt8(kept.count)
        hosts[place].next = UInt8(kept.count)
        for (number, sample) in kept.enumerated() { samples[position(number, hosts[place])] = sample }
    }

    /// The oldest first.
    private func ring(_ host: Host) -> [Sample] {
        let (count, next) = (Int(host.count), Int(host.next))
        return (Array(next..<max(next, count)) + Array(0..<min(next, count))).map { samples[position($0, host)] }
    }

    // MARK: Reading

    /// What is known of a host, or of all hosts for which `isOf` holds; the latest first.
    func traffic(of key: TrafficKey, limit: Int, isOf: (TrafficKey) -> Bool) -> EarlierTraffic {
        let places = key.isHost ? [find(key)].filter { $0 >= 0 } : hosts.indices.filter { isOf(hosts[$0].key) }
        let rings = places.map { (key: hosts[$0].key, samples: ring(hosts[$0])) }.filter { !$0.samples.isEmpty }
        let durations = rings.map { ring in ring.samples.reduce(0) { $0 + Double($1.seconds) } }
        guard let longest = durations.max(), longest > 0 else { return EarlierTraffic() }
        var found: [TrafficSample] = []
        for (ring, duration) in zip(rings, durations) {
            // As if each host had been watched for as long.
            let factor = longest / max(duration, 1e-3)
            found += ring.samples.map { Self.whole($0, of: ring.key, times: factor) }
        }
        found.sort { ($0.time, $0.destination, $0.source) > ($1.time, $1.destination, $1.source) }
        return EarlierTraffic(
            samples: TrafficSample.fairChoice(of: found, limit: limit),
            duration: .milliseconds(Int64(min(longest, 1e9) * 1000))
        )
    }

    private static func whole(_ sample: Sample, of key: TrafficKey, times factor: Double) -> TrafficSample {
        let packets = max(1, (Double(sample.packets) * factor).rounded())
        let isIncoming = key.direction == .incoming
        return TrafficSample(
            source: isIncoming ? sample.remote : key.address,
            destination: isIncoming ? key.address : sample.remote,
            packets: UInt64(min(packets, 1e18)),
            bytes: UInt64(min(packets * Double(sample.length), 1e18).rounded()),
            time: Timestamp(nanoseconds: sample.time),
            sourcePort: sample.sourcePort,
            destinationPort: sample.destinationPort,
            ipProtocol: sample.ipProtocol,
            tcpFlags: sample.tcpFlags,
            icmpType: sample.icmpType,
            icmpCode: sample.icmpCode,
            timeToLive: sample.timeToLive,
            isFragment: sample.isFragment
        )
    }
}

extension TrafficSample {
    fileprivate static let nothing = TrafficSample(
        source: .unspecified,
        destination: .unspecified,
        packets: 0,
        bytes: 0,
        sourcePort: 0,
        destinationPort: 0,
        ipProtocol: IPProtocol(rawValue: 0),
        tcpFlags: [],
        icmpType: 0,
        icmpCode: 0,
        timeToLive: 0,
        isFragment: false
    )
}
