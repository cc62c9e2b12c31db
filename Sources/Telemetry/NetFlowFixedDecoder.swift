internal import NetworkTypes

/// NetFlow versions 1, 5 and 7: a header, and records that all have the same layout.
enum NetFlowFixedDecoder {
    static func decode(
        _ datagram: RawSpan,
        _ format: TelemetryFormat,
        exporter: ExporterState,
        at time: Timestamp,
        ages: inout FlowAges,
        into batch: inout RecordBatch
    ) throws(DecodeError) {
        // A loop for each layout, in which all offsets are constants: made from types, as values may be handed over in memory.
        switch format {
        case .netFlow1: try decode(datagram, Version1.self, exporter: exporter, at: time, ages: &ages, into: &batch)
        case .netFlow7: try decode(datagram, Version7.self, exporter: exporter, at: time, ages: &ages, into: &batch)
        default: try decode(datagram, Version5.self, exporter: exporter, at: time, ages: &ages, into: &batch)
        }
    }

    private static func decode<Layout: FixedLayout>(
        _ datagram: RawSpan,
        _ layout: Layout.Type,
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
            guard batch.open() else { throw .tooManyRecords }
            read(octets, layout, upTime: upTime, rate: rate, at: time, &ages, into: &batch.opened)
            if isLogged {
                let octets = datagram.extracting(offset..<(offset &+ layout.recordLength))
                let record = batch.opened
                exporter.log?.append(NormalizedRecord(octets, format, of: datagram, record: record, told: told))
            }
            if batch.opened.isPlausible {
                batch.appendOpened()
            } else {
                exporter.statistics.count(.implausible)
            }
        }
        if count < announced { throw .truncated }
    }

    @inline(__always)
    private static func read<Layout: FixedLayout>(
        _ octets: FixedRecord,
        _ layout: Layout.Type,
        upTime: UInt32,
        rate: UInt32,
        at time: Timestamp,
        _ ages: inout FlowAges,
        into record: inout FlowRecord
    ) {
        record.source = octets.ipv4(0)
        record.destination = octets.ipv4(4)
        record.packets = UInt64(octets.uint32(16))
        record.bytes = UInt64(octets.uint32(20))
        let span = FlowSpan(upTime: upTime, first: octets.uint32(24), last: octets.uint32(28))
        ages.apply(span, to: &record, at: time)
        record.samplingRate = rate
        record.inputInterface = UInt32(octets.uint16(12))
        record.outputInterface = UInt32(octets.uint16(14))
        let ipProtocol = IPProtocol(rawValue: octets.octet(layout.ipProtocol))
        record.ipProtocol = ipProtocol
        record.tcpFlags = TCPFlags(rawValue: octets.octet(layout.tcpFlags))
        let destinationPort = octets.uint16(34)
        if ipProtocol.isICMP {
            record.icmpType = UInt8(destinationPort >> 8)
            record.icmpCode = UInt8(destinationPort & 0xFF)
        } else {
            record.sourcePort = octets.uint16(32)
            record.destinationPort = destinationPort
        }
    }
}

/// Where things lie. Up to the ports, at 36, all are alike.
private protocol FixedLayout {
    static var format: TelemetryFormat { get }
    static var headerLength: Int { get }
    static var recordLength: Int { get }
    static var tcpFlags: Int { get }
    static var ipProtocol: Int { get }
}

private enum Version1: FixedLayout {
    static var format: TelemetryFormat { .netFlow1 }
    static var headerLength: Int { 16 }
    static var recordLength: Int { 48 }
    static var tcpFlags: Int { 40 }
    static var ipProtocol: Int { 38 }
}

private enum Version5: FixedLayout {
    static var format: TelemetryFormat { .netFlow5 }
    static var headerLength: Int { 24 }
    static var recordLength: Int { 48 }
    static var tcpFlags: Int { 37 }
    static var ipProtocol: Int { 38 }
}

private enum Version7: FixedLayout {
    static var format: TelemetryFormat { .netFlow7 }
    static var headerLength: Int { 24 }
    static var recordLength: Int { 52 }
    static var tcpFlags: Int { 37 }
    static var ipProtocol: Int { 38 }
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
