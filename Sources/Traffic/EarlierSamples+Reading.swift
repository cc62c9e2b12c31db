internal import NetworkTypes

/// What hosts' traffic looked like before, as samples again.
extension EarlierSamples {
    /// What is known of a host, or of all hosts for which `isOf` holds; the latest first.
    func traffic(of key: TrafficKey, limit: Int, isOf: (TrafficKey) -> Bool) -> EarlierTraffic {
        let places = key.isHost ? [find(key)].filter { $0 >= 0 } : hosts.indices.filter { isOf(hosts[$0].key) }
        let rings = places.map { (key: hosts[$0].key, samples: ring($0)) }.filter { !$0.samples.isEmpty }
        let durations = rings.map { ring in ring.samples.reduce(0) { $0 + Double($1.seconds) } }
        guard let longest = durations.max(), longest > 0 else { return EarlierTraffic() }
        var found: [TrafficSample] = []
        for (ring, duration) in zip(rings, durations) {
            // As if each host had been watched for as long.
            let factor = longest / max(duration, 1e-3)
            found += ring.samples.map { Self.whole($0, of: ring.key, times: factor) }
        }
        found.sort { ($0.time, $0.destination, $0.source) > ($1.time, $1.destination, $1.source) }
        return EarlierTraffic(
            samples: TrafficSample.fairChoice(of: found, limit: limit),
            duration: .milliseconds(Int64(min(longest, 1e9) * 1000))
        )
    }

    private static func whole(_ sample: Sample, of key: TrafficKey, times factor: Double) -> TrafficSample {
        let packets = max(1, (Double(sample.packets) * factor).rounded())
        let isIncoming = key.direction == .incoming
        var whole = TrafficSample(
            source: isIncoming ? sample.remote : key.address,
            destination: isIncoming ? key.address : sample.remote,
            packets: UInt64(min(packets, 1e18)),
            bytes: UInt64(min(packets * Double(sample.length), 1e18).rounded()),
            time: Timestamp(nanoseconds: sample.time),
            sourcePort: sample.sourcePort,
            destinationPort: sample.destinationPort,
            ipProtocol: sample.ipProtocol,
            tcpFlags: sample.tcpFlags,
            icmpType: sample.icmpType,
            icmpCode: sample.icmpCode,
            timeToLive: sample.timeToLive,
            isFragment: false,
            flowSeconds: sample.flowSeconds
        )
        whole.marks = sample.marks
        return whole
    }
}
