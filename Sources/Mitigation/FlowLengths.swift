internal import NetworkTypes
internal import Traffic

/// How far the lengths of packets are spread about the average that a flow record tells, as the averages of many flows of
/// one sort show: those of few packets stray from that of all by as much as lengths do, those of n packets by √n less.
///
/// A flood of packets of 540 to 560 octets is known for one by the averages of its flows, though none of these is a length
/// that any packet has.
struct FlowLengths {
    /// What is of one sort: the protocol, and the ports of services.
    private struct Sort: Hashable {
        var ipProtocol: IPProtocol
        var isFragment: Bool
        var sourcePort: UInt16
        var destinationPort: UInt16

        init(_ sample: TrafficSample) {
            func service(_ port: UInt16) -> UInt16 { port < 1024 ? port : 0 }
            ipProtocol = sample.ipProtocol
            isFragment = sample.isFragment
            sourcePort = service(sample.sourcePort)
            destinationPort = service(sample.destinationPort)
        }
    }

    /// Octets: the standard deviation of a packet's length.
    private var deviations: [Sort: Double] = [:]

    /// Flows of a sort below which nothing is concluded.
    private static let fewestFlows = 16
    /// The share of the flows that stray no further than so many deviations, of lengths that are spread as in a bell.
    /// Rather the far ones: where two sorts are in one, they are what shows it.
    private static let quantile = (share: 0.9, deviations: 1.645)

    init() {}

    /// - Parameter samplingRate: one packet in so many was counted.
    init(_ samples: ArraySlice<TrafficSample>, samplingRate: UInt32) {
        for (sort, samples) in Dictionary(grouping: samples, by: Sort.init) {
            guard samples.count >= Self.fewestFlows else { continue }
            let averages = samples.map(\.averageLength)
            let center = averages.sorted()[averages.count / 2]
            let strays = zip(samples, averages).map { sample, average in
                abs(average - center) * sample.countedPackets(samplingRate).squareRoot()
            }.sorted()
            let far = strays[min(Int(Self.quantile.share * Double(strays.count)), strays.count - 1)]
            deviations[sort] = far / Self.quantile.deviations
        }
    }

    /// How far to either side of a flow's average its packets are taken to be spread evenly, in octets; nil where that is
    /// not known.
    func room(of sample: TrafficSample) -> Double? { deviations[Sort(sample)].map { $0 * 3.0.squareRoot() } }
}

extension TrafficSample {
    fileprivate var averageLength: Double { Double(bytes) / Double(max(1, packets)) }

    /// The most packets of its flow that an exporter has counted: a part of a flow has the whole flow's average.
    fileprivate func countedPackets(_ samplingRate: UInt32) -> Double {
        if let mostCounted { return Double(mostCounted) }
        return max(1, Double(packets) / Double(max(1, samplingRate)))
            * Double(isPartOfAverage ? max(1, flowSeconds) : 1)
    }
}
