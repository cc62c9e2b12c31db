import Foundation
import NetworkTypes
import Testing

@testable import Store

/// What is kept of exporters over a restart.
struct ExporterMemoryTests {
    @Test func whatWasGivenUpIsForgottenAndTheRestStays() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "floodgate-store-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = try Store(path: folder.appending(path: "floodgate.db").path())
        let memories = (1...3).map { Store.ExporterMemory(exporter: IPAddress(192, 0, 2, $0), body: [$0, 7]) }
        try store.write(memories, at: Timestamp(seconds: 10))
        try store.write(
            [Store.ExporterMemory(exporter: IPAddress(192, 0, 2, 1), body: [9])],
            forgetting: [IPAddress(192, 0, 2, 2), IPAddress(192, 0, 2, 200)],
            at: Timestamp(seconds: 11)
        )
        let kept = try store.exporterMemories()
        #expect(kept == [.init(exporter: IPAddress(192, 0, 2, 1), body: [9]), memories[2]])
        try store.write([], forgetting: [IPAddress(192, 0, 2, 1)], at: Timestamp(seconds: 12))
        #expect(try store.exporterMemories() == [memories[2]])
    }

    /// The clock was far ahead when most of them were written, and is right when the last is.
    @Test func thoseThatToldSomethingLastStayWhateverTheClockSaid() throws {
        let store = try Store(path: ":memory:")
        let many = (0..<Store.rememberedExporters).map { number in
            Store.ExporterMemory(exporter: IPAddress(10, 0, UInt8(number >> 8), UInt8(number & 255)), body: [1])
        }
        try store.write(many, at: Timestamp(seconds: 1_000_000))
        let last = Store.ExporterMemory(exporter: IPAddress(192, 0, 2, 1), body: [2])
        try store.write([last], at: Timestamp(seconds: 10))
        let kept = try store.exporterMemories()
        #expect(kept.count == Store.rememberedExporters && kept.first == last)
        #expect(!kept.contains(many[0]))
    }
}
