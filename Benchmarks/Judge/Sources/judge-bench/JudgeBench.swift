import Detection
import Foundation
import Mitigation
import NetworkTypes
import Telemetry
import Traffic

/// judge-bench [HOSTS [ATTACKS [PACKETS]]]: processor time of a tick, merging, judging and answering apart, with every host
/// active in each second, with 10 packets or up to as many more as are named, and some of them under attack.
@main
struct JudgeBench: ~Copyable {
    private let traffic: TrafficConfiguration
    private let view: NetworkView
    private var merger: TrafficMerger
    private var detector: Detector
    private var ledger: Ledger
    private var announced = 0
    private var withdrawn = 0
    private var table: DeltaTable
    private var batch = RecordBatch()
    private var next = 0
    private let hosts: Int
    private let attacks: Int
    private let packets: UInt64

    static func main() {
        let words = CommandLine.arguments
        let hosts = words.count > 1 ? Int(words[1]) ?? 1_000_000 : 1_000_000
        let attacks = words.count > 2 ? Int(words[2]) ?? 10_000 : 10_000
        let packets = words.count > 3 ? UInt64(words[3]) ?? 1 : 1
        for (hosts, attacks) in [(hosts / 10, 0), (hosts, 0), (hosts, attacks / 10), (hosts, attacks)] {
            var bench = JudgeBench(hosts: hosts, attacks: attacks, packets: packets)
            bench.run()
        }
    }

    init(hosts: Int, attacks: Int, packets: UInt64) {
        self.hosts = hosts
        self.attacks = attacks
        self.packets = packets
        traffic = TrafficConfiguration(
            networks: [IPPrefix(IPAddress(10, 0, 0, 0), length: 8)].compactMap { $0 },
            maximumHosts: 2 * hosts
        )
        view = NetworkView(traffic)
        var thresholds = Thresholds()
        thresholds[.total, .packets] = 20_000
        thresholds[.total, .bits] = 1e9
        thresholds[.tcpSYN, .packets] = 10_000
        var detection = DetectionConfiguration(thresholds: thresholds)
        detection.maximumActiveAttacks = max(10_000, attacks)
        merger = TrafficMerger(
            configuration: traffic,
            measures: detection.measures,
            seed: 1,
            at: Timestamp(seconds: 1_000_000)
        )
        detector = Detector(configuration: detection)
        var policy = MitigationPolicy(mode: .enforce, networks: traffic.networks)
        policy.maximumRules = max(policy.maximumRules, 4 * attacks)
        policy.maximumChangesPerMinute = max(policy.maximumChangesPerMinute, 100 * attacks)
        ledger = Ledger(policy: policy)
        table = DeltaTable(seed: 2)
    }

    private static func processorTime() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private mutating func run() {
        var merging: [Double] = []
        var judging: [Double] = []
        var advancing: [Double] = []
        var answering: [Double] = []
        var worstBegin = (judging: 0.0, answering: 0.0)
        for tick in 0..<60 {
            fill()
            let start = Self.processorTime()
            merger.merge(table)
            let merged = Self.processorTime()
            let events = detector.judge(&merger)
            let judged = Self.processorTime()
            for event in events { note(ledger.handle(event, at: merger.tickEnd)) }
            note(ledger.advance(to: merger.tickEnd))
            let answered = Self.processorTime()
            merger.advance(to: merger.tick + 1)
            let advanced = Self.processorTime()
            table.removeAll()
            // By then every host is known, and every attack is under way.
            guard tick >= 20 else {
                if answered - merged > worstBegin.judging + worstBegin.answering {
                    worstBegin = (judged - merged, answered - judged)
                }
                continue
            }
            precondition(events.count <= attacks)
            answering.append(answered - judged)
            merging.append(merged - start)
            judging.append(judged - merged)
            advancing.append(advanced - answered)
        }
        precondition(detector.activeAttacks.count == attacks)
        func text(_ times: [Double]) -> String {
            let sorted = times.sorted()
            let (median, worst) = (sorted[sorted.count / 2] * 1000, (sorted.last ?? 0) * 1000)
            return String(format: "%7.2f ms (worst %7.2f)", median, worst)
        }
        print(
            "\(hosts) hosts, \(attacks) attacks: merge \(text(merging)), judge \(text(judging)), "
                + "advance \(text(advancing)), answer \(text(answering)); \(merger.memoryBytes / hosts) octets a host"
        )
        guard attacks > 0 else { return }
        let (judged, answered) = (worstBegin.judging * 1000, worstBegin.answering * 1000)
        let worst = String(format: "%.0f ms (%.0f and %.0f)", judged + answered, judged, answered)
        print(
            "  while they begin: judge and answer at worst \(worst); rules announced \(announced), withdrawn \(withdrawn)"
        )
    }

    private mutating func note(_ effects: [LedgerEffect]) {
        for effect in effects {
            switch effect {
            case .announce: announced += 1
            case .withdraw: withdrawn += 1
            default: continue
            }
        }
    }

    /// A tenth of the hosts get a packet each; those under attack 50,000 packets a second, seen 1:1000.
    private mutating func fill() {
        for _ in 0..<(hosts / 10) {
            next = (next + 1) % hosts
            append(next, packets: 10 + UInt64(next) &* 7919 % max(1, packets), rate: 1)
        }
        for index in 0..<attacks {
            for _ in 0..<5 { append(index * (hosts / max(1, attacks)), packets: 1, rate: 1000) }
        }
        if batch.count > 0 { count() }
    }

    private mutating func append(_ host: Int, packets: UInt64, rate: UInt32) {
        var record = FlowRecord()
        record.source = IPAddress(192, 0, 2, 1)
        record.destination = IPAddress(
            10,
            UInt8(truncatingIfNeeded: host >> 16),
            UInt8(truncatingIfNeeded: host >> 8),
            UInt8(truncatingIfNeeded: host)
        )
        record.packets = packets
        record.bytes = packets * 500
        record.samplingRate = rate
        record.ipProtocol = .udp
        record.traits = .isPacket
        record.first = merger.tickEnd
        record.last = merger.tickEnd
        if !batch.append(record) {
            count()
            _ = batch.append(record)
        }
        if batch.count >= 512 { count() }
    }

    private mutating func count() {
        Self.count(batch, into: &table, tickEnd: merger.tickEnd, view: view)
        batch.removeAll()
    }

    private static func count(
        _ batch: borrowing RecordBatch,
        into table: inout DeltaTable,
        tickEnd: Timestamp,
        view: NetworkView
    ) { table.add(batch.records, tickEnd: tickEnd, view: view) }
}
