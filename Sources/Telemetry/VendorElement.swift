/// Elements of vendors' own that say what IANA's do not.
enum VendorElement {
    typealias Ranked = (element: InformationElement, rank: Int)

    static let cisco: UInt32 = 9
    static let ixia: UInt32 = 3054

    /// What Ixia counts of the other half of a biflow, for which it has no element of RFC 5103.
    static let ofIxia: [UInt16: Ranked] = [176: (.reverseOctets, 6), 177: (.reversePackets, 6)]

    /// The number in Cisco's own space, which NetFlow v9, as it knows no enterprises, has with the upper bit set.
    static func ciscoNumber(_ specification: Template.Specification) -> UInt16? {
        if specification.enterprise == cisco { return specification.number }
        guard specification.enterprise == 0, specification.number & 0x8000 != 0 else { return nil }
        return specification.number & 0x7FFF
    }
}

/// What a template has that tells client and server in place of source and destination (Cisco AVC, "Field Definition Guide
/// for Third-Party Customers"). The client is read as the source, and what the server sent as the other half.
struct ConnectionElements {
    private var ofCisco: [UInt16: VendorElement.Ranked] = [
        12_236: (.sourceIPv4, 0), 12_237: (.destinationIPv4, 0), 12_238: (.sourceIPv6, 0),
        12_239: (.destinationIPv6, 0), 12_240: (.sourcePort, -1), 12_241: (.destinationPort, -1),
    ]
    private var ofAll: [UInt16: VendorElement.Ranked] = [:]
    /// Whether octets are told of each of the two, and packets of both together.
    private(set) var sharesPackets = false

    /// Nil for a template that tells source or destination: which of them is the client nobody says.
    init?(_ specifications: [Template.Specification]) {
        let fields = specifications.filter { !$0.isScope }
        let plain = Set(fields.filter { $0.enterprise == 0 }.map(\.number))
        let cisco = Set(fields.compactMap(VendorElement.ciscoNumber))
        guard plain.isDisjoint(with: [8, 12, 27, 28]), !cisco.isDisjoint(with: 12_236...12_239) else { return nil }
        // What each of the two sent says more than what both did together (1, 2), where it is told of both. Octets of the
        // initiator are of layer 4, those of Cisco's client of layer 3.
        if cisco.isSuperset(of: [8337, 8338]) {
            ofCisco[8338] = (.octets, -2)
            ofCisco[8337] = (.reverseOctets, -2)
        }
        if plain.isSuperset(of: [231, 232]) {
            ofAll[231] = (.octets, -1)
            ofAll[232] = (.reverseOctets, -1)
        }
        if plain.isSuperset(of: [298, 299]) {
            ofAll[298] = (.packets, -1)
            ofAll[299] = (.reversePackets, -1)
        } else {
            sharesPackets = cisco.isSuperset(of: [8337, 8338]) || plain.isSuperset(of: [231, 232])
        }
    }

    func find(_ specification: Template.Specification) -> VendorElement.Ranked? {
        if specification.enterprise == 0, let found = ofAll[specification.number] { return found }
        return VendorElement.ciscoNumber(specification).flatMap { ofCisco[$0] }
    }
}
