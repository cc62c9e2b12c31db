internal import NetworkTypes

/// How long to wait before the next attempt (RFC 4271 sections 8.1.1 and 8.1.2: ConnectRetryTimer, IdleHoldTimer and
/// DampPeerOscillations).
///
/// Failed attempts to connect and failed sessions are counted apart: a neighbor that was away for an hour is no reason
/// to punish the session that comes up then.
struct ReconnectionPolicy: Sendable {
    /// Waits double from the first to the last with each failure.
    static let first = Duration.seconds(1)
    static let last = Duration.seconds(60)
    /// A session that stood for so long was sound.
    static let stable = Duration.seconds(60)

    private(set) var failedAttempts = 0
    private(set) var failedSessions = 0
    /// Spreads the reconnections of many neighbors; any odd number will do.
    private var jitter: UInt64

    init(seed: UInt64) { jitter = seed | 1 }

    mutating func forget() {
        failedAttempts = 0
        failedSessions = 0
    }

    /// The neighbor has answered with an OPEN.
    mutating func reached() { failedAttempts = 0 }

    /// Until the next attempt to connect; grows with each that fails.
    mutating func afterAttempt() -> Duration {
        failedAttempts += 1
        return wait(failedAttempts)
    }

    /// How long to be idle after a session, or the making of one, went wrong. Nil: not at all, as for the first time.
    mutating func afterSession(of length: Duration) -> Duration? {
        if length >= Self.stable { failedSessions = 0 }
        failedSessions += 1
        return failedSessions < 2 ? nil : wait(failedSessions - 1)
    }

    /// A quarter of jitter, downwards.
    mutating func wait(_ failures: Int) -> Duration {
        jitter = jitter &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let whole = min(Self.first * (1 << min(max(failures - 1, 0), 6)), Self.last)
        return whole - .nanoseconds(whole.nanoseconds / 4 / 1000 * Int64(jitter >> 54 & 1023) / 1024 * 1000)
    }
}
