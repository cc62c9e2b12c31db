public import NetworkTypes
internal import Synchronization
public import Telemetry

/// What the workers know of exporters, put together: for those that hear only a part of it on their port, for the store,
/// and so that all of it together stays within its bound. Asked when an exporter is new to a worker or a template is
/// missing, and a few times a second: never for a record.
public final class KnowledgeExchange: Sendable {
    private struct Entry {
        /// From before a restart.
        var remembered: ExporterKnowledge?
        var told: [(worker: Int, knowledge: ExporterKnowledge)] = []
        var merged: ExporterKnowledge
        /// When it last changed, in a count of changes; and by whom.
        var version: UInt64 = 0
        var changedBy = -1
        /// When the exporter last sent something.
        var active: Timestamp
        var octets = 0

        init(_ knowledge: ExporterKnowledge, at time: Timestamp) {
            merged = knowledge
            active = time
        }
    }

    private struct State {
        var entries: [IPAddress: Entry] = [:]
        var octets = 0
        /// Exporters with something to be written, and those that were given up.
        var news: Set<IPAddress> = []
        var gone: Set<IPAddress> = []
    }

    private let state: Mutex<State>
    private let version = Atomic<UInt64>(0)
    private let workers = Atomic<Int>(0)
    private let sharedOctets = Atomic<Int>(0)
    private let lifetime: Duration
    private let started: Timestamp

    /// What is remembered here of exporters that fill their share of it.
    private static let maximumOctets = 8 << 20
    private static let maximumExporters = 4096
    /// What all workers' decoders may hold; with the above 32 MiB.
    private static let workerOctets = 24 << 20

    /// - Parameters:
    ///   - remembered: what was told before a restart.
    ///   - lifetime: after so long nothing counts any more that was told only before.
    public init(remembered: [ExporterKnowledge] = [], lifetime: Duration = .seconds(7 * 86_400), at time: Timestamp) {
        self.lifetime = lifetime
        started = time
        var state = State()
        for knowledge in remembered.prefix(Self.maximumExporters) {
            let told = knowledge.told(notAfter: time)
            var entry = Entry(told, at: time)
            entry.remembered = told
            Self.put(entry, in: &state)
        }
        self.state = Mutex(state)
    }

    private static func put(_ entry: Entry, in state: inout State) {
        var entry = entry
        let told = entry.told.reduce(0) { $0 + $1.knowledge.octets }
        entry.octets = told + (entry.remembered?.octets ?? 0) + entry.merged.octets
        let before = state.entries.updateValue(entry, forKey: entry.merged.exporter)
        state.octets += entry.octets - (before?.octets ?? 0)
        guard state.octets > maximumOctets || state.entries.count > maximumExporters else { return }
        makeRoom(in: &state)
    }

    /// Forged exporters must not fill memory: those go that hold most, or of too many those that were longest silent.
    private static func makeRoom(in state: inout State) {
        func drop(_ exporter: IPAddress) {
            guard let entry = state.entries.removeValue(forKey: exporter) else { return }
            state.octets -= entry.octets
            state.news.remove(exporter)
            // Of those that were given up, more than are kept need not be known.
            if state.gone.count < 4 * maximumExporters { state.gone.insert(exporter) }
        }
        if state.octets > maximumOctets {
            for (exporter, _) in state.entries.sorted(by: { $0.value.octets > $1.value.octets })
            where state.octets > maximumOctets / 4 * 3 { drop(exporter) }
        }
        if state.entries.count > maximumExporters {
            let silent = state.entries.sorted { $0.value.active < $1.value.active }
            for (exporter, _) in silent.prefix(maximumExporters / 4) { drop(exporter) }
        }
    }

    // MARK: For workers

    /// A number for a worker, which it is to give with what it tells.
    func enroll() -> Int { workers.add(1, ordering: .relaxed).oldValue }

    /// Takes what a worker has heard, all of it of each exporter.
    func tell(_ news: [ExporterKnowledge], by worker: Int, at time: Timestamp) {
        guard !news.isEmpty else { return }
        let version = version.add(1, ordering: .relaxed).newValue
        state.withLock { state in
            for knowledge in news {
                var entry = state.entries[knowledge.exporter] ?? Entry(knowledge, at: time)
                if time - started > lifetime { entry.remembered = nil }
                // What was told before the restart has no worker of its own to take it back.
                entry.remembered = entry.remembered?.without(withdrawnIn: knowledge)
                entry.told.removeAll { $0.worker == worker }
                entry.told.append((worker, knowledge))
                var merged = entry.remembered ?? knowledge
                for other in entry.told { merged = merged.merged(with: other.knowledge) }
                (entry.merged, entry.version, entry.changedBy, entry.active) = (merged, version, worker, time)
                state.news.insert(knowledge.exporter)
                state.gone.remove(knowledge.exporter)
                Self.put(entry, in: &state)
            }
        }
    }

    func knowledge(of exporter: IPAddress) -> ExporterKnowledge? { state.withLock { $0.entries[exporter]?.merged } }

    /// What other workers were told since this one asked before.
    func changes(since seen: inout UInt64, notBy worker: Int) -> [ExporterKnowledge] {
        let latest = version.load(ordering: .relaxed)
        guard latest != seen else { return [] }
        defer { seen = latest }
        let since = seen
        return state.withLock { state in
            state.entries.values.compactMap { entry in
                entry.version > since && entry.changedBy != worker ? entry.merged : nil
            }
        }
    }

    /// These exporters have sent something.
    func noteActive(_ exporters: [ExporterStatistics]) {
        state.withLock { state in
            for exporter in exporters {
                guard let entry = state.entries[exporter.address], entry.active < exporter.lastSeen else { continue }
                state.entries[exporter.address]?.active = exporter.lastSeen
            }
        }
    }

    /// How much a worker's decoder may hold. Half of the whole is parted evenly, so that none is without; of the other half
    /// each may take a part of what is free. So all of them together never hold more than there is.
    ///
    /// - Parameters:
    ///   - octets: what it holds.
    ///   - shared: what it has booked of the common half, as much as it was allowed.
    func allowance(holding octets: Int, booked shared: inout Int) -> Int {
        let count = max(1, workers.load(ordering: .relaxed))
        let own = Self.workerOctets / 2 / count
        let excess = max(0, octets - own)
        let all = sharedOctets.add(excess - shared, ordering: .relaxed).newValue
        let more = max(0, Self.workerOctets / 2 - all) / count
        sharedOctets.add(more, ordering: .relaxed)
        shared = excess + more
        return own + shared
    }

    // MARK: For the store

    /// What is to be written since this was asked before, and which exporters are to be forgotten.
    public func takeNews() -> (told: [ExporterKnowledge], gone: [IPAddress]) {
        state.withLock { state in
            defer { (state.news, state.gone) = ([], []) }
            return (state.news.compactMap { state.entries[$0]?.merged }, Array(state.gone))
        }
    }

    /// For another try.
    public func putBack(_ told: [ExporterKnowledge], gone: [IPAddress]) {
        state.withLock { state in
            for knowledge in told where state.entries[knowledge.exporter] != nil {
                state.news.insert(knowledge.exporter)
            }
            for exporter in gone where state.entries[exporter] == nil { state.gone.insert(exporter) }
        }
    }

    /// What is held here, in octets.
    public var octets: Int { state.withLock { $0.octets } }
}
