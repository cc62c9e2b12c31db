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
        // Without branches, as no processor can foresee the protocol of the next record.
        let number = record.ipProtocol.rawValue
        let isTCP = number == 6
        return TrafficClassSet.total
            .union(.tcp, isTCP)
            .union(.tcpSYN, isTCP && record.tcpFlags.isConnectionAttempt)
            .union(.udp, number == 17)
            .union(.icmp, number == 1 || number == 58)
            .union(.fragments, record.traits.contains(.isFragment))
    }

    @inline(__always)
    private static func scaled(_ value: UInt64, _ rate: UInt32) -> UInt64 {
        let (product, overflow) = value.multipliedReportingOverflow(by: UInt64(rate))
        return overflow ? TrafficAmount.largestRecord : min(product, TrafficAmount.largestRecord)
    }

    /// How long its packets flowed, rounded up.
    private static func wholeSeconds(of record: FlowRecord) -> UInt16 {
        let nanoseconds = record.last.nanoseconds &- record.first.nanoseconds
        let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return UInt16(clamping: rest > 0 ? seconds + 1 : seconds)
    }

    func sample(of record: FlowRecord, exporter: IPAddress) -> TrafficSample {
        var sample = TrafficSample(
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
        sample.noteCounted(record.packets)
        return sample
    }
}
