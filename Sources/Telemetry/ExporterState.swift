internal import NetworkTypes

/// What has to be remembered of one exporter, within bounds whatever it sends.
final class ExporterState {
    var statistics: ExporterStatistics
    let sampling: SamplingPolicy
    let decapsulates: Tunnels
    /// As configured; 0: not.
    let activeTimeoutMilliseconds: Int64
    /// Where every record goes in full, when somebody wants to see them.
    let log: RecordLog?
    let fieldStorage = FieldStorage()
    private let limits: TelemetryLimits
    private var domains: [ObservationDomain] = []
    private var lastDomain = 0
    private var meter = RateMeter()
    /// Each source port has templates and rates of its own: configured, or found out.
    private var isScopedByPort: Bool
    /// The source port of the datagram in hand, and whether it is a connection.
    private(set) var port: UInt16 = 0
    private var isConnection = false
    /// Whether something to keep over a restart has changed since it was last taken.
    var hasNewKnowledge = false

    init(address: IPAddress, configuration: TelemetryConfiguration, log: RecordLog?, at time: Timestamp) {
        self.log = log
        let settings = configuration.settings(for: address)
        statistics = ExporterStatistics(address: address, at: time)
        sampling = SamplingPolicy(settings: settings, defaultRate: configuration.defaultSamplingRate)
        decapsulates = configuration.decapsulates
        activeTimeoutMilliseconds = settings?.activeTimeout.map { $0.nanoseconds / 1_000_000 } ?? 0
        limits = configuration.limits
        isScopedByPort = settings?.isScopedByPort ?? false
    }

    /// To be called before a datagram is decoded.
    @inline(__always)
    func begin(port: UInt16, isConnection: Bool, at time: Timestamp) {
        self.port = port
        self.isConnection = isConnection
        statistics.lastSeen = time
    }

    /// The domain of a message, made when it is new. At the limit the one longest of no use goes.
    func domain(_ id: UInt32, _ format: TelemetryFormat, agent: IPAddress = .unspecified) -> ObservationDomain {
        let port = isScopedByPort || isConnection ? port : 0
        let key = ObservationDomain.Key(format: format, id: id, agent: agent, port: port)
        if lastDomain >= domains.count || domains[lastDomain].key != key { find(key) }
        let domain = domains[lastDomain]
        domain.lastUsed = statistics.lastSeen
        return domain
    }

    private func find(_ key: ObservationDomain.Key) {
        if let index = domains.firstIndex(where: { $0.key == key }) {
            lastDomain = index
            return
        }
        if domains.count >= limits.domainsPerExporter,
            let oldest = domains.indices.min(by: { domains[$0].lastUsed < domains[$1].lastUsed })
        {
            domains.remove(at: oldest)
        }
        domains.append(ObservationDomain(key, at: statistics.lastSeen))
        lastDomain = domains.count - 1
    }

    /// Makes room where the exporter has defined as many templates as are kept: the half longest of no use goes.
    private func makeRoomForTemplate() {
        guard domains.reduce(0, { $0 + $1.templates.count }) >= limits.templatesPerExporter else { return }
        let uses = domains.flatMap { $0.templates.values.map(\.lastDatagram) }.sorted()
        guard let median = uses.dropFirst(uses.count / 2).first else { return }
        for domain in domains { domain.dropTemplates(lastUsedBy: median) }
    }

    /// Takes what a template set says.
    func define(
        _ number: UInt16,
        _ specifications: [Template.Specification],
        isOptions: Bool,
        in domain: ObservationDomain
    )
        throws(DecodeError)
    {
        let known = domain.template(number)
        if let known, known.isOptions == isOptions, known.specifications == specifications {
            known.lastUsed = statistics.lastSeen
            known.lastDatagram = statistics.datagrams
            known.port = port
            return
        }
        let template = try Template(specifications, isOptions: isOptions, format: domain.key.format)
        template.lastUsed = statistics.lastSeen
        template.lastDatagram = statistics.datagrams
        template.port = port
        if let known {
            template.portBefore = known.port
            // The process that had defined it, then another, now the first again: they do not know of each other.
            if known.port != port, known.portBefore == port { scopeByPort() }
        } else {
            makeRoomForTemplate()
        }
        domain.define(number, template)
        hasNewKnowledge = true
    }

    /// Two exporting processes behind one address use the same domain and numbers for different layouts (RFC 7011
    /// section 8.4 has them told apart by their transport sessions).
    private func scopeByPort() {
        guard !isScopedByPort else { return }
        isScopedByPort = true
        statistics.isScopedByPort = true
        // Whose layout is whose cannot be known: each process tells its own again.
        domains.removeAll { $0.key.format == .netFlow9 || $0.key.format == .ipfix }
    }

    func withdraw(_ number: UInt16, in domain: ObservationDomain) {
        if domain.withdraw(number) { hasNewKnowledge = true }
    }

    func withdrawAll(options: Bool, in domain: ObservationDomain) {
        domain.withdrawAll(options: options)
        hasNewKnowledge = true
    }

    /// A connection has ended, and with it what was told over it (RFC 7011 section 8.4).
    func endConnection(port: UInt16) {
        domains.removeAll { $0.key.port == port }
        lastDomain = 0
    }

    /// Forgets what was neither told nor used since a time.
    func forget(notUsedSince time: Timestamp) {
        // No news: a worker that never sees this exporter must not overwrite what another knows of it.
        for domain in domains { domain.dropTemplates(lastUsedBy: time) }
        domains.removeAll { $0.lastUsed <= time }
        lastDomain = 0
    }

    /// The counters, with what is known of each domain and how fast they grow.
    func report(at time: Timestamp) -> ExporterStatistics {
        var report = statistics
        if let rates = meter.rates(at: time, datagrams: report.datagrams, records: report.records) {
            report.datagramsPerSecond = rates.datagrams
            report.recordsPerSecond = rates.records
        }
        report.domains = domains.map(\.summary)
        return report
    }

    /// What is to be kept over a restart. Connections end with it.
    var knowledge: ExporterKnowledge {
        ExporterKnowledge(
            exporter: statistics.address,
            isScopedByPort: isScopedByPort,
            domains: domains.filter { isScopedByPort || $0.key.port == 0 }.compactMap(ExporterKnowledge.Domain.init)
        )
    }

    func restore(_ knowledge: ExporterKnowledge, at time: Timestamp) {
        isScopedByPort = isScopedByPort || knowledge.isScopedByPort
        statistics.isScopedByPort = isScopedByPort
        var room = limits.templatesPerExporter
        for remembered in knowledge.domains.prefix(limits.domainsPerExporter) {
            guard room > 0 else { return }
            guard let domain = remembered.domain(atMost: room, at: time) else { continue }
            room -= domain.templates.count
            domains.removeAll { $0.key == domain.key }
            domains.append(domain)
        }
        lastDomain = 0
    }

    /// The longest time that a record's counters can be of, in milliseconds: as the domain told, or configured; 0: unknown.
    func activeTimeout(of domain: ObservationDomain) -> Int64 {
        domain.activeTimeoutMilliseconds > 0 ? domain.activeTimeoutMilliseconds : activeTimeoutMilliseconds
    }

    /// What counts for a record, from what it was told; noted for people.
    @inline(__always)
    func inForce(_ told: Sampling) -> Sampling {
        var run = SamplingRun(told, counting: sampling.inForce(told))
        run.records = 1
        note(run)
        return run.counting
    }

    /// What counted for records, for people.
    @inline(__always)
    func note(_ run: SamplingRun) {
        guard run.records > 0 else { return }
        statistics.note(run.counting, records: run.records)
        if run.told.rate > SamplingPolicy.highestPlausible { statistics.implausibleRates &+= run.records }
    }

    /// The time in a message's header, which has been cut off to whole seconds: the middle of the second is the best
    /// guess.
    func noteClock(seconds: UInt32, nanoseconds: UInt32 = 500_000_000, at time: Timestamp) {
        let told = Int64(seconds) &* 1_000_000_000 &+ Int64(min(nanoseconds, 999_999_999))
        statistics.clockOffset = .nanoseconds(told &- time.nanoseconds)
    }

    func noteInterface(_ counters: InterfaceCounters) {
        statistics.interfaces.note(counters, atMost: limits.interfacesPerExporter)
    }
}
