/// What a message says of time, against which the times of its records are held.
struct MessageClock: BitwiseCopyable {
    /// Milliseconds since the exporter booted; nil where only differences are known.
    var upTime: UInt32?
    /// The export time in milliseconds since the epoch. The header tells whole seconds, cut off: it was up to a second
    /// later.
    var exportMilliseconds: Int64

    /// - Parameter systemInit: when the exporter booted, in milliseconds since the epoch, as a record itself says (IE 160);
    ///   0: as the domain's options did.
    @inline(__always)
    init(_ message: TemplatedDecoder.Message, systemInit: UInt64 = 0) {
        exportMilliseconds = Int64(message.seconds) &* 1000
        upTime = message.upTime
        guard upTime == nil else { return }
        let boot = systemInit > 0 ? systemInit : message.domain.systemInit
        if boot > 0 { upTime = UInt32(truncatingIfNeeded: UInt64(message.seconds) &* 1000 &- boot) }
    }

    /// Of times in milliseconds since the exporter booted. Without its own uptime only the duration is known.
    @inline(__always)
    func span(upTimes first: UInt32, _ last: UInt32) -> FlowSpan {
        FlowSpan(upTime: upTime ?? last, first: first, last: last)
    }

    /// Of times since the epoch; one of 0 is none.
    @inline(__always)
    func span(
        _ first: UInt64,
        _ last: UInt64,
        duration: UInt64 = 0,
        millisecondsPerUnit scale: Int64 = 1
    ) -> FlowSpan {
        guard last > 0 else { return span(begunAt: first, scale, duration: duration) }
        let last = Int64(truncatingIfNeeded: last) &* scale
        let first = first > 0 ? Int64(truncatingIfNeeded: first) &* scale : last &- Int64(clamping: duration)
        return FlowSpan(ageMilliseconds: exportMilliseconds &- last, durationMilliseconds: last &- first)
    }

    /// What has no end ended now, unless that were a day: then the clocks do not fit.
    @inline(never)
    private func span(begunAt first: UInt64, _ scale: Int64, duration: UInt64) -> FlowSpan {
        let elapsed = exportMilliseconds &- Int64(truncatingIfNeeded: first) &* scale
        let lasted = first > 0 && elapsed < FlowSpan.longest ? elapsed : Int64(clamping: duration)
        return FlowSpan(ageMilliseconds: 0, durationMilliseconds: lasted)
    }
}
