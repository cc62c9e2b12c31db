import Simulation
import Testing

@testable import BGP

/// Held against an array, which is the same but for what it costs.
@Test func aLineIsFirstComeFirstServed() {
    var random = SeededGenerator(seed: 7)
    var line = WaitingLine()
    var model: [Int] = []
    for _ in 0..<20_000 {
        let place = Int.random(in: 0..<300, using: &random)
        switch Int.random(in: 0..<8, using: &random) {
        case 0..<4:
            line.append(place)
            if !model.contains(place) { model.append(place) }
        case 4..<7:
            line.remove(place)
            model.removeAll { $0 == place }
        default: #expect(line.popFirst() == (model.isEmpty ? nil : model.removeFirst()))
        }
    }
    #expect(model.count > 50)
    for place in model { #expect(line.popFirst() == place) }
    #expect(line.popFirst() == nil)
}
