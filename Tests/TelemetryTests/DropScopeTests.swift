import Testing

@testable import Telemetry

/// What exporters say that they lost themselves, told for each part of them.
struct DropScopeTests {
    private typealias D = Datagrams

    @Test func totalsOfSeveralScopesAreFollowedEachForItself() {
        var intake = Intake()
        // Options of IPFIX: line card (141) as scope, not-sent flows (166) and ignored packets (164).
        let fields = [(141, 4), (166, 8), (164, 8)].flatMap { D.big16($0.0) + D.big16($0.1) }
        intake.take(D.ipfix(D.set(3, D.big16(300) + D.big16(3) + D.big16(1) + fields)))
        func tell(_ card: Int, _ flows: Int, _ packets: Int) -> [UInt8] {
            D.big32(card) + D.big64(flows) + D.big64(packets)
        }
        intake.take(D.ipfix(D.set(300, tell(1, 100, 7) + tell(2, 5000, 0))))
        #expect(intake.statistics?.exporterDrops == 0, "totals from before")
        intake.take(D.ipfix(D.set(300, tell(1, 110, 7) + tell(2, 5001, 3))))
        intake.take(D.ipfix(D.set(300, tell(1, 110, 7) + tell(2, 5001, 3))))
        #expect(intake.statistics?.exporterDrops == 14)
        #expect(intake.statistics?.domains.first?.dropped == 14)
    }

    @Test func scopesOfNetFlowNineAreToldApartToo() {
        var intake = Intake()
        intake.take(D.v9(D.optionsTemplate(300, [(166, 4)])))
        func tell(_ system: Int, _ flows: Int) -> [UInt8] { D.big32(system) + D.big32(flows) }
        intake.take(D.v9(D.set(300, tell(1, 1000) + tell(2, 10))))
        intake.take(D.v9(D.set(300, tell(1, 1002) + tell(2, 11))))
        #expect(intake.statistics?.exporterDrops == 3)
    }

    @Test func noMoreSourcesAreFollowedThanThereMayBe() {
        var intake = Intake()
        intake.take(D.v9(D.optionsTemplate(300, [(166, 4)])))
        for start in stride(from: 0, to: 20_000, by: 100) {
            intake.take(D.v9(D.set(300, (0..<100).flatMap { D.big32(start + $0) + D.big32(1) })))
        }
        #expect(intake.decoder.memory < 200_000)
    }
}
