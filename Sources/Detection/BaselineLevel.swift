/// A rate on a logarithmic scale, in 256ths of a doubling: from 1 to far beyond any network, to three parts in a
/// thousand. 0 stands for not known.
struct BaselineLevel: RawRepresentable, Hashable, Comparable, Sendable, BitwiseCopyable {
    var rawValue: UInt16

    static let unknown = BaselineLevel(rawValue: 0)
    static let doubling: UInt16 = 256

    init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Of a rate per second.
    init(rate: Double) {
        let value = min(max(rate.isFinite ? rate : 0, 0), 1e18) + 1
        // The logarithm of 1...2 by a polynomial, good to a ten-thousandth.
        let part = value.significand
        let natural = (((-0.056570851 * part + 0.44717955) * part - 1.4699568) * part + 2.8212026) * part - 1.7417939
        let fraction = natural * 1.442695
        let scaled = (Double(value.exponent) + min(max(fraction, 0), 1)) * Double(Self.doubling)
        rawValue = UInt16(min(max(scaled.rounded(), 0), 65_000)) + 1
    }

    /// Per second.
    var rate: Double {
        guard rawValue > 0 else { return 0 }
        let steps = Int(rawValue - 1)
        let part = Double(steps % 256) / 256
        let fraction = 1 + part * (0.6931472 + part * (0.2402265 + part * (0.0555041 + part * 0.0096181)))
        return Double(sign: .plus, exponent: min(steps / 256, 63), significand: fraction) - 1
    }

    static func < (left: BaselineLevel, right: BaselineLevel) -> Bool { left.rawValue < right.rawValue }

    func raised(by steps: UInt16) -> BaselineLevel {
        BaselineLevel(rawValue: UInt16(clamping: UInt32(rawValue) + UInt32(steps)))
    }

    /// By less than is left; what is known stays known.
    func lowered(by steps: UInt16) -> BaselineLevel {
        guard rawValue > 0 else { return self }
        return BaselineLevel(rawValue: rawValue > steps ? rawValue - steps : 1)
    }
}
