/// What a host, network or group has over a minute or some more, to be learnt as one.
///
/// A look lasts for a minute at least, and until it rests on enough samples: of three in a minute nobody knows whether there
/// were one or six. What it says is the mean, or where that is more, the highest rate of which the samples make certain that
/// it was no less: what comes in bursts of a second is as normal as its mean, and is what an alarm would be raised for.
struct BaselineLook: Sendable {
    /// In seconds: a look is no shorter, and with few samples no longer.
    static let shortest: Float = 60
    static let longest: Float = 600
    /// The standard deviation of an estimate from so many is a quarter of it.
    static let enoughSamples: Float = 16

    private(set) var seconds: Float = 0
    private var packets: Float = 0
    private var bits: Float = 0
    private var samples: Float = 0
    private var certainPackets: Float = 0
    private var certainBits: Float = 0

    init() {}

    /// Adds what is seen of some seconds, per second.
    ///
    /// - Parameter samplingRate: 1 where each packet is seen.
    mutating func add(packets: Double, bits: Double, samplingRate: UInt32, seconds more: Double) {
        seconds += Float(more)
        guard packets > 0 || bits > 0 else { return }
        self.packets += Float(packets * more)
        self.bits += Float(bits * more)
        let inPackets = SampledRate.samples(packets: packets * more, samplingRate: samplingRate)
        // Of packets that are all seen there is no doubt, however few there are.
        samples += samplingRate > 1 ? Float(inPackets) : Self.enoughSamples
        guard samplingRate > 1 else {
            certainPackets = max(certainPackets, Float(packets))
            certainBits = max(certainBits, Float(bits))
            return
        }
        let inBits = SampledRate.samples(bits: bits * more, samplingRate: samplingRate)
        certainPackets = max(certainPackets, Float(SampledRate.certain(packets, samples: inPackets)))
        certainBits = max(certainBits, Float(SampledRate.certain(bits, samples: inBits)))
    }

    var isOfTraffic: Bool { packets > 0 || bits > 0 }

    /// Whether it says enough, or as much as it ever will.
    var isComplete: Bool {
        seconds >= Self.longest || seconds >= Self.shortest && (samples >= Self.enoughSamples || !isOfTraffic)
    }

    var minutes: Int { Int((seconds / 60).rounded()) }

    var levels: (packets: BaselineLevel, bits: BaselineLevel) {
        let time = max(seconds, 1)
        return (
            BaselineLevel(rate: Double(max(packets / time, certainPackets))),
            BaselineLevel(rate: Double(max(bits / time, certainBits)))
        )
    }
}
