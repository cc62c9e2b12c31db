import BGP
import Control
import Detection
import FlowSpec
import Mitigation
import NetworkTypes
import Speaker
import Traffic

extension DaemonResponder {
    /// Hosts that are listed of each direction, unless more or fewer are asked for.
    private static let listedHosts = 20

    /// The busiest hosts, and the networks.
    func top(_ request: ControlRequest) async throws -> TopReport {
        guard let unit = TrafficUnit(rawValue: request.sort ?? TrafficUnit.packets.rawValue) else {
            throw OrderRefused(reason: "hosts are sorted by packets, bits or flows, not by \"\(request.sort ?? "")\"")
        }
        var directions = TrafficDirection.allCases
        if let text = request.direction {
            guard let direction = TrafficDirection(rawValue: text) else {
                throw OrderRefused(reason: "the direction is incoming or outgoing, not \"\(text)\"")
            }
            directions = [direction]
        }
        guard let view = await ingest.board.look(at: clock) else {
            throw OrderRefused(reason: "the engine has not answered within five seconds; it is overloaded or hangs")
        }
        let limit = min(max(request.limit ?? Self.listedHosts, 1), TopHosts.largest)
        let attacks = await mitigation.attacks.values.sorted { $0.id < $1.id }
        let summary = ingest.summary
        func hosts(_ direction: TrafficDirection) -> [TopReport.Host] {
            guard directions.contains(direction) else { return [] }
            return view.hosts.ranking(direction, by: unit).prefix(limit).map { entry in
                .init(
                    address: entry.key.address.description,
                    rates: Self.rates(entry),
                    attack: attacks.first { $0.target == .host(entry.key.address) && $0.direction == direction }?
                        .id.rawValue
                )
            }
        }
        return TopReport(
            time: view.time.description,
            sort: unit.rawValue,
            incoming: Self.rates(view.outermost.map { view.incoming[$0] }),
            outgoing: Self.rates(view.outermost.map { view.outgoing[$0] }),
            other: .init(
                packetsPerSecond: summary.other[.total, .packets],
                bitsPerSecond: summary.other[.total, .bits],
                flowsPerSecond: summary.other[.total, .flows]
            ),
            activeAttacks: attacks.count,
            incomingHosts: hosts(.incoming),
            outgoingHosts: hosts(.outgoing),
            networks: zip(view.networks, zip(view.incoming, view.outgoing)).map { prefix, entries in
                .init(
                    prefix: prefix.description,
                    incoming: Self.rates(entries.0),
                    outgoing: Self.rates(entries.1),
                    attacks: attacks.count { $0.target.prefixes.contains { prefix.contains($0) } }
                )
            }
        )
    }

    private static func rates(_ entry: TopEntry) -> TopReport.Rates {
        .init(packetsPerSecond: entry.packets, bitsPerSecond: entry.bits, flowsPerSecond: entry.flows)
    }

    /// The sum of networks that lie in no other is that of all traffic.
    private static func rates(_ entries: [TopEntry]) -> TopReport.Rates {
        entries.reduce(into: .init(packetsPerSecond: 0, bitsPerSecond: 0, flowsPerSecond: 0)) { sum, entry in
            sum.packetsPerSecond += entry.packets
            sum.bitsPerSecond += entry.bits
            sum.flowsPerSecond += entry.flows
        }
    }

    /// Rules that no neighbor can have: sessions stand, and none of them has the family.
    static func familyWarnings(
        _ entries: [LedgerEntry],
        _ neighbors: [NeighborStatus],
        areWritten: Bool
    ) -> [String] {
        let agreed = neighbors.compactMap { $0.parameters?.families }
        // Without any session all are missing, which is said elsewhere; and an ExaBGP may have others.
        guard !agreed.isEmpty, !areWritten else { return [] }
        let spoken = Set(agreed.flatMap { $0 })
        let announced = entries.filter { $0.state == .announced }.map { $0.announcement.route.bgpFamily }
        let missing = Dictionary(grouping: announced.filter { !spoken.contains($0) }) { $0 }
        return missing.sorted { $0.key.rawValue < $1.key.rawValue }.map { family, routes in
            let count = routes.count
            let rules = count == 1 ? "1 announced rule is" : "\(count) announced rules are"
            return "\(rules) of the family \(family.rawValue), which no established session has: set it in the "
                + "neighbors' families, and on the routers"
        }
    }
}
