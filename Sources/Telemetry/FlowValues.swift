internal import NetworkTypes

/// What belongs to the values of one data record on their way to a flow record.
struct FlowValues {
    var message: TemplatedDecoder.Message
    var shape: Template.Shape
    /// What a sampled packet's headers said.
    var section: FlowRecord?
    /// What was told of sampling, and what counts.
    var told: Sampling
    var inForce: Sampling

    /// The upper two bits of a forwarding status that mean "dropped" (RFC 7270 section 4.12).
    static let droppedStatus: UInt8 = 2
    /// The bit of IE 197 for more fragments.
    static let moreFragments: UInt8 = 0x20

    /// The flow record; without addresses where the exporter tells none.
    @inline(__always)
    func record(
        of values: FieldValues,
        at time: Timestamp,
        ages: inout FlowAges
    ) -> (record: FlowRecord, hasAddresses: Bool) {
        var record = section ?? FlowRecord()
        let hasAddresses = Self.readAddresses(values, into: &record)
        record.samplingRate = inForce.rate
        if values.has(.inputInterface) { record.inputInterface = values.inputInterface }
        if values.has(.outputInterface) { record.outputInterface = values.outputInterface }
        if values.has(.forwardingStatus), values.forwardingStatus >> 6 == Self.droppedStatus {
            record.traits.insert(.isDropped)
        }
        guard section == nil else {
            if values.packets > 0 { record.packets = values.packets }
            // A sampled packet's own header says more than the length of its frame.
            if values.octets > 0, !shape.contains(.countsFrames) || values.packets > 1 { record.bytes = values.octets }
            // Cisco's records of whole flows may hold a section of the first packet.
            if values.packets > 1 {
                record.traits.remove(.isPacket)
                if shape.contains(.countsFrames), values.octets > 0 { Self.takeOffFrames(&record) }
            }
            ages.apply(span(of: values), to: &record, at: time)
            return (record, true)
        }
        record.packets = shape.contains(.sharesPackets) ? Self.packetsOfFirst(values) : values.packets
        record.bytes = values.octets
        if shape.contains(.countsFrames) { Self.takeOffFrames(&record) }
        Self.readTransport(values, into: &record)
        ages.apply(span(of: values), to: &record, at: time)
        return (record, hasAddresses)
    }

    /// The IPv4 pair unless it is all zero and the IPv6 pair is not; `ipVersion` decides where it is told.
    @inline(__always)
    private static func readAddresses(_ values: FieldValues, into record: inout FlowRecord) -> Bool {
        let has4 = values.has(.sourceIPv4) || values.has(.destinationIPv4)
        let has6 = values.has(.sourceIPv6) || values.has(.destinationIPv6)
        guard has4 || has6 else { return false }
        let is4Zero = values.sourceIPv4.v4 == 0 && values.destinationIPv4.v4 == 0
        var uses6 = has6 && (!has4 || is4Zero)
        if values.ipVersion == 4, has4 { uses6 = false }
        if values.ipVersion == 6, has6 { uses6 = true }
        record.source = uses6 ? values.sourceIPv6 : values.sourceIPv4
        record.destination = uses6 ? values.destinationIPv6 : values.destinationIPv4
        return true
    }

    @inline(__always)
    private static func readTransport(_ values: FieldValues, into record: inout FlowRecord) {
        record.ipProtocol = IPProtocol(rawValue: values.ipProtocol)
        record.tcpFlags = TCPFlags(rawValue: values.tcpFlags)
        record.timeToLive = values.timeToLive
        if values.fragmentOffset > 0 || values.fragmentFlags & Self.moreFragments != 0 {
            record.traits.insert(.isFragment)
        }
        guard record.ipProtocol.isICMP else {
            record.sourcePort = values.sourcePort
            record.destinationPort = values.destinationPort
            return
        }
        if values.has(.icmpTypeAndCode) {
            record.icmpType = UInt8(values.icmpTypeAndCode >> 8)
            record.icmpCode = UInt8(values.icmpTypeAndCode & 0xFF)
        } else if values.has(.icmpType) {
            record.icmpType = values.icmpType
            record.icmpCode = values.icmpCode
        } else if values.sourcePort == 0 {
            // As NetFlow v5 has it: in the destination port.
            record.icmpType = UInt8(values.destinationPort >> 8)
            record.icmpCode = UInt8(values.destinationPort & 0xFF)
        }
    }

    /// Addresses and type of Ethernet. Whether there were tags as well, or other links, no record says.
    private static let frameOctets: UInt64 = 14

    /// Makes octets of frames those of the IP layer, as far as the packets are told; what is too little for so many frames
    /// is none of them.
    private static func takeOffFrames(_ record: inout FlowRecord) {
        let (octets, overflow) = record.packets.multipliedReportingOverflow(by: frameOctets)
        if !overflow, octets < record.bytes { record.bytes &-= octets }
    }

    /// Where octets are told of each half and packets of both together: so many of these as the first half has octets.
    static func packetsOfFirst(_ values: FieldValues) -> UInt64 {
        let (all, own) = (Double(values.packets), Double(values.octets))
        let share = own / max(1, own + Double(values.reverseOctets))
        return min(values.packets, UInt64(min((all * share).rounded(), 1e18)))
    }

    /// The other half of a biflow or a connection, at the same time; nil where it had no traffic.
    func reversed(_ record: FlowRecord, _ values: FieldValues) -> FlowRecord? {
        guard values.reverseOctets > 0 || values.reversePackets > 0 else { return nil }
        var reverse = record
        reverse.source = record.destination
        reverse.destination = record.source
        reverse.sourcePort = record.destinationPort
        reverse.destinationPort = record.sourcePort
        reverse.inputInterface = record.outputInterface
        reverse.outputInterface = record.inputInterface
        reverse.packets = values.reversePackets
        reverse.bytes = values.reverseOctets
        if shape.contains(.sharesPackets) { reverse.packets = values.packets &- Self.packetsOfFirst(values) }
        if shape.contains(.countsReverseFrames) { Self.takeOffFrames(&reverse) }
        if values.has(.reverseTCPFlags) { reverse.tcpFlags = TCPFlags(rawValue: values.reverseTCPFlags) }
        // What is told of the first half says nothing of how the other answered.
        reverse.timeToLive = values.reverseTimeToLive
        let both = values.reverseICMPTypeAndCode
        let isTogether = values.has(.reverseICMPTypeAndCode)
        reverse.icmpType = isTogether ? UInt8(both >> 8) : values.reverseICMPType
        reverse.icmpCode = isTogether ? UInt8(both & 0xFF) : values.reverseICMPCode
        reverse.traits.insert(.isReverse)
        return reverse
    }

    // MARK: Time

    /// When the other half of a biflow flowed, by a clock of its own.
    func span(ofReverse values: FieldValues, by clock: ReverseClock) -> FlowSpan {
        let end = values.time(.reverseLast)
        let begin = values.has(.reverseFirst) ? values.time(.reverseFirst) : 0
        switch clock {
        case .milliseconds: return MessageClock(message).span(begin, end)
        case .seconds: return MessageClock(message).span(begin, end, millisecondsPerUnit: 1000)
        case .ntp: return ntpSpan(begin, end)
        case .upTime:
            let last = UInt32(truncatingIfNeeded: end)
            return upTimeSpan(begin > 0 ? UInt32(truncatingIfNeeded: begin) : last, last, values)
        case .delta:
            let (first, last) = (Int64(clamping: begin), Int64(clamping: end))
            return FlowSpan(ageMilliseconds: last / 1000, durationMilliseconds: begin > 0 ? (first &- last) / 1000 : 0)
        }
    }

    /// From whichever pair of times the template has.
    @inline(__always)
    func span(of values: FieldValues) -> FlowSpan {
        if values.has(.lastUpTime) || values.has(.firstUpTime) { return upTimeSpan(values) }
        if values.has(.lastMilliseconds), values.has(.firstMilliseconds) {
            return MessageClock(message).span(
                values.time(.firstMilliseconds),
                values.time(.lastMilliseconds),
                duration: values.milliseconds
            )
        }
        return rareSpan(of: values)
    }

    private func rareSpan(of values: FieldValues) -> FlowSpan {
        let begin = millisecondsBefore(
            values,
            (.firstMilliseconds, .firstSeconds, .firstNTP, .firstDeltaMicroseconds)
        )
        let end = millisecondsBefore(values, (.lastMilliseconds, .lastSeconds, .lastNTP, .lastDeltaMicroseconds))
        switch (begin, end) {
        // The two may be of different units: a begin in seconds with an end in milliseconds.
        case (let begin?, let end?): return FlowSpan(ageMilliseconds: end, durationMilliseconds: begin &- end)
        case (nil, let end?):
            return FlowSpan(ageMilliseconds: end, durationMilliseconds: Int64(clamping: values.milliseconds))
        case (let begin?, nil): return Self.span(begunBefore: begin, values)
        case (nil, nil):
            return FlowSpan(ageMilliseconds: 0, durationMilliseconds: Int64(clamping: values.milliseconds))
        }
    }

    /// From a flow's begin or end to the export, by whichever of the elements tells it: since the epoch in milliseconds, in
    /// seconds or as NTP has it, or counted back from the export (RFC 5102 section 5.9.11). Nil where none does; a time of 0
    /// is none.
    private func millisecondsBefore(
        _ values: FieldValues,
        _ elements: (
            milliseconds: InformationElement, seconds: InformationElement, ntp: InformationElement,
            delta: InformationElement
        )
    ) -> Int64? {
        let export = Int64(message.seconds) &* 1000
        if case let time = values.time(elements.milliseconds), time > 0 {
            return export &- Int64(truncatingIfNeeded: time)
        }
        if case let time = values.time(elements.seconds), time > 0 {
            return export &- Int64(truncatingIfNeeded: time) &* 1000
        }
        if case let time = values.time(elements.ntp), time > 0 { return export &- Self.milliseconds(ofNTP: time) }
        guard values.has(elements.delta) else { return nil }
        return Int64(clamping: values.time(elements.delta) / 1000)
    }

    /// It lasted for as long as it is told to have; else (Cisco ASA) it ended now, unless that were a day: then the clocks
    /// do not fit.
    private static func span(begunBefore begin: Int64, _ values: FieldValues) -> FlowSpan {
        if values.hasDuration {
            let duration = Int64(clamping: values.milliseconds)
            return FlowSpan(ageMilliseconds: begin &- duration, durationMilliseconds: duration)
        }
        return FlowSpan(ageMilliseconds: 0, durationMilliseconds: begin < FlowSpan.longest ? begin : 0)
    }

    private func upTimeSpan(_ values: FieldValues) -> FlowSpan {
        let told = UInt32(truncatingIfNeeded: values.time(.firstUpTime))
        if !values.has(.lastUpTime) {
            guard let upTime = MessageClock(message, systemInit: values.systemInit).upTime else {
                return FlowSpan(ageMilliseconds: 0, durationMilliseconds: Int64(clamping: values.milliseconds))
            }
            return Self.span(begunBefore: Int64(Int32(bitPattern: upTime &- told)), values)
        }
        let last = UInt32(truncatingIfNeeded: values.time(.lastUpTime))
        let duration = UInt32(truncatingIfNeeded: min(values.milliseconds, UInt64(Int32.max)))
        return upTimeSpan(values.has(.firstUpTime) ? told : last &- duration, last, values)
    }

    private func upTimeSpan(_ first: UInt32, _ last: UInt32, _ values: FieldValues) -> FlowSpan {
        MessageClock(message, systemInit: values.systemInit).span(upTimes: first, last)
    }

    /// Since the epoch, from seconds since 1900 in the upper half and fractions in the lower (RFC 7011 section 6.1.9).
    static func milliseconds(ofNTP value: UInt64) -> Int64 {
        (Int64(value >> 32) &- 2_208_988_800) &* 1000 &+ Int64(((value & 0xFFFF_FFFF) &* 1000) >> 32)
    }

    private func ntpSpan(_ first: UInt64, _ last: UInt64) -> FlowSpan {
        let last = Self.milliseconds(ofNTP: last)
        let first = first > 0 ? Self.milliseconds(ofNTP: first) : last
        return FlowSpan(
            ageMilliseconds: Int64(message.seconds) &* 1000 &- last,
            durationMilliseconds: last &- first
        )
    }
}
