/// A rate that changes with time, in steps. Zero where nothing is said.
public struct RateCurve: Sendable, Hashable {
    /// What holds up to a time, in seconds from the start of the scenario.
    public struct Step: Sendable, Hashable {
        public var until: Double
        public var perSecond: Double
    }

    /// In the order of time.
    public private(set) var steps: [Step] = []

    public init() {}

    public static func constant(_ perSecond: Double, from start: Double = 0, to end: Double) -> RateCurve {
        var curve = RateCurve()
        curve.hold(0, until: start)
        curve.hold(perSecond, until: end)
        return curve
    }

    /// Goes on at a rate up to a time.
    public mutating func hold(_ perSecond: Double, until time: Double) {
        guard time > steps.last?.until ?? 0 else { return }
        steps.append(Step(until: time, perSecond: max(0, perSecond)))
    }

    /// Goes on to a rate in steps of half a second.
    public mutating func climb(to perSecond: Double, until time: Double) {
        let (start, from) = (steps.last?.until ?? 0, steps.last?.perSecond ?? 0)
        let count = max(1, Int((time - start) * 2))
        for index in 1...count {
            let share = Double(index) / Double(count)
            hold(from + (perSecond - from) * share, until: start + (time - start) * share)
        }
    }

    public var peak: Double { steps.reduce(0) { max($0, $1.perSecond) } }

    public func rate(at time: Double) -> Double {
        steps.first { time < $0.until }?.perSecond ?? 0
    }

    public func scaled(by factor: Double) -> RateCurve {
        var curve = self
        for index in steps.indices { curve.steps[index].perSecond *= factor }
        return curve
    }
}
