import Capture
import DaemonConfiguration
import Detection
import NetworkTypes
import Testing

@testable import Daemon

/// Replays of IPFIX over TCP, where each connection has templates of its own.
struct ReplayConnectionTests {
    private static func big16(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }
    private static func big32(_ value: Int) -> [UInt8] { big16(value >> 16) + big16(value) }

    /// A capture of raw IP: segments with their time in milliseconds and the exporter's port.
    private static func capture(_ segments: [(milliseconds: Int, port: Int, sequence: Int, payload: [UInt8])])
        -> [UInt8]
    {
        let header = big32(0xA1B2_C3D4) + big16(2) + big16(4) + big32(0) + big32(0) + big32(65_535) + big32(101)
        return header
            + segments.flatMap { segment in
                let tcp =
                    big16(segment.port) + big16(4739) + big32(segment.sequence) + big32(1) + [0x50, 0x18] + big16(9000)
                    + big32(0) + segment.payload
                let packet =
                    [0x45, 0] + big16(20 + tcp.count) + big32(0) + [64, 6, 0, 0, 192, 0, 2, 1, 203, 0, 113, 7] + tcp
                return big32(1_700_000_000 + segment.milliseconds / 1000) + big32(segment.milliseconds % 1000 * 1000)
                    + big32(packet.count) + big32(packet.count) + packet
            }
    }

    private static func message(_ set: Int, _ body: [UInt8]) -> [UInt8] {
        big16(10) + big16(20 + body.count) + big32(1_700_000_000) + big32(0) + big32(1) + big16(set)
            + big16(4 + body.count) + body
    }

    private static func template(_ fields: [Int]) -> [UInt8] {
        message(2, big16(256) + big16(fields.count) + fields.flatMap { big16($0) + big16(4) })
    }

    @Test func twoConnectionsOfOneExporterDoNotMixTheirTemplates() throws {
        // The same number: source, destination and packets with one, destination, source and packets with the other.
        let templates = [Self.template([8, 12, 2]), Self.template([12, 8, 2])]
        let record: [UInt8] = [192, 0, 2, 200, 198, 51, 100, 9] + Self.big32(1000)
        let data = Self.message(256, record)
        var segments = [(0, 50_001, 1, templates[0]), (0, 50_002, 1, templates[1])]
        for index in 0..<50 {
            segments.append((100 * index, 50_001, 1 + templates[0].count + index * data.count, data))
        }
        let yaml = """
            networks: [198.51.100.0/24, 192.0.2.0/24]
            store: /nowhere/floodgate.db
            telemetry: {ipfix_tcp: {listen: ["127.0.0.1:4739"]}}
            detection: {thresholds: {total: {packets: 5k packets/s}}, quiet_period: 1s}
            """
        let configuration = try DaemonConfiguration.load(
            try DaemonConfiguration.document(yaml: yaml, file: "f.yaml")
        ) { _ in "" }
        let octets = Self.capture(segments)
        let content = try Replay.content(of: CaptureFile(octets: octets), configuration: configuration)
        #expect(content == .telemetry)
        var replay = Replay(configuration: configuration, content: content)
        var incoming: Set<String> = []
        let note = { (event: Replay.Event, _: Timestamp) in
            if case .attack(.began(let attack)) = event, attack.direction == .incoming {
                incoming.insert("\(attack.target)")
            }
        }
        var file = CaptureFile(octets: octets)
        while let packet = try file.next() { replay.receive(packet, file.octets(of: packet), onEvent: note) }
        replay.finish(atMost: Duration.seconds(60), onEvent: note)
        #expect(incoming == ["198.51.100.9"])
        #expect(replay.unreadableSets() == 0)
    }
}
