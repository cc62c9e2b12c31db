public import NetworkTypes

/// Which decoders a socket's datagrams go to.
public enum TelemetryProtocol: String, Sendable, Hashable {
    /// sFlow version 5.
    case sFlow = "sflow"
    /// NetFlow v5, v9 and IPFIX, told apart by their version field.
    case netFlow = "netflow"
}

/// Decodes the datagrams of many exporters, and remembers what each has said. One for each worker: nothing is shared.
public struct TelemetryDecoder: ~Copyable {
    private let limits: TelemetryLimits
    /// In ascending order of address.
    private var states: [ExporterState] = []
    private var lastState = 0

    public init(limits: TelemetryLimits = TelemetryLimits()) { self.limits = limits }

    /// Appends the flow records of one datagram to the batch, which must have room for one.
    ///
    /// Never fails: what cannot be read is counted in the exporter's statistics, and what was read before stays.
    public mutating func decode(
        _ datagram: RawSpan,
        protocol: TelemetryProtocol,
        from exporter: IPAddress,
        receivedAt time: Timestamp,
        into batch: inout RecordBatch
    ) {
        let state = state(of: exporter, at: time)
        state.statistics.datagrams &+= 1
        state.statistics.bytes &+= UInt64(datagram.byteCount)
        state.statistics.lastSeen = time
        let before = batch.count
        var ages = FlowAges()
        do {
            switch `protocol` {
            case .sFlow: try decodeSFlow(datagram, state, at: time, into: &batch)
            case .netFlow: try decodeNetFlow(datagram, state, at: time, ages: &ages, into: &batch)
            }
        } catch {
            state.statistics.count(error)
        }
        state.statistics.records &+= UInt64(batch.count &- before)
        if let shift = ages.shift {
            state.statistics.implausibleTimes &+= 1
            batch.shiftTimes(from: before, by: shift, notAfter: time)
        }
    }

    private func decodeSFlow(
        _ datagram: RawSpan,
        _ state: ExporterState,
        at time: Timestamp,
        into batch: inout RecordBatch
    ) throws(DecodeError) {
        guard datagram.byteCount >= 4 else { throw .truncated }
        guard datagram.uint32(0) == 5 else { throw .unknownVersion }
        state.statistics.formats.insert(.sFlow5)
        try SFlowDecoder.decode(datagram, exporter: state, at: time, into: &batch)
    }

    private func decodeNetFlow(
        _ datagram: RawSpan,
        _ state: ExporterState,
        at time: Timestamp,
        ages: inout FlowAges,
        into batch: inout RecordBatch
    ) throws(DecodeError) {
        guard datagram.byteCount >= 2 else { throw .truncated }
        switch datagram.uint16(0) {
        case 5:
            state.statistics.formats.insert(.netFlow5)
            try NetFlowV5Decoder.decode(datagram, exporter: state, at: time, ages: &ages, into: &batch)
        case 9:
            state.statistics.formats.insert(.netFlow9)
            try TemplatedDecoder.decodeV9(datagram, exporter: state, at: time, ages: &ages, into: &batch)
        case 10:
            state.statistics.formats.insert(.ipfix)
            try TemplatedDecoder.decodeIPFIX(datagram, exporter: state, at: time, ages: &ages, into: &batch)
        default:
            throw .unknownVersion
        }
    }

    /// What came from each exporter, in ascending order of address.
    public var exporters: [ExporterStatistics] { states.map(\.statistics) }

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
            if states.count >= limits.exporters {
                dropStaleHalf()
                return state(of: exporter, at: time)
            }
            states.insert(ExporterState(address: exporter, limits: limits, at: time), at: low)
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
