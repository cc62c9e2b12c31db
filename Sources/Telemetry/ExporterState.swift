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
    /// Grows with each change of who tells which rates.
    private var rateState: UInt64 = 0
    /// The one of the last datagram, which is mostly that of the next; nil: none, or another's since.
    private var lastDomain: ObservationDomain?
    private var meter = RateMeter()
    /// Each source port has templates and rates of its own: configured, or found out.
    private var isScopedByPort: Bool
    /// The source port of the datagram in hand, and whether it is a connection.
    private(set) var port: UInt16 = 0
    private var isConnection = false
    /// Whether something to keep over a restart has changed since it was last taken.
    private(set) var hasNewKnowledge = false
    /// Whether more or less is remembered than `octets` says.
    var hasGrown = true
    /// Whether data came whose template is not known here; asked for elsewhere no sooner than at `nextQuestion`.
    var lacksTemplate = false
    var nextQuestion: Timestamp
    /// What is remembered, as far as it is booked.
    private(set) var octets = 0
    private let account: KnowledgeAccount
    /// Running totals of flows, where counters are such.
    let flowTotals: FlowTotals?
    /// Records of packets on their way out do not count.
    let countsIngressOnly: Bool

    init(
        address: IPAddress,
        configuration: TelemetryConfiguration,
        log: RecordLog?,
        account: KnowledgeAccount,
        flowTotals: FlowTotals?,
        at time: Timestamp
    ) {
        self.log = log
        self.account = account
        nextQuestion = time
        let settings = configuration.settings(for: address)
        statistics = ExporterStatistics(address: address, at: time)
        sampling = SamplingPolicy(settings: settings, defaultRate: configuration.defaultSamplingRate)
        decapsulates = configuration.decapsulates
        activeTimeoutMilliseconds = settings?.activeTimeout.map { $0.nanoseconds / 1_000_000 } ?? 0
        limits = configuration.limits
        isScopedByPort = settings?.isScopedByPort ?? false
        countsIngressOnly = settings?.countsIngressOnly ?? false
        self.flowTotals = settings?.totalCounters == .running ? flowTotals : nil
    }

    deinit { account.octets -= octets }

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
        if let lastDomain, lastDomain.key == key {
            lastDomain.lastUsed = statistics.lastSeen
            return lastDomain
        }
        let domain = find(key)
        domain.lastUsed = statistics.lastSeen
        lastDomain = domain
        return domain
    }

    private func find(_ key: ObservationDomain.Key) -> ObservationDomain {
        if let domain = domains.first(where: { $0.key == key }) { return domain }
        if domains.count >= limits.domainsPerExporter,
            let oldest = domains.indices.min(by: { domains[$0].lastUsed < domains[$1].lastUsed })
        {
            domains.remove(at: oldest)
            noteRates()
        }
        let domain = ObservationDomain(key, at: statistics.lastSeen)
        domains.append(domain)
        hasGrown = true
        return domain
    }

    // MARK: Rates of other domains

    /// A rate was told, or not by whom it seemed.
    func noteRates() { rateState &+= 1 }

    /// So many rates of other domains are looked at, as each datagram may change one.
    private static let maximumLent = 256

    /// The domain of a message whose records may be of rates that other domains tell.
    @inline(__always)
    func domainWithRates(_ id: UInt32, _ format: TelemetryFormat) -> ObservationDomain {
        let domain = domain(id, format)
        if domain.lentRates != rateState { lendRates(to: domain) }
        return domain
    }

    /// Gives a domain the rates of those that send no flows themselves; once for each of its datagrams at most.
    @inline(never)
    private func lendRates(to domain: ObservationDomain) {
        domain.lentRates = rateState
        let others = domains.lazy.filter { [key = domain.key] in
            $0.key.id != key.id && $0.key.format == key.format && $0.key.port == key.port && $0.hasOptionsAlone
        }
        domain.sampling.lend(Array(others.flatMap(\.sampling.entries).prefix(Self.maximumLent)))
        hasGrown = true
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
            known.told = statistics.lastSeen
            known.lastDatagram = statistics.datagrams
            known.port = port
            if known.isBorrowed || known.isWithdrawnElsewhere {
                (known.isBorrowed, known.isWithdrawnElsewhere) = (false, false)
                noteNews()
            }
            return
        }
        let template = try Template(
            specifications,
            isOptions: isOptions,
            format: domain.key.format,
            readsDirection: countsIngressOnly
        )
        template.lastUsed = statistics.lastSeen
        template.told = statistics.lastSeen
        template.lastDatagram = statistics.datagrams
        template.port = port
        if let known, !known.isBorrowed {
            template.portBefore = known.port
            // The process that had defined it, then another, now the first again: they do not know of each other.
            if known.port != port, known.portBefore == port { scopeByPort() }
        } else {
            makeRoomForTemplate()
        }
        domain.define(number, template)
        if !isOptions { noteRates() }
        hasGrown = true
        noteNews()
    }

    /// Something to keep was told here.
    func noteNews() {
        hasNewKnowledge = true
        account.hasNews = true
    }

    /// What is new, to be taken once.
    func takeNews() -> ExporterKnowledge? {
        guard hasNewKnowledge else { return nil }
        hasNewKnowledge = false
        return knowledge
    }

    /// Two exporting processes behind one address use the same domain and numbers for different layouts (RFC 7011
    /// section 8.4 has them told apart by their transport sessions).
    private func scopeByPort() {
        guard !isScopedByPort else { return }
        isScopedByPort = true
        statistics.isScopedByPort = true
        // Whose layout is whose cannot be known: each process tells its own again.
        domains.removeAll { $0.key.format == .netFlow9 || $0.key.format == .ipfix }
        noteRates()
        lastDomain = nil
        hasGrown = true
    }

    func withdraw(_ number: UInt16, in domain: ObservationDomain) {
        domain.withdraw(number, at: statistics.lastSeen)
        hasGrown = true
        noteNews()
    }

    func withdrawAll(options: Bool, in domain: ObservationDomain) {
        domain.withdrawAll(options: options, at: statistics.lastSeen)
        hasGrown = true
        noteNews()
    }

    /// A connection has ended, and with it what was told over it (RFC 7011 section 8.4).
    func endConnection(port: UInt16) {
        domains.removeAll { $0.key.port == port }
        noteRates()
        lastDomain = nil
        settle()
    }

    /// Forgets what was neither told nor used since a time.
    func forget(notUsedSince time: Timestamp) {
        // No news: a worker that never sees this exporter must not overwrite what another knows of it.
        for domain in domains { domain.dropTemplates(lastUsedBy: time) }
        domains.removeAll { $0.lastUsed <= time }
        noteRates()
        lastDomain = nil
        settle()
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

    // MARK: Memory

    /// Templates of all domains.
    var templates: Int { domains.reduce(0) { $0 + $1.templates.count } }

    /// Books what is remembered.
    func settle() {
        hasGrown = false
        let present =
            KnowledgeAccount.Cost.exporter + domains.reduce(0) { $0 + $1.octets }
            + statistics.interfaces.all.count * KnowledgeAccount.Cost.interface
        account.octets += present - octets
        octets = present
    }

    /// Gives up, for want of memory, the half of what is remembered that is longest of no use; where there is little, all.
    func shed() {
        let before = templates
        statistics.interfaces = InterfaceTable()
        if domains.count > 1 {
            domains.sort { $0.lastUsed > $1.lastUsed }
            domains.removeLast(domains.count / 2)
        } else if let domain = domains.first, domain.templates.count > 1 {
            let uses = domain.templates.values.map(\.lastDatagram).sorted()
            domain.dropTemplates(lastUsedBy: uses[(uses.count - 1) / 2])
        } else {
            domains.removeAll()
        }
        noteRates()
        lastDomain = nil
        let forgotten = UInt64(before - templates)
        statistics.forgottenTemplates &+= forgotten
        account.forgottenTemplates &+= forgotten
        settle()
    }

    // MARK: Over a restart, and between workers

    /// What was told here and is to be kept over a restart. Connections end with it.
    private var knowledge: ExporterKnowledge {
        ExporterKnowledge(
            exporter: statistics.address,
            isScopedByPort: isScopedByPort,
            domains: domains.filter { isScopedByPort || $0.key.port == 0 }.compactMap(ExporterKnowledge.Domain.init)
        )
    }

    /// Takes over what was told elsewhere or before, where nothing was told here.
    func restore(_ knowledge: ExporterKnowledge, at time: Timestamp) {
        if knowledge.isScopedByPort { scopeByPort() }
        var room = limits.templatesPerExporter - templates
        for remembered in knowledge.domains {
            let known = domains.first { $0.key == remembered.key }
            guard known != nil || domains.count < limits.domainsPerExporter else { continue }
            let domain = known ?? ObservationDomain(remembered.key, at: time)
            let isNews = remembered.lend(to: domain, room: &room, readingDirection: countsIngressOnly, at: time)
            if isNews { noteNews() }
            if known == nil { domains.append(domain) }
        }
        noteRates()
        settle()
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
        if run.counting.rate == 0 || run.told.rate >= 65_536 { noteDoubt(run) }
    }

    /// A rate that is missing or odd, so that people can be told of which domain.
    private func noteDoubt(_ run: SamplingRun) {
        if run.told.rate > SamplingPolicy.highestPlausible { statistics.implausibleRates &+= run.records }
        lastDomain?.noteDoubt(run, at: statistics.lastSeen)
    }

    /// The time in a message's header, which has been cut off to whole seconds: the middle of the second is the best
    /// guess.
    func noteClock(seconds: UInt32, nanoseconds: UInt32 = 500_000_000, at time: Timestamp) {
        let told = Int64(seconds) &* 1_000_000_000 &+ Int64(min(nanoseconds, 999_999_999))
        statistics.clockOffset = .nanoseconds(told &- time.nanoseconds)
    }

    /// A running total of what the exporter could not look at or send.
    func noteDrops(_ total: UInt32, of source: UInt64, in domain: ObservationDomain) {
        let known = domain.dropSources
        let growth = domain.noteDrops(total, of: source)
        if growth > 0 { statistics.exporterDrops &+= growth }
        hasGrown = hasGrown || domain.dropSources != known
    }

    func noteInterface(_ counters: InterfaceCounters) {
        let isNew = statistics.interfaces.note(counters, atMost: limits.interfacesPerExporter)
        hasGrown = hasGrown || isNew
    }
}
