internal import CFloodgate
public import NetworkTypes

/// A UDP socket for telemetry, with the memory for a batch of datagrams.
// Safe: ring and descriptor are owned by this object alone, freed in deinit, and used by one thread at a time.
@safe
public final class UDPSocket: @unchecked Sendable {
    /// Why a socket could not be opened.
    public struct OpenError: Error, Sendable, CustomStringConvertible {
        public var address: IPAddress
        public var port: UInt16
        public var code: Int32
        var transport = "udp"

        public var description: String {
            let place = address.isIPv4 ? "\(address):\(port)" : "[\(address)]:\(port)"
            let reason =
                switch code {
                case 98: "another program listens there"
                case 99: "the address is not one of this machine's"
                case 13: "a port below 1024 needs root or CAP_NET_BIND_SERVICE"
                default: "error \(code)"
                }
            return "cannot listen on \(place)/\(transport): \(reason)"
        }
    }

    private let descriptor: Int32
    private let ring: OpaquePointer
    public let port: UInt16
    /// Octets of receive buffer that the kernel granted.
    public let receiveBuffer: Int

    static let slots: UInt32 = 128
    static let wantedBuffer: Int32 = 64 << 20
    /// Octets of receive buffer that are asked for.
    public static var wantedReceiveBuffer: Int { Int(wantedBuffer) }

    /// Opens a socket on an address and port on which nobody listens yet: whoever did would lose a part of his datagrams,
    /// and we the rest.
    public convenience init(address: IPAddress, port: UInt16) throws(OpenError) {
        try self.init(address: address, port: port, isFirst: true)
    }

    /// - Parameter isFirst: else it shares the datagrams of those that are open.
    private init(address: IPAddress, port: UInt16, isFirst: Bool) throws(OpenError) {
        let octets = address.bytes
        var granted: Int32 = 0
        var bound: UInt16 = 0
        let result = unsafe floodgate_udp_open(
            octets,
            Int32(octets.count),
            port,
            isFirst ? 1 : 0,
            Self.wantedBuffer,
            &granted,
            &bound
        )
        guard result >= 0 else { throw OpenError(address: address, port: port, code: -result) }
        guard let ring = unsafe floodgate_ring_create(Self.slots) else {
            floodgate_close(result)
            throw OpenError(address: address, port: port, code: 12)
        }
        unsafe self.ring = ring
        descriptor = result
        self.port = bound
        receiveBuffer = Int(granted)
    }

    deinit {
        floodgate_close(descriptor)
        unsafe floodgate_ring_destroy(ring)
    }

    /// Opens as many sockets on one address and port as there are workers, with each exporter steered to one of them.
    /// Port 0 takes a free one for all.
    public static func group(address: IPAddress, port: UInt16, workers: Int) throws(OpenError) -> [UDPSocket] {
        var sockets = [try UDPSocket(address: address, port: port)]
        while sockets.count < workers {
            sockets.append(try UDPSocket(address: address, port: sockets[0].port, isFirst: false))
        }
        if sockets.count > 1 {
            // Without steering the kernel picks by addresses and ports, which serves all exporters with one port.
            _ = floodgate_udp_steer(sockets[0].descriptor, Int32(address.bytes.count), UInt32(sockets.count))
        }
        return sockets
    }

    /// Datagrams that the kernel has dropped for want of buffer.
    var drops: UInt32 { floodgate_udp_drops(descriptor) }

    /// What all datagrams of the last batch lie in.
    var memory: RawSpan {
        @_lifetime(borrow self)
        get {
            let memory = unsafe floodgate_ring_memory(ring)
            let octets = unsafe UnsafeRawBufferPointer(start: memory.bytes, count: memory.length)
            return unsafe _overrideLifetime(octets.bytes, borrowing: self)
        }
    }

    /// Waits for datagrams; how many there are, or a negative errno.
    func receive(waitMilliseconds: Int32) -> Int {
        Int(unsafe floodgate_ring_receive(ring, descriptor, waitMilliseconds))
    }

    /// Hands out the datagrams of one buffer of the last batch: the octets of each, its source with the port, and how
    /// long ago it came. Returns how many there were: the kernel puts those of one exporter together where it can
    /// (UDP_GRO), all of one length but the last.
    @inline(__always)
    func withDatagrams(_ index: Int, _ body: (RawSpan, IPAddress, UInt16, Int64) -> Void) -> Int {
        let datagram = unsafe floodgate_ring_datagram(ring, UInt32(index))
        let bytes = unsafe UnsafeRawBufferPointer(start: datagram.bytes, count: Int(datagram.length))
        let source: IPAddress
        if unsafe datagram.address_length == 4 {
            let v4 = unsafe withUnsafeBytes(of: datagram.address) { unsafe $0.loadUnaligned(as: UInt32.self) }
            source = IPAddress(v4: UInt32(bigEndian: v4))
        } else {
            let (high, low) = unsafe withUnsafeBytes(of: datagram.address) { octets in
                unsafe (
                    octets.loadUnaligned(as: UInt64.self), octets.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
                )
            }
            source = IPAddress(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low))
        }
        var left = unsafe bytes.bytes
        let segment = max(1, unsafe Int(datagram.segment_length))
        var count = 0
        repeat {
            body(left.extracting(first: segment), source, unsafe datagram.port, unsafe datagram.age_nanoseconds)
            left = left.extracting(droppingFirst: segment)
            count &+= 1
        } while !left.isEmpty
        return count
    }
}
