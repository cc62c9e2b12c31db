public import NetworkTypes

/// The flow cache of a router: packets into flows, which are reported when they have lasted for the active time-out, when
/// nothing came for the inactive time-out, when a connection is over, and when the cache is full.
public struct FlowCache: Sendable {
    public struct Key: Hashable, Sendable {
        public var source: IPAddress
        public var destination: IPAddress
        public var sourcePort: UInt16 = 0
        public var destinationPort: UInt16 = 0
        public var ipProtocol: IPProtocol
        public var icmpType: UInt8 = 0
        public var icmpCode: UInt8 = 0
        /// In units of 8 octets, as many routers have it among what tells flows apart.
        public var fragmentOffset: UInt16
    }

    public struct Flow: Sendable {
        public var key: Key
        public var packets: UInt32 = 0
        public var octets: UInt64 = 0
        public var flags: TCPFlags = []
        public var timeToLive: UInt8
        public var first: Timestamp
        public var last: Timestamp
    }

    public let activeTimeout: Duration
    public let inactiveTimeout: Duration
    private let capacity: Int
    private var flows: [Flow?] = []
    private var free: [Int] = []
    private var places: [Key: Int] = [:]
    private var hand = 0

    public init(
        activeTimeout: Duration = .seconds(60),
        inactiveTimeout: Duration = .seconds(15),
        capacity: Int = 65_536
    ) {
        self.activeTimeout = activeTimeout
        self.inactiveTimeout = inactiveTimeout
        self.capacity = max(1, capacity)
    }

    /// Counts a packet. What had to give way, or is over with it, is appended to `expired`.
    public mutating func add(_ packet: SimulatedPacket, at time: Timestamp, expired: inout [Flow]) {
        let key = Key(packet)
        let place =
            places[key] ?? insert(Flow(key: key, timeToLive: packet.timeToLive, first: time, last: time), &expired)
        guard var flow = flows[place] else { return }
        flow.packets &+= 1
        flow.octets &+= UInt64(packet.ipLength)
        flow.last = time
        if case .tcp(_, _, let flags) = packet.transport { flow.flags.formUnion(flags) }
        flows[place] = flow
        if !flow.flags.isDisjoint(with: [.fin, .rst]) || time - flow.first >= activeTimeout { expire(place, &expired) }
    }

    private mutating func insert(_ flow: Flow, _ expired: inout [Flow]) -> Int {
        if free.isEmpty, flows.count >= capacity {
            hand = (hand + 1) % flows.count
            expire(hand, &expired)
        }
        let place: Int
        if let vacant = free.popLast() {
            place = vacant
            flows[place] = flow
        } else {
            place = flows.count
            flows.append(flow)
        }
        places[flow.key] = place
        return place
    }

    /// Takes out what has timed out. To be called a few times a second; each call looks at all flows.
    public mutating func expire(at time: Timestamp, _ expired: inout [Flow]) {
        for place in flows.indices {
            guard let flow = flows[place] else { continue }
            if time - flow.last >= inactiveTimeout || time - flow.first >= activeTimeout { expire(place, &expired) }
        }
    }

    private mutating func expire(_ place: Int, _ expired: inout [Flow]) {
        guard let flow = flows[place] else { return }
        expired.append(flow)
        places[flow.key] = nil
        flows[place] = nil
        free.append(place)
    }
}

extension FlowCache.Key {
    init(_ packet: SimulatedPacket) {
        source = packet.source
        destination = packet.destination
        ipProtocol = packet.ipProtocol
        fragmentOffset = packet.fragment?.offset ?? 0
        guard packet.hasTransportHeader else { return }
        switch packet.transport {
        case .udp(let from, let to), .tcp(let from, let to, _): (sourcePort, destinationPort) = (from, to)
        case .icmp(let type, let code): (icmpType, icmpCode) = (type, code)
        case .other: break
        }
    }
}
