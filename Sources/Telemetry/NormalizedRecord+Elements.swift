internal import NetworkTypes

/// Records of NetFlow v9 and IPFIX.
extension NormalizedRecord {
    private static let numbers: [(key: Key, ids: (UInt16, UInt16, UInt16))] = [
        (.proto, (4, 0, 0)), (.sport, (7, 180, 182)), (.dport, (11, 181, 183)), (.tcpFlags, (6, 0, 0)),
        (.tos, (5, 0, 0)), (.inputInterface, (10, 252, 0)), (.outputInterface, (14, 253, 0)), (.sourceAS, (16, 0, 0)),
        (.destinationAS, (17, 0, 0)), (.sourceMask, (9, 29, 0)), (.destinationMask, (13, 30, 0)),
        (.direction, (61, 0, 0)), (.vlan, (58, 243, 0)), (.destinationVLAN, (59, 254, 0)),
        (.forwardingStatus, (89, 0, 0)), (.flowID, (148, 0, 0)), (.ttl, (192, 52, 0)), (.minimumTTL, (52, 0, 0)),
        (.maximumTTL, (53, 0, 0)), (.endReason, (136, 0, 0)), (.vrf, (234, 0, 0)), (.firewallEvent, (233, 0, 0)),
        (.natEvent, (230, 0, 0)), (.natSourcePort, (227, 0, 0)), (.natDestinationPort, (228, 0, 0)),
        (.droppedPackets, (133, 0, 0)), (.fragmentOffset, (88, 0, 0)), (.fragmentFlags, (197, 0, 0)),
        (.samplerID, (48, 302, 0)),
    ]

    private static let addresses: [(key: Key, ids: (UInt16, UInt16))] = [
        (.nextHop, (15, 62)), (.bgpNextHop, (18, 63)), (.natSource, (225, 281)), (.natDestination, (226, 282)),
        (.exporter, (130, 131)),
    ]

    /// A flow record.
    ///
    /// - Parameters:
    ///   - record: what the counters get of it, or would if it had addresses.
    ///   - header: of a sampled packet in the record.
    init(
        _ view: borrowing RecordView,
        flow record: FlowRecord,
        _ flow: FlowValues,
        _ values: FieldValues,
        header: NormalizedRecord?
    ) {
        let message = flow.message
        self.init()
        add(.fmt, .text("\(message.domain.key.format.code)"))
        addAddresses(record, values)
        for (key, ids) in Self.numbers {
            if let number = view.number(ids.0, ids.1, ids.2) { add(key, number) }
        }
        if flow.shape.contains(.isConnection) {
            if values.has(.sourcePort) { set(.sport, .unsigned(UInt64(values.sourcePort))) }
            if values.has(.destinationPort) { set(.dport, .unsigned(UInt64(values.destinationPort))) }
        }
        if values.isDual {
            // Of two headers the inner one counts.
            if self[.proto] != nil { set(.proto, .unsigned(UInt64(record.ipProtocol.rawValue))) }
            if self[.sport] != nil { set(.sport, .unsigned(UInt64(values.sourcePort))) }
            if self[.dport] != nil { set(.dport, .unsigned(UInt64(values.destinationPort))) }
        }
        if header != nil, flow.section == nil {
            // A frame without an IP packet counts nowhere, and is shown as long as it was.
            let length = values.frameLength > 0 ? values.frameLength : UInt64(values.sectionLength)
            add(.bytes, record.bytes > 0 ? record.bytes : length)
            add(.packets, max(1, record.packets))
        } else {
            if values.has(.octets) || header != nil { add(.bytes, record.bytes) }
            if values.has(.packets) || header != nil { add(.packets, record.packets) }
        }
        for (key, ids) in Self.addresses {
            if let address = view.address(ids.0, ids.1) { add(key, address) }
        }
        if let address = view.macAddress(56, 81) { add(.sourceMAC, .macAddress(address)) }
        if let address = view.macAddress(80, 57) { add(.destinationMAC, .macAddress(address)) }
        addLabels(view)
        if record.ipProtocol.isICMP, record.traits.contains(.isReverse) ? values.hasReverseICMP : values.hasICMP {
            add(.icmpType, record.icmpType)
            add(.icmpCode, record.icmpCode)
        }
        addTimes(view, message)
        if let header {
            add(contentsOf: header)
            let section: UInt64 = view.place(315) != nil ? 315 : view.place(104) != nil ? 104 : 313
            add(.headerSection, section)
        }
        addSampling(flow.told, inForce: record.samplingRate)
    }

    private mutating func addAddresses(_ flow: FlowRecord, _ values: FieldValues) {
        // An exporter that aggregates may tell one of the two alone.
        let is4 = flow.source.isIPv4 || flow.destination.isIPv4
        var ends = (
            source: values.has(is4 ? .sourceIPv4 : .sourceIPv6),
            destination: values.has(is4 ? .destinationIPv4 : .destinationIPv6)
        )
        if flow.traits.contains(.isReverse) { ends = (ends.destination, ends.source) }
        if ends.source { add(.src, flow.source) }
        if ends.destination { add(.dst, flow.destination) }
        if values.isDual {
            add(.outerSource, values.sourceIPv6)
            add(.outerDestination, values.destinationIPv6)
        }
    }

    /// Makes of a record that of the other half: what was the source is the destination.
    mutating func turnAround() {
        let pairs: [(Key, Key)] = [
            (.sport, .dport), (.inputInterface, .outputInterface), (.sourceAS, .destinationAS),
            (.sourceMask, .destinationMask),
        ]
        for (source, destination) in pairs {
            let (old, new) = (self[source], self[destination])
            remove(source)
            remove(destination)
            if let new { add(source, new) }
            if let old { add(destination, old) }
        }
        add(.reverse, .flag(true))
    }

    private mutating func addLabels(_ view: borrowing RecordView) {
        var labels: [UInt64] = []
        for number in UInt16(70)...79 {
            // The label, then experimental bits and the bottom-of-stack flag.
            if let place = view.place(number), place.length == 3, let entry = view.number(number), entry > 0 {
                labels.append(entry >> 4)
            }
        }
        if !labels.isEmpty { add(.mpls, .numbers(labels)) }
    }

    mutating func addSampling(_ told: Sampling, inForce rate: UInt32) {
        // Sampler 0 of Cisco tells of no rate, and another domain's options tell of none of this one.
        let isTold = told.rate > 0 && told.source != .unsampled && told.source != .otherDomain
        add(.sampling, isTold ? .unsigned(UInt64(told.rate)) : .null)
        if rate > 0, UInt64(rate) != (isTold ? UInt64(told.rate) : 1) { add(.samplingUsed, rate) }
    }

    /// By the exporter's clock, in milliseconds since the epoch.
    private mutating func addTimes(_ view: borrowing RecordView, _ message: TemplatedDecoder.Message) {
        let header = Int64(message.seconds) &* 1000
        let boot: Int64? =
            if let upTime = message.upTime {
                header &- Int64(upTime)
            } else {
                view.number(160).map { Int64(clamping: $0) }
            }
        func time(
            _ view: borrowing RecordView,
            _ milliseconds: UInt16,
            _ seconds: UInt16,
            _ ntp: (UInt16, UInt16),
            _ upTime: UInt16,
            _ delta: UInt16
        ) -> Int64? {
            if let value = view.number(milliseconds) { return Int64(clamping: value) }
            if let value = view.number(seconds) { return Int64(clamping: min(value, 1 << 40)) &* 1000 }
            for number in [ntp.0, ntp.1] {
                if let place = view.place(number), place.length == 8, let value = view.number(number) {
                    return FlowValues.milliseconds(ofNTP: value)
                }
            }
            if let value = view.number(upTime), let boot { return boot &+ Int64(clamping: value) }
            return view.number(delta).map { header &- Int64(clamping: $0 / 1000) }
        }
        let start = time(view, 152, 150, (154, 156), 22, 158)
        let end = time(view, 153, 151, (155, 157), 21, 159)
        if let start { add(.startMilliseconds, .signed(start)) }
        if let end { add(.endMilliseconds, .signed(end)) }
        if let first = view.number(22), let last = view.number(21) {
            add(.durationMilliseconds, UInt32(truncatingIfNeeded: last &- first))
        } else if let start, let end {
            add(.durationMilliseconds, .signed(end &- start))
        } else if let duration = view.number(161) {
            add(.durationMilliseconds, duration)
        }
    }

    /// An options record.
    init(options view: borrowing RecordView, template: Template, values: FieldValues, format: TelemetryFormat) {
        self.init()
        add(.fmt, .text("\(format.code)"))
        add(.kind, .text("options"))
        if values.has(.samplerID) { add(.samplerID, values.samplerID) }
        if let rate = SamplingRates.rate(of: values) { add(.sampling, rate) }
        if let seconds = view.number(36) { add(.activeTimeout, seconds) }
        if let seconds = view.number(37) { add(.inactiveTimeout, seconds) }
        add(.elements, .elements(view.elements(of: template)))
    }
}
