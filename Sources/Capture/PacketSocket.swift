internal import CFloodgate
internal import Telemetry

/// Takes packets off a network interface that a switch or an optical tap mirrors traffic to (AF_PACKET, TPACKET_V3).
// Safe: the ring is owned by this object alone, freed in deinit, and used by one thread at a time.
@safe
public final class PacketSocket: @unchecked Sendable {
    /// Why an interface cannot be listened to.
    public struct OpenError: Error, Sendable, Hashable, CustomStringConvertible {
        public var interface: String
        public var code: Int32

        public var description: String {
            let reason =
                switch code {
                case 1, 13: "that needs root or CAP_NET_RAW"
                case 19: "there is no such interface"
                default: SystemError.text(code)
                }
            return "cannot take packets from interface \(interface): \(reason)"
        }
    }

    private let ring: OpaquePointer
    public let interface: String
    let link: LinkLayer

    /// What of a packet the headers of interest lie in: as much as sFlow samples have, and room for tags and tunnels.
    static let snapLength: UInt32 = 192
    /// Pieces of 256 KiB that each ring has: a fifth of a second at a million packets a second, a second at a thousand.
    private static let blocks: UInt32 = 256

    init(interface: String, group: inout Int32, sampling: UInt32) throws(OpenError) {
        var code: Int32 = 0
        let opened = unsafe floodgate_packets_open(
            interface,
            &group,
            sampling,
            Self.snapLength,
            Self.blocks,
            &code
        )
        guard let opened = unsafe opened else { throw OpenError(interface: interface, code: code) }
        unsafe ring = opened
        self.interface = interface
        link = unsafe floodgate_packets_are_ethernet(opened) ? .ethernet : .ip
    }

    deinit { unsafe floodgate_packets_close(ring) }

    /// Opens as many sockets on an interface as there are workers, which share its packets evenly.
    ///
    /// - Parameter sampling: the kernel hands on one packet in this many, picked at random.
    public static func group(
        interface: String,
        workers: Int,
        sampling: UInt32 = 1
    ) throws(OpenError) -> [PacketSocket] {
        var group: Int32 = -1
        var sockets: [PacketSocket] = []
        for _ in 0..<max(1, workers) {
            sockets.append(try PacketSocket(interface: interface, group: &group, sampling: max(1, sampling)))
        }
        return sockets
    }

    /// The number of the interface; not positive when it was deleted, even where there is one of that name again.
    var interfaceIndex: Int32 { unsafe floodgate_packets_interface(ring) }

    /// Packets that the kernel has dropped for want of room.
    var drops: UInt64 { unsafe floodgate_packets_drops(ring) }

    /// What all packets of the last batch lie in.
    var memory: RawSpan {
        @_lifetime(borrow self)
        get {
            let memory = unsafe floodgate_packets_memory(ring)
            let octets = unsafe UnsafeRawBufferPointer(start: memory.bytes, count: memory.length)
            return unsafe _overrideLifetime(octets.bytes, borrowing: self)
        }
    }

    /// Waits for packets; how many there are, or a negative errno.
    func receive(waitMilliseconds: Int32) -> Int { Int(unsafe floodgate_packets_receive(ring, waitMilliseconds)) }

    /// Hands out one packet of the last batch: its octets, how many it had on the wire, and how many nanoseconds ago it
    /// came.
    @inline(__always)
    func withPacket(_ index: Int, _ body: (RawSpan, Int, Int64) -> Void) {
        let packet = unsafe floodgate_packets_batch(ring)[index]
        let bytes = unsafe UnsafeRawBufferPointer(start: packet.bytes, count: Int(packet.length))
        unsafe body(bytes.bytes, Int(packet.original_length), packet.age_nanoseconds)
    }
}
