public import NetworkTypes

/// Flows as messages of NetFlow v9 (RFC 3954) or IPFIX (RFC 7011), with their templates, and the sampling rate in options.
public struct FlowEncoder: Sendable {
    public enum Format: Sendable, Hashable {
        case netFlow9
        case ipfix
    }

    public let format: Format
    /// One packet in so many was counted.
    public let samplingRate: UInt32

    /// The observation domain, or source ID.
    public let domain: UInt32

    private let boot: Timestamp
    private var sequence: UInt32 = 0
    private var nextTemplates: Timestamp

    /// As many records of IPv6 as fit a datagram of an ordinary link.
    private static let recordsPerMessage = 16
    private static let templateInterval = Duration.seconds(20)

    public init(_ format: Format, samplingRate: UInt32, domain: UInt32 = 1, startingAt time: Timestamp) {
        self.domain = domain
        self.format = format
        self.samplingRate = max(1, samplingRate)
        boot = time - .seconds(3600)
        nextTemplates = time
    }

    /// The messages for flows that are over at a time.
    public mutating func messages(for flows: [FlowCache.Flow], at time: Timestamp) -> [[UInt8]] {
        var messages: [[UInt8]] = []
        if time >= nextTemplates {
            nextTemplates = time + Self.templateInterval
            messages.append(templates(at: time))
        }
        for isIPv4 in [true, false] {
            let family = flows.filter { $0.key.source.isIPv4 == isIPv4 }
            for start in stride(from: 0, to: family.count, by: Self.recordsPerMessage) {
                let part = family[start..<min(start + Self.recordsPerMessage, family.count)]
                var octets = header(at: time)
                Self.appendSet(isIPv4 ? 256 : 257, to: &octets) { set in
                    for flow in part { append(flow, to: &set) }
                }
                messages.append(finished(octets, records: UInt32(part.count)))
            }
        }
        return messages
    }

    private func header(at time: Timestamp) -> [UInt8] {
        var octets: [UInt8] = []
        octets.append(big16: format == .netFlow9 ? 9 : 10)
        // Records or octets, known only behind.
        octets.append(big16: 0)
        if format == .netFlow9 { octets.append(big32: upTime(time)) }
        octets.append(big32: UInt32(clamping: time.nanoseconds / 1_000_000_000))
        octets.append(big32: sequence)
        octets.append(big32: domain)
        return octets
    }

    /// NetFlow v9 numbers its messages, IPFIX its data records.
    private mutating func finished(_ message: [UInt8], records: UInt32, dataRecords: UInt32? = nil) -> [UInt8] {
        var octets = message
        switch format {
        case .netFlow9:
            octets.set(big16: UInt16(clamping: records), at: 2)
            sequence &+= 1
        case .ipfix:
            octets.set(big16: UInt16(clamping: octets.count), at: 2)
            sequence &+= dataRecords ?? records
        }
        return octets
    }

    private static func appendSet(_ id: UInt16, to octets: inout [UInt8], _ body: (inout [UInt8]) -> Void) {
        let start = octets.count
        octets.append(big16: id)
        octets.append(big16: 0)
        body(&octets)
        while !(octets.count - start).isMultiple(of: 4) { octets.append(0) }
        octets.set(big16: UInt16(clamping: octets.count - start), at: start + 2)
    }

    /// The elements and their lengths in the order of a record.
    private func fields(isIPv4: Bool) -> [(UInt16, UInt16)] {
        let times: [(UInt16, UInt16)] = format == .netFlow9 ? [(22, 4), (21, 4)] : [(152, 8), (153, 8)]
        let addresses: [(UInt16, UInt16)] = isIPv4 ? [(8, 4), (12, 4)] : [(27, 16), (28, 16)]
        let icmp: [(UInt16, UInt16)] = [(isIPv4 ? 32 : 139, 2)]
        return addresses + times
            + [(1, 8), (2, 4), (10, 4), (14, 4), (7, 2), (11, 2), (88, 2)] + icmp + [(4, 1), (6, 1), (52, 1)]
    }

    private func append(_ flow: FlowCache.Flow, to octets: inout [UInt8]) {
        octets.append(address: flow.key.source)
        octets.append(address: flow.key.destination)
        for time in [flow.first, flow.last] {
            switch format {
            case .netFlow9: octets.append(big32: upTime(time))
            case .ipfix: octets.append(big64: UInt64(clamping: time.nanoseconds / 1_000_000))
            }
        }
        octets.append(big64: flow.octets)
        octets.append(big32: flow.packets)
        octets.append(big32: 1)
        octets.append(big32: 2)
        octets.append(big16: flow.key.sourcePort)
        octets.append(big16: flow.key.destinationPort)
        octets.append(big16: flow.key.fragmentOffset)
        octets.append(flow.key.icmpType)
        octets.append(flow.key.icmpCode)
        octets.append(flow.key.ipProtocol.rawValue)
        octets.append(flow.flags.rawValue)
        octets.append(flow.timeToLive)
    }

    private mutating func templates(at time: Timestamp) -> [UInt8] {
        let isIPFIX = format == .ipfix
        var octets = header(at: time)
        Self.appendSet(isIPFIX ? 2 : 0, to: &octets) { set in
            for isIPv4 in [true, false] {
                let fields = fields(isIPv4: isIPv4)
                set.append(big16: isIPv4 ? 256 : 257)
                set.append(big16: UInt16(fields.count))
                for (element, length) in fields {
                    set.append(big16: element)
                    set.append(big16: length)
                }
            }
        }
        // Of the whole system (v9 scope 1) or of the metering process (element 143): the sampling interval.
        Self.appendSet(isIPFIX ? 3 : 1, to: &octets) { set in
            for value in isIPFIX ? [258, 2, 1, 143, 4, 34, 4] : [258, 4, 4, 1, 4, 34, 4] as [UInt16] {
                set.append(big16: value)
            }
        }
        Self.appendSet(258, to: &octets) { set in
            set.append(big32: 1)
            set.append(big32: samplingRate)
        }
        return finished(octets, records: 4, dataRecords: 1)
    }

    private func upTime(_ time: Timestamp) -> UInt32 {
        UInt32(truncatingIfNeeded: (time - boot).nanoseconds / 1_000_000)
    }
}
