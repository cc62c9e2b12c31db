import Testing

@testable import Daemon

/// How many hours are on record, in words.
struct BaselineWordingTests {
    @Test(arguments: [(0, "no hour is on record"), (1, "1 hour is on record"), (2, "2 hours are on record")])
    func oneHourIsNoHours(_ hours: Int, _ words: String) {
        #expect(DaemonResponder.onRecord(hours: hours).hasPrefix(words + "; a week (168)"))
    }
}
