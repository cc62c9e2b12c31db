internal import NetworkTypes
internal import Telemetry

/// What one record adds to counters: its scaled packets and octets, and the classes it is of.
struct Contribution {
    let amount: TrafficAmount
    let classes: TrafficClassSet
    /// What packets and octets were multiplied by.
    let rate: UInt32

    @inline(__always)
    init(_ record: FlowRecord, classes: TrafficClassSet) {
        rate = max(1, record.samplingRate)
        self.classes = classes
        amount = TrafficAmount(
            packets: Self.scaled(record.packets, rate),
            bytes: Self.scaled(record.bytes, rate),
            // A sampled packet tells nothing of how many flows there are.
            flows: record.traits.contains(.isPacket) ? 0 : 1
        )
    }

    @inline(__always)
    static func classes(of record: FlowRecord) -> TrafficClassSet {
        var classes = TrafficClassSet.total
        switch record.ipProtocol.rawValue {
        case 6:
            classes.insert(.tcp)
            if record.tcpFlags.isConnectionAttempt { classes.insert(.tcpSYN) }
        case 17: classes.insert(.udp)
        case 1, 58: classes.insert(.icmp)
        default: break
        }
        if record.traits.contains(.isFragment) { classes.insert(.fragments) }
        return classes
    }

    @inline(__always)
    private static func scaled(_ value: UInt64, _ rate: UInt32) -> UInt64 {
        let (product, overflow) = value.multipliedReportingOverflow(by: UInt64(rate))
        return overflow ? TrafficAmount.largestRecord : min(product, TrafficAmount.largestRecord)
    }

    /// How long its packets flowed, rounded up.
    private static func wholeSeconds(of record: FlowRecord) -> UInt16 {
        let (seconds, rest) = (record.last - record.first).nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return UInt16(clamping: rest > 0 ? seconds + 1 : seconds)
    }

    func sample(of record: FlowRecord, exporter: IPAddress) -> TrafficSample {
        TrafficSample(
            source: record.source,
            destination: record.destination,
            packets: amount.packets,
            bytes: amount.bytes,
            time: record.last,
            exporter: exporter,
            inputInterface: record.inputInterface,
            sourcePort: record.sourcePort,
            destinationPort: record.destinationPort,
            ipProtocol: record.ipProtocol,
            tcpFlags: record.tcpFlags,
            icmpType: record.icmpType,
            icmpCode: record.icmpCode,
            timeToLive: record.timeToLive,
            isFragment: record.traits.contains(.isFragment),
            flowSeconds: Self.wholeSeconds(of: record)
        )
    }
}
