public import NetworkTypes

/// Packets of an attack as exporters handed them to us: those of its first moments, and the latest.
///
/// There are none where telemetry tells of flows alone.
public struct AttackPackets: Sendable, Hashable {
    /// The oldest first.
    public private(set) var all: [SampledPacket]

    /// The most that an attack keeps; fewer where many attacks are under way.
    public static let maximum = 64

    /// - Parameter packets: the oldest first.
    public init(_ packets: [SampledPacket] = []) { all = Array(packets.prefix(Self.maximum)) }

    /// Adds those that are later than what there is. The first half stays, and of the others the latest do.
    mutating func add(_ packets: [SampledPacket], limit: Int) {
        let limit = min(max(limit, 2), Self.maximum)
        let latest = all.last?.time
        all += packets.filter { packet in latest.map { packet.time > $0 } ?? true }
        guard all.count > limit else { return }
        all.removeSubrange((limit / 2)..<(all.count - limit + limit / 2))
    }
}
