import Capture
import Logging
import NetworkTypes
import Store
import Synchronization
import Telemetry

/// Keeps what exporters tell only now and then: without their templates and rates, records that come after a restart
/// cannot be read until they are told again, which takes some exporters half an hour.
struct ExporterMemory: Sendable {
    private let store: Store
    private let logger: Logger

    /// How often news is written.
    private static let interval = Duration.seconds(1)

    init(store: Store, logger: Logger) {
        self.store = store
        self.logger = logger
    }

    /// What was kept. What cannot be read is told anew by the exporters: no reason not to start.
    func load() -> [ExporterKnowledge] {
        do {
            return try store.exporterMemories().compactMap { memory in
                do {
                    let octets = memory.body.span
                    return try unsafe ExporterKnowledge(exporter: memory.exporter, encoded: octets.bytes)
                } catch {
                    logger.warning(
                        "what an exporter told before cannot be read",
                        metadata: ["exporter": "\(memory.exporter)", "reason": "\(error)"]
                    )
                    return nil
                }
            }
        } catch {
            logger.warning("what exporters told before cannot be read", metadata: ["reason": "\(error)"])
            return []
        }
    }

    /// Writes what is new; gives back what could not be written.
    private func save(_ news: [ExporterKnowledge], forgetting gone: [IPAddress], at time: Timestamp) -> Bool {
        do {
            try store.write(news.map { .init(exporter: $0.exporter, body: $0.encoded) }, forgetting: gone, at: time)
            return true
        } catch {
            logger.warning("what exporters told is not kept", metadata: ["reason": "\(error)"])
            return false
        }
    }

    /// Writes the news of an ingest again and again until it is cancelled.
    func run(of ingest: Ingest, clock: DaemonClock) async {
        while (try? await Task.sleep(for: Self.interval)) != nil { flush(ingest, at: clock.now) }
    }

    /// Writes what is new now.
    func flush(_ ingest: Ingest, at time: Timestamp) {
        let (told, gone) = ingest.knowledge.takeNews()
        guard !told.isEmpty || !gone.isEmpty else { return }
        if !save(told, forgetting: gone, at: time) { ingest.knowledge.putBack(told, gone: gone) }
    }
}
