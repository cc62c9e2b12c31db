extension HistoryPool {
    /// The seconds in which a flow flowed, and how much of each it did.
    struct Stretch: BitwiseCopyable {
        /// In seconds before the one under way.
        let ageOfNewest: Int64
        let ageOfOldest: Int64
        /// Of the whole duration: of the newest second, of the oldest, where that is another, and of each between them.
        let ofNewest: Double
        let ofOldest: Double
        let ofEach: Double

        @inline(__always)
        init(_ ages: FlowAgeRange) {
            let unit = FlowAgeRange.unitsPerSecond
            let (last, units) = (ages.unitsToLast, ages.units)
            ageOfNewest = last / unit
            ageOfOldest = (last &+ units &- 1) / unit
            let one = 1 / Double(units)
            ofEach = one * Double(unit)
            let isWithinOne = ageOfNewest == ageOfOldest
            ofNewest = isWithinOne ? 1 : one * Double((ageOfNewest &+ 1) &* unit &- last)
            ofOldest = isWithinOne ? 0 : one * Double(last &+ units &- ageOfOldest &* unit)
        }

        private init(endAt age: Int64) {
            (ageOfNewest, ageOfOldest) = (age, age)
            (ofNewest, ofOldest, ofEach) = (1, 0, 0)
        }

        /// The second in which the flow ended.
        var end: Stretch { Stretch(endAt: ageOfNewest) }
    }
}
