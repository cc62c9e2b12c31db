internal import NetworkTypes
internal import Traffic

/// How long the packets are that a sum of octets was estimated from, as their samples tell.
///
/// The estimate varies as one of Σ octets / `typical` packets of one length would (see `SampledRate`). A sum that is high
/// by chance is so by its own long packets, which are then among the samples and raise `typical`: a handful of short ones
/// is no proof that there are no others, so three that nobody saw are added, as long as can be. Where three are to be
/// expected none is seen one time in twenty.
struct PacketLengths {
    private var octets = 0.0
    /// Σ octets × length.
    private var squares = 0.0
    private var longest = SampledRate.largestPacket
    /// Octets that one more sample would stand for, were it of the longest packets.
    private var oneMore: Double

    private static let unseen = 3.0

    init(samplingRate: UInt32) {
        oneMore = Double(max(1, samplingRate)) * SampledRate.largestPacket
    }

    init(_ samples: some Sequence<TrafficSample>, samplingRate: UInt32) {
        self.init(samplingRate: samplingRate)
        for sample in samples { add(sample) }
    }

    mutating func add(_ sample: TrafficSample) {
        guard sample.packets > 0 else { return }
        let own = Double(sample.bytes)
        let average = own / Double(sample.packets)
        longest = max(longest, average)
        // An average of several says nothing of the longest among them.
        squares += own * (sample.isOfOnePacket ? average : longest)
        octets += own
        // Samples are chosen by packets and octets (`TrafficAmount.weight`), and each then stands for as much as another.
        let weight = Double(sample.packets) * (1 + average / 512)
        oneMore = max(oneMore, weight / (1 + longest / 512) * longest)
    }

    /// The length of the packet that an octet comes in, at worst, in a sum of so many octets: what the samples do not
    /// account for is taken to be of the longest packets.
    func typical(in sum: Double) -> Double {
        guard sum > 0 else { return longest }
        let known = octets > sum ? squares * sum / octets : squares + (sum - octets) * longest
        return min(longest, (known + Self.unseen * oneMore * longest) / sum)
    }
}
