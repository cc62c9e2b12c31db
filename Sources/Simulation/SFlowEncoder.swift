public import NetworkTypes

/// Packets as the datagrams of an agent that samples them (sFlow version 5, sFlow.org July 2004).
public struct SFlowEncoder: Sendable {
    public let agent: IPAddress
    /// One packet in so many is sampled.
    public let samplingRate: UInt32

    private var sequence: UInt32 = 0
    private var sampleSequence: UInt32 = 0
    private var samples: [UInt8] = []
    /// Samples that wait for a datagram.
    public private(set) var waiting = 0

    /// As many samples as fit a datagram of an ordinary link.
    static let samplesPerDatagram = 7

    public init(agent: IPAddress, samplingRate: UInt32) {
        self.agent = agent
        self.samplingRate = max(1, samplingRate)
    }

    public var isFull: Bool { waiting >= Self.samplesPerDatagram }

    /// Adds a sampled packet to the datagram that is being filled.
    public mutating func add(_ packet: SimulatedPacket) {
        sampleSequence &+= 1
        waiting += 1
        // `flow_sample` with one `sampled_header`; both lengths are known only behind it.
        samples.append(big32: 1)
        let lengthPlace = samples.count
        samples.append(big32: 0)
        samples.append(big32: sampleSequence)
        samples.append(big32: 1)
        samples.append(big32: samplingRate)
        samples.append(big32: sampleSequence &* samplingRate)
        for value in [0, 1, 2, 1, 1] as [UInt32] { samples.append(big32: value) }
        let recordPlace = samples.count
        samples.append(big32: 0)
        samples.append(big32: 1)
        // The frame with its check sequence, of which 4 octets were stripped.
        samples.append(big32: UInt32(packet.ipLength + 14 + 4 * packet.vlans.count + 4))
        samples.append(big32: 4)
        let headerPlace = samples.count
        samples.append(big32: 0)
        packet.writeHeader(to: &samples)
        let headerLength = samples.count - headerPlace - 4
        while !(samples.count - headerPlace).isMultiple(of: 4) { samples.append(0) }
        samples.set(big16: UInt16(headerLength), at: headerPlace + 2)
        samples.set(big16: UInt16(samples.count - recordPlace - 4), at: recordPlace + 2)
        samples.set(big16: UInt16(samples.count - lengthPlace - 4), at: lengthPlace + 2)
    }

    /// The datagram with the samples that wait; nil where there are none.
    public mutating func datagram(at time: Timestamp) -> [UInt8]? {
        guard waiting > 0 else { return nil }
        sequence &+= 1
        var octets: [UInt8] = []
        octets.reserveCapacity(samples.count + 40)
        octets.append(big32: 5)
        octets.append(big32: agent.isIPv4 ? 1 : 2)
        octets.append(address: agent)
        octets.append(big32: 0)
        octets.append(big32: sequence)
        octets.append(big32: UInt32(truncatingIfNeeded: time.nanoseconds / 1_000_000))
        octets.append(big32: UInt32(waiting))
        octets += samples
        samples.removeAll(keepingCapacity: true)
        waiting = 0
        return octets
    }
}
