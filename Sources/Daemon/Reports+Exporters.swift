import Control
import NetworkTypes
import Telemetry

extension Reports {
    static func exporter(_ statistics: ExporterStatistics, at now: Timestamp) -> ExporterReport {
        var report = ExporterReport(address: statistics.address.description)
        report.formats = statistics.formats.map(\.name)
        report.datagrams = statistics.datagrams
        report.records = statistics.records
        report.silentSeconds = (now - statistics.lastSeen).inSeconds
        // The last reports say nothing of an exporter that has been silent since.
        let isSilent = report.silentSeconds > 15
        report.datagramsPerSecond = isSilent ? 0 : statistics.datagramsPerSecond
        report.recordsPerSecond = isSilent ? 0 : statistics.recordsPerSecond
        for error in DecodeError.allCases where statistics.malformed(error) > 0 {
            report.malformed[error.name] = statistics.malformed(error)
        }
        for reason in ExporterStatistics.Uncounted.allCases where statistics.uncounted(reason) > 0 {
            report.uncounted[reason.name] = statistics.uncounted(reason)
        }
        report.missingTemplates = statistics.missingTemplates
        report.forgottenTemplates = statistics.forgottenTemplates
        report.lost = statistics.lost
        report.exporterDrops = statistics.exporterDrops
        report.discardedPackets = statistics.discardedPackets
        report.sampling = statistics.samplings.map { use in
            .init(
                rate: use.sampling.rate > 0 ? use.sampling.rate : nil,
                source: use.sampling.source.name,
                records: use.records
            )
        }
        report.clockOffsetSeconds = statistics.clockOffset?.inSeconds
        report.domains = statistics.domains.map(domain)
        report.interfaces = statistics.interfaces.all.map(interface)
        report.hints = hints(statistics)
        return report
    }

    private static func domain(_ domain: ObservationDomainSummary) -> ExporterReport.Domain {
        .init(
            format: domain.format.name,
            id: domain.id,
            agent: domain.agent?.description,
            port: domain.port,
            lost: domain.lost,
            dropped: domain.dropped,
            templates: domain.templates,
            missingTemplates: domain.missingTemplates,
            countsRecords: domain.countsRecords
        )
    }

    private static func interface(_ counters: InterfaceCounters) -> ExporterReport.Interface {
        .init(
            index: counters.index,
            bitsPerSecond: counters.bitsPerSecond,
            isUp: counters.isUp,
            inputBytes: counters.inputBytes,
            inputDiscards: counters.inputDiscards,
            inputErrors: counters.inputErrors,
            outputBytes: counters.outputBytes,
            outputDiscards: counters.outputDiscards,
            outputErrors: counters.outputErrors
        )
    }

    /// What is missing or odd of an exporter, each with what settles it.
    static func hints(_ statistics: ExporterStatistics) -> [String] {
        let address = statistics.address
        var hints: [String] = []
        func settings(_ rest: String) -> String { "telemetry.exporters.settings: [{prefix: \(address), \(rest)}]" }
        /// In which observation domains a rate is in doubt.
        func domains(_ doubt: KeyPath<SamplingDoubts, Timestamp?>) -> String {
            let doubtful = statistics.domains.filter { domain in
                domain.samplingDoubts[keyPath: doubt].map { statistics.lastSeen - $0 < .seconds(60) } ?? false
            }
            guard !doubtful.isEmpty else { return "" }
            let names = doubtful.prefix(8).map { "\($0.format.name) \($0.id)" } + (doubtful.count > 8 ? ["…"] : [])
            return " (domain \(names.joined(separator: ", ")))"
        }
        // What announces late needs nothing any more.
        let recent = statistics.samplings.filter { statistics.lastSeen - $0.lastUsed < .seconds(60) }
        if recent.contains(where: { $0.sampling.source == .unknown }) {
            hints.append(
                "\(address) announces no sampling rate\(domains(\.missing)) and its records count once; if it samples one "
                    + "packet in N, set "
                    + settings("sampling_rate: N") + ", else with 1"
            )
        }
        let isTold: Set<SamplingSource> = [.record, .sampler, .domain, .otherDomain]
        if let odd = recent.first(where: { isTold.contains($0.sampling.source) && $0.sampling.isMaybeSwapped })?
            .sampling
        {
            hints.append(
                "\(address) announces 1:\(odd.rate)\(domains(\.swapped)), which may be 1:\(odd.rate.byteSwapped) in the "
                    + "wrong order of octets (RouterOS 6); to settle it, set "
                    + settings("sampling_rate: N, override_sampling: true")
            )
        }
        if statistics.implausibleRates > 0 {
            hints.append(
                "\(address) announced a sampling rate that cannot be\(domains(\.implausible)); to settle it, set "
                    + settings("sampling_rate: N, override_sampling: true")
            )
        }
        let missing = statistics.domains.filter { !$0.missingTemplates.isEmpty }
        if !missing.isEmpty {
            let list = missing.prefix(3).map { domain in
                "\(domain.missingTemplates.prefix(8).map(String.init).joined(separator: ", ")) of domain \(domain.id)"
            }
            hints.append(
                "\(address) sends records of templates that it has not told yet (\(list.joined(separator: "; "))); "
                    + "have it send templates every minute"
            )
        }
        let counting = statistics.domains.filter { $0.format == .netFlow9 && $0.countsRecords }
        if !counting.isEmpty {
            let list = counting.prefix(8).map { "\($0.id)" }.joined(separator: ", ")
            hints.append(
                "\(address) numbers its NetFlow v9 records instead of its datagrams (domain \(list)), so what is lost is "
                    + "counted in records"
            )
        }
        if statistics.forgottenTemplates > 0 {
            hints.append(
                "\(address) told more than is remembered: \(statistics.forgottenTemplates) of its templates were given up"
            )
        }
        if statistics.records == 0, !statistics.interfaces.all.isEmpty {
            hints.append("\(address) sends counter samples only; switch on flow sampling on its interfaces")
        }
        if statistics.records == 0, statistics.uncounted(.noAddresses) > 0 {
            hints.append(
                "\(address) tells no addresses in its records, which count nowhere; have its flow records hold source and "
                    + "destination address"
            )
        }
        if statistics.malformed(.unknownVersion) * 10 > statistics.datagrams {
            let name = statistics.unreadFormat ?? "something that is no telemetry"
            hints.append(
                "\(address) sends \(name), which is not read; have it send sFlow v5, NetFlow v5 or v9, or IPFIX"
            )
        }
        if statistics.isScopedByPort {
            hints.append(
                "\(address) is several exporting processes that use the same template numbers; each source port is read "
                    + "for itself (" + settings("template_scope: port") + " says so from the start)"
            )
        }
        if statistics.implausibleTimes > 0, statistics.implausibleTimes * 10 > statistics.datagrams {
            hints.append(
                "\(address) reports flows that ended long before their export; they are taken to end at arrival"
            )
        }
        return hints
    }
}
