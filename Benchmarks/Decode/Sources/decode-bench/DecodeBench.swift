import CAllocations
import Foundation
import NetworkTypes
import Telemetry
import Traffic

/// decode-bench FILE decode|count PASSES: reads the datagrams of a file of the load generator again and again, from
/// memory, and prints the records, the nanoseconds of each and the allocations of all but the first pass.
@main
enum DecodeBench {
    static func main() throws {
        let words = CommandLine.arguments
        guard words.count == 4, let passes = Int(words[3]), passes > 1, ["decode", "count"].contains(words[2]) else {
            print("usage: decode-bench FILE decode|count PASSES")
            exit(64)
        }
        let file = [UInt8](try Data(contentsOf: URL(filePath: words[1])))
        var bench = Bench(datagrams: datagrams(of: file), counts: words[2] == "count")
        // Templates are told, tables are built.
        _ = bench.pass(over: file)
        let allocationsBefore = allocations()
        let start = processorTime()
        var records = 0
        for _ in 1..<passes { records += bench.pass(over: file) }
        let nanoseconds = Double(processorTime() - start)
        let used = allocations() - allocationsBefore
        print(records, nanoseconds / Double(max(1, records)), used)
    }

    /// Nanoseconds that this process had a processor, whatever others did meanwhile.
    private static func processorTime() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Where each lies: behind the magic number, each has its length and its number of records before it.
    private static func datagrams(of file: [UInt8]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var offset = 8
        while file.count - offset >= 4 {
            let length = Int(file[offset]) << 8 | Int(file[offset + 1])
            offset += 4
            guard length <= file.count - offset else { break }
            ranges.append(offset..<(offset + length))
            offset += length
        }
        return ranges
    }
}

/// A decoder, and the counters behind it.
struct Bench: ~Copyable {
    private let datagrams: [Range<Int>]
    private let counts: Bool
    private var decoder = TelemetryDecoder()
    private var batch = RecordBatch()
    private var table = DeltaTable(seed: 1)
    private let view: NetworkView
    private let exporter = IPAddress(192, 0, 2, 1)
    private let time = Timestamp(seconds: 1_700_000_000)

    init(datagrams: [Range<Int>], counts: Bool) {
        self.datagrams = datagrams
        self.counts = counts
        let networks = [IPPrefix("10.0.0.0/16")].compactMap { $0 }
        view = NetworkView(TrafficConfiguration(networks: networks))
    }

    /// How many records there were. Counters go into a fresh table each time, as at a tick.
    mutating func pass(over file: [UInt8]) -> Int {
        let octets = file.span
        let bytes = unsafe octets.bytes
        var records = 0
        for range in datagrams {
            decoder.decode(bytes.extracting(range), from: exporter, receivedAt: time, into: &batch)
            if batch.count < 256 { continue }
            records += handOver(in: bytes)
        }
        records += handOver(in: bytes)
        table.removeAll()
        return records
    }

    private mutating func handOver(in memory: RawSpan) -> Int {
        let count = batch.count
        if counts { Self.count(batch, in: memory, into: &table, view, time) }
        batch.removeAll()
        return count
    }

    private static func count(
        _ batch: borrowing RecordBatch,
        in memory: RawSpan,
        into table: inout DeltaTable,
        _ view: NetworkView,
        _ time: Timestamp
    ) {
        table.add(batch, in: memory, tickEnd: time + .milliseconds(100), view: view)
    }
}
