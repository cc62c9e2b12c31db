import BGP
public import Control
public import DaemonConfiguration
import Detection
import FlowSpec
import Mitigation
import NetworkTypes
import Speaker
import Traffic

extension DaemonResponder {
    /// What a daemon knows of itself, judged. The clock is left to who asks: it is the same machine's, and the daemon may
    /// not be allowed to look.
    func diagnosis() async -> DoctorReport {
        var facts = DoctorFacts()
        facts.enforces = configuration.mitigation.enforces
        facts.pipes = zip(configuration.exabgpPipes, pipes.map(\.report)).map { pipe, report in
            var found = DoctorProbe.pipe(pipe)
            found.problem = report.problem
            found.commands = report.commands
            found.refused = report.refused
            return found
        }
        facts.files = DoctorProbe.files(configuration)
        let telemetry = configuration.telemetry
        facts.telemetry = .init(
            listens: (telemetry.sFlow + telemetry.netFlow + telemetry.ipfixTCP).map(\.description),
            exporters: ingest.exporters.map { Reports.exporter($0, at: clock.now) },
            refusedDatagrams: ingest.refused,
            mirrors: ingest.mirrors,
            uptime: (clock.now - started).inSeconds
        )
        await addNeighbors(to: &facts)
        if let view = await ingest.board.look(at: clock) {
            facts.traffic = .init(
                networks: view.networks.indices.map { index in
                    .init(
                        prefix: "\(view.networks[index])",
                        incoming: view.incoming[index].packets,
                        outgoing: view.outgoing[index].packets,
                        isWithinAnother: !view.outermost.contains(index)
                    )
                },
                other: ingest.summary.other[.total, .packets]
            )
            facts.thresholds = thresholds(view, attacked: await mitigation.attacks.values.map(\.target))
        } else {
            facts.unknown.append("the engine has not answered within five seconds; it is overloaded or hangs")
        }
        facts.hasThresholds = !configuration.detectionConfiguration.measures.isEmpty
        let opens = !telemetry.sFlow.isEmpty || !telemetry.netFlow.isEmpty
        if opens { facts.kernel = DoctorProbe.kernel(granted: ingest.receiveBuffer, dropped: ingest.dropped) }
        if let failure = await mitigation.storeFailure { facts.unknown.append("nothing is announced: \(failure)") }
        return DoctorReport(isRunning: true, findings: Doctor.diagnose(facts))
    }

    private func addNeighbors(to facts: inout DoctorFacts) async {
        facts.sessions = await speaker.status().map { status in
            DoctorFacts.Session(
                report: Reports.neighbor(status),
                wantedFamilies: status.configuration.families.map(\.rawValue),
                localAS: status.configuration.localAS.rawValue,
                localAddress: status.configuration.localAddress?.description,
                isPassive: status.configuration.isPassive
            )
        }
        let announced = await mitigation.entries.filter { $0.state == .announced }
        let holders = await speaker.holders(of: announced.map(\.announcement.route))
        // An ExaBGP that is driven has rules that no neighbor of ours is to have.
        guard !facts.sessions.isEmpty else { return }
        facts.rules = announced.map { entry in
            let states = holders[entry.announcement.route, default: [:]]
            return DoctorFacts.Rule(
                id: "\(entry.id)",
                route: "\(entry.announcement.route)",
                glass: LookingGlass(entry.announcement.route),
                wanted: states.keys.map(\.description).sorted(),
                holders: states.filter { $0.value == .sent }.keys.map(\.description).sorted()
            )
        }
    }

    /// The host with the most of each class but that of all traffic, for hosts of no group and for those of each.
    private func classThresholds(
        _ view: TrafficView,
        _ direction: TrafficDirection,
        attacked: [AttackTarget]
    ) -> [DoctorFacts.Threshold] {
        let detection = configuration.detection
        let defaults = direction == .incoming ? detection.thresholds : detection.outgoingThresholds
        let places = [nil] + detection.groups.indices.map { Int?.some($0) }
        return places.flatMap { place -> [DoctorFacts.Threshold] in
            let group = place.map { detection.groups[$0] }
            let own = direction == .incoming ? group?.thresholds : group?.outgoingThresholds
            let limits = group?.measure == .host ? own?.inheriting(from: defaults) ?? defaults : defaults
            return limits.all.compactMap { limit -> DoctorFacts.Threshold? in
                guard limit.trafficClass != .total,
                    let peak = view.hosts.peaks.peak(ofGroup: place, direction, limit.trafficClass, limit.unit)
                else { return nil }
                return DoctorFacts.Threshold(
                    subject: "\(peak.host)",
                    direction: direction,
                    trafficClass: limit.trafficClass,
                    unit: limit.unit,
                    limit: limit.perSecond,
                    rate: peak.rate,
                    isUnderAttack: attacked.contains(.host(peak.host))
                )
            }
        }
    }

    /// Of each direction and unit the host that is nearest to its threshold, and the groups that are judged as a whole.
    private func thresholds(_ view: TrafficView, attacked: [AttackTarget]) -> [DoctorFacts.Threshold] {
        let groups = configuration.detection.groups
        let table = NetworkView(configuration.trafficConfiguration)
        var found: [DoctorFacts.Threshold] = []
        for direction in TrafficDirection.allCases {
            found += classThresholds(view, direction, attacked: attacked)
            let defaults =
                direction == .incoming ? configuration.detection.thresholds : configuration.detection.outgoingThresholds
            func own(_ group: DaemonConfiguration.Group) -> Thresholds {
                direction == .incoming ? group.thresholds : group.outgoingThresholds
            }
            for unit in TrafficUnit.allCases {
                let hosts = view.hosts.ranking(direction, by: unit).compactMap { entry -> DoctorFacts.Threshold? in
                    let index = table.groupIndex(of: entry.key.address)
                    let group = index.flatMap { groups.indices.contains($0) ? groups[$0] : nil }
                    let limits =
                        group.map { $0.measure == .host ? own($0).inheriting(from: defaults) : defaults } ?? defaults
                    guard let limit = limits[.total, unit] else { return nil }
                    return DoctorFacts.Threshold(
                        subject: "\(entry.key.address)",
                        direction: direction,
                        unit: unit,
                        limit: limit,
                        rate: entry[unit],
                        isUnderAttack: attacked.contains(.host(entry.key.address))
                    )
                }
                // Hosts under attack hide nobody who is not.
                for isUnderAttack in [false, true] {
                    let nearest = hosts.filter { $0.isUnderAttack == isUnderAttack }.max {
                        $0.rate * $1.limit < $1.rate * $0.limit
                    }
                    if let nearest { found.append(nearest) }
                }
                let wholes = direction == .incoming ? view.incomingGroups : view.outgoingGroups
                for (group, entry) in zip(groups, wholes) where group.measure == .group {
                    guard let limit = own(group)[.total, unit] else { continue }
                    found.append(
                        DoctorFacts.Threshold(
                            subject: "group \(group.name)",
                            direction: direction,
                            unit: unit,
                            limit: limit,
                            rate: entry[unit],
                            isUnderAttack: attacked.contains {
                                if case .group(group.name, _) = $0 { true } else { false }
                            }
                        )
                    )
                }
            }
        }
        return found
    }
}

/// What can be looked at without a daemon.
public enum Diagnosis {
    /// The configuration's files and ports, and the machine.
    public static func withoutDaemon(_ configuration: DaemonConfiguration) -> DoctorReport {
        var facts = DoctorFacts()
        facts.isRunning = false
        facts.enforces = configuration.mitigation.enforces
        facts.pipes = configuration.exabgpPipes.map(DoctorProbe.pipe)
        facts.files = DoctorProbe.files(configuration)
        facts.ports = DoctorProbe.ports(configuration)
        facts.hasThresholds = !configuration.detectionConfiguration.measures.isEmpty
        facts.clock = DoctorProbe.clock
        if !configuration.telemetry.sFlow.isEmpty || !configuration.telemetry.netFlow.isEmpty {
            facts.kernel = DoctorProbe.kernel(granted: nil, dropped: 0)
        }
        return DoctorReport(isRunning: false, findings: Doctor.diagnose(facts))
    }

    /// What a daemon does not look at itself: the machine's clock.
    public static var ofMachine: [DoctorReport.Finding] { DoctorProbe.clock.map { [Doctor.clock($0)] } ?? [] }
}
