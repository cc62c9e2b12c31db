internal import NetworkTypes

/// When the packets of a flow record flowed, relative to the export of the message that carries it. Only differences of
/// the exporter's own clock are used, so a wrong clock does no harm.
struct FlowSpan {
    /// Milliseconds from the last packet to the export; not negative.
    var ageMilliseconds: Int64
    /// Milliseconds from the first packet to the last; not negative.
    var durationMilliseconds: Int64

    /// A record that says nothing else is about the present.
    static let now = FlowSpan(ageMilliseconds: 0, durationMilliseconds: 0)

    init(ageMilliseconds: Int64, durationMilliseconds: Int64) {
        self.ageMilliseconds = min(max(0, ageMilliseconds), Self.oldest)
        self.durationMilliseconds = min(max(0, durationMilliseconds), Self.longest)
    }

    /// From the exporter's uptime in milliseconds, which wraps every 49.7 days.
    init(upTime: UInt32, first: UInt32, last: UInt32) {
        self.init(
            ageMilliseconds: Int64(Int32(bitPattern: upTime &- last)),
            durationMilliseconds: Int64(Int32(bitPattern: last &- first))
        )
    }

    /// A day: some exporters give the start of a session that has lasted for weeks.
    static let longest: Int64 = 86_400_000

    /// A year, in nanoseconds far from the end of the numbers: an exporter's clock may say anything.
    static let oldest: Int64 = 365 * 86_400_000
}

/// Turns the spans of one datagram's records into collector time.
struct FlowAges {
    private var youngest: Int64 = .max
    /// The longest time for which the exporter keeps a flow before it reports, where it has said so; 0: unknown.
    var activeTimeoutMilliseconds: Int64 = 0

    /// An exporter reports a flow soon after it ended. When even the youngest record of a datagram ended longer ago, the
    /// exporter does not speak of the present: it replays a recording, or its clock jumped.
    static let longestPlausibleAge: Int64 = 330_000

    mutating func apply(_ span: FlowSpan, to record: inout FlowRecord, at time: Timestamp) {
        youngest = min(youngest, span.ageMilliseconds)
        var duration = span.durationMilliseconds
        // Counters are since the last report, so they cannot span more than the active timeout.
        if activeTimeoutMilliseconds > 0 { duration = min(duration, activeTimeoutMilliseconds) }
        record.last = Timestamp(nanoseconds: time.nanoseconds &- span.ageMilliseconds &* 1_000_000)
        record.first = Timestamp(nanoseconds: record.last.nanoseconds &- duration &* 1_000_000)
    }

    /// By how much the datagram's records are to be moved so that the youngest ends at its arrival; nil for not at all.
    var shift: Duration? {
        youngest == .max || youngest <= Self.longestPlausibleAge ? nil : .milliseconds(youngest)
    }
}
