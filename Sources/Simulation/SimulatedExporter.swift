public import NetworkTypes

/// A router that samples traffic which does not exist, and reports it by sFlow version 5.
public struct SimulatedExporter: Sendable {
    public var patterns: [TrafficPattern]

    private var encoder: SFlowEncoder
    private var random: SeededGenerator
    private var last: Timestamp
    /// Samples that were due but did not yet make a whole one, for each pattern.
    private var owed: [Double] = []

    public init(
        patterns: [TrafficPattern],
        agent: IPAddress = IPAddress(192, 0, 2, 1),
        samplingRate: UInt32 = 100,
        seed: UInt64 = 1,
        startingAt time: Timestamp
    ) {
        self.patterns = patterns
        encoder = SFlowEncoder(agent: agent, samplingRate: samplingRate)
        random = SeededGenerator(seed: seed)
        last = time
    }

    public var agent: IPAddress { encoder.agent }
    /// One packet in so many is sampled.
    public var samplingRate: UInt32 { encoder.samplingRate }

    /// The datagrams for the time that has passed since the last call.
    public mutating func datagrams(until time: Timestamp) -> [[UInt8]] {
        let seconds = max(0, (time - last).inSeconds)
        last = max(last, time)
        owed += Array(repeating: 0, count: max(0, patterns.count - owed.count))
        var packets: [SimulatedPacket] = []
        for (index, pattern) in patterns.enumerated() {
            owed[index] += seconds * pattern.packetsPerSecond / Double(samplingRate)
            let due = min(owed[index].rounded(.down), 1e6)
            owed[index] -= due
            for _ in 0..<Int(due) { packets.append(pattern.packet(using: &random)) }
        }
        // The patterns' packets come mixed, as on a wire.
        packets.shuffle(using: &random)
        var datagrams: [[UInt8]] = []
        for packet in packets {
            encoder.add(packet)
            if encoder.isFull, let datagram = encoder.datagram(at: time) { datagrams.append(datagram) }
        }
        if let rest = encoder.datagram(at: time) { datagrams.append(rest) }
        return datagrams
    }
}
