import NetworkTypes
import Simulation
import Telemetry
import Testing
import Traffic

/// Flows of many seconds, reported when they end or later, for hosts in few or in very many networks: each second of
/// the history of hosts and networks holds what adding up by hand gives.
@Test(arguments: [1, 3000])
func longFlowsCountInTheSecondsInWhichTheyFlowed(_ networks: Int) throws {
    var random = SeededGenerator(seed: UInt64(networks))
    let prefixes = try (0..<networks).map { index in
        try #require(IPPrefix("10.\(index / 200).\(index % 200).0/24"))
    }
    let configuration = TrafficConfiguration(networks: prefixes)
    let view = NetworkView(configuration)
    let measures = [
        TrafficMeasure(trafficClass: .total, unit: .packets, lowestLimit: 1),
        TrafficMeasure(trafficClass: .udp, unit: .bits, lowestLimit: 1),
        TrafficMeasure(trafficClass: .total, unit: .flows, lowestLimit: 1),
    ]
    let start = Timestamp(seconds: 5000)
    var merger = TrafficMerger(configuration: configuration, measures: measures, seed: 1, at: start)
    var wanted: [TrafficKey: [[Double]]] = [:]
    // Times are to a 64th of a second: so much of each flow may be in a neighboring second at either end.
    var doubts: [TrafficKey: [Double]] = [:]
    for tick in 0..<12 {
        var batch = RecordBatch()
        let tickEnd = merger.tickEnd
        // The second under way when the tick ends.
        let second = (tickEnd.nanoseconds - 1) / 1_000_000_000
        for index in 0..<(networks == 1 ? 400 : 6000) {
            let network = networks == 1 ? 0 : (index + tick) % networks
            var record = FlowRecord()
            record.source = IPAddress(203, 0, 113, 9)
            record.destination = IPAddress(10, UInt8(network / 200), UInt8(network % 200), UInt8(index % 3))
            record.ipProtocol = Bool.random(using: &random) ? .udp : .tcp
            record.packets = UInt64.random(in: 1...1000, using: &random)
            record.bytes = record.packets * 100
            record.samplingRate = 10
            let last = Int64.random(in: 0...80, using: &random)
            let duration = Int64.random(in: 1...200, using: &random)
            record.last = Timestamp(nanoseconds: tickEnd.nanoseconds - last * 1_000_000_000)
            record.first = Timestamp(nanoseconds: record.last.nanoseconds - duration * 1_000_000_000)
            _ = batch.append(record)
            let host = TrafficKey(host: record.destination, isIncoming: true)
            for key in [host, TrafficKey(network: network, isIncoming: true)] {
                var bins = wanted[key] ?? Array(repeating: Array(repeating: 0, count: 3), count: 300)
                var doubt = doubts[key] ?? [1, 1, 1]
                doubt[0] += Double(record.packets * 10) / Double(duration) / 32
                doubt[1] += Double(record.bytes * 80) / Double(duration) / 32
                doubts[key] = doubt
                // Of each second as much as the flow had of it; times are multiples of a tenth.
                let tenths = Int(tickEnd.nanoseconds / 100_000_000 - last * 10)
                for bin in Int(second - 63 - 4900)...Int(second - 4900) {
                    let shared = min(tenths, (bin + 4901) * 10) - max(tenths - Int(duration) * 10, (bin + 4900) * 10)
                    guard shared > 0 else { continue }
                    let share = Double(shared) / Double(duration * 10)
                    bins[bin][0] += Double(record.packets * 10) * share
                    if record.ipProtocol == .udp { bins[bin][1] += Double(record.bytes * 80) * share }
                }
                let ended = (tenths * 100_000_000 - 1) / 1_000_000_000 - 4900
                if Int(second) - 4900 - ended < 64 { bins[ended][2] += 1 }
                wanted[key] = bins
            }
        }
        var table = DeltaTable(seed: 7)
        table.add(batch.records, tickEnd: tickEnd, view: view)
        merger.merge(table)
        if tick < 11 { merger.advance(to: merger.tick + (tick == 5 ? 37 : 1)) }
    }
    let second = (merger.tickEnd.nanoseconds - 1) / 1_000_000_000
    var faults: [String] = []
    for (key, bins) in wanted {
        let position = try #require(merger.position(of: key))
        for measure in 0..<3 {
            let doubt = doubts[key]?[measure] ?? 0
            for seconds in [1, 2, 7, 64] {
                let sum = (0..<Int64(seconds)).reduce(0) { $0 + bins[Int(second - $1 - 4900)][measure] }
                let found = merger.historySum(at: position, measure: measure, lastSeconds: seconds)
                if abs(found - sum) > doubt {
                    faults.append("\(key), measure \(measure): \(found) over \(seconds) s instead of \(sum)")
                }
            }
        }
        // Hosts look back over whole seconds as well.
        let peak = (1..<64).map { bins[Int(second - Int64($0) - 4900)][0] }.max() ?? 0
        let found = merger.historyPeak(at: position, measure: 0)
        if abs(found - peak) > doubts[key]?[0] ?? 0 { faults.append("\(key): peak \(found) instead of \(peak)") }
    }
    #expect(faults.isEmpty, "\(faults.count) differ, such as \(faults.first ?? "")")
}
