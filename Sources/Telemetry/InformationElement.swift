/// The information elements that a flow record is made of (IANA "IPFIX Information Elements"; NetFlow v9 shares the
/// numbers). The raw value is an index into `FieldValues`.
enum InformationElement: UInt8, Sendable {
    case sourceIPv4, destinationIPv4
    case octets, packets, reverseOctets, reversePackets
    case ipProtocol, sourcePort, destinationPort, tcpFlags, reverseTCPFlags
    case icmpTypeAndCode, icmpType, icmpCode, timeToLive, ipVersion
    case inputInterface, outputInterface
    case fragmentOffset, fragmentFlags
    case firstUpTime, lastUpTime, firstMilliseconds, lastMilliseconds, firstSeconds, lastSeconds
    case firstNTP, lastNTP, durationMilliseconds, durationMicroseconds, firstDeltaMicroseconds, lastDeltaMicroseconds,
        systemInit
    case samplerID, samplingInterval, samplerInterval, packetInterval, packetSpace
    case samplingAlgorithm, sampleSize, population, activeTimeout
    /// IE 311 as a floating-point number of 8 octets, and of 4.
    case probability, shortProbability
    case frameLength, forwardingStatus, notSentFlows, ignoredPackets
    case direction
    /// Of the other half of a biflow. The times are by the clock that the template names.
    case reverseICMPTypeAndCode, reverseICMPType, reverseICMPCode, reverseTimeToLive, reverseFirst, reverseLast
    /// From here on those that are more than a number.
    case sourceIPv6, destinationIPv6, ethernetSection, ipSection, payloadSection

    static let firstWide = InformationElement.sourceIPv6

    /// Elements by number, with a rank: of several that a template has for the same thing, the lowest rank counts.
    private static let known: [UInt16: (element: InformationElement, rank: Int)] = [
        8: (.sourceIPv4, 0), 12: (.destinationIPv4, 0), 27: (.sourceIPv6, 0), 28: (.destinationIPv6, 0),
        1: (.octets, 0), 85: (.octets, 1), 23: (.octets, 2), 171: (.octets, 3), 231: (.octets, 5),
        // Of frames; see `Template.Shape.countsFrames`.
        352: (.octets, 6), 353: (.octets, 7),
        2: (.packets, 0), 86: (.packets, 1), 24: (.packets, 2), 172: (.packets, 3), 298: (.packets, 4),
        // Of the responder (Cisco ASA): the other half of a connection.
        232: (.reverseOctets, 2), 299: (.reversePackets, 2),
        4: (.ipProtocol, 0), 7: (.sourcePort, 0), 180: (.sourcePort, 1), 182: (.sourcePort, 2),
        11: (.destinationPort, 0), 181: (.destinationPort, 1), 183: (.destinationPort, 2), 6: (.tcpFlags, 0),
        32: (.icmpTypeAndCode, 0), 139: (.icmpTypeAndCode, 1), 176: (.icmpType, 0), 178: (.icmpType, 1),
        177: (.icmpCode, 0), 179: (.icmpCode, 1), 192: (.timeToLive, 0), 52: (.timeToLive, 1), 60: (.ipVersion, 0),
        10: (.inputInterface, 0), 252: (.inputInterface, 1), 14: (.outputInterface, 0), 253: (.outputInterface, 1),
        88: (.fragmentOffset, 0), 197: (.fragmentFlags, 0),
        22: (.firstUpTime, 0), 21: (.lastUpTime, 0), 152: (.firstMilliseconds, 0), 153: (.lastMilliseconds, 0),
        150: (.firstSeconds, 0), 151: (.lastSeconds, 0), 154: (.firstNTP, 0), 155: (.lastNTP, 0),
        156: (.firstNTP, 1), 157: (.lastNTP, 1), 158: (.firstDeltaMicroseconds, 0), 159: (.lastDeltaMicroseconds, 0),
        161: (.durationMilliseconds, 0), 162: (.durationMicroseconds, 0), 160: (.systemInit, 0),
        302: (.samplerID, 0), 48: (.samplerID, 1), 34: (.samplingInterval, 0), 50: (.samplerInterval, 0),
        305: (.packetInterval, 0), 306: (.packetSpace, 0), 304: (.samplingAlgorithm, 0), 309: (.sampleSize, 0),
        310: (.population, 0), 311: (.probability, 0), 36: (.activeTimeout, 0),
        315: (.ethernetSection, 0), 104: (.ethernetSection, 1), 313: (.ipSection, 0), 314: (.payloadSection, 0),
        312: (.frameLength, 0), 61: (.direction, 0),
        89: (.forwardingStatus, 0), 166: (.notSentFlows, 0), 164: (.ignoredPackets, 0),
    ]

    /// The private enterprise number under which RFC 5103 puts the reverse direction of a biflow.
    static let reverseEnterprise: UInt32 = 29_305

    static func find(
        number: UInt16,
        enterprise: UInt32,
        length: UInt16
    ) -> (element: InformationElement, rank: Int)? {
        switch enterprise {
        case 0: return number == 311 && length == 4 ? (.shortProbability, 0) : known[number]
        case VendorElement.ixia: return VendorElement.ofIxia[number]
        case reverseEnterprise:
            switch number {
            case 1: return (.reverseOctets, 0)
            case 85: return (.reverseOctets, 3)
            case 352: return (.reverseOctets, 4)
            case 353: return (.reverseOctets, 5)
            case 2: return (.reversePackets, 0)
            case 86: return (.reversePackets, 3)
            case 6: return (.reverseTCPFlags, 0)
            case 32: return (.reverseICMPTypeAndCode, 0)
            case 139: return (.reverseICMPTypeAndCode, 1)
            case 176: return (.reverseICMPType, 0)
            case 178: return (.reverseICMPType, 1)
            case 177: return (.reverseICMPCode, 0)
            case 179: return (.reverseICMPCode, 1)
            case 192: return (.reverseTimeToLive, 0)
            case 52: return (.reverseTimeToLive, 1)
            default: return ReverseClock.find(number)
            }
        default: return nil
        }
    }
}
