import NetworkTypes
import Simulation
import Testing

@testable import Telemetry

/// Records that are read at once come to what they come to field by field; `Intake` holds one against the other.
struct PlainLayoutTests {
    private typealias D = Datagrams

    /// What a plain layout may have, with the lengths that are seen, and some of what it may not.
    private static let optional: [(Int, [Int])] = [
        (1, [4, 8]), (2, [4, 8, 3]), (4, [1]), (5, [1]), (6, [1, 2]), (7, [2]), (10, [2, 4]), (11, [2]), (14, [2, 4]),
        (32, [2]), (48, [1, 2]), (52, [1]), (60, [1]), (61, [1]), (88, [2]), (89, [1]), (192, [1]), (197, [1]),
        (302, [4, 8]), (16, [4]), (210, [5]),
    ]
    private static let clocks: [[(Int, Int)]] = [
        [], [(22, 4), (21, 4)], [(152, 8), (153, 8)], [(150, 4), (151, 4)], [(21, 4)], [(153, 8), (161, 4)],
        [(22, 4), (21, 4), (152, 8), (153, 8)],
    ]
    private static let addresses: [[(Int, Int)]] = [
        [(8, 4), (12, 4)], [(27, 16), (28, 16)], [(8, 4), (12, 4), (27, 16), (28, 16)], [(12, 4)],
    ]

    private static func fields(_ random: inout SeededGenerator) -> [(Int, Int)] {
        var fields = addresses[[0, 0, 0, 1, 1, 1, 2, 3].randomElement(using: &random) ?? 0]
        if Bool.random(using: &random) { fields.swapAt(0, fields.count - 1) }
        for (number, lengths) in optional where Int.random(in: 0..<3, using: &random) > 0 {
            fields.append((number, lengths.randomElement(using: &random) ?? 1))
        }
        fields.shuffle(using: &random)
        return fields + (clocks.randomElement(using: &random) ?? [])
    }

    private static func octets(of fields: [(Int, Int)], _ random: inout SeededGenerator) -> [UInt8] {
        fields.flatMap { number, length -> [UInt8] in
            switch number {
            // Times near that of the export, protocols that there are, small counters, few samplers.
            case 152, 153: return D.big64(1_700_000_000_000 - Int.random(in: 0..<90_000, using: &random))
            case 150, 151: return D.big32(1_700_000_000 - Int.random(in: 0..<90, using: &random))
            case 21, 22: return D.big32(100_000 - Int.random(in: 0..<90_000, using: &random))
            case 4: return [[1, 6, 17, 47, 58].randomElement(using: &random) ?? 6]
            case 1, 2, 48, 302, 61, 161:
                return [UInt8](repeating: 0, count: length - 1) + [UInt8.random(in: 0...3, using: &random)]
            default: return (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            }
        }
    }

    @Test(arguments: [9, 10], [false, true])
    func comeToTheSameAsFieldByField(_ version: Int, _ countsIngressOnly: Bool) {
        var random = SeededGenerator(seed: UInt64(version))
        var plain = 0
        for _ in 0..<400 {
            let settings = TelemetryConfiguration.ExporterSettings(
                prefix: IPPrefix(host: Intake.exporter),
                countsIngressOnly: countsIngressOnly
            )
            var intake = Intake(TelemetryConfiguration(exporters: [settings]), isCompared: true)
            let fields = Self.fields(&random)
            let specifications = fields.map {
                Template.Specification(number: UInt16($0.0), enterprise: 0, length: UInt16($0.1))
            }
            let template = try? Template(
                specifications,
                isOptions: false,
                format: version == 9 ? .netFlow9 : .ipfix,
                readsDirection: countsIngressOnly
            )
            if template?.plain != nil { plain += 1 }
            let message = { (sets: [UInt8]) in version == 9 ? D.v9(sets) : D.ipfix(sets) }
            let told = D.big16(256) + D.big16(fields.count) + fields.flatMap { D.big16($0.0) + D.big16($0.1) }
            // A sampler by its number, and its rate.
            let samplers = D.optionsTemplate(300, [(48, 1), (34, 4)])
            let rates = (1...2).flatMap { (sampler: Int) -> [UInt8] in
                [0, 0, 0, 0, UInt8(sampler)] + D.big32(sampler * 100)
            }
            if version == 9 { intake.take(message(samplers + D.set(300, rates))) }
            intake.take(message(D.set(version == 9 ? 0 : 2, told)))
            let data = (0..<20).flatMap { _ in Self.octets(of: fields, &random) }
            // Cut off anywhere now and then.
            let cut = Bool.random(using: &random) ? 0 : Int.random(in: 0..<data.count, using: &random)
            intake.take(message(D.set(256, Array(data.dropLast(cut)))))
        }
        #expect(plain > 50, "\(plain) of 400 are plain")
        #expect(plain < 350, "\(plain) of 400 are plain")
    }
}
