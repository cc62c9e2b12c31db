internal import FlowSpec
internal import NetworkTypes

extension MatchComponent {
    /// Whether both are on lengths, or on the same ports, and the other holds for all values for which this one does.
    func isWithin(_ wide: MatchComponent) -> Bool {
        switch (self, wide) {
        case (.packetLength(let own), .packetLength(let others)), (.sourcePort(let own), .sourcePort(let others)),
            (.destinationPort(let own), .destinationPort(let others)):
            // Between the values that either names nothing changes.
            let values = (own + others).map { UInt16(clamping: $0.value) }
            let ends = values.flatMap { [$0 == 0 ? 0 : $0 - 1, $0, $0 == .max ? .max : $0 + 1] } + [0, .max]
            return ends.allSatisfy { !Self.hold(own, for: $0) || Self.hold(others, for: $0) }
        default: return false
        }
    }

    private static func hold(_ terms: [NumericTerm], for length: UInt16) -> Bool {
        guard let rule = try? FlowSpecRule(family: .ipv6, components: [.packetLength(terms)]) else { return false }
        return rule.matches(
            MatchedPacket(source: .unspecified, destination: .unspecified, ipProtocol: 0, length: length)
        )
    }
}
