internal import NetworkTypes

/// The values of one record before they mean anything. Lives on the stack and is filled anew for each record.
struct FieldValues: BitwiseCopyable {
    var present: UInt64 = 0
    var sourceIPv4 = IPAddress.unspecified
    var destinationIPv4 = IPAddress.unspecified
    var sourceIPv6 = IPAddress.unspecified
    var destinationIPv6 = IPAddress.unspecified
    var octets: UInt64 = 0
    var packets: UInt64 = 0
    var reverseOctets: UInt64 = 0
    var reversePackets: UInt64 = 0
    var first: UInt64 = 0
    var last: UInt64 = 0
    var systemInit: UInt64 = 0
    var duration: UInt64 = 0
    var samplerID: UInt64 = 0
    var samplingInterval: UInt64 = 0
    var samplerInterval: UInt64 = 0
    var packetInterval: UInt64 = 0
    var packetSpace: UInt64 = 0
    var samplingAlgorithm: UInt64 = 0
    var sampleSize: UInt64 = 0
    var population: UInt64 = 0
    var probabilityBits: UInt64 = 0
    var probabilityLength = 0
    var activeTimeout: UInt64 = 0
    var frameLength: UInt64 = 0
    var notSentFlows: UInt64 = 0
    var ignoredPackets: UInt64 = 0
    var inputInterface: UInt32 = 0
    var outputInterface: UInt32 = 0
    var sourcePort: UInt16 = 0
    var destinationPort: UInt16 = 0
    var icmpTypeAndCode: UInt16 = 0
    var fragmentOffset: UInt16 = 0
    var ipProtocol: UInt8 = 0
    var tcpFlags: UInt8 = 0
    var reverseTCPFlags: UInt8 = 0
    var icmpType: UInt8 = 0
    var icmpCode: UInt8 = 0
    var timeToLive: UInt8 = 0
    var ipVersion: UInt8 = 0
    var fragmentFlags: UInt8 = 0
    var forwardingStatus: UInt8 = 0
    /// Where a packet section lies in the data set.
    var sectionOffset = 0
    var sectionLength = 0

    @inline(__always)
    func has(_ element: InformationElement) -> Bool { present & (1 << UInt64(element.rawValue)) != 0 }

    /// Addresses of a tunnel and of what is in it (SRv6): the IPv4 pair is that of the inner packet.
    var isDual: Bool {
        ipVersion == 0 && sourceIPv4.v4 != 0 && destinationIPv4.v4 != 0 && has(.sourceIPv6)
            && has(.destinationIPv6) && sourceIPv6 != .unspecified && destinationIPv6 != .unspecified
    }

    var hasICMP: Bool { has(.icmpTypeAndCode) || has(.icmpType) || sourcePort == 0 && destinationPort != 0 }

    /// Takes the value of one field out of a data set that holds it whole.
    @inline(__always)
    mutating func take(_ element: InformationElement, from set: RawSpan, at offset: Int, length: Int) {
        guard length > 0 else { return }
        present |= 1 << UInt64(element.rawValue)
        switch element {
        case .sourceIPv4: sourceIPv4 = set.ipv4(offset)
        case .destinationIPv4: destinationIPv4 = set.ipv4(offset)
        case .sourceIPv6: sourceIPv6 = set.ipv6(offset)
        case .destinationIPv6: destinationIPv6 = set.ipv6(offset)
        case .ethernetSection, .ipSection:
            sectionOffset = offset
            sectionLength = length
        default: take(element, set.unsigned(offset, length: length), length: length)
        }
    }

    @inline(__always)
    private mutating func take(_ element: InformationElement, _ value: UInt64, length: Int) {
        switch element {
        case .octets: octets = value
        case .packets: packets = value
        case .reverseOctets: reverseOctets = value
        case .reversePackets: reversePackets = value
        case .ipProtocol: ipProtocol = UInt8(truncatingIfNeeded: value)
        case .sourcePort: sourcePort = UInt16(truncatingIfNeeded: value)
        case .destinationPort: destinationPort = UInt16(truncatingIfNeeded: value)
        case .tcpFlags: tcpFlags = UInt8(truncatingIfNeeded: value)
        case .reverseTCPFlags: reverseTCPFlags = UInt8(truncatingIfNeeded: value)
        case .icmpTypeAndCode: icmpTypeAndCode = UInt16(truncatingIfNeeded: value)
        case .icmpType: icmpType = UInt8(truncatingIfNeeded: value)
        case .icmpCode: icmpCode = UInt8(truncatingIfNeeded: value)
        case .timeToLive: timeToLive = UInt8(truncatingIfNeeded: value)
        case .ipVersion: ipVersion = UInt8(truncatingIfNeeded: value)
        case .inputInterface: inputInterface = UInt32(truncatingIfNeeded: value)
        case .outputInterface: outputInterface = UInt32(truncatingIfNeeded: value)
        case .fragmentOffset: fragmentOffset = UInt16(truncatingIfNeeded: value)
        case .fragmentFlags: fragmentFlags = UInt8(truncatingIfNeeded: value)
        case .firstUpTime, .firstMilliseconds, .firstSeconds, .firstNTP, .firstDeltaMicroseconds: first = value
        case .lastUpTime, .lastMilliseconds, .lastSeconds, .lastNTP, .lastDeltaMicroseconds: last = value
        case .durationMilliseconds: duration = value
        case .systemInit: systemInit = value
        case .samplerID: samplerID = value
        case .samplingInterval: samplingInterval = value
        case .samplerInterval: samplerInterval = value
        case .packetInterval: packetInterval = value
        case .packetSpace: packetSpace = value
        case .samplingAlgorithm: samplingAlgorithm = value
        case .sampleSize: sampleSize = value
        case .population: population = value
        case .probability:
            probabilityBits = value
            probabilityLength = length
        case .activeTimeout: activeTimeout = value
        case .frameLength: frameLength = value
        case .forwardingStatus: forwardingStatus = UInt8(truncatingIfNeeded: value)
        case .notSentFlows: notSentFlows = value
        case .ignoredPackets: ignoredPackets = value
        case .sourceIPv4, .destinationIPv4, .sourceIPv6, .destinationIPv6, .ethernetSection, .ipSection: break
        }
    }
}
