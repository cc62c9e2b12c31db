import NetworkTypes
import Testing

@testable import Telemetry

/// The other half of a biflow (RFC 5103), which has values of its own or none.
struct BiflowTests {
    private typealias D = Datagrams

    private static func field(_ number: Int, _ length: Int, reverse: Bool = false) -> [UInt8] {
        reverse ? D.big16(number | 0x8000) + D.big16(length) + D.big32(29_305) : D.big16(number) + D.big16(length)
    }

    /// The two records of one biflow: source, destination, protocol, packets both ways, and further fields with values.
    private static func halves(_ ipProtocol: UInt8, _ more: [(field: [UInt8], value: [UInt8])]) -> [FlowRecord] {
        let fields =
            [field(8, 4), field(12, 4), field(4, 1), field(2, 4), field(2, 4, reverse: true)] + more.map(\.field)
        let template = D.set(2, D.big16(256) + D.big16(fields.count) + fields.flatMap { $0 })
        let record: [UInt8] =
            [192, 0, 2, 9, 198, 51, 100, 5, ipProtocol] + D.big32(3) + D.big32(2) + more.flatMap(\.value)
        var intake = Intake(isCompared: true)
        return intake.take(D.ipfix(template + D.set(256, record), seconds: 1_700_000_000))
    }

    @Test func whatIsToldOfTheFirstHalfAloneIsNotTheOthers() {
        let halves = Self.halves(
            1,
            [
                (Self.field(32, 2), [8, 0]), (Self.field(192, 1), [64]), (Self.field(11, 2), [0, 0]),
            ]
        )
        #expect(halves.map(\.icmpType) == [8, 0])
        #expect(halves.map(\.timeToLive) == [64, 0])
        #expect(halves.map(\.packets) == [3, 2])
    }

    @Test func whatIsToldOfTheOtherHalfIsIts() {
        let halves = Self.halves(
            1,
            [
                (Self.field(176, 1), [8]), (Self.field(177, 1), [1]), (Self.field(192, 1), [64]),
                (Self.field(176, 1, reverse: true), [3]), (Self.field(177, 1, reverse: true), [13]),
                (Self.field(192, 1, reverse: true), [57]),
            ]
        )
        #expect(halves.map(\.icmpType) == [8, 3])
        #expect(halves.map(\.icmpCode) == [1, 13])
        #expect(halves.map(\.timeToLive) == [64, 57])
    }

    @Test(arguments: [(152, 153, 1000), (150, 151, 1)])
    func theOtherHalfIsDatedByItsOwnTimes(_ first: Int, _ last: Int, _ unit: Int) {
        let length = unit == 1 ? 4 : 8
        func value(_ age: Int) -> [UInt8] {
            let time = (1_700_000_000 - age) * unit
            return unit == 1 ? D.big32(time) : D.big64(time)
        }
        let forward = [(Self.field(first, length), value(60)), (Self.field(last, length), value(50))]
        let reverse = [
            (Self.field(first, length, reverse: true), value(40)), (Self.field(last, length, reverse: true), value(10)),
        ]
        let arrival = Timestamp(seconds: 1_700_000_000)
        let halves = Self.halves(17, forward + reverse)
        #expect(halves.map(\.first) == [arrival - .seconds(60), arrival - .seconds(40)])
        #expect(halves.map(\.last) == [arrival - .seconds(50), arrival - .seconds(10)])
        // Without: as the first half.
        #expect(Set(Self.halves(17, forward).map(\.last)) == [arrival - .seconds(50)])
    }

    @Test func timesOfTheOtherHalfByTheUptimeNeedTheBootTime() {
        let arrival = Timestamp(seconds: 1_700_000_000)
        let boot = (Self.field(160, 8), D.big64((1_700_000_000 - 1000) * 1000))
        let halves = Self.halves(
            17,
            [
                boot, (Self.field(22, 4), D.big32(900_000)), (Self.field(21, 4), D.big32(950_000)),
                (Self.field(22, 4, reverse: true), D.big32(970_000)),
                (Self.field(21, 4, reverse: true), D.big32(990_000)),
            ]
        )
        #expect(halves.map(\.first) == [arrival - .seconds(100), arrival - .seconds(30)])
        #expect(halves.map(\.last) == [arrival - .seconds(50), arrival - .seconds(10)])
    }
}
