internal import NetworkTypes

/// What has to be remembered of one exporter, within bounds whatever it sends.
final class ExporterState {
    var statistics: ExporterStatistics
    private let limits: TelemetryLimits
    private var domains: [ObservationDomain] = []
    private var lastDomain = 0

    init(address: IPAddress, limits: TelemetryLimits, at time: Timestamp) {
        statistics = ExporterStatistics(address: address, at: time)
        self.limits = limits
    }

    /// The domain of a message, made when it is new. At the limit the one longest of no use goes.
    func domain(_ id: UInt32, version: UInt8) -> ObservationDomain {
        if lastDomain < domains.count, domains[lastDomain].id == id, domains[lastDomain].version == version {
            domains[lastDomain].lastUsed = statistics.datagrams
            return domains[lastDomain]
        }
        if let index = domains.firstIndex(where: { $0.id == id && $0.version == version }) {
            lastDomain = index
        } else {
            if domains.count >= limits.domainsPerExporter,
                let oldest = domains.indices.min(by: { domains[$0].lastUsed < domains[$1].lastUsed })
            {
                domains.remove(at: oldest)
            }
            domains.append(ObservationDomain(id: id, version: version))
            lastDomain = domains.count - 1
            statistics.domains = domains.count
        }
        domains[lastDomain].lastUsed = statistics.datagrams
        return domains[lastDomain]
    }

    /// Makes room where the exporter has defined as many templates as are kept: the half longest of no use goes.
    func makeRoomForTemplate(in domain: ObservationDomain) {
        let total = domains.reduce(0) { $0 + $1.templateCount }
        statistics.templates = total + 1
        guard total >= limits.templatesPerExporter else { return }
        let uses = domains.flatMap(\.templateUses).sorted()
        guard let median = uses.dropFirst(uses.count / 2).first else { return }
        for domain in domains { domain.dropTemplates(lastUsedBy: median) }
        statistics.templates = domains.reduce(1) { $0 + $1.templateCount }
    }

    func noteSequence(_ sequence: UInt32, domain id: UInt32, version: UInt8, advancing units: UInt32) {
        statistics.lost &+= domain(id, version: version).gap(before: sequence, advancing: units)
    }

    @inline(__always)
    func noteSamplingRate(_ rate: UInt32) { if rate > 0 { statistics.samplingRate = rate } }
}

/// How much is remembered of exporters; what exceeds it makes the oldest go.
public struct TelemetryLimits: Sendable {
    public var exporters: Int
    public var domainsPerExporter: Int
    public var templatesPerExporter: Int

    public init(exporters: Int = 4096, domainsPerExporter: Int = 256, templatesPerExporter: Int = 4096) {
        self.exporters = max(1, exporters)
        self.domainsPerExporter = max(1, domainsPerExporter)
        self.templatesPerExporter = max(1, templatesPerExporter)
    }
}
