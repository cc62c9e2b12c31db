import NetworkTypes
import Simulation
import Telemetry
import Traffic

@testable import Detection

/// Traffic and detection together, with made-up time.
struct Bench: ~Copyable {
    let traffic: TrafficConfiguration
    var merger: TrafficMerger
    var detector: Detector
    var table: DeltaTable
    let view: NetworkView
    var events: [(tick: Int64, event: AttackEvent)] = []

    static let start = Timestamp(seconds: 1_000_000)

    init(
        thresholds: Thresholds,
        outgoing: Thresholds = Thresholds(),
        groups: [DetectionConfiguration.Group] = [],
        maximumHosts: Int = 100_000,
        change: (inout TrafficConfiguration, inout DetectionConfiguration) -> Void = { _, _ in }
    ) {
        let networks = ["198.51.100.0/24", "2001:db8:100::/48"].compactMap { IPPrefix($0) }
        var traffic = TrafficConfiguration(
            networks: networks,
            groups: groups.map { .init(name: $0.name, prefixes: $0.measure == .network ? [] : $0.prefixes) },
            maximumHosts: maximumHosts
        )
        var detection = DetectionConfiguration(thresholds: thresholds, outgoingThresholds: outgoing, groups: groups)
        detection.networks = networks
        change(&traffic, &detection)
        self.traffic = traffic
        merger = TrafficMerger(configuration: traffic, measures: detection.measures, seed: 1, at: Self.start)
        detector = Detector(configuration: detection)
        table = DeltaTable(seed: 2)
        view = NetworkView(traffic)
    }

    var now: Timestamp { traffic.start(ofTick: merger.tick) }

    mutating func add(_ record: FlowRecord, times count: Int = 1) {
        guard count > 0 else { return }
        var batch = RecordBatch(capacity: count)
        for _ in 0..<count { _ = batch.append(record) }
        Self.count(batch, into: &table, at: merger.tickEnd, view: view)
    }

    private static func count(
        _ batch: borrowing RecordBatch,
        into table: inout DeltaTable,
        at time: Timestamp,
        view: NetworkView
    ) { table.add(batch.records, tickEnd: time, view: view) }

    mutating func tick() {
        merger.merge(table)
        table.removeAll()
        for event in detector.judge(&merger) { events.append((merger.tick, event)) }
        merger.advance(to: merger.tick + 1)
    }

    /// When the first attack was seen, in seconds after the start.
    var firstAlarm: Double? {
        events.first.map { (traffic.start(ofTick: $0.tick + 1) - Self.start).inSeconds }
    }

    var begun: [Attack] { events.compactMap { if case .began(let attack) = $0.event { attack } else { nil } } }
    var ended: [Attack] { events.compactMap { if case .ended(let attack) = $0.event { attack } else { nil } } }
}

let victim = IPAddress(198, 51, 100, 10)

func limits(_ packets: Double) -> Thresholds {
    var thresholds = Thresholds()
    thresholds[.total, .packets] = packets
    return thresholds
}

func sample(
    to destination: IPAddress = victim,
    from source: IPAddress = IPAddress(192, 0, 2, 1),
    rate: UInt32,
    protocol number: IPProtocol = .udp,
    at time: Timestamp
) -> FlowRecord {
    var record = FlowRecord()
    record.source = source
    record.destination = destination
    record.packets = 1
    record.bytes = 1000
    record.samplingRate = rate
    record.ipProtocol = number
    record.traits = .isPacket
    record.first = time
    record.last = time
    return record
}

func flow(packets: UInt64, seconds: Double, endingAt end: Timestamp) -> FlowRecord {
    var record = sample(rate: 1, at: end)
    record.traits = []
    record.packets = packets
    record.bytes = packets &* 500
    record.first = end - .milliseconds(Int64(seconds * 1000))
    return record
}

extension SeededGenerator {
    /// Knuth's product of uniforms: fine for small means.
    mutating func poisson(_ mean: Double) -> Int {
        let limit = Double.exp(-mean)
        var product = Double.random(in: 0..<1, using: &self)
        var count = 0
        while product > limit {
            product *= Double.random(in: 0..<1, using: &self)
            count += 1
        }
        return count
    }
}

extension Double {
    /// e to the power of a small negative number, without Foundation.
    static func exp(_ value: Double) -> Double {
        var term = 1.0
        var sum = 1.0
        for step in 1..<200 {
            term *= -value / Double(step)
            sum += term
        }
        return 1 / sum
    }
}
