import Compatibility
import Testing

@testable import Daemon

/// What is read from a pipe by one task and looked at by another.
struct PipeAssemblyTests {
    /// Complete as its last brace is closed, though a line may go on.
    private static let announce = "announce flow route { match { destination 198.51.100.9/32; } then { discard; } }"

    private func texts(_ readings: [APIReading]) -> [String] {
        readings.map { reading in
            switch reading {
            case .command(_, let text): text.filter { $0 != "\n" }
            case .refused(let excerpt, let reason): "\(reason): \(excerpt)"
            }
        }
    }

    @Test func whatNobodyEndsIsTakenOnceItIsQuiet() {
        var assembly = PipeAssembly()
        assembly.noteArrival()
        #expect(assembly.take(Self.announce.utf8).isEmpty)
        #expect(assembly.takeIdle().isEmpty, "something came since it was looked at last")
        #expect(texts(assembly.takeIdle()) == [Self.announce])
        #expect(assembly.takeIdle().isEmpty)
    }

    /// Octets that were read and are not yet taken: without them nothing is finished, so nothing is carried out after
    /// what they say.
    @Test func whatIsOnItsWayIsWaitedFor() {
        var assembly = PipeAssembly()
        assembly.noteArrival()
        _ = assembly.take(Self.announce.utf8)
        _ = assembly.takeIdle()
        assembly.noteArrival()
        #expect(assembly.takeIdle().isEmpty)
        let taken = assembly.take("\nwithdraw flow route destination 198.51.100.9/32\n".utf8)
        #expect(texts(taken) == [Self.announce, "withdraw flow route destination 198.51.100.9/32"])
        #expect(assembly.takeIdle().isEmpty && assembly.takeIdle().isEmpty)
    }
}
