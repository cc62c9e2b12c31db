/// An hour as far as it was looked at: its highest looks, of which the level is known below which 95 % of all are.
struct BaselineVisit: Sendable {
    /// Minutes with traffic without which an hour is not known: of less nobody can tell what is usual in it from what is not.
    static let enough = 20

    /// Since the epoch; -1 for none.
    private(set) var hour: Int64 = -1
    private(set) var minutes = 0
    /// The highest levels by minute, the highest first.
    private var packets = SIMD4<UInt16>(repeating: 0)
    private var bits = SIMD4<UInt16>(repeating: 0)

    init() {}

    init(hour: Int64) { self.hour = hour }

    var isEnough: Bool { minutes >= Self.enough }

    /// Takes in what was normal for some minutes.
    mutating func add(packets: BaselineLevel, bits: BaselineLevel, minutes count: Int) {
        for _ in 0..<min(max(count, 0), 4) {
            Self.insert(packets.rawValue, into: &self.packets)
            Self.insert(bits.rawValue, into: &self.bits)
        }
        minutes = min(minutes + max(count, 0), 60)
    }

    /// A twentieth of the minutes are above it; how far above does not matter.
    var levels: (packets: BaselineLevel, bits: BaselineLevel) {
        let left = min(minutes / 20, 3)
        return (BaselineLevel(rawValue: packets[left]), BaselineLevel(rawValue: bits[left]))
    }

    private static func insert(_ value: UInt16, into highest: inout SIMD4<UInt16>) {
        guard value > highest[3] else { return }
        highest[3] = value
        for place in [3, 2, 1] where highest[place] > highest[place - 1] {
            (highest[place], highest[place - 1]) = (highest[place - 1], highest[place])
        }
    }
}
