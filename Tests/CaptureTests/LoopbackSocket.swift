import Foundation
import NetworkTypes

/// A socket of the system's own making on 127.0.0.1 or ::1, so that the one under test is alone.
final class LoopbackSocket: Sendable {
    let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Receives UDP on a free port; gives up after two seconds.
    static func receiver() throws -> (socket: LoopbackSocket, port: UInt16) {
        let socket = LoopbackSocket(Foundation.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0))
        var address = loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        var wait = timeval(tv_sec: 2, tv_usec: 0)
        let waitLength = socklen_t(MemoryLayout<timeval>.size)
        _ = unsafe setsockopt(socket.descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, waitLength)
        unsafe withUnsafeMutableBytes(of: &address) { octets in
            let pointer = unsafe octets.assumingMemoryBound(to: sockaddr.self).baseAddress
            _ = unsafe bind(socket.descriptor, pointer, length)
            _ = unsafe getsockname(socket.descriptor, pointer, &length)
        }
        return (socket, UInt16(bigEndian: address.sin_port))
    }

    /// Sends UDP to a port.
    static func sender(to port: UInt16) -> LoopbackSocket { connected(Int32(SOCK_DGRAM.rawValue), to: port) }

    /// A TCP connection to a port.
    static func connection(to port: UInt16) -> LoopbackSocket { connected(Int32(SOCK_STREAM.rawValue), to: port) }

    private static func connected(_ type: Int32, to port: UInt16) -> LoopbackSocket {
        let socket = LoopbackSocket(Foundation.socket(AF_INET, type, 0))
        var address = loopback(port)
        unsafe withUnsafeMutableBytes(of: &address) { octets in
            let pointer = unsafe octets.assumingMemoryBound(to: sockaddr.self).baseAddress
            _ = unsafe connect(socket.descriptor, pointer, socklen_t(octets.count))
        }
        return socket
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    func send(_ octets: [UInt8]) {
        // A peer that has closed is an error here, not a signal.
        _ = unsafe octets.withUnsafeBytes { bytes in
            unsafe Foundation.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        }
    }

    /// Sends many datagrams at once (UDP_SEGMENT), as the network cards of routers do.
    func send(_ octets: [UInt8], inSegmentsOf length: Int) {
        var segment = Int32(length)
        // `netinet/udp.h` is not in the system's module.
        let (udpLevel, segmentOption): (Int32, Int32) = (17, 103)
        _ = unsafe setsockopt(descriptor, udpLevel, segmentOption, &segment, socklen_t(MemoryLayout<Int32>.size))
        send(octets)
    }

    /// The next datagram and the address and port that it says to be from; nil when none comes.
    func receive() -> (octets: [UInt8], source: IPAddress, port: UInt16)? {
        var octets = [UInt8](repeating: 0, count: 65_536)
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let count = unsafe withUnsafeMutableBytes(of: &address) { place in
            let pointer = unsafe place.assumingMemoryBound(to: sockaddr.self).baseAddress
            return unsafe recvfrom(descriptor, &octets, octets.count, 0, pointer, &length)
        }
        guard count >= 0 else { return nil }
        let source = IPAddress(v4: UInt32(bigEndian: address.sin_addr.s_addr))
        return (Array(octets.prefix(count)), source, UInt16(bigEndian: address.sin_port))
    }

    /// Whether the peer has closed the connection; waits up to two seconds for it.
    var isClosedByPeer: Bool {
        var wait = timeval(tv_sec: 2, tv_usec: 0)
        _ = unsafe setsockopt(
            descriptor,
            SOL_SOCKET,
            SO_RCVTIMEO,
            &wait,
            socklen_t(MemoryLayout<timeval>.size)
        )
        var octet: UInt8 = 0
        let count = unsafe recv(descriptor, &octet, 1, 0)
        return count == 0 || count < 0 && errno == ECONNRESET
    }
}
