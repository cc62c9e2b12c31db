import Telemetry

/// Batches that are allocated once: libFuzzer runs on one thread, and a fresh batch for each input would take most of the
/// time.
final class Workbench {
    var seen = RecordBatch()
    var unseen = RecordBatch()

    nonisolated(unsafe) static let shared = Workbench()  // libFuzzer calls back on one thread alone.
}
