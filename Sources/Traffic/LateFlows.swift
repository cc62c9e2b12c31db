internal import NetworkTypes

/// What flows that were reported late have added to a host of late, halved every 64 seconds. It tells whether a history
/// is worth its memory.
struct LateFlows: Sendable, BitwiseCopyable {
    // In 12 octets, so that a state's head stays small.
    private var packets: Float = 0
    private var bytes: Float = 0
    /// Stays at its highest.
    private var flows: UInt16 = 0
    /// The lower half of the number of the 64 seconds that are under way.
    private var period: UInt16 = 0

    /// What is worth a history. Below a sixteenth of a second's worth of the lowest limit a host can hide what an attack
    /// needs, but not more.
    struct Limits: Sendable {
        fileprivate var packets = Float.infinity
        fileprivate var bytes = Float.infinity
        /// Nil: no number of flows is.
        fileprivate var flows: UInt16?

        init(_ measures: [TrafficMeasure]) {
            for measure in measures {
                let limit = measure.lowestLimit / 16
                switch measure.unit {
                case .packets: packets = min(packets, Float(limit))
                case .bits: bytes = min(bytes, Float(limit / 8))
                case .flows: flows = min(flows ?? .max, UInt16(max(0, min(limit, Double(UInt16.max)))))
                }
            }
        }
    }

    @inline(__always)
    mutating func add(_ amount: TrafficAmount, at second: Int64) {
        let elapsed = UInt16(truncatingIfNeeded: second >> 6) &- period
        if elapsed > 0 { halve(elapsed) }
        packets += Float(amount.packets)
        bytes += Float(amount.bytes)
        flows = UInt16(clamping: UInt32(flows) &+ min(amount.flows, UInt32(UInt16.max)))
    }

    @inline(__always)
    func reaches(_ limits: Limits) -> Bool {
        packets >= limits.packets || bytes >= limits.bytes || limits.flows.map { flows >= $0 } ?? false
    }

    /// Per second, were the traffic steady: what is halved every 64 seconds settles at 64 to 128 seconds' worth of it.
    func means(at second: Int64) -> (packets: Double, bits: Double, flows: Double) {
        var now = self
        now.halve(UInt16(truncatingIfNeeded: second >> 6) &- period)
        let seconds = Double(64 + second & 63)
        return (Double(now.packets) / seconds, Double(now.bytes) * 8 / seconds, Double(now.flows) / seconds)
    }

    private mutating func halve(_ times: UInt16) {
        let factor: Float = times >= 16 ? 0 : 1 / Float(1 << times)
        packets *= factor
        bytes *= factor
        flows = times >= 16 ? 0 : flows >> times
        period &+= times
    }
}
