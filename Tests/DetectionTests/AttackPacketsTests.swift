import NetworkTypes
import Testing

@testable import Detection

struct AttackPacketsTests {
    private func packets(_ seconds: ClosedRange<Int>) -> [SampledPacket] {
        seconds.map { second in
            let time = Timestamp(seconds: Double(second))
            return SampledPacket([UInt8(second % 256)], link: .ip, originalLength: 100, time: time)
        }
    }

    private func seconds(_ kept: AttackPackets) -> [Int] { kept.all.map { Int($0.time.seconds) } }

    @Test func thoseOfTheBeginningStayAndTheLatestFollow() {
        var kept = AttackPackets()
        kept.add(packets(1...6), limit: 10)
        kept.add(packets(4...9), limit: 10)
        #expect(seconds(kept) == Array(1...9), "none twice")
        kept.add(packets(10...30), limit: 10)
        #expect(seconds(kept) == [1, 2, 3, 4, 5, 26, 27, 28, 29, 30])
        kept.add(packets(31...32), limit: 10)
        #expect(seconds(kept) == [1, 2, 3, 4, 5, 28, 29, 30, 31, 32])
        kept.add([], limit: 4)
        #expect(seconds(kept) == [1, 2, 31, 32], "fewer where many attacks are under way")
        kept.add(packets(40...400), limit: 1000)
        #expect(kept.all.count == AttackPackets.maximum)
    }

    @Test func noMoreThanTheFirstOctetsAreKept() {
        let long = SampledPacket(0..<200, link: .ethernet, originalLength: 9000, time: Timestamp(seconds: 1))
        #expect(long.octets == Array(0..<128) && long.originalLength == 9000)
        let short = SampledPacket([1, 2, 3], link: .ip, originalLength: 0, time: Timestamp(seconds: 1))
        #expect(short.originalLength == 3, "no packet is shorter than what is known of it")
    }
}
