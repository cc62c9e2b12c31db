public import NetworkTypes

/// From what on a host's traffic of a window is worth a note, beyond what is judged: more than any of these. At first
/// nothing is.
public struct HeavyNotice: Sendable {
    var limits = TrafficCounters.Limits()

    public init() {}

    /// What is worth it of a class, in a window.
    public subscript(trafficClass: TrafficClass) -> TrafficAmount {
        get { limits[trafficClass] }
        set { limits[trafficClass] = newValue }
    }

    /// Where that of a group's hosts stands, or with -1 of those in none, by direction.
    @inline(__always)
    static func place(group: Int, _ scope: TrafficKey.Scope) -> Int {
        (group &+ 1) &* 2 &+ Int(scope.rawValue & 1)
    }
}
