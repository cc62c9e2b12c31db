import NetworkTypes
import Telemetry
import Testing

/// Whose word on sampling counts for a record.
struct SamplingTests {
    private typealias D = Datagrams

    private static let data: [UInt8] = [10, 0, 0, 1, 198, 51, 100, 5]
    private static let plain = D.template(256, [(8, 4), (12, 4)])
    private static let withSampler = D.template(257, [(8, 4), (12, 4), (48, 1)])
    private static let withInterval = D.template(258, [(8, 4), (12, 4), (34, 4)])
    private static let options = D.optionsTemplate(300, [(48, 1), (50, 4)])
    private static let domainOptions = D.optionsTemplate(301, [(34, 4)])

    private static func option(_ sampler: UInt8, _ rate: Int) -> [UInt8] {
        D.set(300, D.big32(0) + [sampler] + D.big32(rate))
    }

    private static func domainOption(_ rate: Int) -> [UInt8] { D.set(301, D.big32(0) + D.big32(rate)) }

    private static func rates(_ records: [FlowRecord]) -> [UInt32] { records.map(\.samplingRate) }

    @Test func theRecordsOwnSamplerComesFirstThenTheRecordThenTheDomain() {
        var intake = Intake(isCompared: true)
        intake.take(D.v9(Self.plain + Self.withSampler + Self.withInterval + Self.options + Self.domainOptions))
        #expect(Self.rates(intake.take(D.v9(D.set(256, Self.data)))) == [0], "nothing told")
        #expect(intake.statistics?.sampling == Sampling(rate: 0, source: .unknown))
        intake.take(D.v9(Self.domainOption(50)))
        #expect(Self.rates(intake.take(D.v9(D.set(256, Self.data)))) == [50])
        #expect(intake.statistics?.sampling == Sampling(rate: 50, source: .domain))
        #expect(Self.rates(intake.take(D.v9(D.set(258, Self.data + D.big32(7))))) == [7])
        #expect(intake.statistics?.sampling == Sampling(rate: 7, source: .record))
        #expect(Self.rates(intake.take(D.v9(D.set(258, Self.data + D.big32(0))))) == [50], "0 says nothing")
        intake.take(D.v9(Self.option(3, 1000) + Self.option(4, 2000)))
        let records = intake.take(D.v9(D.set(257, Self.data + [4] + Self.data + [3])))
        #expect(Self.rates(records) == [2000, 1000], "each its sampler's, from every record of the options")
        #expect(intake.statistics?.sampling == Sampling(rate: 1000, source: .sampler))
        #expect(Self.rates(intake.take(D.v9(D.set(257, Self.data + [9])))) == [50], "a sampler that was not told")
        #expect(intake.statistics?.samplings.map(\.records).reduce(0, +) == 7)
    }

    /// Fields of a record, their values, and the rate that they tell.
    struct Inline: Sendable {
        var fields: [(Int, Int)]
        var values: [UInt8]
        var rate: UInt32
    }

    private static let oneIn256 = D.big32(1) + D.big32(256)
    private static let percent = D.big32(Int(Float(0.01).bitPattern))
    private static let perMille = D.big64(Int(Double(0.001).bitPattern))

    /// As PSAMP has it, and exporters that tell in the record what others tell in options.
    static let inline: [Inline] = [
        Inline(fields: [(309, 4), (310, 4)], values: oneIn256, rate: 256),
        Inline(
            fields: [(304, 2), (305, 4), (309, 4), (310, 4)],
            values: D.big16(3) + D.big32(1) + oneIn256,
            rate: 256
        ),
        Inline(fields: [(305, 4), (306, 4)], values: D.big32(1) + D.big32(99), rate: 100),
        Inline(fields: [(34, 4), (309, 4), (310, 4)], values: D.big32(7) + oneIn256, rate: 7),
        Inline(fields: [(311, 4)], values: percent, rate: 100),
        Inline(fields: [(311, 8)], values: perMille, rate: 1000),
        Inline(fields: [(309, 4), (310, 4)], values: D.big32(1) + D.big32(0), rate: 0),
        Inline(fields: [(311, 4)], values: D.big32(0), rate: 0),
    ]

    @Test(arguments: inline.indices)
    func aRecordMayTellItsRateInAnyWayThatOptionsMay(_ index: Int) {
        let told = Self.inline[index]
        var intake = Intake(isCompared: true)
        intake.take(D.v9(D.template(256, [(8, 4), (12, 4)] + told.fields)))
        #expect(Self.rates(intake.take(D.v9(D.set(256, Self.data + told.values)))) == [told.rate])
    }

    @Test func ofSeveralSamplersAtOneRateNoneNeedsToBeNamed() {
        var intake = Intake(isCompared: true)
        intake.take(D.v9(Self.plain + Self.options + Self.option(3, 1000) + Self.option(4, 1000)))
        #expect(Self.rates(intake.take(D.v9(D.set(256, Self.data)))) == [1000])
        intake.take(D.v9(Self.option(4, 2000)))
        #expect(Self.rates(intake.take(D.v9(D.set(256, Self.data)))) == [0], "which of the two it was is not known")
    }

    @Test func aRateThatChangesCountsForLaterRecordsOnly() {
        var intake = Intake(isCompared: true)
        intake.take(D.v9(Self.plain + Self.domainOptions))
        let sets = D.set(256, Self.data) + Self.domainOption(10) + D.set(256, Self.data) + Self.domainOption(20)
        #expect(Self.rates(intake.take(D.v9(sets))) == [0, 10])
        #expect(Self.rates(intake.take(D.v9(D.set(256, Self.data)))) == [20])
    }

    @Test func theConfigurationSpeaksForThoseWhoTellNothing() throws {
        let exporters: [TelemetryConfiguration.ExporterSettings] = [
            .init(prefix: try #require(IPPrefix("192.0.2.0/24")), samplingRate: 100),
            .init(prefix: try #require(IPPrefix("192.0.2.1/32")), samplingRate: 200),
            .init(prefix: try #require(IPPrefix("192.0.2.3/32")), samplingRate: 300, overridesSampling: true),
        ]
        var intake = Intake(TelemetryConfiguration(exporters: exporters, defaultSamplingRate: 5))
        let told = Self.plain + Self.domainOptions + Self.domainOption(50) + D.set(256, Self.data)
        let silent = Self.plain + D.set(256, Self.data)
        func rate(_ datagram: [UInt8], _ exporter: IPAddress) -> (UInt32?, SamplingSource?) {
            let rate = intake.take(D.v9(datagram), from: exporter).first?.samplingRate
            let report = intake.decoder.report(at: intake.time).first { $0.address == exporter }
            return (rate, report?.sampling?.source)
        }
        #expect(rate(silent, IPAddress(192, 0, 2, 1)) == (200, .exporterConfiguration), "the longest prefix")
        #expect(rate(silent, IPAddress(192, 0, 2, 2)) == (100, .exporterConfiguration))
        #expect(rate(silent, IPAddress(10, 0, 0, 1)) == (5, .defaultConfiguration))
        #expect(rate(told, IPAddress(192, 0, 2, 2)) == (50, .domain), "what is told comes first")
        #expect(rate(told, IPAddress(192, 0, 2, 3)) == (300, .override), "unless it is not to be believed")
    }

    @Test func aRateThatCannotBeIsNotBelieved() throws {
        let prefix = try #require(IPPrefix("192.0.2.1/32"))
        var intake = Intake(TelemetryConfiguration(exporters: [.init(prefix: prefix, samplingRate: 100)]))
        intake.take(D.v9(Self.withInterval))
        // RouterOS 6 writes 1 and 512 in the wrong order.
        #expect(Self.rates(intake.take(D.v9(D.set(258, Self.data + [1, 0, 0, 0])))) == [1])
        #expect(Self.rates(intake.take(D.v9(D.set(258, Self.data + [0, 2, 0, 0])))) == [0x20000], "131,072 can be")
        #expect(Self.rates(intake.take(D.v9(D.set(258, Self.data + [0x43, 0x44, 0x45, 0x46])))) == [100])
        #expect(intake.statistics?.implausibleRates == 2)
    }

    @Test func netFlowV5TellsItInItsHeader() {
        var intake = Intake(isCompared: true)
        func v5(_ sampling: Int) -> [UInt8] {
            D.big16(5) + D.big16(1) + D.big32(100_000) + D.big32(1_700_000_000) + D.big32(0) + D.big32(1) + [0, 0]
                + D.big16(sampling) + [UInt8](repeating: 1, count: 48)
        }
        #expect(Self.rates(intake.take(v5(0x4000 | 1000))) == [1000], "below the two bits of the mode")
        #expect(intake.statistics?.sampling == Sampling(rate: 1000, source: .header))
        #expect(Self.rates(intake.take(v5(0))) == [0])
    }

    @Test func samplerZeroOfCiscoIsNoSampling() {
        var intake = Intake(isCompared: true)
        intake.take(D.v9(Self.withSampler))
        #expect(Self.rates(intake.take(D.v9(D.set(257, Self.data + [0])))) == [1])
        #expect(intake.statistics?.sampling?.source == .unsampled)
    }

    /// As Cisco IOS-XE has it: samplers are told under source id 6, flows under others.
    @Test func whatADomainWithoutFlowsTellsOfASamplerCountsForTheOthers() {
        var intake = Intake(isCompared: true)
        intake.take(D.v9(Self.options + Self.option(3, 1000), source: 6))
        intake.take(D.v9(Self.withSampler + Self.plain, source: 256))
        let named = D.set(257, Self.data + [3])
        #expect(Self.rates(intake.take(D.v9(named, source: 256))) == [1000])
        #expect(intake.statistics?.sampling == Sampling(rate: 1000, source: .otherDomain))
        #expect(Self.rates(intake.take(D.v9(D.set(256, Self.data), source: 256))) == [0], "none is named")
        #expect(Self.rates(intake.take(D.v9(D.set(257, Self.data + [4]), source: 256))) == [0], "another sampler")
        intake.take(D.v9(Self.domainOptions + Self.domainOption(50), source: 6))
        #expect(
            Self.rates(intake.take(D.v9(D.set(256, Self.data), source: 256))) == [50],
            "one for all that is sampled"
        )
        intake.take(D.v9(Self.option(3, 2000), source: 6))
        #expect(Self.rates(intake.take(D.v9(named, source: 256))) == [2000], "a new rate from then on")
        intake.take(D.v9(Self.options + Self.option(3, 100), source: 256))
        #expect(Self.rates(intake.take(D.v9(named, source: 256))) == [100], "its own goes first")
    }

    @Test func domainsThatDoNotAgreeOrSendFlowsThemselvesTellOthersNothing() {
        var intake = Intake(isCompared: true)
        let named = D.set(257, Self.data + [3])
        intake.take(D.v9(Self.options + Self.option(3, 1000), source: 6))
        intake.take(D.v9(Self.withSampler, source: 256))
        intake.take(D.v9(Self.options + Self.option(3, 500), source: 7))
        #expect(Self.rates(intake.take(D.v9(named, source: 256))) == [0], "two rates")
        intake.take(D.v9(Self.withSampler, source: 7))
        #expect(Self.rates(intake.take(D.v9(named, source: 256))) == [1000], "the other is a line card's own")
    }
}
