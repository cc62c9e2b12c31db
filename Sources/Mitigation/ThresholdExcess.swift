internal import FlowSpec
internal import NetworkTypes

/// What an attack was told by: the class of traffic that was above its threshold, and how much of it may be left.
struct ThresholdExcess {
    var trafficClass: TrafficClass
    /// Packets or bits.
    var unit: TrafficUnit
    /// Of what comes of the class, beside what goes on as it was: 0 up to below 1.
    var mostLeft: Double
}

extension SampledPacket {
    func isOf(_ trafficClass: TrafficClass) -> Bool {
        switch trafficClass {
        case .total: true
        case .tcp: packet.ipProtocol == IPProtocol.tcp.rawValue
        case .udp: packet.ipProtocol == IPProtocol.udp.rawValue
        case .icmp: IPProtocol(rawValue: packet.ipProtocol).isICMP
        case .tcpSYN:
            packet.tcpFlags.map { TCPFlags(rawValue: UInt8(truncatingIfNeeded: $0)).isConnectionAttempt } ?? false
        case .fragments: packet.fragment != 0
        }
    }
}
