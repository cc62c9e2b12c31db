import NetworkTypes
import Simulation
import Telemetry

/// When the records of one victim first prove that it is above a threshold: what the earliest detection is held against.
///
/// It sees the same records at the same times as the detector, and nothing else. At the end of each tick it looks at every
/// stretch of 1 to 64 seconds (that ends now, or for flows that ends anywhere since the attack began) and takes a threshold
/// for crossed where the rate over the stretch is above it, and, with sampling, where samples as many would come in less
/// than one of a thousand times at the threshold's rate. Octets count as samples of their size: n samples of sizes b are
/// (Σb)² / Σb² of one size. A flow's packets are spread evenly over its time.
struct IdealJudge: ~Copyable {
    private struct Measure {
        var trafficClass: TrafficClass
        var unit: TrafficUnit
        var perSecond: Double
        /// In each tick: samples, the sum of their sizes (1 for packets), and of the squares.
        var samples: [Double]
        var sizes: [Double]
        var squares: [Double]
    }

    private let isVictim: (IPAddress) -> Bool
    private let isOfPackets: Bool
    private let samplingRate: Double
    private let begins: Int
    private var measures: [Measure]
    private var decoder = TelemetryDecoder()
    private var batch = RecordBatch()
    private var tick = 0
    private var changed: Range<Int>?
    /// The end of the tick, in ticks from the start, at which a threshold was surely crossed.
    private(set) var earliest: Int?

    static let ticksPerSecond = 10
    private static let stretches =
        Array(10...20) + Array(stride(from: 22, through: 40, by: 2)) + Array(stride(from: 45, through: 100, by: 5))
        + Array(stride(from: 120, through: 640, by: 20))

    /// - Parameter begins: the seconds before which nothing is looked for.
    init(
        thresholds: Thresholds,
        telemetry: ScenarioExporter.Telemetry,
        duration: Double,
        begins: Double,
        of isVictim: @escaping (IPAddress) -> Bool
    ) {
        self.isVictim = isVictim
        self.begins = Int(begins * Double(Self.ticksPerSecond))
        isOfPackets = telemetry.isOfPackets
        samplingRate = Double(telemetry.samplingRate)
        let zeros = Array(repeating: 0.0, count: Int(duration + 2) * Self.ticksPerSecond)
        measures = thresholds.all.filter { $0.unit != .flows }.map {
            Measure(
                trafficClass: $0.trafficClass,
                unit: $0.unit,
                perSecond: $0.perSecond,
                samples: zeros,
                sizes: zeros,
                squares: zeros
            )
        }
    }

    mutating func receive(_ datagram: RawSpan, at time: Timestamp) {
        guard earliest == nil else { return }
        decoder.decode(datagram, from: ScenarioExporter.address, receivedAt: time, into: &batch)
        add(batch.count)
        batch.removeAll()
    }

    private mutating func add(_ count: Int) {
        for index in 0..<count {
            let record = batch.records[index]
            guard isVictim(record.destination) else { continue }
            let first = max(place(record.first), 0)
            let last = min(max(place(record.last), first), (measures.first?.samples.count ?? 1) - 1)
            guard first <= last else { continue }
            changed = min(changed?.lowerBound ?? first, first)..<max(changed?.upperBound ?? 0, last + 1)
            let packets = Double(record.packets) / Double(last - first + 1)
            let size = Double(record.bytes) / Double(max(1, record.packets)) * 8
            for measure in measures.indices where Self.isOf(measures[measure].trafficClass, record) {
                let one = measures[measure].unit == .packets ? 1 : size
                for place in first...last {
                    measures[measure].samples[place] += packets
                    measures[measure].sizes[place] += packets * one
                    measures[measure].squares[place] += packets * one * one
                }
            }
        }
    }

    private func place(_ time: Timestamp) -> Int {
        Int((time - Scenario.start).nanoseconds / (1_000_000_000 / Int64(Self.ticksPerSecond)))
    }

    private static func isOf(_ trafficClass: TrafficClass, _ record: FlowRecord) -> Bool {
        switch trafficClass {
        case .total: true
        case .tcp: record.ipProtocol == .tcp
        case .udp: record.ipProtocol == .udp
        case .icmp: record.ipProtocol.isICMP
        case .tcpSYN: record.ipProtocol == .tcp && record.tcpFlags.isConnectionAttempt
        case .fragments: record.traits.contains(.isFragment)
        }
    }

    /// Judges at the end of each tick before a time.
    mutating func advance(to time: Timestamp) {
        let now = place(time)
        while tick < now {
            if earliest == nil, tick >= begins, let changed { judge(changed) }
            if tick >= begins { changed = nil }
            tick += 1
        }
    }

    private mutating func judge(_ changed: Range<Int>) {
        for measure in measures where isCrossed(measure, changed) {
            earliest = tick + 1
            return
        }
    }

    private func isCrossed(_ measure: Measure, _ changed: Range<Int>) -> Bool {
        // Packets are told of at once: only what ends now is new.
        let ends = isOfPackets ? tick...tick : max(begins, changed.lowerBound)...tick
        guard ends.upperBound < measure.samples.count else { return false }
        var sizes = [0.0]
        var squares = [0.0]
        let start = max(0, ends.lowerBound - 640)
        for place in start...ends.upperBound {
            sizes.append(sizes[place - start] + measure.sizes[place])
            squares.append(squares[place - start] + measure.squares[place])
        }
        for end in ends {
            for length in Self.stretches where end + 1 - length >= start {
                let (from, to) = (end + 1 - length - start, end + 1 - start)
                let size = sizes[to] - sizes[from]
                let seconds = Double(length) / Double(Self.ticksPerSecond)
                let rate = size * samplingRate / seconds
                guard rate > measure.perSecond else { continue }
                if samplingRate <= 1 { return true }
                let square = squares[to] - squares[from]
                guard square > 0 else { continue }
                let samples = size * size / square
                if Self.lowerBound(samples) / samples * rate > measure.perSecond { return true }
            }
        }
        return false
    }

    /// The mean that so many samples or more come of one time in a thousand, by Wilson and Hilferty.
    private static func lowerBound(_ samples: Double) -> Double {
        guard samples >= 1 else { return 0 }
        let root = max(0, 1 - 1 / (9 * samples) - 3.0902 / (3 * samples.squareRoot()))
        return samples * root * root * root
    }
}
