internal import NetworkTypes

/// How fast two counters grow: the mean over the last reports, which come about once a second.
struct RateMeter {
    private struct Reading {
        var time: Timestamp
        var datagrams: UInt64
        var records: UInt64
    }

    /// The oldest first.
    private var readings: [Reading] = []

    private static let kept = 10

    /// Per second; nil before a second reading.
    mutating func rates(at time: Timestamp, datagrams: UInt64, records: UInt64) -> (datagrams: Double, records: Double)?
    {
        if readings.count >= Self.kept { readings.removeFirst() }
        readings.append(Reading(time: time, datagrams: datagrams, records: records))
        let seconds = Double(time.nanoseconds &- readings[0].time.nanoseconds) / 1e9
        guard seconds > 0 else { return nil }
        return (Double(datagrams &- readings[0].datagrams) / seconds, Double(records &- readings[0].records) / seconds)
    }
}
