internal import NetworkTypes

extension MatchComponent {
    /// Holds the component to what its field can be, and brings it into the form that is sent.
    func validated(for family: AddressFamily) throws(FlowSpecError) -> MatchComponent {
        switch self {
        case .destination(let pattern): return .destination(try pattern.validated(type, for: family))
        case .source(let pattern): return .source(try pattern.validated(type, for: family))
        default: break
        }
        guard type != .flowLabel || family == .ipv6 else { throw .wrongFamily(type) }
        switch terms {
        case .numeric(var list):
            guard !list.isEmpty else { throw .emptyComponent(type) }
            let limit = type.maximumValue
            for term in list where term.value > limit { throw .valueRange(type, value: term.value, limit: limit) }
            list[0].and = false
            return MatchComponent(type, numeric: list) ?? self
        case .bitmask(var list):
            guard !list.isEmpty else { throw .emptyComponent(type) }
            let limit = UInt16(type.maximumValue)
            for term in list {
                guard term.value <= limit else {
                    throw .valueRange(type, value: UInt64(term.value), limit: UInt64(limit))
                }
                if type == .fragment, family == .ipv6, term.value & FragmentBits.dontFragment != 0 {
                    throw .dontFragmentInIPv6
                }
            }
            list[0].and = false
            return MatchComponent(type, bitmask: list) ?? self
        case nil: return self
        }
    }
}

extension PrefixPattern {
    fileprivate func validated(
        _ type: MatchComponentType,
        for family: AddressFamily
    ) throws(FlowSpecError) -> PrefixPattern {
        guard prefix.family == family else { throw .wrongFamily(type) }
        guard offset == 0 || (family == .ipv6 && offset > 0 && offset < prefix.length) else {
            throw .invalidOffset(type)
        }
        guard offset > 0 else { return self }
        // The bits before the offset are not compared: clear, so that equal patterns are equal values.
        let address = prefix.address
        let keep = IPAddress(high: .max, low: .max).masked(to: offset)
        let cleared = IPAddress(high: address.high & ~keep.high, low: address.low & ~keep.low)
        // Clearing may leave what reads as an IPv4-mapped address, which is no IPv6 prefix here.
        guard !cleared.isIPv4, let pattern = IPPrefix(cleared, length: prefix.length) else { return self }
        return PrefixPattern(pattern, offset: offset)
    }
}
