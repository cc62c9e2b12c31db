import BGP
import Control
import Detection
import FlowSpec
import Mitigation
import NetworkTypes
import Speaker
import Store
import Traffic

/// The rooms' values as the control socket tells them.
enum Reports {
    static func attack(_ attack: Attack, at now: Timestamp) -> AttackReport {
        AttackReport(
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
    }

    static func rule(_ entry: LedgerEntry, neighbors: [NeighborStatus]) -> RuleReport {
        let family = entry.announcement.route.bgpFamily
        let holders = neighbors.filter { $0.parameters?.families.contains(family) == true }
        return RuleReport(
            id: entry.id.rawValue,
            match: entry.announcement.route.description,
            action: entry.announcement.actionText,
            state: entry.state.rawValue,
            requesters: entry.requesters.map(\.description),
            reason: entry.reason,
            created: entry.created.description,
            expires: entry.expires.description,
            withdrawn: entry.withdrawn?.description,
            neighbors: entry.state == .announced ? holders.map { $0.configuration.address.description } : []
        )
    }

    static func neighbor(_ status: NeighborStatus) -> NeighborReport {
        NeighborReport(
            address: status.configuration.address.description,
            remoteAS: status.configuration.remoteAS.rawValue,
            description: status.configuration.description,
            state: status.state.rawValue,
            stateSeconds: status.inState.inSeconds,
            families: status.parameters?.families.map(\.rawValue) ?? [],
            announcedRoutes: status.announcedRoutes,
            messagesReceived: status.messagesReceived,
            messagesSent: status.messagesSent,
            unreadableRules: status.unreadableRules,
            lastError: status.lastError
        )
    }

    static func explanation(
        _ attack: Attack?,
        entries: [LedgerEntry],
        events: [Store.Event],
        neighbors: [NeighborStatus],
        at now: Timestamp
    ) -> ExplanationReport {
        var evidence: [String] = []
        var samples: [String] = []
        if let attack {
            evidence = [
                "\(attack.crossing)", attack.crossing.evidence,
                "\(attack.kind.rawValue): \(Int((attack.kindShare * 100).rounded())) % of the traffic is of that kind",
            ]
            for entry in entries {
                evidence.append("rule \(entry.id) is made by the template \(entry.template): \(entry.announcement)")
            }
            samples = attack.samples.prefix(10).map(sample)
        }
        return ExplanationReport(
            attack: attack.map { self.attack($0, at: now) },
            rules: entries.map { rule($0, neighbors: neighbors) },
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
        return "\(sample.ipProtocol) \(end(sample.source, sample.sourcePort)) > "
            + "\(end(sample.destination, sample.destinationPort))\(flags), stands for \(sample.packets) packets, "
            + "\(sample.bytes) octets"
    }
}
