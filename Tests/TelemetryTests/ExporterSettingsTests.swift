import NetworkTypes
import Testing

@testable import Telemetry

/// What the operator says of how an exporter counts.
struct ExporterSettingsTests {
    private typealias D = Datagrams

    private static func configuration(
        _ totals: TelemetryConfiguration.ExporterSettings.TotalCounters = .deltas,
        ingressOnly: Bool = false
    ) throws -> TelemetryConfiguration {
        let prefix = try #require(IPPrefix("192.0.2.1/32"))
        return TelemetryConfiguration(exporters: [
            .init(
                prefix: prefix,
                activeTimeout: .seconds(60),
                totalCounters: totals,
                countsIngressOnly: ingressOnly
            )
        ])
    }

    // MARK: Elements 85 and 86

    private static let totals = D.template(256, [(8, 4), (12, 4), (85, 8), (86, 8), (22, 4), (21, 4), (11, 2)])

    /// A flow's report: octets and packets; seconds ago it began, ended, and the port that names it.
    private static func report(_ octets: Int, _ packets: Int, began: Int, ended: Int = 0, port: Int = 53) -> [UInt8] {
        let up = 10_000_000
        let record: [UInt8] =
            [10, 0, 0, 1, 198, 51, 100, 5] + D.big64(octets) + D.big64(packets)
            + D.big32(up - began * 1000) + D.big32(up - ended * 1000) + D.big16(port)
        return D.v9(D.set(256, record), upTime: up)
    }

    @Test func runningTotalsCountByWhatTheyHaveGrown() throws {
        var intake = Intake(try Self.configuration(.running))
        intake.take(D.v9(Self.totals))
        #expect(intake.take(Self.report(6000, 60, began: 50)).map(\.bytes) == [6000])
        intake.time = intake.time + .seconds(60)
        let second = intake.take(Self.report(9000, 90, began: 110))
        #expect(second.map(\.bytes) == [3000] && second.map(\.packets) == [30])
        #expect(second.first?.first == intake.time - .seconds(60), "since the report before")
        #expect(intake.take(Self.report(500, 5, began: 1, port: 99)).map(\.bytes) == [500], "another flow")
        // Nothing has flowed.
        intake.time = intake.time + .seconds(60)
        #expect(intake.take(Self.report(9000, 90, began: 170)).isEmpty)
        // The same addresses and ports later, a flow of its own that has counted further than the last.
        intake.time = intake.time + .seconds(600)
        #expect(intake.take(Self.report(20_000, 200, began: 30)).map(\.bytes) == [20_000])
        // One that begins anew below.
        intake.time = intake.time + .seconds(20)
        #expect(intake.take(Self.report(100, 1, began: 5)).map(\.bytes) == [100])
    }

    @Test func aLongFlowThatIsNewHereCountsItsMean() throws {
        var intake = Intake(try Self.configuration(.running))
        intake.take(D.v9(Self.totals))
        let records = intake.take(Self.report(3_600_000, 36_000, began: 3600))
        #expect(records.map(\.bytes) == [60_000] && records.map(\.packets) == [600])
        #expect(records.first?.first == intake.time - .seconds(60))
    }

    @Test func otherwiseTotalsAreTakenForDeltas() throws {
        var intake = Intake(try Self.configuration())
        intake.take(D.v9(Self.totals))
        for _ in 0..<2 { #expect(intake.take(Self.report(6000, 60, began: 50)).map(\.bytes) == [6000]) }
    }

    @Test func plainCountersAreNeverTakenForTotals() throws {
        var intake = Intake(try Self.configuration(.running))
        intake.take(D.v9(D.template(256, [(8, 4), (12, 4), (1, 4), (85, 8), (2, 4)])))
        let record: [UInt8] = [10, 0, 0, 1, 198, 51, 100, 5] + D.big32(700) + D.big64(9_000_000) + D.big32(7)
        for _ in 0..<2 { #expect(intake.take(D.v9(D.set(256, record))).map(\.bytes) == [700]) }
    }

    // MARK: Element 61

    private static func directions(ingressOnly: Bool) throws -> (hosts: [UInt8], uncounted: UInt64) {
        var intake = Intake(try configuration(ingressOnly: ingressOnly))
        intake.take(D.v9(D.template(256, [(8, 4), (12, 4), (61, 1)])))
        let set = D.set(256, [0, 1, 255].flatMap { [10, 0, 0, 1, 198, 51, 100, $0, $0] as [UInt8] })
        let hosts = intake.take(D.v9(set)).map { $0.destination.bytes[3] }
        return (hosts, intake.statistics?.uncounted(.egress) ?? 0)
    }

    @Test func packetsOnTheirWayOutCountOnlyWhereTheyMay() throws {
        let all = try Self.directions(ingressOnly: false)
        #expect(all.hosts == [0, 1, 255] && all.uncounted == 0)
        let ingress = try Self.directions(ingressOnly: true)
        #expect(ingress.hosts == [0, 255] && ingress.uncounted == 1)
    }
}
