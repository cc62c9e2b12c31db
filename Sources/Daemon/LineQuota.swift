import NetworkTypes

/// How many lines of one process are logged: one gone mad must not push out the others.
struct LineQuota: Sendable {
    static let perMinute = 1000
    private var began: Timestamp?
    private var count = 0

    /// Whether this one is to be written down, and how many before it were not and have not been told of yet.
    mutating func admit(at time: Timestamp) -> (isAdmitted: Bool, missed: Int) {
        guard let began, time - began < .seconds(60) else {
            let missed = max(0, count - Self.perMinute)
            self.began = time
            count = 1
            return (true, missed)
        }
        count += 1
        return (count <= Self.perMinute, 0)
    }
}
