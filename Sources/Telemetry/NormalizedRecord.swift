public import NetworkTypes

/// One record as an exporter told it, for people: everything known by name, as `floodgate decode --telemetry` prints it.
/// What counts (addresses, ports, amounts) is taken from the flow record that the counters get.
public struct NormalizedRecord: Sendable, Hashable {
    /// The names, with units where the name does not say it. `bytes` are of the IP layer, not multiplied by sampling.
    public enum Key: String, Sendable, Hashable {
        case fmt, kind, agent, template, odid, datagram, engine, expanded, records, elements, reverse, tunnel, inner,
            short
        case src, dst, proto, sport, dport, bytes, packets, sampling, tos, ttl, frag, mpls, vlan, vlans, vrf, vni, pppoe
        case subAgent = "sub_agent", samplingMode = "sampling_mode", samplingUsed = "sampling_used"
        case samplingSource = "sampling_source", samplerID = "sampler_id", samplePool = "sample_pool", drops
        case inputInterface = "in_if", outputInterface = "out_if", inputFormat = "in_fmt", outputFormat = "out_fmt"
        case tcpFlags = "tcp_flags", icmpType = "icmp_type", icmpCode = "icmp_code", flowLabel = "flow_label"
        case startMilliseconds = "start_ms", endMilliseconds = "end_ms", durationMilliseconds = "duration_ms"
        case sourceAS = "src_as", destinationAS = "dst_as", sourceMask = "src_mask", destinationMask = "dst_mask"
        case asPath = "as_path", nextHop = "nexthop", bgpNextHop = "bgp_nexthop", direction, etherType = "etype"
        case sourceMAC = "src_mac", destinationMAC = "dst_mac", destinationVLAN = "dst_vlan", switchVLANs = "sw_vlan"
        case forwardingStatus = "fwd_status", flowID = "flow_id", endReason = "end_reason", firewallEvent = "fw_event"
        case natEvent = "nat_event", natSource = "nat_src", natDestination = "nat_dst", natSourcePort = "nat_sport"
        case natDestinationPort = "nat_dport", exporter, outerSource = "outer_src", outerDestination = "outer_dst"
        case ipLength = "ip_len", frameLength = "frame_len", ethernetLength = "eth_len", stripped
        case headerProtocol = "header_protocol", headerSection = "header_section", sampleFormat = "sample_format"
        case activeTimeout = "active_timeout", inactiveTimeout = "inactive_timeout", offset = "off", moreFollow = "mf"
        case minimumTTL = "min_ttl", maximumTTL = "max_ttl", fragmentOffset = "frag_off", droppedPackets =
            "dropped_packets", interface, fragmentFlags = "frag_flags"
        case bitsPerSecond = "bps", inputBytes = "in_bytes", outputBytes = "out_bytes", reason
    }

    public enum Value: Sendable, Hashable {
        case unsigned(UInt64)
        case signed(Int64)
        case flag(Bool)
        case text(String)
        case address(IPAddress)
        /// Of the lower 48 bits.
        case macAddress(UInt64)
        case numbers([UInt64])
        case pairs([[UInt64]])
        case elements([Element])
        case record(NormalizedRecord)
        case null
    }

    /// A field of an options record: its octets as they came.
    public struct Element: Sendable, Hashable {
        public var isScope: Bool
        public var enterprise: UInt32
        public var number: UInt16
        public var octets: [UInt8]
    }

    /// In the order in which they were found; no key twice.
    public private(set) var fields: [(key: Key, value: Value)] = []

    init() { fields.reserveCapacity(32) }

    /// A record of traffic by address, not of the exporter itself.
    public var isFlow: Bool {
        self[.src] != nil && self[.dst] != nil && (self[.kind] ?? .text("flow")) == .text("flow")
    }

    public subscript(_ key: Key) -> Value? { fields.first { $0.key == key }?.value }

    /// The first to say something is right.
    mutating func add(_ key: Key, _ value: Value) {
        if self[key] == nil { fields.append((key, value)) }
    }

    mutating func add(_ key: Key, _ value: some UnsignedInteger) { add(key, .unsigned(UInt64(value))) }

    mutating func add(_ key: Key, _ value: IPAddress) { add(key, .address(value)) }

    mutating func set(_ key: Key, _ value: Value) {
        if let index = fields.firstIndex(where: { $0.key == key }) {
            fields[index].value = value
        } else {
            fields.append((key, value))
        }
    }

    mutating func remove(_ key: Key) { fields.removeAll { $0.key == key } }

    /// Adds all that another has and this has not.
    mutating func add(contentsOf other: NormalizedRecord) {
        for field in other.fields { add(field.key, field.value) }
    }

    public static func == (left: Self, right: Self) -> Bool {
        left.fields.elementsEqual(right.fields) { $0.key == $1.key && $0.value == $1.value }
    }

    public func hash(into hasher: inout Hasher) {
        for field in fields {
            hasher.combine(field.key)
            hasher.combine(field.value)
        }
    }
}
