internal import NetworkTypes

/// Room for the values of one record: allocated once for each exporter, as half a kilobyte on the stack would be copied at
/// each turn.
// Safe: allocated in init, freed in deinit; indices are those of the elements, of which there are fewer than places.
@safe
final class FieldStorage {
    fileprivate let numbers: UnsafeMutablePointer<UInt64>
    private static let places = 64

    init() {
        unsafe numbers = .allocate(capacity: Self.places)
        reset()
    }

    deinit { unsafe numbers.deallocate() }

    fileprivate func reset() { unsafe numbers.update(repeating: 0, count: Self.places) }
}

/// The values of one record before they mean anything: a number for each element that the template has, by its index.
/// Those of a fixed layout are all written anew by each record, so only records of varying ones need to be emptied.
// Safe: the storage belongs to the exporter's state, which outlives the decoding of a datagram of its.
@safe
struct FieldValues {
    private let numbers: UnsafeMutablePointer<UInt64>
    private var present: UInt64 = 0
    /// The lower halves of the IPv6 addresses.
    private var sourceLow: UInt64 = 0
    private var destinationLow: UInt64 = 0
    /// Where a packet section lies in the data set.
    private(set) var sectionOffset = 0
    private(set) var sectionLength = 0
    /// The same of the payload of an IP packet (IE 314).
    private(set) var payload = 0..<0

    /// Empty values in a storage, which serves one record at a time.
    init(in storage: FieldStorage) {
        storage.reset()
        unsafe numbers = storage.numbers
    }

    @inline(__always)
    func has(_ element: InformationElement) -> Bool { present & (1 << UInt64(element.rawValue)) != 0 }

    /// 0 where there is none.
    @inline(__always)
    private subscript(_ element: InformationElement) -> UInt64 {
        unsafe numbers[Int(element.rawValue)]
    }

    @inline(__always)
    private subscript<Number: FixedWidthInteger>(_ element: InformationElement) -> Number {
        Number(truncatingIfNeeded: self[element] as UInt64)
    }

    /// Takes the value of one field out of a data set that holds it whole.
    @inline(__always)
    mutating func take(_ element: InformationElement, from set: RawSpan, at offset: Int, length: Int) {
        guard length > 0 else { return }
        present |= 1 << UInt64(element.rawValue)
        guard element.rawValue < InformationElement.firstWide.rawValue else {
            takeWide(element, from: set, at: offset, length: length)
            return
        }
        unsafe numbers[Int(element.rawValue)] = set.unsigned(offset, length: length)
    }

    private mutating func takeWide(_ element: InformationElement, from set: RawSpan, at offset: Int, length: Int) {
        switch element {
        case .sourceIPv6:
            unsafe numbers[Int(element.rawValue)] = set.uint64(offset)
            sourceLow = set.uint64(offset &+ 8)
        case .destinationIPv6:
            unsafe numbers[Int(element.rawValue)] = set.uint64(offset)
            destinationLow = set.uint64(offset &+ 8)
        case .payloadSection:
            payload = offset..<(offset &+ length)
        default:
            sectionOffset = offset
            sectionLength = length
        }
    }

    // MARK: By name

    var sourceIPv4: IPAddress { has(.sourceIPv4) ? IPAddress(v4: self[.sourceIPv4]) : .unspecified }
    var destinationIPv4: IPAddress { has(.destinationIPv4) ? IPAddress(v4: self[.destinationIPv4]) : .unspecified }
    var sourceIPv6: IPAddress { IPAddress(high: self[.sourceIPv6], low: sourceLow) }
    var destinationIPv6: IPAddress { IPAddress(high: self[.destinationIPv6], low: destinationLow) }
    var octets: UInt64 { self[.octets] }
    var packets: UInt64 { self[.packets] }
    var reverseOctets: UInt64 { self[.reverseOctets] }
    var reversePackets: UInt64 { self[.reversePackets] }
    var ipProtocol: UInt8 { self[.ipProtocol] }
    var sourcePort: UInt16 { self[.sourcePort] }
    var destinationPort: UInt16 { self[.destinationPort] }
    var tcpFlags: UInt8 { self[.tcpFlags] }
    var reverseTCPFlags: UInt8 { self[.reverseTCPFlags] }
    var icmpTypeAndCode: UInt16 { self[.icmpTypeAndCode] }
    var icmpType: UInt8 { self[.icmpType] }
    var icmpCode: UInt8 { self[.icmpCode] }
    var timeToLive: UInt8 { self[.timeToLive] }
    var ipVersion: UInt8 { self[.ipVersion] }
    var inputInterface: UInt32 { self[.inputInterface] }
    var outputInterface: UInt32 { self[.outputInterface] }
    var fragmentOffset: UInt16 { self[.fragmentOffset] }
    var fragmentFlags: UInt8 { self[.fragmentFlags] }
    var systemInit: UInt64 { self[.systemInit] }
    /// How long the flow lasted, where the record says so (IE 161 and 162).
    var milliseconds: UInt64 {
        has(.durationMicroseconds) ? self[.durationMicroseconds] / 1000 : self[.durationMilliseconds]
    }
    var hasDuration: Bool { has(.durationMilliseconds) || has(.durationMicroseconds) }
    var samplerID: UInt64 { self[.samplerID] }
    var samplingInterval: UInt64 { self[.samplingInterval] }
    var samplerInterval: UInt64 { self[.samplerInterval] }
    var packetInterval: UInt64 { self[.packetInterval] }
    var packetSpace: UInt64 { self[.packetSpace] }
    var samplingAlgorithm: UInt64 { self[.samplingAlgorithm] }
    var sampleSize: UInt64 { self[.sampleSize] }
    var population: UInt64 { self[.population] }
    var activeTimeout: UInt64 { self[.activeTimeout] }
    var frameLength: UInt64 { self[.frameLength] }
    var forwardingStatus: UInt8 { self[.forwardingStatus] }
    /// 0: on their way in; 1: out.
    var direction: UInt8 { self[.direction] }
    var reverseICMPTypeAndCode: UInt16 { self[.reverseICMPTypeAndCode] }
    var reverseICMPType: UInt8 { self[.reverseICMPType] }
    var reverseICMPCode: UInt8 { self[.reverseICMPCode] }
    var reverseTimeToLive: UInt8 { self[.reverseTimeToLive] }
    var hasReverseICMP: Bool { has(.reverseICMPTypeAndCode) || has(.reverseICMPType) }
    var notSentFlows: UInt64 { self[.notSentFlows] }
    var ignoredPackets: UInt64 { self[.ignoredPackets] }

    /// Whether the record says anything of sampling.
    var tellsSampling: Bool {
        has(.samplerID) || has(.samplingInterval) || has(.samplerInterval) || has(.packetInterval)
            || has(.population) || has(.probability) || has(.shortProbability)
    }

    /// IE 311 as far as it is one; else 0.
    var probability: Double {
        let value =
            has(.shortProbability)
            ? Double(Float(bitPattern: self[.shortProbability])) : Double(bitPattern: self[.probability])
        return value.isFinite && value > 0 && value <= 1 ? value : 0
    }

    /// A time by the element that tells it.
    func time(_ element: InformationElement) -> UInt64 { self[element] }

    /// Addresses of a tunnel and of what is in it (SRv6): the IPv4 pair is that of the inner packet.
    var isDual: Bool {
        ipVersion == 0 && sourceIPv4.v4 != 0 && destinationIPv4.v4 != 0 && has(.sourceIPv6)
            && has(.destinationIPv6) && sourceIPv6 != .unspecified && destinationIPv6 != .unspecified
    }

    var hasICMP: Bool { has(.icmpTypeAndCode) || has(.icmpType) || sourcePort == 0 && destinationPort != 0 }
}
