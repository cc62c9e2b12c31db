import BGP
import FlowSpec
import Foundation
import Logging
import Mitigation
import NetworkTypes
import Speaker
import Store

/// Commands as a client of ExaBGP writes them: processor seconds to read them, to enter them on the ledger, to write them
/// to disk in one transaction, and to put them into the Adj-RIB-Out of one neighbor.
func textCommands(_ count: Int, store path: String, at time: Timestamp) async throws -> String {
    let lines = (0..<count).map { index in
        "announce flow route { match { destination \(target(index)); protocol udp; destination-port =53; } "
            + "then { discard; community [65001:666]; } }"
    }
    var policy = MitigationPolicy(
        mode: .enforce,
        networks: [IPPrefix(IPAddress(10, 0, 0, 0), length: 8)].compactMap { $0 }
    )
    policy.maximumRules = count
    var ledger = Ledger(policy: policy)
    let store = try Store(path: path)
    let speaker = Speaker(
        neighbors: [
            NeighborConfiguration(
                address: IPAddress(127, 0, 0, 1),
                remoteAS: ASN(65001),
                localAS: ASN(65001),
                routerID: 1,
                families: [.ipv4FlowSpec],
                isPassive: true
            )
        ],
        logger: Logger(label: "announcer") { _ in SwiftLogNoOpLogHandler() },
        now: { time },
        observer: { _ in }
    )
    var times = [processorSeconds()]
    var entries: [LedgerEntry] = []
    for (index, line) in lines.enumerated() {
        for command in try FlowSpecText.parse(line) {
            guard case .announce(let announcement) = command.order else { continue }
            entries.append(entry(index, announcement, at: time))
        }
    }
    times.append(processorSeconds())
    let effects = ledger.restore(entries, attacks: [], overruled: [], highestID: .init(rawValue: 0), at: time)
    let announced = effects.compactMap { if case .announce(let entry) = $0 { entry } else { nil } }
    times.append(processorSeconds())
    try store.write(
        announced.flatMap { entry -> [Store.Change] in
            let text = "announced \(entry.announcement), because \(entry.reason)"
            return [.entry(entry), .event(.init(time: time, entry: entry.id, text: text))]
        }
    )
    times.append(processorSeconds())
    await speaker.update(announce: announced.map(\.announcement))
    times.append(processorSeconds())
    let parts = zip(["parse", "ledger", "disk", "rib"], zip(times, times.dropFirst()).map { $1 - $0 })
    return "{" + parts.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + ", \"rules\": \(announced.count)}"
}
