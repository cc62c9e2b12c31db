internal import NetworkTypes
internal import Telemetry

/// Puts the fragments of IP packets together again. What it holds is bounded, whatever a capture has in it: the packet that
/// was begun first makes room.
struct FragmentAssembler {
    private struct Key: Hashable {
        var source: IPAddress
        var destination: IPAddress
        var ipProtocol: UInt8
        var identification: UInt32
    }

    private struct Pieces {
        var pieces: [(offset: Int, octets: [UInt8])] = []
        /// Octets of all pieces.
        var held = 0
        /// Octets in all; known with the last fragment.
        var length: Int?
        var begun: UInt64
    }

    private var packets: [Key: Pieces] = [:]
    private var begun: UInt64 = 0

    private static let maximumPackets = 64
    /// More than a packet of 65,535 octets has where links take 576.
    private static let maximumPieces = 128
    private static let longestPacket = 65_535

    /// Packets of which parts are missing.
    var incomplete: Int { packets.count }

    /// The whole payload when a fragment completes it.
    mutating func take(_ ip: CapturedIP, _ fragment: CapturedIP.Fragment, _ payload: RawSpan) -> [UInt8]? {
        let key = Key(
            source: ip.source,
            destination: ip.destination,
            ipProtocol: ip.ipProtocol,
            identification: fragment.identification
        )
        let end = fragment.offset + payload.byteCount
        guard ip.isWhole, payload.byteCount > 0, end <= Self.longestPacket else { return nil }
        var packet = packets[key] ?? begin()
        // Nobody sends much of it more than once.
        guard packet.pieces.count < Self.maximumPieces, packet.held + payload.byteCount <= 2 * Self.longestPacket else {
            return nil
        }
        packet.held += payload.byteCount
        packet.pieces.append((fragment.offset, (0..<payload.byteCount).map { payload.octet($0) }))
        if !fragment.moreFollow { packet.length = end }
        guard let length = packet.length, let whole = Self.joined(packet.pieces, length: length) else {
            packets[key] = packet
            return nil
        }
        packets[key] = nil
        return whole
    }

    private mutating func begin() -> Pieces {
        begun += 1
        if packets.count >= Self.maximumPackets, let oldest = packets.min(by: { $0.value.begun < $1.value.begun }) {
            packets[oldest.key] = nil
        }
        return Pieces(begun: begun)
    }

    /// Nil where something is missing. What came twice counts once.
    private static func joined(_ pieces: [(offset: Int, octets: [UInt8])], length: Int) -> [UInt8]? {
        var whole: [UInt8] = []
        for piece in pieces.sorted(by: { $0.offset < $1.offset }) {
            guard piece.offset <= whole.count else { return nil }
            whole += piece.octets.dropFirst(whole.count - piece.offset)
        }
        return whole.count >= length ? Array(whole.prefix(length)) : nil
    }
}
