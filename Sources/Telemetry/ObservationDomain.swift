/// What has to be remembered of one observation domain (IPFIX), source id (NetFlow v9), engine (v5) or sub-agent (sFlow).
final class ObservationDomain {
    let id: UInt32
    let version: UInt8
    var sampling = SamplingRates()
    var activeTimeoutMilliseconds: Int64 = 0
    /// `systemInitTimeMilliseconds` from options, for records that count from it.
    var systemInit: UInt64 = 0
    var lastUsed: UInt64 = 0
    /// Data records read so far, those of options among them; wraps.
    var dataRecords: UInt32 = 0
    private var nextSequence: UInt32?
    private var templates: [UInt16: Template] = [:]

    init(id: UInt32, version: UInt8) {
        self.id = id
        self.version = version
    }

    var templateCount: Int { templates.count }

    func template(_ number: UInt16) -> Template? { templates[number] }

    func define(_ number: UInt16, _ template: Template) { templates[number] = template }

    func withdraw(_ number: UInt16) { templates[number] = nil }

    /// Withdraws all templates, or all options templates (RFC 7011 section 8.1).
    func withdrawAll(options: Bool) { templates = templates.filter { $0.value.isOptions != options } }

    /// When each template was last of use, in datagrams of the exporter.
    var templateUses: [UInt64] { templates.values.map(\.lastUsed) }

    /// Drops the templates that were of no use after a datagram.
    func dropTemplates(lastUsedBy datagram: UInt64) { templates = templates.filter { $0.value.lastUsed > datagram } }

    /// How many units of the sequence are missing before this message. A leap back, or one too long to be loss, is a
    /// restart of the exporter and no loss.
    ///
    /// - Parameter units: how far this message takes the sequence; nil where it could not be read to its end.
    func gap(before sequence: UInt32, advancing units: UInt32?) -> UInt64 {
        defer { nextSequence = units.map { sequence &+ $0 } }
        guard let expected = nextSequence else { return 0 }
        let gap = sequence &- expected
        return gap < 100_000 ? UInt64(gap) : 0
    }
}
