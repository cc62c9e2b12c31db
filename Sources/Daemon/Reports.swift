import BGP
import Control
import Detection
import FlowSpec
import Mitigation
import NetworkTypes
import Speaker
import Store
import Traffic

/// How routes stand with the neighbors that are to have them.
typealias Holders = [AnnouncedRoute: [IPAddress: NeighborRoute.State]]

/// The rooms' values as the control socket tells them.
enum Reports {
    static func attack(_ attack: Attack, at now: Timestamp) -> AttackReport {
        var report = AttackReport(
            id: attack.id.rawValue,
            target: attack.target.description,
            direction: attack.direction.rawValue,
            kind: attack.kind.rawValue,
            kindShare: attack.kindShare,
            began: attack.began.description,
            ended: attack.ended?.description,
            durationSeconds: ((attack.ended ?? now) - attack.began).inSeconds,
            packetsPerSecond: attack.rates[.total, .packets],
            bitsPerSecond: attack.rates[.total, .bits],
            peakPacketsPerSecond: attack.peak[.total, .packets],
            peakBitsPerSecond: attack.peak[.total, .bits],
            reason: attack.crossing.description
        )
        report.evidence = evidence(attack)
        return report
    }

    static func rule(
        _ entry: LedgerEntry,
        holders: Holders,
        writers: [ExaBGPWriter] = [],
        effects: [LedgerEntry.ID: RuleEffect] = [:]
    ) -> RuleReport {
        let neighbors = holders[entry.announcement.route, default: [:]].filter {
            $0.value == .sent || $0.value == .withdrawing
        }
        var report = RuleReport(
            id: entry.id.rawValue,
            match: entry.announcement.route.description,
            action: entry.announcement.actionText,
            state: entry.state.rawValue,
            requesters: entry.requesters.map(\.description),
            reason: entry.reason,
            expectation: entry.expectation?.description,
            expectedAttackShare: entry.expectation?.attackShare,
            expectedNormalShare: entry.expectation?.normalShare,
            created: entry.created.description,
            expires: entry.expires.description,
            withdrawn: entry.withdrawn?.description,
            neighbors: neighbors.keys.map(\.description).sorted()
                + writers.filter { $0.holds(entry.announcement.route) }.map { "exabgp \($0.path)" },
            effect: effects[entry.id].map { "\($0)" }
        )
        report.limit = entry.announcement.limitText
        if entry.state == .announced, writers.isEmpty {
            report.unheld = whyNobodyHas(entry.announcement.route, holders)
        }
        return report
    }

    static func explanation(
        _ attack: Attack?,
        entries: [LedgerEntry],
        events: [Store.Event],
        holders: Holders,
        effects: [LedgerEntry.ID: RuleEffect] = [:],
        at now: Timestamp
    ) -> ExplanationReport {
        var evidence: [String] = []
        var samples: [String] = []
        if let attack {
            evidence = ["\(attack.crossing)", attack.crossing.evidence] + composition(attack)
            for entry in entries {
                let maker =
                    entry.template == "command" ? "as a command wrote it" : "its actions by template \(entry.template)"
                let made = "rule \(entry.id), \(maker): \(entry.announcement)"
                evidence.append(entry.expectation.map { "\(made); \($0)" } ?? made)
                if let effect = effects[entry.id] { evidence.append("rule \(entry.id): \(effect)") }
            }
            samples = attack.samples.prefix(10).map(sample)
        }
        return ExplanationReport(
            attack: attack.map { self.attack($0, at: now) },
            rules: entries.map { rule($0, holders: holders, effects: effects) },
            evidence: evidence,
            samples: samples,
            events: events.map { "\($0.time) \($0.text)" }
        )
    }

    private static func sample(_ sample: TrafficSample) -> String {
        let ports = sample.ipProtocol == .tcp || sample.ipProtocol == .udp
        func end(_ address: IPAddress, _ port: UInt16) -> String {
            guard ports else { return address.description }
            return address.isIPv4 ? "\(address):\(port)" : "[\(address)]:\(port)"
        }
        let flags = sample.ipProtocol == .tcp ? " \(sample.tcpFlags)" : ""
        var place = sample.exporter == .unspecified ? "" : ", from \(sample.exporter)"
        if sample.inputInterface > 0 { place += " interface \(sample.inputInterface)" }
        return "\(sample.ipProtocol) \(end(sample.source, sample.sourcePort)) > "
            + "\(end(sample.destination, sample.destinationPort))\(flags), stands for \(sample.packets) packets, "
            + "\(sample.bytes) octets\(place)"
    }
}
