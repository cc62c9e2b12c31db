public import Detection
public import Mitigation
public import NetworkTypes
public import Speaker

/// What happens in a running daemon, for those who look on: the log, the demo, the tests.
public enum DaemonEvent: Sendable {
    /// Telemetry is listened for, neighbors are being connected to.
    case started
    case attack(AttackEvent, at: Timestamp)
    /// A rule stands in the store and was handed to the speaker.
    case announced(LedgerEntry, at: Timestamp)
    /// Mode `observe`: a rule that would have been announced.
    case observed(LedgerEntry, at: Timestamp)
    case withdrawn(LedgerEntry, at: Timestamp)
    case refused(Refusal, at: Timestamp)
    case neighbor(NeighborEvent)
}

/// Is handed each event, in order, from the thread on which it happens; must return soon.
public typealias DaemonObserver = @Sendable (DaemonEvent) -> Void
