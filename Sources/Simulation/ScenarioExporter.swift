public import NetworkTypes

/// What a network tells of its traffic: packets that were looked at go in, datagrams come out at the times when a router
/// would send them.
public struct ScenarioExporter: Sendable {
    public enum Telemetry: Sendable, Hashable {
        /// One packet in so many.
        case sFlow(UInt32)
        /// Flows of one packet in so many, reported each 60 s, or when nothing came for 15 s.
        case netFlow9(UInt32)
        case ipfix(UInt32)

        public var samplingRate: UInt32 {
            switch self {
            case .sFlow(let rate), .netFlow9(let rate), .ipfix(let rate): max(1, rate)
            }
        }

        /// Whether each record is of a packet, told of at once.
        public var isOfPackets: Bool { if case .sFlow = self { true } else { false } }

        /// How many seconds after a packet it may be told of at the latest.
        public var longestDelay: Double { isOfPackets ? 0 : 60 }
    }

    public struct Datagram: Sendable, Hashable {
        public var time: Timestamp
        public var octets: [UInt8]
    }

    public static let address = IPAddress(192, 0, 2, 1)

    private var samples: SFlowEncoder?
    private var cache = FlowCache()
    private var encoder: FlowEncoder?
    private var next: Timestamp
    private var expired: [FlowCache.Flow] = []

    /// How long a sample waits for a datagram to be full, and how often the flow cache is looked through.
    private static let flushInterval = Duration.milliseconds(50)
    private static let scanInterval = Duration.milliseconds(500)

    /// - Parameter number: tells exporters apart that send from one address.
    public init(_ telemetry: Telemetry, number: UInt32 = 1, startingAt time: Timestamp) {
        let agent = IPAddress(v4: Self.address.v4 &+ number &- 1)
        switch telemetry {
        case .sFlow(let rate):
            samples = SFlowEncoder(agent: agent, samplingRate: rate)
            next = time + Self.flushInterval
        case .netFlow9(let rate):
            encoder = FlowEncoder(.netFlow9, samplingRate: rate, domain: number, startingAt: time)
            next = time
        case .ipfix(let rate):
            encoder = FlowEncoder(.ipfix, samplingRate: rate, domain: number, startingAt: time)
            next = time
        }
    }

    /// Takes a packet that is not older than any before it, and hands out what is to be sent up to then.
    public mutating func receive(_ packet: SimulatedPacket, at time: Timestamp, send: (Datagram) -> Void) {
        advance(to: time, send: send)
        if samples != nil {
            samples?.add(packet)
            if samples?.isFull == true { flushSamples(at: time, send: send) }
        } else {
            cache.add(packet, at: time, expired: &expired)
        }
    }

    /// Lets time pass without packets.
    public mutating func advance(to time: Timestamp, send: (Datagram) -> Void) {
        while next <= time {
            if samples != nil {
                flushSamples(at: next, send: send)
                next = next + Self.flushInterval
            } else {
                flushFlows(at: next, send: send)
                next = next + Self.scanInterval
            }
        }
    }

    private mutating func flushSamples(at time: Timestamp, send: (Datagram) -> Void) {
        if let octets = samples?.datagram(at: time) { send(Datagram(time: time, octets: octets)) }
    }

    private mutating func flushFlows(at time: Timestamp, send: (Datagram) -> Void) {
        cache.expire(at: time, &expired)
        for octets in encoder?.messages(for: expired, at: time) ?? [] { send(Datagram(time: time, octets: octets)) }
        expired.removeAll(keepingCapacity: true)
    }
}
