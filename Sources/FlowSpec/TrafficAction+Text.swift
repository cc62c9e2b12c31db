internal import NetworkTypes

extension TrafficAction: CustomStringConvertible {
    /// As ExaBGP writes it, with the unit of rates said: `discard`, `rate-limit 12500000 bytes/s`.
    public var description: String {
        switch self {
        case .rateLimitBytes(_, let rate):
            rate == 0 ? "discard" : "rate-limit \(Self.number(rate)) bytes/s"
        case .rateLimitPackets(_, let rate):
            rate == 0 ? "discard" : "rate-limit \(Self.number(rate)) packets/s"
        case .control(let continueWithNextRules, let sample):
            switch (sample, continueWithNextRules) {
            case (true, true): "action sample-terminal"
            case (true, false): "action sample"
            case (false, true): "action terminal"
            case (false, false): "action none"
            }
        case .redirect(let target): "redirect \(target)"
        case .redirectToIP(let address, let copy): copy ? "copy \(address)" : "redirect-to-nexthop \(address)"
        case .markDSCP(let value): "mark \(value)"
        case .interfaceSet(let asn, let group, let input, let output, let transitive):
            "interface-set \(transitive ? "transitive" : "non-transitive"):"
                + "\(input && output ? "input-output" : input ? "input" : "output"):\(asn):\(group)"
        }
    }

    private static func number(_ rate: Float) -> String {
        rate.isFinite && abs(rate) < 9e18 && rate == rate.rounded() ? String(Int64(rate)) : String(rate)
    }
}

extension RouteTarget: CustomStringConvertible {
    public var description: String {
        switch self {
        case .twoOctetAS(let asn, let number): "\(asn):\(number)"
        case .ipv4(let address, let number): "\(address):\(number)"
        case .fourOctetAS(let asn, let number): "\(asn):\(number)"
        }
    }
}
