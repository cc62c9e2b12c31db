internal import NetworkTypes

/// A service on UDP that answers more than it is asked, so that who asks with another's address has it flooded. The answers
/// come from the service's port.
struct AmplificationService {
    let port: UInt16
    let kind: AttackKind
    /// Octets of the IP packet that answers have at least, on average, when they are meant as a flood. Ordinary answers are
    /// shorter where the service has an honest use.
    let length: Double
    /// How many servers must answer. For services with an honest use: a customer asks a few, an attacker all there are.
    var servers = 1.0

    static let all = [
        // US-CERT TA14-017A, and what scanners of the Internet have measured since.
        AmplificationService(port: 17, kind: .qotdAmplification, length: 40),
        AmplificationService(port: 19, kind: .chargenAmplification, length: 60),
        AmplificationService(port: 53, kind: .dnsAmplification, length: 300, servers: 5),
        // RFC 1350: the server answers from a port of its own choice. Only servers that do not are told by the port; the
        // others' answers are a UDP flood.
        AmplificationService(port: 69, kind: .tftpAmplification, length: 60),
        AmplificationService(port: 111, kind: .portmapAmplification, length: 80),
        // An honest answer has 76 octets, 96 with a MAC; those of `monlist` have up to 468.
        AmplificationService(port: 123, kind: .ntpAmplification, length: 180, servers: 3),
        AmplificationService(port: 137, kind: .netbiosAmplification, length: 100),
        AmplificationService(port: 138, kind: .netbiosAmplification, length: 100),
        AmplificationService(port: 161, kind: .snmpAmplification, length: 200, servers: 5),
        AmplificationService(port: 389, kind: .cldapAmplification, length: 200, servers: 3),
        AmplificationService(port: 520, kind: .ripAmplification, length: 60),
        AmplificationService(port: 1900, kind: .ssdpAmplification, length: 120),
        AmplificationService(port: 3283, kind: .armsAmplification, length: 200),
        AmplificationService(port: 3702, kind: .wsDiscoveryAmplification, length: 120),
        AmplificationService(port: 5060, kind: .sipAmplification, length: 200, servers: 8),
        AmplificationService(port: 5353, kind: .mdnsAmplification, length: 60),
        AmplificationService(port: 5683, kind: .coapAmplification, length: 60, servers: 5),
        AmplificationService(port: 11211, kind: .memcachedAmplification, length: 100),
    ]

    /// The service whose answers may come from a port.
    static func at(_ port: UInt16) -> AmplificationService? { all.first { $0.port == port } }
    static func of(_ kind: AttackKind) -> AmplificationService? { all.first { $0.kind == kind } }
}
