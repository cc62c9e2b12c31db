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

    /// - Parameter log: where every record goes in full beside the batch; nil for none, which costs nothing.
    public init(configuration: TelemetryConfiguration = TelemetryConfiguration(), log: RecordLog? = nil) {
        self.configuration = configuration
        self.log = log
    }

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
        }
        state.statistics.records &+= UInt64(batch.count &- before)
        if let shift = ages.shift {
            state.statistics.implausibleTimes &+= 1
            batch.shiftTimes(from: before, by: shift, notAfter: time)
        }
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
        states.first { $0.statistics.address == exporter }?.endConnection(port: port)
    }

    /// What exporters have told since this was asked before, to be kept over a restart.
    public mutating func takeNewKnowledge() -> [ExporterKnowledge] {
        states.filter(\.hasNewKnowledge).map { state in
            state.hasNewKnowledge = false
            return state.knowledge
        }
    }

    /// Takes back what was kept; for before the first datagram.
    public mutating func restore(_ knowledge: [ExporterKnowledge], at time: Timestamp) {
        for known in knowledge.prefix(configuration.limits.exporters) {
            state(of: known.exporter, at: time).restore(known, at: time)
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
        var low = 0
        var high = states.count
        while low < high {
            let middle = (low &+ high) / 2
            if states[middle].statistics.address < exporter { low = middle &+ 1 } else { high = middle }
        }
        if low == states.count || states[low].statistics.address != exporter {
            if states.count >= configuration.limits.exporters {
                dropStaleHalf()
                return state(of: exporter, at: time)
            }
            states.insert(ExporterState(address: exporter, configuration: configuration, log: log, at: time), at: low)
        }
        lastState = low
        return states[low]
    }

    /// Forged source addresses must not fill memory: the half of the exporters that was longest silent goes.
    private mutating func dropStaleHalf() {
        let seen = states.map(\.statistics.lastSeen).sorted()
        let median = seen[seen.count / 2]
        var kept = states.filter { $0.statistics.lastSeen > median }
        // All may have been seen at the same instant.
        if kept.isEmpty { kept = Array(states.prefix(states.count / 2)) }
        states = kept
        lastState = 0
    }
}
