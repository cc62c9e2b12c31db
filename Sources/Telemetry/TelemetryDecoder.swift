public import NetworkTypes

/// Which telemetry a socket is meant for. What comes is told apart by its own version field.
public enum TelemetryProtocol: String, Sendable, Hashable {
    /// sFlow version 5.
    case sFlow = "sflow"
    /// NetFlow v1, v5, v7, v9 and IPFIX.
    case netFlow = "netflow"
}

/// Decodes the datagrams of many exporters, and remembers what each has said. One for each worker: nothing is shared.
public struct TelemetryDecoder: ~Copyable {
    private let configuration: TelemetryConfiguration
    private let log: RecordLog?
    /// In ascending order of address.
    private var states: [ExporterState] = []
    private var lastState = 0
    private let account: KnowledgeAccount
    private let flowTotals = FlowTotals()
    private let askElsewhere: (IPAddress) -> ExporterKnowledge?

    /// What is known elsewhere is asked for no more often where templates are missing.
    private static let questionInterval = Duration.milliseconds(200)

    /// - Parameters:
    ///   - log: where every record goes in full beside the batch; nil for none, which costs nothing.
    ///   - askElsewhere: what others know of an exporter: asked when it is new here, and when a template is missing.
    public init(
        configuration: TelemetryConfiguration = TelemetryConfiguration(),
        log: RecordLog? = nil,
        askElsewhere: @escaping (IPAddress) -> ExporterKnowledge? = { _ in nil }
    ) {
        self.configuration = configuration
        self.log = log
        self.askElsewhere = askElsewhere
        account = KnowledgeAccount(limit: configuration.limits.memory)
    }

    /// Octets that are taken by what is remembered of exporters.
    public var memory: Int { account.octets }

    /// What `memory` may be; at first that of the configuration. Where it is exceeded, those who hold most lose the half that
    /// was longest of no use.
    public var memoryLimit: Int {
        get { account.limit }
        nonmutating set { account.limit = newValue }
    }

    /// Templates that were given up for want of memory.
    public var forgottenTemplates: UInt64 { account.forgottenTemplates }

    /// Appends the flow records of one datagram to the batch, which must have room for one.
    ///
    /// Never fails: what cannot be read is counted in the exporter's statistics, and what was read before stays.
    ///
    /// - Parameters:
    ///   - port: the source port.
    ///   - isConnection: whether the message came over a connection, which has templates of its own; its port names it.
    public mutating func decode(
        _ datagram: RawSpan,
        from exporter: IPAddress,
        port: UInt16 = 0,
        isConnection: Bool = false,
        receivedAt time: Timestamp,
        into batch: inout RecordBatch
    ) {
        let state = state(of: exporter, at: time)
        state.begin(port: port, isConnection: isConnection, at: time)
        state.statistics.datagrams &+= 1
        state.statistics.bytes &+= UInt64(datagram.byteCount)
        let before = batch.count
        var ages = FlowAges()
        do {
            try Self.decode(datagram, state, at: time, ages: &ages, into: &batch)
        } catch {
            state.statistics.count(error)
            if error == .unknownVersion { state.statistics.noteUnread(datagram) }
        }
        state.statistics.records &+= UInt64(batch.count &- before)
        batch.note(exporter, from: before)
        if let shift = ages.shift {
            state.statistics.implausibleTimes &+= 1
            batch.shiftTimes(from: before, by: shift, notAfter: time)
        }
        if state.lacksTemplate || state.hasGrown { settle(state, at: time) }
    }

    /// After a datagram that has changed what is known, or ought to.
    private mutating func settle(_ state: ExporterState, at time: Timestamp) {
        if state.lacksTemplate {
            state.lacksTemplate = false
            if state.nextQuestion <= time {
                state.nextQuestion = time + Self.questionInterval
                if let known = askElsewhere(state.statistics.address) { state.restore(known, at: time) }
            }
        }
        if state.hasGrown { state.settle() }
        if account.octets > account.limit { makeRoom() }
    }

    /// What came was not telemetry of any kind and was not decoded: counted with its exporter.
    public mutating func refuse(_ error: DecodeError, from exporter: IPAddress, at time: Timestamp) {
        let state = state(of: exporter, at: time)
        state.begin(port: 0, isConnection: true, at: time)
        state.statistics.datagrams &+= 1
        state.statistics.count(error)
        if state.hasGrown { settle(state, at: time) }
    }

    private static func decode(
        _ datagram: RawSpan,
        _ state: ExporterState,
        at time: Timestamp,
        ages: inout FlowAges,
        into batch: inout RecordBatch
    ) throws(DecodeError) {
        let format = try TelemetryFormat(of: datagram)
        state.statistics.note(format)
        switch format {
        case .netFlow1, .netFlow5, .netFlow7:
            try NetFlowFixedDecoder.decode(datagram, format, exporter: state, at: time, ages: &ages, into: &batch)
        case .netFlow9:
            try TemplatedDecoder.decodeV9(datagram, exporter: state, at: time, ages: &ages, into: &batch)
        case .ipfix:
            try TemplatedDecoder.decodeIPFIX(datagram, exporter: state, at: time, ages: &ages, into: &batch)
        case .sFlow5:
            try SFlowDecoder.decode(datagram, exporter: state, at: time, into: &batch)
        }
    }

    /// A connection has ended, and with it the templates that were told over it.
    public mutating func endConnection(from exporter: IPAddress, port: UInt16) {
        guard let index = position(of: exporter) else { return }
        states[index].endConnection(port: port)
    }

    /// What exporters have told since this was asked before, to be kept over a restart and for other decoders. Each time all
    /// that was told here.
    public mutating func takeNewKnowledge() -> [ExporterKnowledge] {
        guard account.hasNews else { return [] }
        account.hasNews = false
        return states.compactMap { $0.takeNews() }
    }

    /// Takes over what was told before a restart.
    public mutating func restore(_ knowledge: [ExporterKnowledge], at time: Timestamp) {
        for known in knowledge.prefix(configuration.limits.exporters) {
            state(of: known.exporter, at: time).restore(known, at: time)
            if account.octets > account.limit { makeRoom() }
        }
    }

    /// Takes over what was told to other decoders of exporters that have spoken here.
    public mutating func learn(_ knowledge: [ExporterKnowledge], at time: Timestamp) {
        for known in knowledge {
            guard let index = position(of: known.exporter) else { continue }
            states[index].restore(known, at: time)
            if account.octets > account.limit { makeRoom() }
        }
    }

    /// Forgets what exporters told and neither repeated nor used within the configured lifetime; to be called now and
    /// then.
    public mutating func forgetStale(at time: Timestamp) {
        for state in states { state.forget(notUsedSince: time - configuration.limits.lifetime) }
    }

    /// What came from each exporter, in ascending order of address. To be asked about once a second: rates are since the
    /// last reports.
    public func report(at time: Timestamp) -> [ExporterStatistics] {
        states.filter { $0.statistics.datagrams > 0 }.map { $0.report(at: time) }
    }

    /// Found by binary search, or at once when the same exporter spoke last.
    private mutating func state(of exporter: IPAddress, at time: Timestamp) -> ExporterState {
        if lastState < states.count, states[lastState].statistics.address == exporter { return states[lastState] }
        let low = firstPosition(notBefore: exporter)
        if low == states.count || states[low].statistics.address != exporter {
            if states.count >= configuration.limits.exporters {
                dropStaleHalf()
                return state(of: exporter, at: time)
            }
            let state = ExporterState(
                address: exporter,
                configuration: configuration,
                log: log,
                account: account,
                flowTotals: flowTotals,
                at: time
            )
            states.insert(state, at: low)
            if let known = askElsewhere(exporter) { state.restore(known, at: time) }
        }
        lastState = low
        return states[low]
    }

    private func position(of exporter: IPAddress) -> Int? {
        let index = firstPosition(notBefore: exporter)
        return index < states.count && states[index].statistics.address == exporter ? index : nil
    }

    private func firstPosition(notBefore exporter: IPAddress) -> Int {
        var low = 0
        var high = states.count
        while low < high {
            let middle = (low &+ high) / 2
            if states[middle].statistics.address < exporter { low = middle &+ 1 } else { high = middle }
        }
        return low
    }

    /// Comes back to three quarters of what memory there is. Who holds most gives first, so that many small exporters do not
    /// lose to a few forged ones that tell much, nor one real one to many.
    private mutating func makeRoom() {
        let goal = account.limit / 4 * 3
        var givers = states
        // Each round halves what they hold, so the loop ends with nothing left to give.
        while account.octets > goal, !givers.isEmpty {
            givers.sort { $0.octets > $1.octets }
            for state in givers where account.octets > goal { state.shed() }
            givers.removeAll { $0.octets <= KnowledgeAccount.Cost.exporter }
        }
        givers = []
        // The one in hand stays in any case.
        while account.octets > goal, states.count > 1 { dropStaleHalf() }
        lastState = 0
    }

    /// Forged source addresses must not fill memory: the half of the exporters that was longest silent goes.
    private mutating func dropStaleHalf() {
        let seen = states.map(\.statistics.lastSeen).sorted()
        let median = seen[seen.count / 2]
        var kept = states.filter { $0.statistics.lastSeen > median }
        // All may have been seen at the same instant.
        if kept.isEmpty { kept = Array(states.prefix(states.count / 2)) }
        let forgotten = states.reduce(0) { $0 + $1.templates } - kept.reduce(0) { $0 + $1.templates }
        account.forgottenTemplates &+= UInt64(forgotten)
        states = kept
        lastState = 0
    }
}
