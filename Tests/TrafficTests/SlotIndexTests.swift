import Simulation
import Testing

@testable import Traffic

/// Insertions, removals and look-ups in any order, with hashes that collide, beside a dictionary that does the same.
@Test(arguments: [1, 40, 1 << 20] as [UInt32])
func theIndexFindsWhatWasInsertedAndNothingElse(_ hashes: UInt32) throws {
    var random = SeededGenerator(seed: UInt64(hashes))
    var index = SlotIndex()
    var hashOf: [Int: UInt32] = [:]
    let most = hashes < 100 ? 200 : 5000
    for step in 0..<8000 {
        let position = Int.random(in: 0..<most, using: &random)
        if let hash = hashOf.removeValue(forKey: position) {
            index.remove(hash, position)
        } else {
            // In the upper bits, so that neighbors share their home.
            let hash = UInt32.random(in: 0..<hashes, using: &random) << 10
            hashOf[position] = hash
            index.insert(hash, position)
        }
        #expect(index.count == hashOf.count)
        guard step % 1000 == 0 else { continue }
        for position in 0..<most {
            let hash = hashOf[position] ?? UInt32.random(in: 0..<hashes, using: &random) << 10
            let found = index.find(hash) { $0 == position }
            #expect(found == (hashOf[position] == nil ? -1 : position))
        }
        let candidate = { (hash: UInt32) in index.candidate(hash, beginningWith: index.content(hash)) }
        let candidates = Set(hashOf.values).map { ($0, candidate($0)) }
        #expect(candidates.allSatisfy { hashOf[Int($0.1)] == $0.0 })
    }
    index.removeAll()
    let candidate = { (hash: UInt32) in index.candidate(hash, beginningWith: index.content(hash)) }
    let gone = hashOf.values.allSatisfy { candidate($0) == -1 }
    #expect(gone && index.count == 0)
}
