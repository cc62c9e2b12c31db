public import NetworkTypes
public import Telemetry

/// Finds what exporters sent in the packets of a capture: UDP datagrams, in fragments too, and the messages of IPFIX over TCP.
public struct TelemetryFinder {
    private var fragments = FragmentAssembler()
    private var streams = StreamAssembler()

    /// Who had a connection.
    public struct Connection: Sendable, Hashable {
        public var exporter: IPAddress
        public var port: UInt16
    }

    /// The connection of an exporter that ended with the packet that was taken last, or that another begins in place of.
    public var endedConnection: Connection? {
        streams.ended.map { Connection(exporter: $0.source, port: $0.sourcePort) }
    }

    public init() {}

    /// Datagrams of which fragments are missing; of those the latest.
    public var incomplete: Int { fragments.incomplete }

    /// Hands on each datagram and message that a packet holds or completes; false where the packet is nothing of the kind.
    ///
    /// - Parameter body: gets who sent it, whose `payload` is a range of the octets that come with it, and the octets.
    public mutating func take(
        _ packet: RawSpan,
        on link: LinkLayer,
        _ body: (CapturedDatagram, RawSpan) throws -> Void
    ) rethrows -> Bool {
        streams.ended = nil
        guard let ip = CapturedIP(in: packet, on: link), ip.ipProtocol == 17 || ip.ipProtocol == 6 else { return false }
        let payload = packet.extracting(ip.payload)
        guard let fragment = ip.fragment else { return try take(ip, payload, body) }
        guard let whole = fragments.take(ip, fragment, payload) else { return ip.isWhole }
        let octets = whole.span
        return try unsafe take(ip, octets.bytes, body)
    }

    private mutating func take(
        _ ip: CapturedIP,
        _ payload: RawSpan,
        _ body: (CapturedDatagram, RawSpan) throws -> Void
    ) rethrows -> Bool {
        if ip.ipProtocol == 17 {
            guard let datagram = CapturedDatagram(ip, payload, at: 0) else { return false }
            try body(datagram, payload)
            return true
        }
        return try streams.take(ip, payload) { key, message in
            try body(CapturedDatagram(ofConnection: key, length: message.byteCount), message)
        }
    }
}
