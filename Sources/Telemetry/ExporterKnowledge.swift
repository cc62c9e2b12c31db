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
            var lastUsed: Timestamp
            var specifications: [Template.Specification]
        }

        var key: ObservationDomain.Key
        var activeTimeoutMilliseconds: Int64
        var systemInit: UInt64
        var lastUsed: Timestamp
        var rates: [SamplingRates.Entry]
        var templates: [KnownTemplate]
    }

    /// Together with what another worker, or an earlier time, knows of the same exporter. Of what both know the one that
    /// was used last is right.
    public func merged(with other: ExporterKnowledge, atMost limit: Int = 256) -> ExporterKnowledge {
        var all = Dictionary(domains.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        for domain in other.domains where all[domain.key].map({ $0.lastUsed < domain.lastUsed }) ?? true {
            all[domain.key] = domain
        }
        return ExporterKnowledge(
            exporter: exporter,
            isScopedByPort: isScopedByPort || other.isScopedByPort,
            domains: Array(all.values.sorted { $0.lastUsed > $1.lastUsed }.prefix(limit))
        )
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
        guard !domain.templates.isEmpty || !domain.sampling.entries.isEmpty else { return nil }
        key = domain.key
        activeTimeoutMilliseconds = domain.activeTimeoutMilliseconds
        systemInit = domain.systemInit
        lastUsed = domain.lastUsed
        rates = domain.sampling.entries
        templates = domain.templates.sorted { $0.key < $1.key }.map { number, template in
            KnownTemplate(
                number: number,
                isOptions: template.isOptions,
                port: template.port,
                lastUsed: template.lastUsed,
                specifications: template.specifications
            )
        }
    }

    /// Nil where a template is none, which only a damaged disk could bring about. It counts as used now: how old it is was
    /// written down when it was told, not when it was used.
    func domain(atMost limit: Int, at time: Timestamp) -> ObservationDomain? {
        let domain = ObservationDomain(key, at: time)
        domain.activeTimeoutMilliseconds = activeTimeoutMilliseconds
        domain.systemInit = systemInit
        for rate in rates { domain.sampling.set(rate.rate, sampler: rate.sampler) }
        for known in templates.prefix(limit) {
            guard
                let template = try? Template(known.specifications, isOptions: known.isOptions, format: key.format)
            else { return nil }
            template.lastUsed = time
            template.port = known.port
            domain.define(known.number, template)
        }
        return domain
    }
}
