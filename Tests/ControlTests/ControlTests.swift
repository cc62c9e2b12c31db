import Control
import Foundation
import NIOCore
import NIOPosix
import Testing

/// Answers each command with something that tells it apart.
private struct Echo: ControlResponder {
    func respond(to request: ControlRequest) async -> ControlResponse {
        switch request.command {
        case .attacks: .attacks([.example])
        case .neighbors: request.neighbor == nil ? .neighbors([.example]) : .receivedRoutes([.example])
        case .exporters: .exporters([.example])
        case .rules: request.neighbor == nil ? .rules([.example]) : .neighborRules([.example])
        case .status: .status(.example)
        case .explain: .explanation(.example)
        case .baselines: .baselines(.example)
        case .suggestions: .suggestions(.example(request))
        case .ban: .done("banned \(request.target ?? "nothing") for \(request.durationSeconds ?? 0)")
        default: .refused("\(request.command.rawValue) \(request.target ?? "")")
        }
    }
}

func withServer(
    answering responder: any ControlResponder = Echo(),
    ordersOn executor: (any TaskExecutor)? = nil,
    _ body: (String) async throws -> Void
)
    async throws
{
    let folder = FileManager.default.temporaryDirectory.appending(path: "floodgate-\(UUID().uuidString.prefix(8))")
    let path = folder.appending(path: "control.sock").path()
    defer { try? FileManager.default.removeItem(at: folder) }
    let server = ControlServer(path: path)
    let listener = try await server.open()
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.serve(listener, responder: responder, ordersOn: executor) }
        try await body(path)
        group.cancelAll()
        while let result = await group.nextResult() {
            if case .failure(let error) = result, !(error is CancellationError) { throw error }
        }
    }
    #expect(!FileManager.default.fileExists(atPath: path), "the socket is removed with the server")
}

@Test func requestsAndReportsCrossTheSocketUnchanged() async throws {
    try await withServer { path in
        try await expect(path, ControlRequest(.attacks), answers: .attacks([.example]))
        try await expect(path, ControlRequest(.neighbors), answers: .neighbors([.example]))
        try await expect(path, ControlRequest(.neighbors, neighbor: "192.0.2.1"), answers: .receivedRoutes([.example]))
        try await expect(path, ControlRequest(.exporters), answers: .exporters([.example]))
        try await expect(path, ControlRequest(.rules), answers: .rules([.example]))
        try await expect(path, ControlRequest(.rules, neighbor: "192.0.2.1"), answers: .neighborRules([.example]))
        try await expect(path, ControlRequest(.status), answers: .status(.example))
        try await expect(path, ControlRequest(.explain), answers: .explanation(.example))
        try await expect(path, ControlRequest(.baselines), answers: .baselines(.example))
        var suggestions = ControlRequest(.suggestions)
        (suggestions.group, suggestions.days) = ("web", 7)
        try await expect(path, suggestions, answers: .suggestions(.example(suggestions)))
        let ban = ControlRequest(.ban, target: "198.51.100.5", durationSeconds: 60, reason: "by hand")
        try await expect(path, ban, answers: .done("banned 198.51.100.5 for 60.0"))
    }
}

@Test func theSocketIsForOwnerAndGroupOnly() async throws {
    try await withServer { path in
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o660)
    }
}

@Test func aSecondDaemonIsRefusedWhileTheFirstAnswers() async throws {
    try await withServer { path in
        let second = ControlServer(path: path)
        await #expect(throws: ControlServer.OpenError.self) { _ = try await second.open() }
        try await expect(path, ControlRequest(.attacks), answers: .attacks([.example]))
    }
}

/// A daemon that is still reading its store.
@Test func aSecondDaemonIsRefusedBeforeTheFirstAnswers() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "floodgate-\(UUID().uuidString.prefix(8))")
    let path = folder.appending(path: "control.sock").path()
    defer { try? FileManager.default.removeItem(at: folder) }
    let server = ControlServer(path: path)
    let listener = try await server.open()
    await #expect(throws: ControlServer.OpenError.self) { _ = try await server.open() }
    let answer = Task { try await ControlClient(path: path).send(ControlRequest(.attacks)) }
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.serve(listener, responder: Echo()) }
        let early = try await answer.value
        #expect(early == .attacks([.example]), "who came early is answered too")
        group.cancelAll()
    }
}

@Test func aSocketLeftBehindByACrashIsReplaced() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "floodgate-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appending(path: "control.sock").path()
    let left = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        .bind(unixDomainSocketPath: path).get()
    let kept = path + ".kept"
    try FileManager.default.linkItem(atPath: path, toPath: kept)
    try await left.close()
    try? FileManager.default.removeItem(atPath: path)
    try FileManager.default.moveItem(atPath: kept, toPath: path)

    let server = ControlServer(path: path)
    let listener = try await server.open()
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.serve(listener, responder: Echo()) }
        try await expect(path, ControlRequest(.attacks), answers: .attacks([.example]))
        group.cancelAll()
    }
}

@Test func garbageIsRefusedAndTheConnectionLives() async throws {
    try await withServer { path in
        let answers = try await exchange(
            "nonsense\n{\"command\":\"fly\"}\n{\"command\":\"unban\"}\n",
            with: path,
            lines: 3
        )
        #expect(answers.count == 3)
        #expect(answers.allSatisfy { $0.contains("refused") })
        #expect(answers.last?.contains("unban") == true)
    }
}

@Test func aLineWithoutEndIsCutOff() async throws {
    try await withServer { path in
        let answers = try await exchange(String(repeating: "x", count: 1 << 20), with: path, lines: 1)
        #expect(answers.isEmpty)
        try await expect(path, ControlRequest(.attacks), answers: .attacks([.example]))
    }
}

@Test func nobodyAnsweringIsSaidSo() async {
    await #expect(throws: ControlClient.Failure.self) {
        _ = try await ControlClient(path: "/nonexistent/control.sock").send(ControlRequest(.status))
    }
}

func expect(
    _ path: String,
    _ request: ControlRequest,
    answers expected: ControlResponse,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let response = try await ControlClient(path: path).send(request)
    #expect(response == expected, sourceLocation: sourceLocation)
}

/// Sends text as it is and reads lines until `lines` have come or the server hangs up.
func exchange(_ text: String, with path: String, lines: Int) async throws -> [String] {
    let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        .connect(unixDomainSocketPath: path) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
    var received = ""
    var missing = lines
    try? await channel.executeThenClose { inbound, outbound in
        try? await outbound.write(ByteBuffer(string: text))
        guard missing > 0 else { return }
        for try await chunk in inbound {
            received += String(buffer: chunk)
            missing -= chunk.readableBytesView.count { $0 == 0x0A }
            if missing <= 0 { break }
        }
    }
    return received.split(separator: "\n").map(String.init)
}

extension AttackReport {
    fileprivate static let example = AttackReport(
        id: 7,
        target: "198.51.100.5",
        direction: "incoming",
        kind: "udp_flood",
        kindShare: 0.98,
        began: "2026-11-24T03:00:00.250Z",
        ended: nil,
        durationSeconds: 12.5,
        packetsPerSecond: 200_000,
        bitsPerSecond: 2e9,
        peakPacketsPerSecond: 210_000,
        peakBitsPerSecond: 2.1e9,
        reason: "over the threshold"
    )
}

extension ReceivedRouteReport {
    fileprivate static let example = ReceivedRouteReport(
        family: "ipv4-unicast",
        route: "route 203.0.113.0/24 next-hop 192.0.2.1",
        asPath: "65002 65003"
    )
}

extension NeighborReport {
    fileprivate static let example: NeighborReport = {
        var report = NeighborReport(address: "192.0.2.1", remoteAS: 65001, state: "Established")
        report.stateSeconds = 3
        report.families = ["ipv4-flowspec"]
        report.capabilities = ["graceful restart"]
        report.receivedRoutes = ["ipv4-unicast": 7]
        report.quarantined = [.init(match: "destination 198.51.100.5/32", error: "UPDATE message error", since: "now")]
        report.unreadableRules = 1
        report.disabledFamilies = ["ipv6-unicast"]
        report.hints = ["do this"]
        return report
    }()
}

extension NeighborRuleReport {
    fileprivate static let example = NeighborRuleReport(
        id: 12,
        match: "destination 198.51.100.5/32",
        action: "discard",
        state: "sent",
        queued: "2026-11-24T03:00:00.250Z",
        sent: "2026-11-24T03:00:00.251Z",
        withdrawn: nil,
        complaint: nil
    )
}

extension ExporterReport {
    fileprivate static let example: ExporterReport = {
        var report = ExporterReport(address: "2001:db8::1")
        report.formats = ["sFlow v5"]
        report.datagrams = 1
        report.records = 2
        report.malformed = ["truncated": 1]
        report.sampling = [
            .init(rate: 1000, source: "record", records: 2), .init(rate: nil, source: "unknown", records: 1),
        ]
        report.clockOffsetSeconds = -0.5
        report.domains = [
            .init(
                format: "IPFIX",
                id: 7,
                agent: nil,
                port: 2055,
                lost: 1,
                dropped: 2,
                templates: 2,
                missingTemplates: [256],
                countsRecords: true
            )
        ]
        report.silentSeconds = 0.5
        report.hints = ["a hint"]
        return report
    }()
}

extension RuleReport {
    fileprivate static let example = RuleReport(
        id: 12,
        match: "destination 198.51.100.5/32",
        action: "discard",
        state: "announced",
        requesters: ["attack 7"],
        reason: "over the threshold",
        created: "2026-11-24T03:00:00.250Z",
        expires: "2026-11-24T03:31:40.250Z",
        withdrawn: nil,
        neighbors: ["192.0.2.1"]
    )
}

extension StatusReport {
    fileprivate static let example = StatusReport(
        version: "0.1.0",
        processIdentifier: 42,
        started: "2026-11-24T03:00:00.250Z",
        uptimeSeconds: 1,
        mode: "enforce",
        incoming: .init(packetsPerSecond: 1, bitsPerSecond: 2),
        outgoing: .init(packetsPerSecond: 3, bitsPerSecond: 4),
        other: .init(packetsPerSecond: 5, bitsPerSecond: 6),
        trackedHosts: 7,
        maximumHosts: 8,
        trafficMemoryBytes: 9,
        activeAttacks: 10,
        announcedRules: 11,
        establishedNeighbors: 12,
        configuredNeighbors: 13,
        exporters: 14,
        datagrams: 15,
        records: 16,
        malformedDatagrams: 17,
        refusedDatagrams: 18,
        droppedDatagrams: 19,
        mirrors: [.init(interface: "eth3", state: "up", packets: 9_000_000, dropped: 3, ignored: 7)],
        forwards: [.init(collector: "192.0.2.200:2055", sent: 7, failed: 1, otherFamily: 1, fault: "no route")],
        refusals: ["no"],
        warnings: ["look"]
    )
}

extension ExplanationReport {
    fileprivate static let example = ExplanationReport(
        attack: .example,
        rules: [.example],
        evidence: ["why"],
        samples: ["what"],
        events: ["when"]
    )
}

extension BaselineReport {
    fileprivate static let example = BaselineReport(
        time: "2026-11-24T03:00:00.000Z",
        counts: .init(held: 3, learnt: 2, limit: 20_000, refused: 7),
        total: 2,
        entries: [
            .init(
                target: "198.51.100.5",
                kind: "host",
                group: "web",
                learntMinutes: 90,
                neededMinutes: 1440,
                levels: [.init(unit: "packets", normal: 512.5, limit: nil, threshold: 20_000)]
            )
        ],
        remark: "so it is"
    )
}

extension SuggestionReport {
    /// Says what it was asked for.
    fileprivate static func example(_ request: ControlRequest) -> SuggestionReport {
        let alarm = Alarm(target: "198.51.100.5", began: "2026-11-24T03:00:00.000Z", minutes: 3, peak: 1e6, attack: 7)
        return SuggestionReport(
            since: "\(request.days ?? 0) days ago",
            time: "2026-11-24T03:00:00.000Z",
            proposals: [
                .init(
                    group: request.group,
                    measure: "host",
                    direction: "outgoing",
                    traffic: "udp",
                    unit: "packets",
                    hours: 168,
                    present: nil,
                    proposed: 4500,
                    unknown: nil,
                    highest: alarm,
                    presentAlarmCount: 0,
                    presentIsComplete: true,
                    alarmCount: 30,
                    isComplete: false,
                    alarms: [alarm],
                    presentAlarms: [],
                    missedAttacks: [8],
                    isWorthSetting: true
                )
            ],
            configuration: ["detection:", "  thresholds: {total: {packets: 4.5k packets/s}}"],
            remarks: ["a week is on record"]
        )
    }
}
