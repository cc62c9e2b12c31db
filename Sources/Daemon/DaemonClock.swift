import NetworkTypes

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The daemon's time: the wall clock when it started, and the monotonic clock since.
///
/// It never runs backwards, whoever corrects the machine's clock meanwhile.
struct DaemonClock: Sendable {
    private let offset: Int64

    init() { offset = Self.read(CLOCK_REALTIME) - Self.read(CLOCK_MONOTONIC) }

    var now: Timestamp { Timestamp(nanoseconds: Self.read(CLOCK_MONOTONIC) + offset) }

    /// The machine's own, as the service manager reads it.
    var monotonicNanoseconds: Int64 { Self.read(CLOCK_MONOTONIC) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
