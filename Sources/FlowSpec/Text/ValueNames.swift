/// Names of numbers as ExaBGP writes them; the registries are IANA's.
enum ValueNames {
    /// The first of two names for a bit is the one that is printed.
    static let tcpFlags: [(bit: UInt16, name: String)] = [
        (0x001, "fin"), (0x002, "syn"), (0x004, "rst"), (0x004, "reset"), (0x008, "push"), (0x010, "ack"),
        (0x020, "urgent"), (0x020, "urg"), (0x040, "ece"), (0x080, "cwr"), (0x100, "ns"),
    ]

    static let services: [String: UInt16] = [
        "ftp-data": 20, "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "time": 37, "domain": 53, "bootps": 67,
        "bootpc": 68, "tftp": 69, "http": 80, "www": 80, "kerberos": 88, "pop3": 110, "sunrpc": 111, "ntp": 123,
        "netbios-ns": 137, "netbios-dgm": 138, "netbios-ssn": 139, "imap2": 143, "imap": 143, "snmp": 161,
        "snmp-trap": 162, "snmptrap": 162, "bgp": 179, "ldap": 389, "https": 443, "microsoft-ds": 445, "isakmp": 500,
        "syslog": 514, "ldaps": 636, "imaps": 993, "pop3s": 995, "openvpn": 1194, "ms-sql-s": 1433, "ms-sql-m": 1434,
        "l2f": 1701, "radius": 1812, "radius-acct": 1813, "nfs": 2049, "mysql": 3306, "sip": 5060, "sip-tls": 5061,
        "mdns": 5353, "postgresql": 5432, "http-alt": 8080,
    ]

    static let icmpTypes: [String: UInt8] = [
        "echo-reply": 0, "unreachable": 3, "source-quench": 4, "redirect": 5, "echo-request": 8,
        "router-advertisement": 9, "router-solicit": 10, "time-exceeded": 11, "parameter-problem": 12, "timestamp": 13,
        "timestamp-reply": 14, "info-request": 15, "info-reply": 16, "mask-request": 17, "mask-reply": 18,
        "traceroute": 30, "experimental-mobility": 41, "extended-echo-request": 42, "extended-echo-reply": 43,
        "experimental-one": 253, "experimental-two": 254,
    ]

    static let icmpCodes: [String: UInt8] = [
        "network-unreachable": 0, "host-unreachable": 1, "protocol-unreachable": 2, "port-unreachable": 3,
        "fragmentation-needed": 4, "source-route-failed": 5, "destination-network-unknown": 6,
        "destination-host-unknown": 7, "source-host-isolated": 8, "destination-network-prohibited": 9,
        "destination-host-prohibited": 10, "network-unreachable-for-tos": 11, "host-unreachable-for-tos": 12,
        "communication-prohibited-by-filtering": 13, "host-precedence-violation": 14, "precedence-cutoff-in-effect": 15,
        "redirect-for-network": 0, "redirect-for-host": 1, "redirect-for-tos-and-net": 2,
        "redirect-for-tos-and-host": 3,
        "ttl-eq-zero-during-transit": 0, "ttl-eq-zero-during-reassembly": 1, "required-option-missing": 1,
        "ip-header-bad": 2,
    ]
}

extension FragmentBits {
    /// In text and configuration.
    public static let names: [(bit: UInt16, name: String)] = [
        (dontFragment, "dont-fragment"), (isFragment, "is-fragment"), (firstFragment, "first-fragment"),
        (lastFragment, "last-fragment"),
    ]
}
