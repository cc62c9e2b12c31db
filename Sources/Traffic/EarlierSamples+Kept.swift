internal import NetworkTypes

/// What is kept of a sample, and of a host.
extension EarlierSamples {
    struct Sample: BitwiseCopyable {
        var remote: IPAddress
        /// When the stretch ended, in nanoseconds.
        var time: Int64
        var packets: Float
        /// Octets of a packet.
        var length: Float
        /// How long the stretch was.
        var seconds: Float
        var sourcePort: UInt16
        var destinationPort: UInt16
        var ipProtocol: IPProtocol
        var tcpFlags: TCPFlags
        var icmpType: UInt8
        var icmpCode: UInt8
        var timeToLive: UInt8
        /// Those of the sample that it was made of, and whether `length` is an average.
        var marks: UInt8
        /// How long its packets flowed, rounded up.
        var flowSeconds: UInt16

        var weight: Double { Double(packets) * (1 + Double(length) / 512) }
    }

    struct Host: BitwiseCopyable {
        var key: TrafficKey
        /// Where its blocks of samples stand; -1 for none.
        var blocks = InlineArray<32, Int32>(repeating: -1)
        var count: UInt16 = 0
        /// The place in the ring that is written next.
        var next: UInt16 = 0
        var blockCount: UInt8 = 0
        /// How long a stretch is, in nanoseconds.
        var stretch = EarlierSamples.shortestStretch
        var isFrozen = false
        /// The one of the stretch under way, and the weight of all that came in it.
        var candidate: Sample?
        var weight = 0.0
        /// When the stretch began; nil: with what comes next.
        var began: Int64?
        var lastSeen: Int64 = 0
        /// Weight a second, of the last stretch.
        var rate: Float = 0
    }

    static func compact(_ sample: TrafficSample, isIncoming: Bool) -> Sample {
        Sample(
            remote: isIncoming ? sample.source : sample.destination,
            time: 0,
            // For each unit of weight, until the stretch ends.
            packets: Float(sample.packets) / Float(sample.weight),
            length: Float(sample.bytes) / Float(max(1, sample.packets)),
            seconds: 0,
            sourcePort: sample.sourcePort,
            destinationPort: sample.destinationPort,
            ipProtocol: sample.ipProtocol,
            tcpFlags: sample.tcpFlags,
            icmpType: sample.icmpType,
            icmpCode: sample.icmpCode,
            timeToLive: sample.timeToLive,
            marks: sample.isOfOneLength ? sample.marks : sample.marks | TrafficSample.averageMark,
            flowSeconds: sample.flowSeconds
        )
    }
}

extension TrafficSample {
    static let nothing = TrafficSample(
        source: .unspecified,
        destination: .unspecified,
        packets: 0,
        bytes: 0,
        sourcePort: 0,
        destinationPort: 0,
        ipProtocol: IPProtocol(rawValue: 0),
        tcpFlags: [],
        icmpType: 0,
        icmpCode: 0,
        timeToLive: 0,
        isFragment: false
    )
}
