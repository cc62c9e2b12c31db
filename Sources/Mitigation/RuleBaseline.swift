internal import Detection
internal import FlowSpec
internal import NetworkTypes
internal import Traffic

/// What a rule matched before it could do anything: in all, and by exporter.
struct RuleBaseline: Sendable {
    private struct Arrival: Sendable {
        var exporter: IPAddress
        var perSecond: Double
    }

    let unit: TrafficUnit
    private(set) var perSecond: Double
    private var arrivals: [Arrival]

    static let maximumExporters = 8

    /// What it matches of all that comes, by its samples.
    init(_ route: AnnouncedRoute, of samples: [TrafficSample], rate: Double, _ unit: TrafficUnit) {
        let sums = SampleSums(samples, unit, [route])
        self.init(unit, rate, sums, share: sums.all > 0 ? sums.matching / sums.all : 1)
    }

    /// All that comes.
    init(_ route: AnnouncedRoute, ofAllOf samples: [TrafficSample], rate: Double, _ unit: TrafficUnit) {
        self.init(unit, rate, SampleSums(samples, unit, [route]), share: 1)
    }

    private init(_ unit: TrafficUnit, _ rate: Double, _ sums: SampleSums, share: Double) {
        self.unit = unit
        perSecond = rate * share
        arrivals = sums.exporters(Self.maximumExporters).map { exporter, matching in
            Arrival(exporter: exporter, perSecond: sums.all > 0 ? rate * matching / sums.all : 0)
        }
    }

    /// What one exporter told of; of one that told of nothing then, all may have come its way since.
    func perSecond(at exporter: IPAddress) -> Double {
        arrivals.first { $0.exporter == exporter }?.perSecond ?? perSecond
    }

    /// More of it came than was known.
    mutating func raise(to other: RuleBaseline) {
        perSecond = max(perSecond, other.perSecond)
        for arrival in other.arrivals {
            if let place = arrivals.firstIndex(where: { $0.exporter == arrival.exporter }) {
                arrivals[place].perSecond = max(arrivals[place].perSecond, arrival.perSecond)
            } else if arrivals.count < Self.maximumExporters {
                arrivals.append(arrival)
            }
        }
    }
}

/// What came of an attack when it was most, with samples of then: by these any rule can be told what it would have matched.
struct StrongestTraffic: Sendable {
    private(set) var samples: [TrafficSample] = []
    private(set) var rates = TrafficRates()
    private var peak = TrafficRates()
    /// How often it became more.
    private(set) var version = 0

    /// Takes note of how the attack looks now.
    ///
    /// - Parameter isResumed: whether it was at its worst before anybody took notes.
    mutating func note(_ attack: Attack, isResumed: Bool) {
        let unit = attack.crossing.unit == .bits ? TrafficUnit.bits : .packets
        let isFirst = samples.isEmpty
        let hasGrown = isFirst ? isResumed : attack.peak[.total, unit] > peak[.total, unit]
        peak = attack.peak
        let now = hasGrown ? attack.peak : attack.rates
        guard isFirst || now[.total, unit] > rates[.total, unit] else { return }
        let seen = attack.present.samples.isEmpty ? attack.samples : attack.present.samples
        guard !seen.isEmpty else { return }
        samples = isFirst && isResumed ? attack.samples : seen
        rates = now
        version &+= 1
    }
}

/// What samples weigh, in all and matched.
struct SampleSums {
    var samples = 0
    var all = 0.0
    /// By the rule in question, and by any of the rules.
    var matching = 0.0
    var matchingAny = 0.0
    private var byExporter: [IPAddress: Double] = [:]

    init(
        _ samples: [TrafficSample],
        _ unit: TrafficUnit,
        _ routes: [AnnouncedRoute],
        subject: AnnouncedRoute? = nil
    ) {
        let subject = subject ?? routes.first
        for sample in samples {
            let weight = unit == .bits ? Double(sample.bytes) * 8 : Double(sample.packets)
            all += weight
            let packet = sample.matchedPacket
            if subject?.matches(packet) == true {
                matching += weight
                matchingAny += weight
                byExporter[sample.exporter, default: 0] += weight
            } else if routes.contains(where: { $0 != subject && $0.matches(packet) }) {
                matchingAny += weight
            }
        }
        self.samples = samples.count
    }

    /// Those from which most of it came.
    func exporters(_ limit: Int) -> [(exporter: IPAddress, matching: Double)] {
        let sorted = byExporter.sorted { ($0.value, $1.key) > ($1.value, $0.key) }
        return sorted.prefix(limit).map { (exporter: $0.key, matching: $0.value) }
    }
}

extension AnnouncedRoute {
    func matches(_ packet: MatchedPacket) -> Bool {
        switch self {
        case .flowSpec(let rule): rule.matches(packet)
        case .unicast(let prefix): prefix.contains(packet.destination)
        }
    }
}
