import Capture
import Foundation
import NetworkTypes
import TestSupport
import Testing

/// Captures that gzip has compressed are read as they are.
struct CompressedCaptureTests {
    private static let source = IPAddress(192, 0, 2, 1)
    private static let target = IPAddress(198, 51, 100, 7)

    private static func little(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(value >> (8 * $0) & 255) } }

    /// Of Ethernet, with one datagram for each payload.
    private static func pcap(_ payloads: [[UInt8]]) -> [UInt8] {
        var octets = little(0xA1B2_C3D4) + [2, 0, 4, 0] + little(0) + little(0) + little(65_535) + little(1)
        for payload in payloads {
            let frame = PcapWriter.frame(of: payload, from: source, port: 7, to: target, port: 6343)
            octets += little(1_700_000_000) + little(0) + little(frame.count) + little(frame.count) + frame
        }
        return octets
    }

    private static func payloads(of file: inout CaptureFile) throws -> [[UInt8]] {
        var found: [[UInt8]] = []
        try file.forEachDatagram { _, octets, _ in
            found.append((0..<octets.byteCount).map { unsafe octets.unsafeLoad(fromByteOffset: $0, as: UInt8.self) })
        }
        return found
    }

    /// What can be read, and why it ended where it was not the end.
    private static func read(_ octets: [UInt8]) -> (payloads: [[UInt8]], error: CaptureError?) {
        var file = CaptureFile(octets: octets)
        var found: [[UInt8]] = []
        do {
            try file.forEachDatagram { _, octets, _ in
                found.append(
                    (0..<octets.byteCount).map { unsafe octets.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
                )
            }
            return (found, nil)
        } catch {
            return (found, error as? CaptureError)
        }
    }

    private static func gzip(_ octets: [UInt8], _ options: [String]) throws -> [UInt8] {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let path = folder.path("capture")
        try Data(octets).write(to: URL(filePath: path))
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["gzip"] + options + [path]
        try process.run()
        process.waitUntilExit()
        return [UInt8](try Data(contentsOf: URL(filePath: path + ".gz")))
    }

    private static func checksum(_ octets: [UInt8]) -> Int {
        ~octets.reduce(0xFFFF_FFFF) { state, octet in
            (0..<8).reduce(state ^ Int(octet)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
        } & 0xFFFF_FFFF
    }

    /// One member with one block that is not compressed, and with a checksum of its header where the flags say so.
    private static func stored(_ octets: [UInt8], flags: UInt8 = 0, _ more: [UInt8] = []) -> [UInt8] {
        let length = octets.count
        var header = [0x1F, 0x8B, 8, flags, 0, 0, 0, 0, 0, 3] + more
        if flags & 2 != 0 { header += little(checksum(header)).prefix(2) }
        return header
            + [1, UInt8(length & 255), UInt8(length >> 8), UInt8(~length & 255), UInt8(~length >> 8 & 255)] + octets
            + little(checksum(octets)) + little(length)
    }

    /// More than zlib's window and one piece, with what repeats near and far, and what does not.
    private static let many: [[UInt8]] = {
        var random = SystemRandomNumberGenerator()
        let noise = (0..<40).map { _ in (0..<1000).map { _ in UInt8.random(in: .min ... .max, using: &random) } }
        return (0..<1200).map { index in
            index % 3 == 0 ? noise[index / 3 % 40] : (0..<600).map { UInt8(truncatingIfNeeded: index / 7 + $0 / 50) }
        }
    }()

    @Test(arguments: ["-1", "-6", "-9"])
    func eachLevelOfCompressionIsRead(_ level: String) throws {
        let (found, error) = Self.read(try Self.gzip(Self.pcap(Self.many), [level]))
        #expect(found == Self.many)
        #expect(error == nil)
    }

    @Test func aFileOnDiskIsReadAsWhatItIsWhateverItsName() throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let path = folder.path("capture.pcap")
        try Data(try Self.gzip(Self.pcap(Self.many), ["-6"])).write(to: URL(filePath: path))
        var file = try CaptureFile(path)
        #expect(try Self.payloads(of: &file) == Self.many)
    }

    @Test func membersOneBehindTheOtherAreOneFile() throws {
        let octets = Self.pcap([[1, 2, 3], [4, 5, 6]])
        let parts = (Array(octets[..<50]), Array(octets[50...]))
        let padding = [UInt8](repeating: 0, count: 512)
        let members = Self.stored(parts.0) + (try Self.gzip(parts.1, ["-9"]))
        for file in [members, members + padding, members + Self.stored([])] {
            let (found, error) = Self.read(file)
            #expect(found == [[1, 2, 3], [4, 5, 6]] && error == nil)
        }
        #expect(Self.read(members + [1, 2, 3]).error != nil)
    }

    @Test func whateverTheHeaderHasIsPassedOver() {
        let octets = Self.pcap([[1, 2, 3]])
        let name = Array("capture.pcap".utf8) + [0]
        for (flags, more) in [
            (0, []), (1, []), (2, []), (4, [3, 0, 7, 7, 7]), (8, name), (16, name),
            (31, [3, 0, 7, 7, 7] + name + name),
        ] as [(UInt8, [UInt8])] {
            let (found, error) = Self.read(Self.stored(octets, flags: flags, more))
            #expect(found == [[1, 2, 3]] && error == nil, "\(flags)")
        }
        var broken = Self.stored(octets, flags: 2)
        broken[10] ^= 1
        #expect(Self.read(broken).error == .compressionCorrupt(offset: 12, after: 0), "the header's checksum")
        // Of flags that mean nothing yet nobody knows what follows.
        #expect(Self.read(Self.stored(octets, flags: 0x20)).error == .compressionCorrupt(offset: 4, after: 0))
    }

    @Test func aFileThatEndsTooEarlyGivesWhatItHas() throws {
        let payloads = (0..<20).map { index in (0..<30).map { UInt8($0 * index & 255) } }
        let whole = try Self.gzip(Self.pcap(payloads), ["-9"])
        var most = 0
        for length in 2..<whole.count {
            let (found, error) = Self.read(Array(whole.prefix(length)))
            guard case .compressionTruncated(let octets) = error else {
                Issue.record("cut at \(length): \(error.debugDescription)")
                return
            }
            #expect(found == Array(payloads.prefix(found.count)), "cut at \(length)")
            #expect(octets >= found.count * 88)
            #expect(found.count >= most, "no less than of a shorter one")
            most = found.count
        }
        #expect(most == payloads.count, "of a trailer that is cut")
        let description = CaptureError.compressionTruncated(after: 24).description
        #expect(description == "the gzip file ends within its data; the capture's first 24 octets were read")
    }

    @Test func noDamageGoesUnseen() throws {
        let payloads = (0..<20).map { index in (0..<30).map { UInt8($0 * index & 255) } }
        for whole in [try Self.gzip(Self.pcap(payloads), ["-9"]), Self.stored(Self.pcap(payloads))] {
            // The name in the header is nobody's concern, nor the rest of the octet in which the data end.
            for index in 20..<whole.count where index != whole.count - 9 {
                var broken = whole
                broken[index] ^= 1 << UInt8(index % 8)
                #expect(Self.read(broken).error != nil, "octet \(index)")
            }
        }
    }

    @Test func aFileThatMakesEndlesslyMuchOfLittleIsReadPieceByPiece() throws {
        let zeros = [UInt8](repeating: 0, count: 4 << 20)
        let octets = try Self.gzip(
            Self.little(0xA1B2_C3D4) + [2, 0, 4, 0] + Array(zeros.prefix(12)) + Self.little(1) + zeros,
            ["-9"]
        )
        // Empty packets all the way.
        let (found, error) = Self.read(octets)
        #expect(found.isEmpty && error == nil)
    }
}
