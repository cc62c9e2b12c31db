import BGP
import FlowSpec
import Foundation
import Logging
import NetworkTypes
import Speaker
import TestSupport
import Testing

/// ExaBGP's own checking peer: it compares every message octet for octet with what ExaBGP is expected to send.
///
/// It is in ExaBGP's source tree alone (github.com/Exa-Networks/exabgp), neither in its packages nor in what PyPI has;
/// `FLOODGATE_EXABGP_SOURCE` names the tree.
@Suite(.serialized, .enabled(if: CheckingPeer.isPresent, "FLOODGATE_EXABGP_SOURCE names no source tree of ExaBGP"))
struct CheckingPeerTests {
    /// - Parameter refused: cases whose text is refused here on purpose, by what stands in it.
    @Test(arguments: [
        // ExaBGP writes 101 into a field of six bits (RFC 8956 section 3.3).
        ("conf-flow", "traffic-class =101", 17), ("conf-flow-redirect", nil, 8),
    ])
    func itFindsNothingAmiss(_ name: String, refused: String?, expected count: Int) async throws {
        let cases = try CheckingPeer.cases(name)
        #expect(cases.count >= count)
        let kept = cases.filter { one in refused.map { one.command.contains($0) } != true }
        #expect(cases.count - kept.count == (refused == nil ? 0 : 1))
        var announcements: [Announcement] = []
        for one in kept {
            guard case .announce(let announcement)? = try FlowSpecText.parse(one.command).first?.order else { continue }
            announcements.append(announcement)
        }
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let expected = try folder.write(kept.map(\.expected).joined(separator: "\n"), to: "expected")
        let port = FreePort.tcp()
        let peer = try ChildProcess(
            try #require(ChildProcess.find("python3")),
            [CheckingPeer.program, "--port", "\(port)", expected],
            log: folder.url.appending(path: "log")
        )
        defer { peer.stop() }
        var neighbor = NeighborConfiguration(
            address: IPAddress(127, 0, 0, 1),
            port: port,
            remoteAS: ASN(65500),
            localAS: ASN(65500),
            routerID: IPAddress(10, 0, 0, 1).v4,
            families: [.ipv4FlowSpec, .ipv4FlowSpecVPN, .ipv6FlowSpec]
        )
        neighbor.profile = .unrestricted
        let speaker = Speaker(
            neighbors: [neighbor],
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            now: { Timestamp(seconds: Date().timeIntervalSince1970) },
            observer: { _ in }
        )
        try await speaker.start()
        #expect(await eventually { await speaker.status().first?.state == .established })
        // A message for each: it knows no other packing than that. Two cases may be of one NLRI.
        for announcement in announcements { await speaker.update(announce: [announcement]) }
        _ = await eventually { !peer.isRunning }
        let log = (try? String(contentsOf: peer.log, encoding: .utf8)) ?? ""
        #expect(!peer.isRunning && log.contains("successful"), "\(log.suffix(3000))")
        await speaker.stop()
    }
}

private enum CheckingPeer {
    private static let folder = ProcessInfo.processInfo.environment["FLOODGATE_EXABGP_SOURCE"]

    static var program: String { "\(folder ?? "")/qa/sbin/bgp" }
    static var isPresent: Bool { folder != nil && FileManager.default.fileExists(atPath: program) }

    /// The commands of a file of cases, each with the line that says what is to be sent for it.
    static func cases(_ name: String) throws -> [(command: String, expected: String)] {
        let text = try String(contentsOfFile: "\(folder ?? "")/qa/encoding/\(name).ci", encoding: .utf8)
        var cases: [(command: String, expected: String)] = []
        var command: String?
        for line in text.split(separator: "\n") {
            if line.hasPrefix("1:cmd:") { command = String(line.dropFirst(6)) }
            if line.hasPrefix("1:raw:"), let known = command {
                // Of End-of-RIB it writes the length in two octets, where one does.
                let expected = line.replacing("001E02:00000007900F0003", with: "001D02:00000006800F03")
                cases.append((known, String(expected)))
                command = nil
            }
        }
        return cases
    }
}
