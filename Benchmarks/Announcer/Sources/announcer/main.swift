// announcer PEER PORT LOCAL COUNT [AS]: takes COUNT rules out of a ledger, as a daemon does that starts, and announces them
// to one neighbor. `--text COUNT STORE`: reads COUNT commands as ExaBGP's clients write them, enters them on the ledger, writes them to
// disk and puts them into an Adj-RIB-Out. `--one-by-one`: one rule after another to a router in the same process. Prints
// JSON: the seconds of processor time, and octets per rule.

import BGP
import FlowSpec
import Foundation
import Logging
import Mitigation
import NetworkTypes
import Speaker

func processorSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

func residentBytes() -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4096
}

func target(_ index: Int) -> IPPrefix { IPPrefix(host: IPAddress(v4: 0x0A01_0000 + UInt32(index))) }

/// Rule i: destination 10.x.y.z/32, UDP to port 53, discarded, with one community; as a template makes it.
func entries(_ count: Int, at time: Timestamp) throws -> [LedgerEntry] {
    let template = RuleTemplate(
        components: [.ipProtocol([NumericTerm(.equal, 17)]), .destinationPort([NumericTerm(.equal, 53)])],
        actions: [.discard]
    )
    let communities = [Community(rawValue: 65001 << 16 | 666)]
    return try (0..<count).map { index in
        let target = target(index)
        return entry(
            index,
            try template.announcement(for: target, direction: .incoming, communities: communities),
            at: time
        )
    }
}

func entry(_ index: Int, _ announcement: Announcement, at time: Timestamp) -> LedgerEntry {
    LedgerEntry(
        id: LedgerEntry.ID(rawValue: UInt64(index + 1)),
        announcement: announcement,
        target: target(index),
        direction: .incoming,
        template: "udp_flood",
        reason: "benchmark",
        created: time,
        requesters: [.operator],
        announced: time,
        expires: time + .seconds(3600),
        state: .announced
    )
}

/// Read while we run: not to be left in a buffer.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

let arguments = CommandLine.arguments
if arguments.dropFirst().first == "--one-by-one" {
    let clock: @Sendable () -> Timestamp = { Timestamp(seconds: Date().timeIntervalSince1970) }
    let delays = try await oneByOne(try entries(500, at: clock()).map(\.announcement), now: clock)
    say("{\"p50\": \(delays[delays.count / 2]), \"max\": \(delays.last ?? 0)}")
    exit(0)
}
if arguments.count == 4, arguments[1] == "--text", let count = Int(arguments[2]) {
    say(try await textCommands(count, store: arguments[3], at: Timestamp(seconds: Date().timeIntervalSince1970)))
    exit(0)
}
guard (5...6).contains(arguments.count), let peer = IPAddress(arguments[1]), let port = UInt16(arguments[2]),
    let local = IPAddress(arguments[3]), let count = Int(arguments[4]),
    let network = IPPrefix(IPAddress(10, 0, 0, 0), length: 8)
else {
    say("usage: announcer PEER PORT LOCAL COUNT [AS]")
    exit(64)
}
let now: @Sendable () -> Timestamp = { Timestamp(seconds: Date().timeIntervalSince1970) }
let speaker = Speaker(
    neighbors: [
        NeighborConfiguration(
            address: peer,
            port: port,
            localAddress: local,
            remoteAS: ASN(65001),
            localAS: arguments.count > 5 ? ASN(arguments[5]) ?? ASN(65001) : ASN(65001),
            routerID: IPAddress(10, 0, 0, arguments.count > 5 ? 3 : 2).v4,
            families: [.ipv4FlowSpec]
        )
    ],
    logger: Logger(label: "announcer") { _ in SwiftLogNoOpLogHandler() },
    now: now,
    observer: { _ in }
)
try await speaker.start()
while await speaker.status().first?.state != .established { try await Task.sleep(for: .milliseconds(5)) }
// Before the rules themselves are made: they are part of what a rule takes.
let memoryBefore = residentBytes()
var stored = try entries(count, at: now())
var policy = MitigationPolicy(mode: .enforce, networks: [network])
policy.maximumRules = count
var ledger = Ledger(policy: policy)

/// From the ledger to the speaker; how much processor time had been used when the speaker got them.
@MainActor func announceAll() async -> Double {
    let effects = ledger.restore(
        stored,
        attacks: [],
        overruled: [],
        highestID: LedgerEntry.ID(rawValue: UInt64(count)),
        at: now()
    )
    stored = []
    let announcements = effects.compactMap { if case .announce(let entry) = $0 { entry.announcement } else { nil } }
    let used = processorSeconds()
    await speaker.update(announce: announcements)
    return used
}

let processorBefore = processorSeconds()
say("{\"begins\": \(Date().timeIntervalSince1970)}")
let processorLedger = await announceAll()
while await speaker.status().first?.announcedRoutes != count { try await Task.sleep(for: .milliseconds(2)) }
let processor = processorSeconds()
// In the Adj-RIB-Out, the speaker and the ledger together.
let memory = residentBytes() - memoryBefore
say(
    "{\"sent\": \(Date().timeIntervalSince1970), \"cpu_ledger\": \(processorLedger - processorBefore), "
        + "\"cpu_speaker\": \(processor - processorLedger), \"bytes_per_rule\": \(memory / max(count, 1))}"
)
// Stays, as the neighbor would lose the rules with the session.
_ = readLine()
await speaker.stop()
