import NetworkTypes
import Testing

@testable import Telemetry

/// Datagrams put together by hand.
enum Datagrams {
    static func big16(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }
    static func big32(_ value: Int) -> [UInt8] { big16(value >> 16) + big16(value) }
    static func big64(_ value: Int) -> [UInt8] { big32(value >> 32) + big32(value) }

    static func set(_ id: Int, _ body: [UInt8], length: Int? = nil) -> [UInt8] {
        big16(id) + big16(length ?? body.count + 4) + body
    }

    /// - Parameters:
    ///   - upTime: of the exporter in milliseconds.
    ///   - seconds: since the epoch, by the exporter's clock.
    static func v9(
        _ sets: [UInt8],
        source: Int = 1,
        sequence: Int = 1,
        upTime: Int = 100_000,
        seconds: Int = 1_700_000_000
    ) -> [UInt8] {
        big16(9) + big16(1) + big32(upTime) + big32(seconds) + big32(sequence) + big32(source) + sets
    }

    static func ipfix(_ sets: [UInt8], domain: Int = 1, sequence: Int = 1, seconds: Int = 1_700_000_000) -> [UInt8] {
        big16(10) + big16(16 + sets.count) + big32(seconds) + big32(sequence) + big32(domain) + sets
    }

    /// A template set of NetFlow v9; numbers and lengths of the fields.
    static func template(_ number: Int, _ fields: [(Int, Int)]) -> [UInt8] {
        set(0, big16(number) + big16(fields.count) + fields.flatMap { big16($0.0) + big16($0.1) })
    }

    /// An options template set of NetFlow v9 with one scope field, System.
    static func optionsTemplate(_ number: Int, _ fields: [(Int, Int)]) -> [UInt8] {
        let body = fields.flatMap { big16($0.0) + big16($0.1) }
        return set(1, big16(number) + big16(4) + big16(body.count) + big16(1) + big16(4) + body)
    }

    /// An sFlow datagram of an agent, made of whole samples.
    static func sFlow(_ samples: [[UInt8]], agent: [UInt8] = [192, 0, 2, 1], subAgent: Int = 0, sequence: Int = 1)
        -> [UInt8]
    {
        big32(5) + big32(agent.count == 4 ? 1 : 2) + agent + big32(subAgent) + big32(sequence) + big32(1000)
            + big32(samples.count) + samples.flatMap { $0 }
    }

    /// A compact flow sample of one raw header.
    static func flowSample(
        _ header: [UInt8],
        headerProtocol: Int = 1,
        rate: Int = 100,
        drops: Int = 0,
        output: Int = 2,
        frameLength: Int = 1518
    ) -> [UInt8] {
        let padded = header + [UInt8](repeating: 0, count: (4 - header.count % 4) % 4)
        let raw = big32(headerProtocol) + big32(frameLength) + big32(4) + big32(header.count) + padded
        let record = big32(1) + big32(raw.count) + raw
        let body =
            big32(1) + big32(7) + big32(rate) + big32(1000) + big32(drops) + big32(1) + big32(output) + big32(1)
            + record
        return big32(1) + big32(body.count) + body
    }

    /// An Ethernet frame's first octets, up to its type.
    static func ethernet(_ type: Int) -> [UInt8] { [UInt8](repeating: 2, count: 12) + big16(type) }

    static func ipv4(
        _ ipProtocol: UInt8,
        to host: UInt8,
        length: Int = 500,
        fragment: Int = 0,
        options: [UInt8] = [],
        _ payload: [UInt8]
    ) -> [UInt8] {
        [UInt8(0x45 + options.count / 4), 0] + big16(length) + [0, 1] + big16(fragment) + [64, ipProtocol, 0, 0]
            + [192, 0, 2, 9, 198, 51, 100, host] + options + payload
    }

    static func ipv6(_ next: UInt8, to host: UInt8, length: Int = 460, _ payload: [UInt8]) -> [UInt8] {
        [0x60, 0, 0, 0] + big16(length) + [next, 60] + [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [9]
            + [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [host] + payload
    }

    static func udp(_ source: Int, _ destination: Int, _ payload: [UInt8] = []) -> [UInt8] {
        big16(source) + big16(destination) + big16(8 + payload.count) + [0, 0] + payload
    }
}

/// A decoder with a batch, for datagrams as arrays.
struct Intake: ~Copyable {
    var decoder: TelemetryDecoder
    /// As the daemon has it, without a log, which reads plain records another way and must come to the same.
    private var plain: TelemetryDecoder?
    let log = RecordLog()
    private var batch = RecordBatch()
    var time = Timestamp(seconds: 1_700_000_000)

    static let exporter = IPAddress(192, 0, 2, 1)

    /// - Parameter isCompared: whether each datagram is read once more, without a log.
    init(_ configuration: TelemetryConfiguration = TelemetryConfiguration(), isCompared: Bool = false) {
        decoder = TelemetryDecoder(configuration: configuration, log: log)
        plain = isCompared ? TelemetryDecoder(configuration: configuration) : nil
    }

    init(limiting limits: TelemetryLimits) { self.init(TelemetryConfiguration(limits: limits)) }

    /// The records of a datagram.
    @discardableResult
    mutating func take(
        _ datagram: [UInt8],
        from source: IPAddress = Self.exporter,
        port: UInt16 = 2055,
        isConnection: Bool = false
    ) -> [FlowRecord] {
        let octets = datagram.span
        unsafe decoder.decode(
            octets.bytes,
            from: source,
            port: port,
            isConnection: isConnection,
            receivedAt: time,
            into: &batch
        )
        let records = Self.list(batch)
        batch.removeAll()
        guard plain != nil else { return records }
        unsafe plain?.decode(
            octets.bytes,
            from: source,
            port: port,
            isConnection: isConnection,
            receivedAt: time,
            into: &batch
        )
        #expect(Self.list(batch) == records)
        #expect(plain?.report(at: time) == decoder.report(at: time))
        batch.removeAll()
        return records
    }

    private static func list(_ batch: borrowing RecordBatch) -> [FlowRecord] {
        let records = batch.records
        return records.indices.map { records[$0] }
    }

    var statistics: ExporterStatistics? { decoder.report(at: time).first }
}
