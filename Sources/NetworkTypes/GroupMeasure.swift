/// What the thresholds of a group are held against.
public enum GroupMeasure: String, Sendable, Hashable, CaseIterable {
    /// Each of its hosts.
    case host
    /// The sum over all of it, as against carpet bombing.
    case group
    /// The sum over each of the operator's networks in it.
    case network
}
