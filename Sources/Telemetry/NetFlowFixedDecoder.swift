internal import NetworkTypes

/// NetFlow versions 1, 5 and 7: a header, and records that all have the same layout.
enum NetFlowFixedDecoder {
    private struct Layout {
        var format: TelemetryFormat
        var headerLength: Int
        var recordLength: Int
        var tcpFlags: Int
        var ipProtocol: Int
        var tos: Int
    }

    // Up to the ports, at 36, the three are alike.
    @inline(__always)
    private static var version1: Layout {
        Layout(
            format: .netFlow1,
            headerLength: 16,
            recordLength: 48,
            tcpFlags: 40,
            ipProtocol: 38,
            tos: 39
        )
    }
    @inline(__always)
    private static var version5: Layout {
        Layout(
            format: .netFlow5,
            headerLength: 24,
            recordLength: 48,
            tcpFlags: 37,
            ipProtocol: 38,
            tos: 39
        )
    }
    @inline(__always)
    private static var version7: Layout {
        Layout(
            format: .netFlow7,
            headerLength: 24,
            recordLength: 52,
            tcpFlags: 37,
            ipProtocol: 38,
            tos: 39
        )
    }

    static func decode(
        _ datagram: RawSpan,
        _ format: TelemetryFormat,
        exporter: ExporterState,
        at time: Timestamp,
        ages: inout FlowAges,
        into batch: inout RecordBatch
    ) throws(DecodeError) {
        // A loop for each layout, in which all offsets are constants.
        switch format {
        case .netFlow1: try decode(datagram, version1, exporter: exporter, at: time, ages: &ages, into: &batch)
        case .netFlow7: try decode(datagram, version7, exporter: exporter, at: time, ages: &ages, into: &batch)
        default: try decode(datagram, version5, exporter: exporter, at: time, ages: &ages, into: &batch)
        }
    }

    @inline(__always)
    private static func decode(
        _ datagram: RawSpan,
        _ layout: Layout,
        exporter: ExporterState,
        at time: Timestamp,
        ages: inout FlowAges,
        into batch: inout RecordBatch
    ) throws(DecodeError) {
        let format = layout.format
        guard datagram.byteCount >= layout.headerLength else { throw .truncated }
        let announced = Int(datagram.uint16(2))
        let upTime = datagram.uint32(4)
        let count = min(announced, (datagram.byteCount &- layout.headerLength) / layout.recordLength)
        exporter.noteClock(seconds: datagram.uint32(8), nanoseconds: datagram.uint32(12), at: time)
        var told = Sampling.unknown
        if format != .netFlow1 {
            let engine = format == .netFlow5 ? UInt32(datagram.uint16(20)) : 0
            let lost = exporter.domain(engine, format).noteSequence(datagram.uint32(16), advancing: UInt32(count))
            exporter.statistics.lost &+= lost
        }
        if format == .netFlow5 {
            // Two bits of mode, 14 bits of interval; 0: nothing is told.
            told = Sampling(rate: UInt32(datagram.uint16(22) & 0x3FFF), source: .header)
        }
        ages.activeTimeoutMilliseconds = exporter.activeTimeoutMilliseconds
        // Once for all records: each look at what an object has costs a check for exclusive access.
        let rate = exporter.inForce(told).rate
        let isLogged = exporter.log != nil
        for index in 0..<count {
            let offset = layout.headerLength &+ index &* layout.recordLength
            guard let octets = FixedRecord(datagram, from: offset, length: layout.recordLength) else { break }
            var record = FlowRecord()
            record.samplingRate = rate
            let span = read(octets, layout, upTime: upTime, into: &record)
            ages.apply(span, to: &record, at: time)
            if isLogged {
                let octets = datagram.extracting(offset..<(offset &+ layout.recordLength))
                exporter.log?.append(NormalizedRecord(octets, format, of: datagram, record: record, told: told))
            }
            guard record.isPlausible else {
                exporter.statistics.count(.implausible)
                continue
            }
            guard batch.append(record) else { throw .tooManyRecords }
        }
        if count < announced { throw .truncated }
    }

    @inline(__always)
    private static func read(
        _ octets: FixedRecord,
        _ layout: Layout,
        upTime: UInt32,
        into record: inout FlowRecord
    ) -> FlowSpan {
        record.source = octets.ipv4(0)
        record.destination = octets.ipv4(4)
        record.inputInterface = UInt32(octets.uint16(12))
        record.outputInterface = UInt32(octets.uint16(14))
        record.packets = UInt64(octets.uint32(16))
        record.bytes = UInt64(octets.uint32(20))
        record.ipProtocol = IPProtocol(rawValue: octets.octet(layout.ipProtocol))
        record.tcpFlags = TCPFlags(rawValue: octets.octet(layout.tcpFlags))
        let destinationPort = octets.uint16(34)
        if record.ipProtocol.isICMP {
            record.icmpType = UInt8(destinationPort >> 8)
            record.icmpCode = UInt8(destinationPort & 0xFF)
        } else {
            record.sourcePort = octets.uint16(32)
            record.destinationPort = destinationPort
        }
        return FlowSpan(upTime: upTime, first: octets.uint32(24), last: octets.uint32(28))
    }
}

/// The octets of a record that lies in a datagram as a whole: held against it once, and not for each field.
private struct FixedRecord: ~Escapable {
    private let datagram: RawSpan
    private let start: Int

    /// Nil where less than a record is left.
    ///
    /// - Parameter length: at least 48 octets, as all layouts have.
    @inline(__always)
    @_lifetime(copy datagram)
    init?(_ datagram: RawSpan, from start: Int, length: Int) {
        guard start >= 0, length >= 48, datagram.byteCount &- start >= length else { return nil }
        self.datagram = datagram
        self.start = start
    }

    /// - Parameter offset: a constant, within 48 octets with the number.
    @inline(__always)
    private func load<Number: FixedWidthInteger & BitwiseCopyable>(_ offset: Int) -> Number {
        // Safe: `init` has seen that 48 octets lie behind `start`.
        unsafe Number(
            bigEndian: datagram.unsafeLoadUnaligned(fromUncheckedByteOffset: start &+ offset, as: Number.self)
        )
    }

    @inline(__always)
    func octet(_ offset: Int) -> UInt8 { load(offset) }
    @inline(__always)
    func uint16(_ offset: Int) -> UInt16 { load(offset) }
    @inline(__always)
    func uint32(_ offset: Int) -> UInt32 { load(offset) }
    @inline(__always)
    func ipv4(_ offset: Int) -> IPAddress { IPAddress(v4: load(offset)) }
}

extension NormalizedRecord {
    /// A record of NetFlow version 1, 5 or 7.
    fileprivate init(
        _ octets: RawSpan,
        _ format: TelemetryFormat,
        of datagram: RawSpan,
        record: FlowRecord,
        told: Sampling
    ) {
        self.init()
        add(.fmt, .text("\(format.code)"))
        add(.src, record.source)
        add(.dst, record.destination)
        add(.proto, record.ipProtocol.rawValue)
        add(.sport, octets.uint16(32))
        add(.dport, octets.uint16(34))
        add(.bytes, record.bytes)
        add(.packets, record.packets)
        add(.tcpFlags, record.tcpFlags.rawValue)
        add(.tos, octets.octet(39))
        add(.inputInterface, record.inputInterface)
        add(.outputInterface, record.outputInterface)
        let (first, last) = (octets.uint32(24), octets.uint32(28))
        add(.durationMilliseconds, last &- first)
        if record.ipProtocol.isICMP {
            add(.icmpType, record.icmpType)
            add(.icmpCode, record.icmpCode)
        }
        if format == .netFlow5 {
            add(.nextHop, octets.ipv4(8))
            add(.sourceAS, octets.uint16(40))
            add(.destinationAS, octets.uint16(42))
            add(.sourceMask, octets.octet(44))
            add(.destinationMask, octets.octet(45))
            let boot =
                Int64(datagram.uint32(8)) * 1000 + Int64(datagram.uint32(12)) / 1_000_000 - Int64(datagram.uint32(4))
            add(.startMilliseconds, .signed(boot + Int64(first)))
            add(.endMilliseconds, .signed(boot + Int64(last)))
            add(.engine, .numbers([UInt64(datagram.octet(20)), UInt64(datagram.octet(21))]))
            add(.samplingMode, datagram.uint16(22) >> 14)
        }
        addSampling(told, inForce: record.samplingRate)
    }
}
