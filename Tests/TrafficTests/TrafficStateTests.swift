import Testing

@testable import Traffic

/// Lines of the cache are asked for by where the fields lie: were one added or moved, this would be the wrong memory, and
/// nothing but speed would tell.
@Test func aStateLiesAsItIsAskedFor() {
    #expect(MemoryLayout<TrafficState>.stride == 192)
    #expect(MemoryLayout<TrafficState>.offset(of: \.key) == TrafficState.lineOfKey)
}
