internal import NetworkTypes

/// From what on a host's traffic of a window is worth a note, beyond what is judged: more than any of these.
public struct HeavyNotice: Sendable, BitwiseCopyable {
    /// By class; at first nothing is worth it.
    public var limits = TrafficCounters()

    public init() {
        for trafficClass in TrafficClass.allCases {
            limits[trafficClass] = TrafficAmount(packets: .max, bytes: .max, flows: .max)
        }
    }

    /// Where that of a group's hosts stands, or with -1 of those in none, by direction.
    @inline(__always)
    static func place(group: Int, _ scope: TrafficKey.Scope) -> Int {
        (group &+ 1) &* 2 &+ Int(scope.rawValue & 1)
    }
}
