internal import NetworkTypes
internal import Telemetry

/// Takes the octets of a capture file piece by piece, as they come, and finds the packets in them: pcap with times in
/// micro- or nanoseconds and pcapng, each in both byte orders. Pure, and nothing that a file says makes it keep more than
/// one packet.
struct CaptureReader {
    private enum Format {
        /// Not enough has come to tell.
        case unknown
        case pcap(nanosecondsPerUnit: Int64, link: LinkLayer)
        case pcapng
    }

    /// Of pcapng, which numbers them in the order of their descriptions.
    private struct Interface {
        var link: LinkLayer?
        var snapLength: Int
        var clock: PcapngClock
    }

    private var format = Format.unknown
    private var isLittleEndian = true
    private var interfaces: [Interface] = []
    private var latest = Timestamp(nanoseconds: 0)
    private var octets: [UInt8] = []
    private var start = 0
    /// Octets that were dropped from the buffer.
    private var dropped = 0
    /// Packets on links that are not read.
    private(set) var unsupported = 0

    /// No packet is as long, nor a block of a pcapng file that is of interest.
    static let longestBlock = 16 << 20
    /// A capture of every port of a large switch has fewer.
    private static let maximumInterfaces = 65_536

    mutating func append(_ piece: UnsafeRawBufferPointer) {
        if start > 0 {
            octets.removeFirst(start)
            dropped += start
            start = 0
        }
        unsafe octets.append(contentsOf: piece)
    }

    /// What has come and was not dropped; the ranges of packets refer to it.
    var buffered: RawSpan {
        @_lifetime(borrow self)
        get { unsafe octets.span.bytes }
    }

    private var available: Int { octets.count - start }
    private var offset: Int { dropped + start }

    /// The next packet; nil when its end has not come yet.
    mutating func next() throws(CaptureError) -> CapturedPacket? {
        switch format {
        case .unknown:
            guard try readBegin() else { return nil }
            return try next()
        case .pcap(let nanosecondsPerUnit, let link):
            return try nextOfPcap(nanosecondsPerUnit, link)
        case .pcapng:
            while let block = try nextBlock() {
                if let packet = try read(block) { return packet }
            }
            return nil
        }
    }

    /// The file has ended; throws where that was within a packet.
    func finish() throws(CaptureError) {
        if case .unknown = format, available < 24 { throw .notCapture }
        if available > 0 { throw .truncated(offset: offset) }
    }

    private func uint16(_ at: Int) -> UInt16 {
        let value = UInt16(octets[at]) << 8 | UInt16(octets[at + 1])
        return isLittleEndian ? value.byteSwapped : value
    }

    private func uint32(_ at: Int) -> UInt32 {
        let value = unsafe octets.span.bytes.unsafeLoadUnaligned(fromByteOffset: at, as: UInt32.self)
        return isLittleEndian ? UInt32(littleEndian: value) : UInt32(bigEndian: value)
    }

    // MARK: pcap

    /// The file header, by its magic number; false when it has not come whole.
    private mutating func readBegin() throws(CaptureError) -> Bool {
        guard available >= 24 else { return false }
        isLittleEndian = false
        let unit: Int64
        switch uint32(start) {
        case 0xA1B2_C3D4: unit = 1000
        case 0xA1B2_3C4D: unit = 1
        case 0xD4C3_B2A1: (isLittleEndian, unit) = (true, 1000)
        case 0x4D3C_B2A1: (isLittleEndian, unit) = (true, 1)
        case 0x0A0D_0D0A:
            format = .pcapng
            return true
        default: throw .notCapture
        }
        // The upper bits may tell the length of a frame check sequence.
        let number = uint32(start + 20) & 0x03FF_FFFF
        guard let link = LinkLayer(linkType: number) else { throw .unsupportedLink(number) }
        format = .pcap(nanosecondsPerUnit: unit, link: link)
        start += 24
        return true
    }

    private mutating func nextOfPcap(_ unit: Int64, _ link: LinkLayer) throws(CaptureError) -> CapturedPacket? {
        guard available >= 16 else { return nil }
        let length = Int(uint32(start + 8))
        guard length <= Self.longestBlock else { throw .invalidLength(offset: offset) }
        guard available >= 16 + length else { return nil }
        let nanoseconds = Int64(uint32(start)) * 1_000_000_000 + Int64(uint32(start + 4)) * unit
        let packet = CapturedPacket(
            time: Timestamp(nanoseconds: nanoseconds),
            link: link,
            originalLength: Int(uint32(start + 12)),
            range: (start + 16)..<(start + 16 + length)
        )
        start += 16 + length
        return packet
    }

    // MARK: pcapng

    private struct Block {
        var type: UInt32
        /// Behind type and length, before the length at the end.
        var body: Range<Int>
    }

    private mutating func nextBlock() throws(CaptureError) -> Block? {
        guard available >= 12 else { return nil }
        let type = uint32(start)
        // The same in either order: a section may be of another than the one before.
        if type == 0x0A0D_0D0A {
            isLittleEndian = octets[start + 8] == 0x4D
            guard uint32(start + 8) == 0x1A2B_3C4D else { throw .invalidLength(offset: offset) }
            interfaces = []
        }
        let length = Int(uint32(start + 4))
        guard length >= 12, length % 4 == 0, length <= Self.longestBlock else { throw .invalidLength(offset: offset) }
        guard available >= length else { return nil }
        let block = Block(type: type, body: (start + 8)..<(start + length - 4))
        start += length
        return block
    }

    /// What a block says; the packet in it where it is one.
    private mutating func read(_ block: Block) throws(CaptureError) -> CapturedPacket? {
        let body = block.body
        switch block.type {
        case 1:
            try describeInterface(body)
            return nil
        case 2 where body.count >= 20:  // The obsolete packet block: 16 bits of interface, 16 of drops.
            return packet(interface: Int(uint16(body.lowerBound)), in: body)
        case 3 where body.count >= 4:
            guard let interface = interfaces.first else { return nil }
            let original = Int(uint32(body.lowerBound))
            let limit = interface.snapLength > 0 ? min(original, interface.snapLength) : original
            return packet(on: interface, at: latest, original, min(limit, body.count - 4), from: body.lowerBound + 4)
        case 6 where body.count >= 20:
            return packet(interface: Int(uint32(body.lowerBound)), in: body)
        default:
            return nil
        }
    }

    private mutating func describeInterface(_ body: Range<Int>) throws(CaptureError) {
        guard body.count >= 8, interfaces.count < Self.maximumInterfaces else { return }
        var interface = Interface(
            link: LinkLayer(linkType: UInt32(uint16(body.lowerBound))),
            snapLength: Int(uint32(body.lowerBound + 4)),
            clock: PcapngClock()
        )
        var option = body.lowerBound + 8
        // Each takes four octets at least, so the walk ends with the block.
        while body.upperBound - option >= 4 {
            let (code, length) = (uint16(option), Int(uint16(option + 2)))
            guard code != 0, length <= body.upperBound - option - 4 else { break }
            if code == 9, length >= 1 { interface.clock.setResolution(octets[option + 4]) }
            if code == 14, length >= 8 {
                let words = (UInt64(uint32(option + 4)), UInt64(uint32(option + 8)))
                let seconds = isLittleEndian ? words.1 << 32 | words.0 : words.0 << 32 | words.1
                interface.clock.offsetSeconds = Int64(bitPattern: seconds)
            }
            option += 4 + (length + 3) / 4 * 4
        }
        interfaces.append(interface)
    }

    /// Of an enhanced packet block, or the obsolete one, which differ in the first four octets alone.
    private mutating func packet(interface number: Int, in body: Range<Int>) -> CapturedPacket? {
        guard number < interfaces.count else { return nil }
        let ticks = UInt64(uint32(body.lowerBound + 4)) << 32 | UInt64(uint32(body.lowerBound + 8))
        return packet(
            on: interfaces[number],
            at: interfaces[number].clock.time(ticks),
            Int(uint32(body.lowerBound + 16)),
            min(Int(uint32(body.lowerBound + 12)), body.count - 20),
            from: body.lowerBound + 20
        )
    }

    private mutating func packet(
        on interface: Interface,
        at time: Timestamp,
        _ originalLength: Int,
        _ length: Int,
        from begin: Int
    ) -> CapturedPacket? {
        latest = time
        guard let link = interface.link else {
            unsupported += 1
            return nil
        }
        return CapturedPacket(
            time: time,
            link: link,
            originalLength: originalLength,
            range: begin..<(begin + max(0, length))
        )
    }
}
