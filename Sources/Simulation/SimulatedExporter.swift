public import NetworkTypes

/// A router that samples traffic which does not exist, and reports it by sFlow version 5.
public struct SimulatedExporter: Sendable {
    public var patterns: [TrafficPattern]
    public let agent: IPAddress
    /// One packet in so many is sampled.
    public let samplingRate: UInt32

    private var random: SeededGenerator
    private var sequence: UInt32 = 0
    private var sampleSequence: UInt32 = 0
    private var last: Timestamp
    /// Samples that were due but did not yet make a whole one, for each pattern.
    private var owed: [Double] = []

    /// As many samples as fit a datagram of an ordinary link.
    static let samplesPerDatagram = 7

    public init(
        patterns: [TrafficPattern],
        agent: IPAddress = IPAddress(192, 0, 2, 1),
        samplingRate: UInt32 = 100,
        seed: UInt64 = 1,
        startingAt time: Timestamp
    ) {
        self.patterns = patterns
        self.agent = agent
        self.samplingRate = max(1, samplingRate)
        random = SeededGenerator(seed: seed)
        last = time
    }

    /// The datagrams for the time that has passed since the last call.
    public mutating func datagrams(until time: Timestamp) -> [[UInt8]] {
        let seconds = max(0, (time - last).inSeconds)
        last = max(last, time)
        owed += Array(repeating: 0, count: max(0, patterns.count - owed.count))
        var samples: [[UInt8]] = []
        for (index, pattern) in patterns.enumerated() {
            owed[index] += seconds * pattern.packetsPerSecond / Double(samplingRate)
            let due = min(owed[index].rounded(.down), 1e6)
            owed[index] -= due
            for _ in 0..<Int(due) { samples.append(sample(of: pattern.packet(using: &random))) }
        }
        // The patterns' packets come mixed, as on a wire.
        samples.shuffle(using: &random)
        return stride(from: 0, to: samples.count, by: Self.samplesPerDatagram).map { start in
            datagram(Array(samples[start..<min(start + Self.samplesPerDatagram, samples.count)]), at: time)
        }
    }

    /// sFlow version 5, sFlow.org July 2004, `sample_datagram_v5`.
    private mutating func datagram(_ samples: [[UInt8]], at time: Timestamp) -> [UInt8] {
        sequence &+= 1
        let uptime = UInt32(truncatingIfNeeded: time.nanoseconds / 1_000_000)
        var octets = Self.big(5) + Self.big(agent.isIPv4 ? 1 : 2) + agent.bytes
        octets += Self.big(0) + Self.big(sequence) + Self.big(uptime) + Self.big(UInt32(samples.count))
        return octets + samples.flatMap { $0 }
    }

    /// A flow sample with one raw packet header.
    private mutating func sample(of packet: SimulatedPacket) -> [UInt8] {
        sampleSequence &+= 1
        var header = packet.header
        let length = UInt32(header.count)
        while !header.count.isMultiple(of: 4) { header.append(0) }
        let frame = UInt32(packet.ipLength + 14 + 4 * packet.vlans.count + 4)
        let raw = Self.big(1) + Self.big(frame) + Self.big(4) + Self.big(length) + header
        let record = Self.big(1) + Self.big(UInt32(raw.count)) + raw
        var body = Self.big(sampleSequence) + Self.big(1) + Self.big(samplingRate)
        body += Self.big(sampleSequence &* samplingRate) + Self.big(0) + Self.big(1) + Self.big(2) + Self.big(1)
        body += record
        return Self.big(1) + Self.big(UInt32(body.count)) + body
    }

    private static func big(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 0xFF), UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)]
    }
}
