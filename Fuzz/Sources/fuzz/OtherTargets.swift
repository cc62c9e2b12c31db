import Capture
import NetworkTypes
import Telemetry

extension FuzzTarget {
    static func octets(_ input: RawSpan) -> [UInt8] {
        (0..<input.byteCount).map { unsafe input.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
    }

    private static func big32(_ value: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    /// The headers of a sampled packet, in a sound sFlow sample; the first octet is the header protocol.
    static let packetHeader = FuzzTarget(
        name: "packet-header",
        take: { input in
            guard input.byteCount >= 1 else { return }
            let all = octets(input)
            let header = Array(all.dropFirst())
            let padded = header + [UInt8](repeating: 0, count: (4 - header.count % 4) % 4)
            let raw = big32(Int(all[0] & 15)) + big32(1518) + big32(4) + big32(header.count) + padded
            let body =
                [1, 7, 100, 1000, 0, 1, 2, 1].flatMap(big32) + big32(1) + big32(raw.count) + raw
            let datagram =
                big32(5) + big32(1) + [192, 0, 2, 1] + [0, 1, 1000, 1, 1].flatMap(big32) + big32(body.count) + body
            for tunnels in [Tunnels(), Tunnels(rawValue: all[0] >> 3)] {
                let log = RecordLog()
                var decoder = TelemetryDecoder(configuration: .init(decapsulates: tunnels), log: log)
                let bench = unsafe Workbench.shared
                let span = datagram.span
                unsafe decoder.decode(
                    span.bytes,
                    from: IPAddress(192, 0, 2, 1),
                    receivedAt: Timestamp(seconds: 1_700_000_000),
                    into: &bench.seen
                )
                check(bench.seen.count <= 1, "a sample is a record")
                bench.seen.removeAll()
                check(log.records.count == 1, "a sound sample is always shown")
                var line: [UInt8] = []
                for record in log.records { record.writeJSON(into: &line) }
            }
        },
        seeds: Seeds.packetHeaders
    )

    /// What exporters told, as it lies on the disk.
    static let knowledge = FuzzTarget(
        name: "exporter-knowledge",
        take: { input in
            let exporter = IPAddress(192, 0, 2, 1)
            guard let known = try? ExporterKnowledge(exporter: exporter, encoded: input) else { return }
            let again = known.encoded
            let span = again.span
            let read = try? unsafe ExporterKnowledge(exporter: exporter, encoded: span.bytes)
            check(read == known, "what was read once is read again")
            var decoder = TelemetryDecoder()
            decoder.restore([known], at: Timestamp(seconds: 1_700_000_000))
            let bench = unsafe Workbench.shared
            for datagram in Seeds.netFlow9().flatMap({ $0 }) {
                let octets = datagram.span
                unsafe decoder.decode(
                    octets.bytes,
                    from: exporter,
                    receivedAt: Timestamp(seconds: 1_700_000_000),
                    into: &bench.seen
                )
                bench.seen.removeAll()
            }
        },
        seeds: Seeds.knowledge
    )

    /// A capture file.
    static let pcap = FuzzTarget(
        name: "pcap",
        take: { input in
            // What gzip makes is of a target of its own.
            guard !octets(input).starts(with: [0x1F, 0x8B]) else { return }
            var file = CaptureFile(octets: octets(input))
            let decoder = PacketDecoder(decapsulating: Tunnels(rawValue: 31))
            let bench = unsafe Workbench.shared
            var finder = TelemetryFinder()
            var packets = 0
            while let packet = try? file.next() {
                let octets = file.octets(of: packet)
                check(octets.byteCount <= input.byteCount, "no more than there is")
                let length = packet.originalLength
                let time = packet.time
                _ = decoder.decode(octets, originalLength: length, on: packet.link, receivedAt: time, into: &bench.seen)
                if let datagram = CapturedDatagram(in: octets, on: packet.link) {
                    check(datagram.payload.upperBound <= octets.byteCount, "no more than there is")
                }
                _ = finder.take(octets, on: packet.link) { datagram, octets in
                    check(datagram.payload.upperBound <= octets.byteCount, "no more than was found")
                }
                check(finder.incomplete <= 64, "what is held of fragments is bounded")
                packets += 1
                if packets % 1024 == 0 { bench.seen.removeAll() }
            }
            bench.seen.removeAll()
            check(packets <= input.byteCount / 12, "each takes its header")
        },
        seeds: Seeds.captures,
        seed: { $0 }
    )

    /// A capture file that gzip has compressed; also what would be one if it began so.
    static let gzip = FuzzTarget(
        name: "gzip",
        take: { input in
            let all = octets(input)
            for file in [all, [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3] + all] where file.starts(with: [0x1F, 0x8B]) {
                var capture = CaptureFile(octets: file)
                var captured = 0
                while let packet = try? capture.next() { captured += capture.octets(of: packet).byteCount + 16 }
                // The longest match is told in two bits, one each for length and distance.
                check(captured <= file.count * 4 * 258, "no more than there can be")
            }
        },
        seeds: Seeds.compressed
    )
}
