internal import NetworkTypes
internal import Telemetry

/// What one record adds to counters: its scaled packets and octets, and the classes it is of.
struct Contribution {
    let packets: UInt64
    let bytes: UInt64
    /// 1 for a flow record. A sampled packet tells nothing of how many flows there are.
    let flows: UInt32
    /// A bit for each class besides the total.
    let classes: UInt8

    @inline(__always)
    init(_ record: FlowRecord, rate: UInt32) {
        packets = Self.scaled(record.packets, rate)
        bytes = Self.scaled(record.bytes, rate)
        flows = record.traits.contains(.isPacket) ? 0 : 1
        var classes: UInt8 = 0
        switch record.ipProtocol.rawValue {
        case 6:
            classes = 1 << UInt8(TrafficClass.tcp.rawValue)
            if record.tcpFlags.isConnectionAttempt { classes |= 1 << UInt8(TrafficClass.tcpSYN.rawValue) }
        case 17: classes = 1 << UInt8(TrafficClass.udp.rawValue)
        case 1, 58: classes = 1 << UInt8(TrafficClass.icmp.rawValue)
        default: break
        }
        if record.traits.contains(.isFragment) { classes |= 1 << UInt8(TrafficClass.fragments.rawValue) }
        self.classes = classes
    }

    @inline(__always)
    private static func scaled(_ value: UInt64, _ rate: UInt32) -> UInt64 {
        let (product, overflow) = value.multipliedReportingOverflow(by: UInt64(rate))
        return overflow ? TrafficCounters.largestRecord : min(product, TrafficCounters.largestRecord)
    }

    @inline(__always)
    func add(to counters: inout TrafficCounters) {
        counters.packets[0] &+= packets
        counters.bytes[0] &+= bytes
        counters.flows[0] &+= flows
        var rest = classes
        while rest != 0 {
            let index = rest.trailingZeroBitCount
            counters.packets[index] &+= packets
            counters.bytes[index] &+= bytes
            counters.flows[index] &+= flows
            rest &= rest &- 1
        }
    }

    func sample(of record: FlowRecord) -> TrafficSample {
        TrafficSample(
            source: record.source,
            destination: record.destination,
            packets: packets,
            bytes: bytes,
            sourcePort: record.sourcePort,
            destinationPort: record.destinationPort,
            ipProtocol: record.ipProtocol,
            tcpFlags: record.tcpFlags,
            icmpType: record.icmpType,
            icmpCode: record.icmpCode,
            timeToLive: record.timeToLive,
            isFragment: record.traits.contains(.isFragment)
        )
    }
}
