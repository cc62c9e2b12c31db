import Control
import NetworkTypes

extension Doctor {
    /// Silent for longer than this, an exporter has most likely ceased.
    private static let silence = 120.0
    /// A share of what was sent that was lost on the way.
    private static let tolerableLoss = 0.001

    // MARK: Telemetry

    static func telemetry(_ telemetry: DoctorFacts.Telemetry) -> [Finding] {
        var findings: [Finding] = telemetry.mirrors.map { mirror in
            let text = "\(mirror.interface) is \(mirror.state), \(mirror.packets) packets, \(mirror.dropped) dropped"
            if mirror.state != "up" {
                return Finding(.fail, "telemetry", text, remedies: ["ip link set \(mirror.interface) up promisc on"])
            }
            guard mirror.dropped == 0 else {
                let remedy = "raise telemetry.workers or telemetry.mirror.kernel_sampling"
                return Finding(.warn, "telemetry", text, remedies: [remedy])
            }
            return Finding(mirror.packets > 0 ? .ok : .warn, "telemetry", text)
        }
        if telemetry.exporters.isEmpty, !telemetry.listens.isEmpty {
            let ports = telemetry.listens.joined(separator: ", ")
            // A NetFlow exporter may be silent for its active time-out.
            let level: DoctorReport.Level = telemetry.uptime < 60 ? .warn : telemetry.mirrors.isEmpty ? .fail : .warn
            findings.append(
                Finding(
                    level,
                    "telemetry",
                    "no telemetry has come to \(ports)",
                    remedies: [
                        "tcpdump -ni any udp and port \(port(telemetry.listens[0])) shows whether any reaches this machine",
                        "a packet filter of this machine may drop it: nft list ruleset",
                        "exporters: collector address, port and source interface; sFlow needs a sampling rate set",
                    ]
                )
            )
        }
        if telemetry.refusedDatagrams > 0 {
            findings.append(
                Finding(
                    .warn,
                    "telemetry",
                    "\(telemetry.refusedDatagrams) datagrams came from addresses outside telemetry.exporters.allow",
                    remedies: ["add the exporters' addresses to telemetry.exporters.allow; tcpdump shows who sends"]
                )
            )
        }
        return findings + telemetry.exporters.flatMap(exporter)
    }

    private static func port(_ listen: String) -> String {
        listen.split(separator: ":").last.map(String.init) ?? listen
    }

    private static func exporter(_ report: ExporterReport) -> [Finding] {
        var findings: [Finding] = []
        let name = "\(report.address) (\(report.formats.joined(separator: ", ")))"
        func add(_ level: DoctorReport.Level, _ text: String, _ remedies: String...) {
            findings.append(Finding(level, "telemetry", "\(name): \(text)", remedies: remedies))
        }
        let seconds = Int(report.silentSeconds)
        if report.silentSeconds > silence {
            add(
                .warn,
                "the last datagram came \(seconds) s ago",
                "look whether it still exports: its collector address, and the way to here"
            )
        }
        let sent = report.datagrams &+ report.lost
        if report.lost > 0, Double(report.lost) > Double(max(sent, 1)) * tolerableLoss {
            let unit = report.domains.contains { $0.countsRecords } ? "records or datagrams" : "datagrams"
            add(
                .warn,
                "\(report.lost) \(unit) were lost on the way, by its sequence numbers",
                "if the kernel of this machine has dropped none (see kernel), the network has, or the exporter itself"
            )
        }
        if report.exporterDrops > 0 {
            add(
                .warn,
                "it says that it has dropped \(report.exporterDrops) itself",
                "sample one packet in more, or raise the limits of its export"
            )
        }
        let waiting = report.domains.flatMap(\.missingTemplates)
        if !waiting.isEmpty {
            let numbers = Set(waiting).sorted().prefix(5).map { "\($0)" }.joined(separator: ", ")
            add(
                .warn,
                "data of templates \(numbers) cannot be read, as these have not come yet",
                "have it send templates each minute (template refresh rate, template timeout)"
            )
        }
        if let offset = report.clockOffsetSeconds, abs(offset) >= 5 {
            let way = offset < 0 ? "behind" : "ahead"
            add(.warn, "its clock is \(Int(abs(offset))) s \(way) of ours", "set up NTP on it, or here (see clock)")
        }
        for hint in report.hints { add(.warn, hint) }
        if findings.isEmpty {
            let sampling = report.sampling.first.flatMap(\.rate).map { ", sampling 1:\($0)" } ?? ""
            add(.ok, "\(report.datagrams) datagrams, the last \(seconds) s ago\(sampling), nothing lost")
        }
        return findings
    }

    static func networks(_ traffic: DoctorFacts.Traffic, _ telemetry: DoctorFacts.Telemetry) -> [Finding] {
        let isAny = telemetry.exporters.contains { $0.records > 0 } || telemetry.mirrors.contains { $0.packets > 0 }
        guard isAny else { return [] }
        var findings: [Finding] = []
        for network in traffic.networks {
            let text =
                "\(network.prefix): \(RateText.describe(network.incoming, .packets)) in, "
                + "\(RateText.describe(network.outgoing, .packets)) out"
            if network.incoming + network.outgoing > 0 {
                findings.append(Finding(.ok, "networks", text))
            } else {
                findings.append(
                    Finding(
                        .warn,
                        "networks",
                        "\(network.prefix): no telemetry tells of it at present",
                        remedies: ["have the interfaces that it is behind export, in both directions"]
                    )
                )
            }
        }
        let own = traffic.networks.filter { !$0.isWithinAnother }.reduce(0) { $0 + $1.incoming + $1.outgoing }
        if traffic.other > own {
            findings.append(
                Finding(
                    own > 0 ? .warn : .fail,
                    "networks",
                    "\(RateText.describe(traffic.other, .packets)) have neither end in the configured networks, more than "
                        + "have; they are protected by nothing",
                    remedies: ["add the missing prefixes to networks; floodgate decode --telemetry shows addresses"]
                )
            )
        }
        return findings
    }

    // MARK: Sessions

    static func session(_ session: DoctorFacts.Session) -> [Finding] {
        let report = session.report
        let name = report.description.map { "\(report.address) (\($0))" } ?? report.address
        guard report.state == "Established" else {
            let error = report.lastError.map { "; \($0)" } ?? ""
            let text = "\(name): \(report.state) for \(Int(report.stateSeconds)) s\(error)"
            return [Finding(.fail, "sessions", text, remedies: routerConfiguration(session))]
        }
        var findings: [Finding] = []
        let missing = session.wantedFamilies.filter { !report.families.contains($0) }
        if !missing.isEmpty {
            let text = "\(name): established without \(missing.joined(separator: ", ")), which it is to have"
            let remedies = report.hints.filter { !$0.hasPrefix("the neighbor does not offer") }
            findings.append(Finding(.fail, "sessions", text, remedies: remedies))
        }
        for entry in report.quarantined {
            let text = "\(name): it does not get \(entry.match): it answered it with \(entry.error)"
            findings.append(
                Finding(.warn, "sessions", text, remedies: ["floodgate neighbors; its software may need an update"])
            )
        }
        if report.refusedRules > 0 {
            let text = "\(name): \(report.refusedRules) rules cannot be said to its router"
            let remedy = "floodgate rules --neighbor \(report.address) says why, for each"
            findings.append(Finding(.warn, "sessions", text, remedies: [remedy]))
        }
        if findings.isEmpty {
            let families = report.families.joined(separator: " ")
            findings.append(Finding(.ok, "sessions", "\(name): established, \(families)"))
        }
        return findings
    }

    /// What a router needs for a session with us, in the words of six.
    private static func routerConfiguration(_ session: DoctorFacts.Session) -> [String] {
        let us = session.localAddress ?? "OUR-ADDRESS"
        let asn = session.localAS
        let how =
            session.isPassive
            ? "we wait for it to connect (passive): it must connect to bgp.listen"
            : "we connect to it: it must accept \(us), and no packet filter may drop TCP port 179"
        return [
            how, "IOS XR: router bgp \(session.report.remoteAS) / neighbor \(us) / remote-as \(asn)",
            "Junos: set protocols bgp group floodgate neighbor \(us) peer-as \(asn)",
            "SR OS: configure router bgp group \"floodgate\" neighbor \(us) peer-as \(asn)",
            "EOS: router bgp \(session.report.remoteAS) / neighbor \(us) remote-as \(asn)",
            "FRR: router bgp \(session.report.remoteAS) / neighbor \(us) remote-as \(asn)",
            "BIRD: protocol bgp floodgate { neighbor \(us) as \(asn); local as \(session.report.remoteAS); … }",
        ]
    }

    // MARK: Rules

    /// Rules that the looking glass commands are printed of; who has more knows how.
    private static let shownRules = 5

    static func rules(_ facts: DoctorFacts) -> [Finding] {
        guard !facts.rules.isEmpty else { return [] }
        var findings: [Finding] = []
        for rule in facts.rules {
            let lacking = rule.wanted.filter { !rule.holders.contains($0) }
            guard rule.wanted.isEmpty || !lacking.isEmpty else { continue }
            let whom =
                rule.wanted.isEmpty
                ? "no neighbor has its family" : "\(lacking.joined(separator: ", ")) has not been sent it"
            findings.append(
                Finding(
                    rule.holders.isEmpty ? .fail : .warn,
                    "rules",
                    "\(rule.id) \(rule.route): \(whom)",
                    remedies: lacking.map { "floodgate rules --neighbor \($0) says how it stands" }
                )
            )
        }
        let sent = facts.rules.filter { !$0.holders.isEmpty }
        guard !sent.isEmpty else { return findings }
        findings.append(
            Finding(
                .ok,
                "rules",
                "\(sent.count) of \(facts.rules.count) rules were sent; BGP has no word for \"installed\", so look on the "
                    + "routers:",
                remedies: sent.prefix(shownRules).flatMap { rule in
                    rule.glass.commands.map { "\(rule.id) \($0)" }
                } + (sent.count > shownRules ? ["and \(sent.count - shownRules) more: floodgate rules"] : [])
            )
        )
        return findings
    }
}
