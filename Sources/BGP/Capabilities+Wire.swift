internal import FlowSpec
internal import NetworkTypes

/// The numbers of the IANA registry.
public enum CapabilityCode {
    public static let multiprotocol: UInt8 = 1
    public static let routeRefresh: UInt8 = 2
    public static let extendedNextHop: UInt8 = 5
    public static let extendedMessages: UInt8 = 6
    public static let role: UInt8 = 9
    public static let gracefulRestart: UInt8 = 64
    public static let fourOctetAS: UInt8 = 65
    public static let addPath: UInt8 = 69
    public static let enhancedRouteRefresh: UInt8 = 70
    public static let longLivedGracefulRestart: UInt8 = 71
    public static let hostName: UInt8 = 73
    public static let softwareVersion: UInt8 = 75
}

extension Capabilities {
    /// All capabilities, each as code, length and value, in ascending order of code.
    func encoded() -> [UInt8] {
        var octets: [UInt8] = []
        func add(_ code: UInt8, _ value: [UInt8] = []) {
            octets += [code, UInt8(clamping: value.count)] + value.prefix(255)
        }
        func tuple(_ family: BGPFamily) -> [UInt8] { [UInt8(family.afi >> 8), UInt8(family.afi & 0xFF), family.safi] }
        for family in families ?? [] {
            add(CapabilityCode.multiprotocol, [UInt8(family.afi >> 8), UInt8(family.afi & 0xFF), 0, family.safi])
        }
        if routeRefresh { add(CapabilityCode.routeRefresh) }
        let wide = BGPFamily.allCases.filter(extendedNextHop.contains)
        if !wide.isEmpty {
            // The SAFI takes two octets here; the next hop's AFI is that of IPv6.
            add(CapabilityCode.extendedNextHop, wide.flatMap { tuple($0).dropLast() + [0, $0.safi, 0, 2] })
        }
        if extendedMessages { add(CapabilityCode.extendedMessages) }
        if let role { add(CapabilityCode.role, [role.rawValue]) }
        if let gracefulRestart {
            let flags: UInt8 =
                (gracefulRestart.isRestarting ? 0x80 : 0) | (gracefulRestart.coversNotifications ? 0x40 : 0)
            let time = min(gracefulRestart.restartTime, 4095)
            var value = [flags | UInt8(time >> 8), UInt8(time & 0xFF)]
            for entry in gracefulRestart.families { value += tuple(entry.family) + [entry.isPreserved ? 0x80 : 0] }
            add(CapabilityCode.gracefulRestart, value)
        }
        if let fourOctetAS {
            var value: [UInt8] = []
            value.append(bigEndian: fourOctetAS.rawValue)
            add(CapabilityCode.fourOctetAS, value)
        }
        let paths = BGPFamily.allCases.flatMap { family in addPath[family].map { tuple(family) + [$0.rawValue] } ?? [] }
        if !paths.isEmpty { add(CapabilityCode.addPath, paths) }
        if enhancedRouteRefresh { add(CapabilityCode.enhancedRouteRefresh) }
        if let longLivedGracefulRestart {
            add(
                CapabilityCode.longLivedGracefulRestart,
                longLivedGracefulRestart.flatMap { entry in
                    tuple(entry.family) + [entry.isPreserved ? 0x80 : 0]
                        + [16, 8, 0].map { UInt8(truncatingIfNeeded: entry.staleTime >> $0) }
                }
            )
        }
        if let hostName {
            func text(_ string: String) -> [UInt8] {
                let octets = Array(string.utf8.prefix(64))
                return [UInt8(octets.count)] + octets
            }
            add(CapabilityCode.hostName, text(hostName) + text(domainName ?? ""))
        }
        if let softwareVersion {
            let octets = Array(softwareVersion.utf8.prefix(64))
            add(CapabilityCode.softwareVersion, [UInt8(octets.count)] + octets)
        }
        return octets
    }

    /// Takes one optional parameter's capabilities. A capability may come more than once (RFC 5492 section 4).
    mutating func read(_ octets: ArraySlice<UInt8>) throws(BGPError) {
        var reader = OctetReader(octets)
        while let code = reader.read(UInt8.self) {
            guard let size = reader.read(UInt8.self), let value = reader.take(Int(size)) else { throw .malformedOpen }
            try read(code, value)
        }
    }

    private mutating func read(_ code: UInt8, _ value: ArraySlice<UInt8>) throws(BGPError) {
        var fields = OctetReader(value)
        switch code {
        case CapabilityCode.multiprotocol:
            guard let afi = fields.read(UInt16.self), fields.take(1) != nil, let safi = fields.read(UInt8.self) else {
                throw .malformedOpen
            }
            let family = BGPFamily(afi: afi, safi: safi)
            families = (families ?? []) + [family].compactMap { $0 }.filter { families?.contains($0) != true }
        case CapabilityCode.routeRefresh: routeRefresh = true
        case CapabilityCode.enhancedRouteRefresh: enhancedRouteRefresh = true
        case CapabilityCode.extendedMessages: extendedMessages = true
        case CapabilityCode.fourOctetAS:
            guard let number = fields.read(UInt32.self), number != 0 else { throw .malformedOpen }
            fourOctetAS = ASN(number)
        case CapabilityCode.role:
            // RFC 9234 section 4.2: a length other than 1, or two roles that differ, cannot be; unknown ones are ignored.
            guard value.count == 1, let number = fields.read(UInt8.self) else { throw .malformedOpen }
            guard let read = SpeakerRole(rawValue: number) else { return unknown.append(code) }
            guard role == nil || role == read else { throw .roleMismatch }
            role = read
        case CapabilityCode.gracefulRestart: readGracefulRestart(&fields)
        case CapabilityCode.longLivedGracefulRestart:
            longLivedGracefulRestart = longLivedGracefulRestart ?? []
            while let family = fields.readFamily(), let flags = fields.read(UInt8.self),
                let high = fields.read(UInt8.self),
                let low = fields.read(UInt16.self)
            {
                guard let known = family.known else { continue }
                let time = UInt32(high) << 16 | UInt32(low)
                longLivedGracefulRestart?.append(.init(known, isPreserved: flags & 0x80 != 0, staleTime: time))
            }
        case CapabilityCode.extendedNextHop:
            while let afi = fields.read(UInt16.self), let safi = fields.read(UInt16.self),
                let hop = fields.read(UInt16.self)
            {
                guard hop == 2, let family = BGPFamily(afi: afi, safi: UInt8(clamping: safi)) else { continue }
                extendedNextHop.insert(family)
            }
        case CapabilityCode.addPath:
            while let family = fields.readFamily(), let mode = fields.read(UInt8.self) {
                // Any other value than these three is ignored (RFC 7911 section 4).
                if let known = family.known, let mode = AddPathMode(rawValue: mode) { addPath[known] = mode }
            }
        case CapabilityCode.hostName:
            hostName = fields.readText()
            domainName = fields.readText()
        case CapabilityCode.softwareVersion: softwareVersion = fields.readText()
        default: if !unknown.contains(code) { unknown.append(code) }
        }
    }

    /// The last one counts (RFC 4724 section 3); what does not make whole tuples is left out.
    private mutating func readGracefulRestart(_ fields: inout OctetReader) {
        guard let head = fields.read(UInt16.self) else { return }
        var read = GracefulRestart(
            isRestarting: head & 0x8000 != 0,
            coversNotifications: head & 0x4000 != 0,
            restartTime: head & 0x0FFF,
            families: []
        )
        while let family = fields.readFamily(), let flags = fields.read(UInt8.self) {
            if let known = family.known { read.families.append(.init(known, isPreserved: flags & 0x80 != 0)) }
        }
        gracefulRestart = read
    }
}

/// AFI and SAFI off the wire, known here or not.
private struct WireFamily {
    var known: BGPFamily?
}

extension OctetReader {
    fileprivate mutating func readFamily() -> WireFamily? {
        guard let afi = read(UInt16.self), let safi = read(UInt8.self) else { return nil }
        return WireFamily(known: BGPFamily(afi: afi, safi: safi))
    }

    /// A text with its length before it, fit to be logged; nil when it is empty or does not fit.
    fileprivate mutating func readText() -> String? {
        guard let length = read(UInt8.self), length > 0, let octets = take(Int(length)) else { return nil }
        let shown = octets.map { (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }
        return String(decoding: shown, as: UTF8.self)
    }
}
