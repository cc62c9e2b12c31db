internal import NetworkTypes

/// Where the values lie in records that have only what those of most templates have: one pair of addresses, plain
/// counters, one clock, every field of a fixed length.
///
/// Such records are read straight into flow records. All others go by way of `FieldValues`, which reads these as well,
/// to the same result.
struct PlainLayout: BitwiseCopyable {
    /// A number in a record: eight octets from where it begins, of which the first are its own.
    struct Place: BitwiseCopyable {
        private var offset: UInt16 = 0
        /// In octets; 0 where the record has no such field, which then reads as 0.
        private var length: UInt8 = 0
        /// What of eight octets is to the right of it, in bits.
        private var shift: UInt8 = 0
        private var mask: UInt64 = 0

        init() {}

        /// - Parameter length: 1…8.
        init(offset: UInt16, length: UInt8) {
            self.offset = offset
            self.length = length
            shift = 64 - 8 * length
            mask = .max >> UInt64(shift)
        }

        @inline(__always)
        var isThere: Bool { length > 0 }

        @inline(__always)
        func value<Number: FixedWidthInteger>(in octets: Octets) -> Number {
            guard octets.areFollowed else { return exactValue(in: octets) }
            return Number(truncatingIfNeeded: octets.eight(Int(offset)) &>> UInt64(shift) & mask)
        }

        /// Reads no more than its own octets.
        @inline(never)
        private func exactValue<Number: FixedWidthInteger>(in octets: Octets) -> Number {
            guard length > 0 else { return 0 }
            return Number(truncatingIfNeeded: octets.body.unsigned(octets.start &+ Int(offset), length: Int(length)))
        }
    }

    /// The octets of a record, from `start` on in `body`.
    struct Octets: ~Escapable {
        fileprivate let body: RawSpan
        fileprivate let start: Int
        /// Whether there are eight more behind the record: then eight may be read wherever in the record a field begins.
        fileprivate let areFollowed: Bool

        /// Nil where less than a record is left.
        @inline(__always)
        @_lifetime(copy body)
        init?(_ body: RawSpan, from start: Int, length: Int) {
            let left = body.byteCount &- start
            guard start >= 0, left >= length else { return nil }
            self.body = body
            self.start = start
            areFollowed = left >= length &+ 8
        }

        @inline(__always)
        fileprivate func eight(_ offset: Int) -> UInt64 {
            // Safe: fields begin within the record (`init` of the layout), and behind the record there are eight octets.
            unsafe UInt64(
                bigEndian: body.unsafeLoadUnaligned(fromUncheckedByteOffset: start &+ offset, as: UInt64.self)
            )
        }

        @inline(__always)
        fileprivate func ipv4(_ offset: Int) -> IPAddress { body.ipv4(start &+ offset) }
        @inline(__always)
        fileprivate func ipv6(_ offset: Int) -> IPAddress { body.ipv6(start &+ offset) }
    }

    private enum Clock: UInt8, BitwiseCopyable {
        case none, upTime, milliseconds
    }

    private var isIPv6 = false
    private var clock = Clock.none
    private var source = 0
    private var destination = 0
    private var packets = Place()
    private var octets = Place()
    private var first = Place()
    private var last = Place()
    private var ipProtocol = Place()
    private var sourcePort = Place()
    private var destinationPort = Place()
    private var tcpFlags = Place()
    private var timeToLive = Place()
    private var icmpTypeAndCode = Place()
    private var fragmentOffset = Place()
    private var fragmentFlags = Place()
    private var inputInterface = Place()
    private var outputInterface = Place()
    private var forwardingStatus = Place()
    private(set) var sampler = Place()
    /// Only where it matters.
    private(set) var direction = Place()

    /// Nil where records have anything else.
    /// - Parameter recordLength: all fields lie within.
    init?(_ fields: [Template.Field], recordLength: Int) {
        var addresses: [InformationElement: Int] = [:]
        for field in fields {
            guard let element = field.element, field.length != Template.Field.variable,
                Int(field.offset) + Int(field.length) <= recordLength
            else { return nil }
            if [.sourceIPv4, .destinationIPv4, .sourceIPv6, .destinationIPv6].contains(element) {
                addresses[element] = Int(field.offset)
                continue
            }
            // Of one pair of addresses it does not matter which version is told.
            if element == .ipVersion { continue }
            guard let path = Self.path(of: element), let length = UInt8(exactly: field.length), length <= 8 else {
                return nil
            }
            self[keyPath: path] = Place(offset: field.offset, length: length)
            if let told = Self.clock(of: element) {
                guard clock == .none || clock == told else { return nil }
                clock = told
            }
        }
        guard addresses.count == 2, first.isThere == last.isThere else { return nil }
        if let source = addresses[.sourceIPv4], let destination = addresses[.destinationIPv4] {
            (self.source, self.destination) = (source, destination)
        } else if let source = addresses[.sourceIPv6], let destination = addresses[.destinationIPv6] {
            (self.source, self.destination, isIPv6) = (source, destination, true)
        } else {
            return nil
        }
    }

    private static func path(of element: InformationElement) -> WritableKeyPath<PlainLayout, Place>? {
        switch element {
        case .packets: \.packets
        case .octets: \.octets
        case .firstUpTime, .firstMilliseconds: \.first
        case .lastUpTime, .lastMilliseconds: \.last
        case .ipProtocol: \.ipProtocol
        case .sourcePort: \.sourcePort
        case .destinationPort: \.destinationPort
        case .tcpFlags: \.tcpFlags
        case .timeToLive: \.timeToLive
        case .icmpTypeAndCode: \.icmpTypeAndCode
        case .fragmentOffset: \.fragmentOffset
        case .fragmentFlags: \.fragmentFlags
        case .inputInterface: \.inputInterface
        case .outputInterface: \.outputInterface
        case .forwardingStatus: \.forwardingStatus
        case .samplerID: \.sampler
        case .direction: \.direction
        default: nil
        }
    }

    private static func clock(of element: InformationElement) -> Clock? {
        switch element {
        case .firstUpTime, .lastUpTime: .upTime
        case .firstMilliseconds, .lastMilliseconds: .milliseconds
        default: nil
        }
    }

    // MARK: Reading

    /// What a record says but for its times and how it was sampled, into one that says nothing yet.
    @inline(__always)
    func read(_ octets: Octets, into record: inout FlowRecord) {
        record.source = address(source, in: octets)
        record.destination = address(destination, in: octets)
        record.packets = packets.value(in: octets)
        record.bytes = self.octets.value(in: octets)
        record.inputInterface = inputInterface.value(in: octets)
        record.outputInterface = outputInterface.value(in: octets)
        record.ipProtocol = IPProtocol(rawValue: ipProtocol.value(in: octets))
        record.tcpFlags = TCPFlags(rawValue: tcpFlags.value(in: octets))
        record.timeToLive = timeToLive.value(in: octets)
        readPorts(in: octets, into: &record)
        if fragmentOffset.isThere || fragmentFlags.isThere || forwardingStatus.isThere {
            readTraits(in: octets, into: &record)
        }
    }

    @inline(__always)
    private func address(_ offset: Int, in octets: Octets) -> IPAddress {
        isIPv6 ? octets.ipv6(offset) : octets.ipv4(offset)
    }

    @inline(__always)
    private func readPorts(in octets: Octets, into record: inout FlowRecord) {
        let source: UInt16 = sourcePort.value(in: octets)
        let destination: UInt16 = destinationPort.value(in: octets)
        guard record.ipProtocol.isICMP else {
            record.sourcePort = source
            record.destinationPort = destination
            return
        }
        // As NetFlow v5 has it where there is no field for it: in the destination port.
        let both: UInt16 =
            icmpTypeAndCode.isThere
            ? icmpTypeAndCode.value(in: octets) : source == 0 ? destination : 0
        record.icmpType = UInt8(both >> 8)
        record.icmpCode = UInt8(both & 0xFF)
    }

    private func readTraits(in octets: Octets, into record: inout FlowRecord) {
        let (offset, flags): (UInt16, UInt8) =
            (fragmentOffset.value(in: octets), fragmentFlags.value(in: octets))
        if offset > 0 || flags & FlowValues.moreFragments != 0 { record.traits.insert(.isFragment) }
        let status: UInt8 = forwardingStatus.value(in: octets)
        if status >> 6 == FlowValues.droppedStatus { record.traits.insert(.isDropped) }
    }

    /// When the flow was, by the exporter's clock.
    @inline(__always)
    func span(in octets: Octets, by clock: MessageClock) -> FlowSpan {
        switch self.clock {
        case .none: .now
        case .upTime: clock.span(upTimes: first.value(in: octets), last.value(in: octets))
        case .milliseconds: clock.span(first.value(in: octets), last.value(in: octets))
        }
    }
}
