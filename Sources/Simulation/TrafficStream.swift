import NetworkTypes

/// The packets of many sources in the order of time, one after the other: none is held.
public struct TrafficStream: Sendable {
    public struct Element: Sendable {
        /// Seconds from the start.
        public var time: Double
        /// Which source it is of.
        public var source: Int
        public var packet: SimulatedPacket
    }

    /// When a source has its next packet.
    private struct Due: Sendable {
        var time: Double
        var source: Int
    }

    private var sources: [TrafficSource]
    /// One packet in so many is in the stream.
    private let thinning: UInt32
    private var random: SeededGenerator
    /// A binary heap, the earliest first.
    private var heap: [Due] = []
    /// The step of its curve that each source is in.
    private var steps: [Int]

    public init(_ sources: [TrafficSource], oneIn thinning: UInt32, seed: UInt64) {
        self.sources = sources
        self.thinning = max(1, thinning)
        random = SeededGenerator(seed: seed)
        steps = Array(repeating: 0, count: sources.count)
        for index in sources.indices {
            guard let time = nextTime(of: index, after: 0) else { continue }
            heap.append(Due(time: time, source: index))
            rise(from: heap.count - 1)
        }
    }

    public mutating func next() -> Element? {
        guard let first = heap.first else { return nil }
        let packet = sources[first.source].packet(oneIn: thinning, using: &random)
        if let time = nextTime(of: first.source, after: first.time) {
            heap[0].time = time
        } else {
            heap[0] = heap[heap.count - 1]
            heap.removeLast()
        }
        sink()
        return Element(time: first.time, source: first.source, packet: packet)
    }

    /// A Poisson process has no memory: at each change of the rate it begins anew.
    private mutating func nextTime(of source: Int, after start: Double) -> Double? {
        var time = start
        while steps[source] < sources[source].curve.steps.count {
            let step = sources[source].curve.steps[steps[source]]
            let rate = step.perSecond / Double(thinning)
            if rate > 0 {
                let next = time + random.exponential() / rate
                if next < step.until { return next }
            }
            time = max(time, step.until)
            steps[source] += 1
        }
        return nil
    }

    private mutating func rise(from start: Int) {
        var index = start
        while index > 0, heap[index].time < heap[(index - 1) / 2].time {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func sink() {
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count {
                if heap[child].time < heap[least].time { least = child }
            }
            guard least != index else { return }
            heap.swapAt(index, least)
            index = least
        }
    }
}
