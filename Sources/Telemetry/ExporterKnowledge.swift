public import NetworkTypes

/// What an exporter has told and will not soon tell again: templates and sampling rates. Kept over a restart, because
/// until they are told anew its records cannot be read, or count too little.
public struct ExporterKnowledge: Sendable, Hashable {
    /// Why octets from a disk are not what was written there.
    public enum ReadError: Error, Sendable, Hashable {
        case unknownVersion
        case truncated
        case invalid
    }

    public let exporter: IPAddress
    let isScopedByPort: Bool
    let domains: [Domain]

    /// Of one observation domain.
    struct Domain: Sendable, Hashable {
        struct KnownTemplate: Sendable, Hashable {
            var number: UInt16
            var isOptions: Bool
            var port: UInt16
            /// When it was told, so that of two layouts the later one is taken.
            var told: Timestamp
            var specifications: [Template.Specification]
        }

        var key: ObservationDomain.Key
        var activeTimeoutMilliseconds: Int64
        var systemInit: UInt64
        var lastUsed: Timestamp
        var rates: [SamplingRates.Entry]
        var templates: [KnownTemplate]
        /// When templates were withdrawn. Not kept on disk: there they are no more.
        var withdrawn: [UInt16: Timestamp] = [:]
    }

    /// What it takes to remember it, in octets.
    public var octets: Int {
        domains.reduce(256) { sum, domain in
            domain.templates.reduce(sum + 256 + 32 * domain.rates.count + 32 * domain.withdrawn.count) {
                $0 + 128 + 12 * $1.specifications.count
            }
        }
    }

    /// Together with what another worker, or an earlier time, knows of the same exporter. Of what both know the one that
    /// was told last is right.
    public func merged(with other: ExporterKnowledge, atMost limit: Int = 256) -> ExporterKnowledge {
        var all = Dictionary(domains.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        for domain in other.domains { all[domain.key] = all[domain.key]?.merged(with: domain) ?? domain }
        return ExporterKnowledge(
            exporter: exporter,
            isScopedByPort: isScopedByPort || other.isScopedByPort,
            domains: Array(all.values.sorted { $0.lastUsed > $1.lastUsed }.prefix(limit))
        )
    }

    /// Without the templates that were withdrawn since they were told, as another knows.
    public func without(withdrawnIn other: ExporterKnowledge) -> ExporterKnowledge {
        guard other.domains.contains(where: { !$0.withdrawn.isEmpty }) else { return self }
        let withdrawn = Dictionary(
            other.domains.map { ($0.key, $0.withdrawn) },
            uniquingKeysWith: { first, _ in first }
        )
        let domains = domains.map { domain in
            var domain = domain
            let times = withdrawn[domain.key] ?? [:]
            domain.templates.removeAll { template in times[template.number].map { template.told <= $0 } ?? false }
            return domain
        }
        return ExporterKnowledge(exporter: exporter, isScopedByPort: isScopedByPort, domains: domains)
    }

    /// As it is to be taken after a restart: by a clock that was wrong before it, nothing was told later than now. Else it
    /// would win over all that is told from now on.
    public func told(notAfter time: Timestamp) -> ExporterKnowledge {
        let domains = domains.map { domain in
            var domain = domain
            domain.lastUsed = min(domain.lastUsed, time)
            for index in domain.templates.indices {
                domain.templates[index].told = min(domain.templates[index].told, time)
            }
            return domain
        }
        return ExporterKnowledge(exporter: exporter, isScopedByPort: isScopedByPort, domains: domains)
    }

    init(exporter: IPAddress, isScopedByPort: Bool, domains: [Domain]) {
        self.exporter = exporter
        self.isScopedByPort = isScopedByPort
        self.domains = domains
    }
}

extension ExporterKnowledge.Domain {
    /// Nil when there is nothing worth keeping.
    init?(_ domain: ObservationDomain) {
        let own = domain.templates.filter { !$0.value.isBorrowed }
        rates = domain.sampling.entries.filter { !$0.isBorrowed }
        withdrawn = domain.withdrawn
        guard !own.isEmpty || !rates.isEmpty || !withdrawn.isEmpty else { return nil }
        key = domain.key
        activeTimeoutMilliseconds = domain.ownsActiveTimeout ? domain.activeTimeoutMilliseconds : 0
        systemInit = domain.ownsSystemInit ? domain.systemInit : 0
        lastUsed = domain.lastUsed
        templates = own.sorted { $0.key < $1.key }.map { number, template in
            KnownTemplate(
                number: number,
                isOptions: template.isOptions,
                port: template.port,
                told: template.told,
                specifications: template.specifications
            )
        }
    }

    /// Nothing told here goes for what was told elsewhere, unless that is an hour older: two processes may use the same
    /// numbers on two ports.
    private static let stale = Duration.seconds(3600)

    /// Gives a domain what it was not told itself. It counts as used now: how old it is was written down when it was told,
    /// not when it was used.
    ///
    /// - Parameter room: for how many more templates there is room.
    /// - Returns: whether the domain was told something that the others take for withdrawn.
    func lend(to domain: ObservationDomain, room: inout Int, readingDirection: Bool, at time: Timestamp) -> Bool {
        let isNews = takeBack(from: domain, room: &room)
        lendTemplates(to: domain, room: &room, readingDirection: readingDirection, at: time)
        for rate in rates { domain.sampling.borrow(rate) }
        if !domain.ownsActiveTimeout, activeTimeoutMilliseconds > 0 {
            domain.activeTimeoutMilliseconds = activeTimeoutMilliseconds
        }
        if !domain.ownsSystemInit, systemInit > 0 { domain.systemInit = systemInit }
        return isNews
    }

    /// What the exporter has withdrawn with others is lent no more. What it told here itself stays, but is news to the
    /// others when it is told again, or was since.
    private func takeBack(from domain: ObservationDomain, room: inout Int) -> Bool {
        var isNews = false
        for (number, time) in withdrawn {
            guard let own = domain.template(number) else { continue }
            if own.told > time {
                isNews = isNews || !own.isBorrowed && !templates.contains { $0.number == number && $0.told > time }
            } else if own.isBorrowed {
                domain.drop(number)
                room += 1
            } else {
                own.isWithdrawnElsewhere = true
            }
        }
        return isNews
    }

    private func lendTemplates(
        to domain: ObservationDomain,
        room: inout Int,
        readingDirection: Bool,
        at time: Timestamp
    ) {
        var lent: [(number: UInt16, template: Template)] = []
        for known in templates {
            // It was told to one, and the exporter has withdrawn it since with another.
            if let time = withdrawn[known.number] ?? domain.withdrawn[known.number], known.told <= time { continue }
            let own = domain.template(known.number)
            if let own {
                let isOlder = own.isBorrowed ? own.told < known.told : own.told + Self.stale < known.told
                guard isOlder, own.specifications != known.specifications || own.isOptions != known.isOptions else {
                    continue
                }
            } else if lent.count >= room {
                continue
            }
            let template = try? Template(
                known.specifications,
                isOptions: known.isOptions,
                format: key.format,
                readsDirection: readingDirection
            )
            // Only a damaged disk could bring that about; then nothing of it is to be believed.
            guard let template else { return }
            (template.told, template.lastUsed) = (known.told, time)
            template.port = known.port
            template.isBorrowed = true
            lent.append((known.number, template))
        }
        room -= lent.count
        for (number, template) in lent { domain.define(number, template) }
    }

    /// Of what both know what was told last; what has no time of its own is that of the domain that was used last.
    func merged(with other: Self) -> Self {
        var (merged, older) = lastUsed < other.lastUsed ? (other, self) : (self, other)
        var numbers = Dictionary(merged.templates.map { ($0.number, $0) }, uniquingKeysWith: { first, _ in first })
        for template in older.templates where numbers[template.number].map({ $0.told < template.told }) ?? true {
            numbers[template.number] = template
        }
        merged.templates = numbers.values.sorted { $0.number < $1.number }
        merged.withdrawn.merge(older.withdrawn) { max($0, $1) }
        older.rates.removeAll { rate in merged.rates.contains { $0.sampler == rate.sampler } }
        merged.rates += older.rates
        if merged.activeTimeoutMilliseconds == 0 { merged.activeTimeoutMilliseconds = older.activeTimeoutMilliseconds }
        if merged.systemInit == 0 { merged.systemInit = older.systemInit }
        return merged
    }
}
