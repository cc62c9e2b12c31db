internal import NetworkTypes

/// How an interface of a pcapng file counts time (options `if_tsresol` and `if_tsoffset`).
struct PcapngClock {
    var offsetSeconds: Int64 = 0
    /// A power of 10, or of 2.
    private var exponent: UInt8 = 6
    private var isBinary = false

    /// The octet of the option: the highest bit says which power, the others its negative exponent.
    mutating func setResolution(_ octet: UInt8) {
        isBinary = octet & 0x80 != 0
        exponent = octet & 0x7F
    }

    /// Ticks since the epoch as a time; what does not fit is as late as can be.
    func time(_ ticks: UInt64) -> Timestamp {
        let (seconds, nanoseconds) = isBinary ? binary(ticks) : decimal(ticks)
        let (shifted, overflow) = Int64(clamping: seconds).addingReportingOverflow(offsetSeconds)
        let limit = Int64.max / 1_000_000_000 - 1
        let bounded = overflow ? limit : min(max(shifted, 0), limit)
        return Timestamp(nanoseconds: bounded * 1_000_000_000 + Int64(nanoseconds))
    }

    private func binary(_ ticks: UInt64) -> (seconds: UInt64, nanoseconds: UInt64) {
        guard exponent < 64 else { return (0, 0) }
        let fraction = exponent == 0 ? 0 : ticks << UInt64(64 - exponent)
        return (ticks >> UInt64(exponent), fraction.multipliedFullWidth(by: 1_000_000_000).high)
    }

    private func decimal(_ ticks: UInt64) -> (seconds: UInt64, nanoseconds: UInt64) {
        // 10^19 is the highest power of ten in 64 bits; what is finer than that says nothing of seconds.
        guard exponent <= 19 else { return (0, 0) }
        let perSecond = Self.power(exponent)
        let rest = ticks % perSecond
        let nanoseconds = exponent <= 9 ? rest &* Self.power(9 - exponent) : rest / Self.power(exponent - 9)
        return (ticks / perSecond, nanoseconds)
    }

    private static func power(_ exponent: UInt8) -> UInt64 { (0..<exponent).reduce(1) { power, _ in power &* 10 } }
}
