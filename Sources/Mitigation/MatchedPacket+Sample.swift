internal import FlowSpec
internal import NetworkTypes
internal import Traffic

extension MatchedPacket {
    /// What a sample says of its packets; it has neither DSCP nor flow label.
    init(_ sample: TrafficSample) {
        let hasPorts = [.tcp, .udp].contains(sample.ipProtocol) && !(sample.isFragment && sample.sourcePort == 0)
        let isICMP = [.icmp, .icmpv6].contains(sample.ipProtocol)
        self.init(
            source: sample.source,
            destination: sample.destination,
            ipProtocol: sample.ipProtocol.rawValue,
            sourcePort: hasPorts ? sample.sourcePort : nil,
            destinationPort: hasPorts ? sample.destinationPort : nil,
            icmpType: isICMP ? sample.icmpType : nil,
            icmpCode: isICMP ? sample.icmpCode : nil,
            tcpFlags: sample.ipProtocol == .tcp ? UInt16(sample.tcpFlags.rawValue) : nil,
            length: sample.packetLength,
            fragment: sample.isFragment ? FragmentBits.isFragment : 0
        )
    }
}
