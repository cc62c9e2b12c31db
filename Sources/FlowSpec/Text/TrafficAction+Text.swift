internal import NetworkTypes

extension TrafficAction: CustomStringConvertible {
    /// As ExaBGP writes it: `discard`, `rate-limit 12500000`, `redirect 65001:100`. What it has no word for is printed
    /// as the octets of the extended community. A redirect to the next hop names that in the announcement.
    public var description: String {
        switch self {
        case .rateLimitBytes(0, let rate) where rate == 0: "discard"
        case .rateLimitBytes(0, let rate): Self.whole(rate).map { "rate-limit \($0)" } ?? octets
        case .rateLimitPackets(0, let rate): Self.whole(rate).map { "rate-limit \($0) packets" } ?? octets
        case .control(continueWithNextRules: true, sample: true): "action sample-terminal"
        case .control(continueWithNextRules: false, sample: true): "action sample"
        case .control(continueWithNextRules: true, sample: false): "action terminal"
        case .redirect(.twoOctetAS(let asn, let number)): "redirect \(asn):\(number)"
        case .redirect(.fourOctetAS(let asn, let number)) where !asn.isTwoOctet: "redirect \(asn):\(number)"
        case .redirect(.ipv6(let address, let number)): "redirect [\(address)]:\(number)"
        case .redirectToIP(let address, copy: false): "redirect-to-nexthop-ietf \(address)"
        case .redirectToIP(let address, copy: true) where !address.isIPv4: "copy-to-nexthop-ietf \(address)"
        case .redirectToNextHop(let copy): copy ? "copy-to-nexthop" : "redirect-to-nexthop"
        case .markDSCP(let value): "mark \(value)"
        case .interfaceSet(let asn, let group, let input, let output, let transitive) where input || output:
            "interface-set \(transitive ? "transitive" : "non-transitive"):"
                + "\(input && output ? "input-output" : input ? "input" : "output"):\(asn):\(group)"
        default: octets
        }
    }

    private var octets: String { "extended-community \(extendedCommunity?.description ?? "0x")" }

    /// Up to a trillion, beyond which ExaBGP would put another rate.
    private static func whole(_ rate: Float) -> String? {
        rate.isRate && rate <= 1e12 && rate == rate.rounded() ? String(UInt64(rate)) : nil
    }
}
