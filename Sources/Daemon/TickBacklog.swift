import Detection
import Synchronization

/// Ticks on their way from the engine to the mitigation actor.
///
/// An actor that is slow, with a disk that is, gets fewer ticks and later ones, never a longer queue: ticks without
/// events become one, and of what is told of an attack again and again only the last is kept. That an attack began or
/// ended is never left out.
final class TickBacklog: Sendable {
    /// An element says that something waits.
    let arrivals: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation
    private let waiting = Mutex<[EngineTick]>([])

    init() {
        (arrivals, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    func add(_ tick: EngineTick) {
        waiting.withLock { Self.add(tick, to: &$0) }
        continuation.yield()
    }

    /// All that waits, oldest first.
    func takeAll() -> [EngineTick] {
        waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }

    func finish() { continuation.finish() }

    private static func add(_ tick: EngineTick, to waiting: inout [EngineTick]) {
        guard !waiting.isEmpty else { return waiting.append(tick) }
        var told: Set<Attack.ID> = []
        for case .updated(let attack) in tick.events { told.insert(attack.id) }
        if !told.isEmpty {
            for place in waiting.indices {
                waiting[place].events.removeAll { event in
                    if case .updated(let attack) = event { told.contains(attack.id) } else { false }
                }
            }
        }
        var tick = tick
        tick.isHeard = tick.isHeard || waiting.contains { $0.events.isEmpty && $0.isHeard }
        waiting.removeAll { $0.events.isEmpty }
        waiting.append(tick)
    }
}
