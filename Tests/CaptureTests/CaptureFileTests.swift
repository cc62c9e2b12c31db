import Capture
import Foundation
import NetworkTypes
import Telemetry
import TestSupport
import Testing

struct CaptureFileTests {
    private static let source = IPAddress(192, 0, 2, 1)
    private static let target = IPAddress(198, 51, 100, 7)
    private static let time = Timestamp(nanoseconds: 1_700_000_000_123_456_000)
    private static let frame = PcapWriter.frame(of: [1, 2, 3], from: source, port: 7, to: target, port: 6343)
    private static let ip = Array(frame.dropFirst(14))

    private struct Found: Hashable {
        var time: Timestamp
        var datagram: CapturedDatagram
        var payload: [UInt8]
    }

    private static func datagrams(_ octets: [UInt8]) throws -> [Found] {
        var file = CaptureFile(octets: octets)
        var found: [Found] = []
        try file.forEachDatagram { datagram, payload, time in
            let octets = (0..<payload.byteCount).map { unsafe payload.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
            found.append(Found(time: time, datagram: datagram, payload: octets))
        }
        return found
    }

    private static func number(_ value: UInt64, _ count: Int, little: Bool) -> [UInt8] {
        let big = (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - 1 - $0))) }
        return little ? big.reversed() : big
    }

    private static func pcap(_ packet: [UInt8], link: UInt64, little: Bool, nanoseconds: Bool) -> [UInt8] {
        func n(_ value: UInt64, _ count: Int = 4) -> [UInt8] { number(value, count, little: little) }
        let header = n(nanoseconds ? 0xA1B2_3C4D : 0xA1B2_C3D4) + n(2, 2) + n(4, 2) + n(0) + n(0) + n(65_535) + n(link)
        let fraction = n(nanoseconds ? 123_456_000 : 123_456)
        return header + n(1_700_000_000) + fraction + n(UInt64(packet.count)) + n(9000) + packet
    }

    /// One section with one interface and one enhanced packet block, with an option and a block of no interest.
    private static func pcapng(
        _ packet: [UInt8],
        link: UInt64 = 1,
        little: Bool = true,
        resolution: UInt8 = 6,
        ticks: UInt64 = 1_700_000_000_123_456,
        offset: UInt64 = 0
    ) -> [UInt8] {
        func n(_ value: UInt64, _ count: Int = 4) -> [UInt8] { number(value, count, little: little) }
        func block(_ type: UInt64, _ body: [UInt8]) -> [UInt8] {
            let padded = body + [UInt8](repeating: 0, count: (4 - body.count % 4) % 4)
            return n(type) + n(UInt64(padded.count) + 12) + padded + n(UInt64(padded.count) + 12)
        }
        let options = n(9, 2) + n(1, 2) + [resolution, 0, 0, 0] + n(14, 2) + n(8, 2) + n(offset, 8) + n(0)
        let captured = n(0) + n(ticks >> 32) + n(ticks & 0xFFFF_FFFF) + n(UInt64(packet.count)) + n(9000) + packet
        return block(0x0A0D_0D0A, n(0x1A2B_3C4D) + n(1, 2) + n(0, 2) + n(UInt64.max, 8))
            + block(1, n(link, 2) + n(0, 2) + n(65_535) + options) + block(4, n(7)) + block(6, captured)
    }

    private static func expect(_ found: [Found], at time: Timestamp = time) {
        #expect(found.count == 1)
        #expect(found.first?.time == time)
        #expect(found.first?.payload == [1, 2, 3])
        #expect(found.first?.datagram.source == source && found.first?.datagram.sourcePort == 7)
        #expect(found.first?.datagram.destination == target && found.first?.datagram.destinationPort == 6343)
    }

    @Test(arguments: [true, false], [true, false])
    func bothOrdersAndResolutionsOfPcapAreRead(little: Bool, nanoseconds: Bool) throws {
        Self.expect(try Self.datagrams(Self.pcap(Self.frame, link: 1, little: little, nanoseconds: nanoseconds)))
    }

    @Test func everyLinkLayerIsUnwrapped() throws {
        let cooked = [UInt8](repeating: 0, count: 14) + [8, 0]
        let cooked2: [UInt8] = [8, 0] + [UInt8](repeating: 0, count: 18)
        let tagged = Array(Self.frame.prefix(12)) + [0x88, 0xA8, 0, 5, 0x81, 0, 0, 9, 8, 0] + Self.ip
        for (link, packet) in [
            (1, tagged), (113, cooked + Self.ip), (276, cooked2 + Self.ip), (101, Self.ip), (12, Self.ip),
            (228, Self.ip), (0, [2, 0, 0, 0] + Self.ip), (108, [0, 0, 0, 2] + Self.ip),
        ] as [(UInt64, [UInt8])] {
            let octets = Self.pcap(packet, link: link, little: true, nanoseconds: false)
            Self.expect(try Self.datagrams(octets))
            Self.expect(try Self.datagrams(Self.pcapng(packet, link: link)))
        }
        #expect(throws: CaptureError.unsupportedLink(127)) {
            _ = try Self.datagrams(Self.pcap(Self.frame, link: 127, little: true, nanoseconds: false))
        }
        // Of pcapng other interfaces may be of use.
        var file = CaptureFile(octets: Self.pcapng(Self.frame, link: 127))
        #expect(try file.next() == nil)
        #expect(file.unsupported == 1)
    }

    @Test func everyClockOfPcapngIsRead() throws {
        Self.expect(try Self.datagrams(Self.pcapng(Self.frame, little: false)))
        let seconds: UInt64 = 1_700_000_000
        for (resolution, ticks) in [
            (9, seconds * 1_000_000_000 + 123_456_000), (12, (seconds % 1_000_000) * 1_000_000_000_000),
            (0, seconds), (0x80, seconds), (0x8A, seconds << 10 + 512), (0xBF, 1 << 62),
        ] as [(UInt8, UInt64)] {
            let expected: Int64 =
                switch resolution {
                case 9: Self.time.nanoseconds
                case 12: Int64(seconds % 1_000_000) * 1_000_000_000
                case 0x8A: Int64(seconds) * 1_000_000_000 + 500_000_000
                case 0xBF: 500_000_000
                default: Int64(seconds) * 1_000_000_000
                }
            let octets = Self.pcapng(Self.frame, resolution: resolution, ticks: ticks)
            Self.expect(try Self.datagrams(octets), at: Timestamp(nanoseconds: expected))
        }
        let shifted = Self.pcapng(Self.frame, ticks: 123_456, offset: seconds)
        Self.expect(try Self.datagrams(shifted))
        // What cannot be is no trap.
        for resolution in UInt8.min...UInt8.max {
            let ticks: UInt64 = .max
            _ = try Self.datagrams(Self.pcapng(Self.frame, resolution: resolution, ticks: ticks, offset: ticks >> 1))
        }
    }

    @Test func sectionsOfEitherOrderFollowEachOther() throws {
        let both = Self.pcapng(Self.frame) + Self.pcapng(Self.frame, little: false)
        #expect(try Self.datagrams(both).count == 2)
    }

    @Test func everyCutAndEveryBrokenOctetIsAnErrorAndNoTrap() throws {
        for octets in [
            Self.pcap(Self.frame, link: 1, little: true, nanoseconds: false), Self.pcapng(Self.frame),
            Self.pcapng(Self.frame, little: false),
        ] {
            for length in 0..<octets.count {
                // Between blocks a file may end.
                let found = try? Self.datagrams(Array(octets.prefix(length)))
                #expect(found?.isEmpty ?? true)
            }
            for index in octets.indices {
                for value in [0, 1, 0x7F, 0xFF] as [UInt8] {
                    var broken = octets
                    broken[index] = value
                    _ = try? Self.datagrams(broken)
                }
            }
        }
        #expect(throws: CaptureError.notCapture) { _ = try Self.datagrams(Array(repeating: 7, count: 100)) }
        #expect(throws: CaptureError.notCapture) { _ = try Self.datagrams([]) }
        let error = #expect(throws: CaptureError.self) { _ = try CaptureFile("/nowhere/at-all.pcap") }
        #expect(error == .unreadable("No such file or directory"))
    }

    /// What wireshark's converter makes of the vendors' captures says the same.
    @Test(.enabled(if: SharedFiles.isPresent, "no ../shared beside the package, and FLOODGATE_SHARED names none"))
    func pcapngOfAnotherProgramSaysTheSame() throws {
        guard let editcap = ChildProcess.find("editcap") else {
            print("skipped: editcap is not installed")
            return
        }
        let folder = try ScratchFolder()
        defer { folder.remove() }
        for name in ["nf9-cisco-asr1001x", "sflow-td-v6", "ipfix-yaf-applabel"] {
            let pcap = folder.path("\(name).pcap")
            let octets = try SharedFiles.data("captures/\(name).pcap")
            try octets.write(to: URL(filePath: pcap))
            _ = try ChildProcess.output(editcap, ["-F", "pcapng", pcap, pcap + "ng"])
            var converted = try CaptureFile(pcap + "ng")
            var found: [Found] = []
            try converted.forEachDatagram { datagram, payload, time in
                let octets = (0..<payload.byteCount).map {
                    unsafe payload.unsafeLoad(fromByteOffset: $0, as: UInt8.self)
                }
                found.append(Found(time: time, datagram: datagram, payload: octets))
            }
            #expect(try found == Self.datagrams([UInt8](octets)))
            #expect(!found.isEmpty)
        }
    }
}
