import Capture
import NetworkTypes
import Synchronization
import Telemetry
import Traffic

/// Where a worker leaves its deltas for the engine, tick by tick.
///
/// Two tables go round: the worker fills one while the engine reads the other. Nothing is locked but the exchange.
final class DeltaExchange: Sendable {
    private struct Shelf: ~Copyable {
        /// Filled, for the engine to take; with the tick it is of.
        var filled: DeltaTable?
        var filledTick: Int64 = 0
        /// Emptied, for the worker to take.
        var empty: DeltaTable?
    }

    private let shelf: Mutex<Shelf>
    /// All ticks before this one have been handed over whole.
    let completedBefore: Atomic<Int64>
    let exporters = Mutex<[ExporterStatistics]>([])

    init(seed: UInt64, firstTick: Int64) {
        shelf = Mutex(Shelf(empty: DeltaTable(seed: seed)))
        completedBefore = Atomic(firstTick)
    }

    /// Hands over a table and brings an empty one in its place; false while the engine has not taken the last.
    func publish(_ table: inout DeltaTable?, tick: Int64) -> Bool {
        // A closure cannot consume what it captured, so tables change hands by swapping optionals.
        shelf.withLock { shelf in
            guard shelf.filled == nil, shelf.empty != nil else { return false }
            swap(&shelf.filled, &table)
            swap(&shelf.empty, &table)
            shelf.filledTick = tick
            return true
        }
    }

    /// Takes the table of a tick, if one was handed over that is not of a later one.
    func take(upTo tick: Int64, into table: inout DeltaTable?) {
        shelf.withLock { shelf in
            guard shelf.filled != nil, shelf.filledTick <= tick else { return }
            swap(&shelf.filled, &table)
        }
    }

    /// Gives a table back, emptied.
    func giveBack(_ table: inout DeltaTable?) {
        table?.removeAll()
        shelf.withLock { shelf in swap(&shelf.empty, &table) }
    }
}

/// Adds a worker's records to its table, and hands the table over at each tick boundary.
final class DeltaCollector: RecordConsumer {
    private let exchange: DeltaExchange
    private let configuration: TrafficConfiguration
    private let view: NetworkView
    private var table: DeltaTable?
    private var tick: Int64

    init(exchange: DeltaExchange, configuration: TrafficConfiguration, seed: UInt64, at time: Timestamp) {
        self.exchange = exchange
        self.configuration = configuration
        view = NetworkView(configuration)
        table = DeltaTable(seed: seed)
        tick = configuration.tickIndex(of: time)
    }

    func consume(_ batch: borrowing RecordBatch, in memory: RawSpan, at time: Timestamp) {
        reached(time)
        table?.add(batch, in: memory, tickEnd: configuration.start(ofTick: tick + 1), view: view)
    }

    func reached(_ time: Timestamp) {
        let now = configuration.tickIndex(of: time)
        guard now > tick else { return }
        // When the engine is behind, the records stay and are counted with the next tick's.
        if table?.isEmpty == false, !exchange.publish(&table, tick: tick) { return }
        tick = now
        exchange.completedBefore.store(now, ordering: .releasing)
    }

    func report(_ exporters: [ExporterStatistics]) { exchange.exporters.withLock { $0 = exporters } }
}
