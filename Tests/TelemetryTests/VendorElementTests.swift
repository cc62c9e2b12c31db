import NetworkTypes
import Testing

@testable import Telemetry

/// Records that tell in elements of their vendor, or of the link layer, what others tell in IANA's.
struct VendorElementTests {
    private typealias D = Datagrams

    /// A field with its value; of an enterprise unless that is 0.
    private struct Field {
        var number: Int
        var value: [UInt8]
        var enterprise = 0

        var specification: [UInt8] {
            enterprise == 0
                ? D.big16(number) + D.big16(value.count)
                : D.big16(number | 0x8000) + D.big16(value.count) + D.big32(enterprise)
        }
    }

    private static let client = IPAddress(192, 0, 2, 9)
    private static let server = IPAddress(198, 51, 100, 5)
    private static let hosts = [Field(number: 8, value: client.bytes), Field(number: 12, value: server.bytes)]

    private static func records(_ fields: [Field], isV9: Bool = false) -> [FlowRecord] {
        var intake = Intake(isCompared: true)
        let template = D.big16(256) + D.big16(fields.count) + fields.flatMap(\.specification)
        let sets = D.set(isV9 ? 0 : 2, template) + D.set(256, fields.flatMap(\.value))
        return intake.take(isV9 ? D.v9(sets) : D.ipfix(sets))
    }

    // MARK: Octets of frames

    @Test(arguments: [352, 353], [true, false])
    func octetsOfFramesCountWithoutTheirHeadersWhereThereAreNoOthers(_ number: Int, _ isV9: Bool) {
        let frames = Field(number: number, value: D.big64(10_140))
        let packets = Field(number: 2, value: D.big32(10))
        #expect(Self.records(Self.hosts + [frames, packets], isV9: isV9).map(\.bytes) == [10_000])
        // Of how many packets is not told: as they are.
        #expect(Self.records(Self.hosts + [frames], isV9: isV9).map(\.bytes) == [10_140])
        // Less than so many frames can have are of something else.
        let few = Field(number: number, value: D.big64(140))
        #expect(Self.records(Self.hosts + [few, packets], isV9: isV9).map(\.bytes) == [140])
        for plain in [1, 85, 23, 171, 231] {
            let fields = Self.hosts + [frames, Field(number: plain, value: D.big64(9000)), packets]
            #expect(Self.records(fields, isV9: isV9).map(\.bytes) == [9000], "beside \(plain)")
        }
    }

    @Test func octetsOfFramesOfTheOtherHalfAreItsOwn() {
        let fields = [
            Field(number: 352, value: D.big64(10_140)), Field(number: 2, value: D.big32(10)),
            Field(number: 352, value: D.big64(528), enterprise: 29_305),
            Field(number: 2, value: D.big32(2), enterprise: 29_305),
        ]
        #expect(Self.records(Self.hosts + fields).map(\.bytes) == [10_000, 500])
    }

    @Test func aSampledPacketIsAsLongAsItsHeaderSays() {
        let header = D.ethernet(0x0800) + D.ipv4(17, to: 5, length: 500, D.udp(53, 4444))
        let fields = [Field(number: 352, value: D.big64(518)), Field(number: 315, value: header)]
        #expect(Self.records(fields).map(\.bytes) == [500])
    }

    // MARK: Ixia

    @Test func ixiaCountsTheOtherHalfInElementsOfItsOwn() {
        func fields(_ octets: Int, _ packets: Int) -> [Field] {
            Self.hosts + [
                Field(number: 1, value: D.big64(360)), Field(number: 2, value: D.big64(4)),
                Field(number: 176, value: D.big64(octets), enterprise: 3054),
                Field(number: 177, value: D.big64(packets), enterprise: 3054),
            ]
        }
        let halves = Self.records(fields(9000, 6))
        #expect(halves.map(\.bytes) == [360, 9000] && halves.map(\.packets) == [4, 6])
        #expect(halves.last?.destination == Self.client)
        #expect(Self.records(fields(0, 0)).map(\.bytes) == [360])
    }

    // MARK: Client and server

    /// An element of Cisco's, which NetFlow v9 has with the upper bit set and no enterprise.
    private static func cisco(_ number: Int, _ value: [UInt8], isV9: Bool) -> Field {
        isV9 ? Field(number: number | 0x8000, value: value) : Field(number: number, value: value, enterprise: 9)
    }

    private static func ends(isV9: Bool, isIPv6: Bool = false) -> [Field] {
        let addresses =
            isIPv6
            ? [
                cisco(12_238, IPAddress("2001:db8::9")?.bytes ?? [], isV9: isV9),
                cisco(12_239, IPAddress("2001:db8::5")?.bytes ?? [], isV9: isV9),
            ] : [cisco(12_236, client.bytes, isV9: isV9), cisco(12_237, server.bytes, isV9: isV9)]
        return addresses + [
            Field(number: 4, value: [6]), cisco(12_240, D.big16(50_000), isV9: isV9),
            cisco(12_241, D.big16(443), isV9: isV9),
        ]
    }

    private static let told = [
        Field(number: 231, value: D.big64(5000)), Field(number: 232, value: D.big64(70_000)),
        Field(number: 298, value: D.big64(50)), Field(number: 299, value: D.big64(60)),
    ]

    @Test(arguments: [true, false], [true, false])
    func aConnectionOfClientAndServerHasTwoHalves(_ isV9: Bool, _ isIPv6: Bool) throws {
        let halves = Self.records(Self.ends(isV9: isV9, isIPv6: isIPv6) + Self.told, isV9: isV9)
        try #require(halves.count == 2)
        let (client, server) = (
            isIPv6 ? IPAddress("2001:db8::9") : Self.client, isIPv6 ? IPAddress("2001:db8::5") : Self.server
        )
        #expect(halves.map(\.source) == [client, server] && halves.map(\.destination) == [server, client])
        #expect(halves.map(\.sourcePort) == [50_000, 443] && halves.map(\.destinationPort) == [443, 50_000])
        #expect(halves.map(\.bytes) == [5000, 70_000] && halves.map(\.packets) == [50, 60])
        #expect(halves.map { $0.traits.contains(.isReverse) } == [false, true])
    }

    @Test(arguments: [true, false])
    func packetsOfBothAreSharedAsTheOctetsAreWhereOnlyTheseAreToldOfEither(_ isV9: Bool) {
        let octets = [Field(number: 231, value: D.big64(30_000)), Field(number: 232, value: D.big64(90_000))]
        let packets = Field(number: 2, value: D.big64(101))
        let halves = Self.records(Self.ends(isV9: isV9) + octets + [packets], isV9: isV9)
        #expect(halves.map(\.bytes) == [30_000, 90_000] && halves.map(\.packets) == [25, 76])
        let silent = [Field(number: 231, value: D.big64(0)), Field(number: 232, value: D.big64(90_000))]
        #expect(Self.records(Self.ends(isV9: isV9) + silent + [packets], isV9: isV9).last?.packets == 101)
    }

    @Test(arguments: [true, false])
    func octetsOfLayer3GoBeforeThoseOfLayer4AndBothBeforeWhatBothSidesSent(_ isV9: Bool) {
        let both = [Field(number: 1, value: D.big64(90_000)), Field(number: 2, value: D.big64(110))]
        let network = [
            Self.cisco(8338, D.big64(7000), isV9: isV9), Self.cisco(8337, D.big64(73_000), isV9: isV9),
        ]
        let fields = Self.ends(isV9: isV9)
        #expect(Self.records(fields + both, isV9: isV9).map(\.bytes) == [90_000])
        #expect(Self.records(fields + both + Self.told, isV9: isV9).map(\.bytes) == [5000, 70_000])
        let halves = Self.records(fields + both + Self.told + network, isV9: isV9)
        #expect(halves.map(\.bytes) == [7000, 73_000] && halves.map(\.packets) == [50, 60])
    }

    @Test(arguments: [true, false])
    func sourceAndDestinationGoBeforeClientAndServer(_ isV9: Bool) {
        // What came from the server's side: which of the two the source is, the client's elements do not say.
        let plain = [
            Field(number: 8, value: Self.server.bytes), Field(number: 12, value: Self.client.bytes),
            Field(number: 7, value: D.big16(443)), Field(number: 11, value: D.big16(50_000)),
            Field(number: 1, value: D.big64(9000)), Field(number: 2, value: D.big64(9)),
        ]
        let network = [
            Self.cisco(8338, D.big64(7000), isV9: isV9), Self.cisco(8337, D.big64(73_000), isV9: isV9),
        ]
        let records = Self.records(Self.ends(isV9: isV9) + network + plain, isV9: isV9)
        #expect(records.map(\.source) == [Self.server] && records.map(\.sourcePort) == [443])
        #expect(records.map(\.bytes) == [9000])
    }

    @Test func whatIsShownOfAConnectionHasItsPorts() throws {
        var intake = Intake()
        let fields = Self.ends(isV9: false) + Self.told
        let template = D.big16(256) + D.big16(fields.count) + fields.flatMap(\.specification)
        intake.take(D.ipfix(D.set(2, template) + D.set(256, fields.flatMap(\.value))))
        let shown = intake.log.records
        #expect(shown.map { $0[.sport] } == [.unsigned(50_000), .unsigned(443)])
        #expect(shown.map { $0[.dport] } == [.unsigned(443), .unsigned(50_000)])
        #expect(shown.map { $0[.src] } == [.address(Self.client), .address(Self.server)])
        #expect(shown.map { $0[.bytes] } == [.unsigned(5000), .unsigned(70_000)])
    }
}
