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
