internal import FlowSpec
internal import NetworkTypes

/// Reads the path attributes of a received UPDATE, each held to RFC 7606 section 7.
struct PathAttributesReader {
    let context: MessageContext
    let isInternal: Bool?
    var multiprotocolHop: IPAddress?

    private var attributes = PathAttributes()
    private var faults: [UpdateFault] = []
    private var hasOrigin = false
    private var hasPath = false
    private var plainHop: IPAddress?
    private var hasPlainHop = false
    private var wideAggregator: PathAttributes.Aggregator?
    private var widePath: ASPath?

    private typealias Code = PathAttributes.Code
    private typealias Flags = PathAttributes.Flags

    init(context: MessageContext, isInternal: Bool?) {
        self.context = context
        self.isInternal = isInternal
    }

    /// The Optional and Transitive bits of the attributes that are known.
    static func flags(of code: UInt8) -> UInt8? {
        switch code {
        case Code.origin, Code.asPath, Code.nextHop, Code.localPreference, Code.atomicAggregate: Flags.wellKnown
        case Code.metric, Code.originatorID, Code.clusterList, Code.reachable, Code.unreachable: Flags.optional
        case Code.aggregator, Code.communities, Code.extendedCommunities, Code.as4Path, Code.as4Aggregator,
            Code.ipv6ExtendedCommunities, Code.largeCommunities, Code.onlyToCustomer:
            Flags.optionalTransitive
        default: nil
        }
    }

    mutating func read(flags: UInt8, code: UInt8, value: ArraySlice<UInt8>) {
        var reader = OctetReader(value)
        switch code {
        case Code.origin:
            hasOrigin = true
            guard value.count == 1, let origin = value.first.flatMap({ RouteOrigin(rawValue: $0) }) else {
                return withdraw(code, "neither IGP, EGP nor INCOMPLETE")
            }
            attributes.origin = origin
        case Code.asPath:
            hasPath = true
            guard let path = ASPath(value, fourOctets: context.usesFourOctetAS) else {
                return withdraw(code, "segments that cannot be")
            }
            // RFC 7607 section 2; RFC 5065 section 5: nobody outside of a confederation has its segments.
            guard !path.hasZero else { return withdraw(code, "AS 0") }
            guard isInternal != false || !path.hasConfederation else {
                return withdraw(code, "segments of a confederation from an external neighbor")
            }
            attributes.asPath = path
        case Code.nextHop:
            hasPlainHop = true
            guard value.count == 4 else { return withdraw(code, "\(value.count) octets") }
            plainHop = IPAddress(bytes: value)
        case Code.metric:
            guard value.count == 4 else { return withdraw(code, "\(value.count) octets") }
            attributes.metric = reader.read(UInt32.self)
        case Code.localPreference:
            guard isInternal != false else { return discard(code, "from an external neighbor") }
            guard value.count == 4 else { return withdraw(code, "\(value.count) octets") }
            attributes.localPreference = reader.read(UInt32.self)
        case Code.atomicAggregate:
            if !value.isEmpty { discard(code, "\(value.count) octets") }
        case Code.aggregator:
            guard let read = aggregator(value, fourOctets: context.usesFourOctetAS) else {
                return discard(code, "\(value.count) octets")
            }
            guard read.asn.rawValue != 0 else { return discard(code, "AS 0") }
            attributes.aggregator = read
        case Code.communities:
            guard whole(value, of: 4, code) else { return }
            while let number = reader.read(UInt32.self) {
                attributes.communities.append(Community(rawValue: number))
            }
        case Code.originatorID:
            guard isInternal != false else { return discard(code, "from an external neighbor") }
            if value.count != 4 { withdraw(code, "\(value.count) octets") }
        case Code.clusterList:
            guard isInternal != false else { return discard(code, "from an external neighbor") }
            _ = whole(value, of: 4, code)
        case Code.extendedCommunities:
            guard whole(value, of: 8, code) else { return }
            while let number = reader.read(UInt64.self) { take(ExtendedCommunity(rawValue: number)) }
        case Code.ipv6ExtendedCommunities:
            guard whole(value, of: 20, code) else { return }
            while let octets = reader.take(20) {
                if let action = TrafficAction(extendedCommunity: octets) { attributes.actions.append(action) }
            }
        case Code.largeCommunities:
            guard whole(value, of: 12, code) else { return }
            // Repeated ones are silently one (RFC 8092 section 5).
            var seen: Set<LargeCommunity> = []
            while let one = reader.read(UInt32.self), let two = reader.read(UInt32.self),
                let three = reader.read(UInt32.self)
            {
                let community = LargeCommunity(one, two, three)
                if seen.insert(community).inserted { attributes.largeCommunities.append(community) }
            }
        case Code.onlyToCustomer:
            guard value.count == 4 else { return withdraw(code, "\(value.count) octets") }
            attributes.onlyToCustomer = reader.read(UInt32.self).map { ASN($0) }
        case Code.as4Path:
            // RFC 6793 sections 4.1 and 6.
            guard !context.usesFourOctetAS else { return discard(code, "from a neighbor with four-octet AS numbers") }
            guard let path = ASPath(value, fourOctets: true), !path.isEmpty else {
                return discard(code, "segments that cannot be")
            }
            guard !path.hasZero else { return discard(code, "AS 0") }
            widePath = path
        case Code.as4Aggregator:
            guard !context.usesFourOctetAS else { return discard(code, "from a neighbor with four-octet AS numbers") }
            guard let read = aggregator(value, fourOctets: true) else { return discard(code, "\(value.count) octets") }
            guard read.asn.rawValue != 0 else { return discard(code, "AS 0") }
            wideAggregator = read
        default:
            // Optional ones that are not known are of no concern.
            if flags & Flags.optional == 0 {
                faults.append(
                    UpdateFault(
                        .resetSession(BGPError(.updateMessage, 2, data: Self.whole(flags, code, value))),
                        attribute: code,
                        "a well-known attribute that is not known"
                    )
                )
            }
        }
    }

    /// An attribute as it came: RFC 4271 section 6.3 wants it in the NOTIFICATION.
    private static func whole(_ flags: UInt8, _ code: UInt8, _ value: ArraySlice<UInt8>) -> [UInt8] {
        var octets = [flags, code]
        if flags & Flags.extendedLength != 0 {
            octets.append(bigEndian: UInt16(clamping: value.count))
        } else {
            octets.append(UInt8(clamping: value.count))
        }
        return octets + value
    }

    private mutating func withdraw(_ code: UInt8?, _ reason: String) {
        faults.append(UpdateFault(.treatAsWithdraw, attribute: code, reason))
    }

    private mutating func discard(_ code: UInt8, _ reason: String) {
        faults.append(UpdateFault(.discardAttribute, attribute: code, reason))
    }

    /// A length that is a multiple of the element's and not zero.
    private mutating func whole(_ value: ArraySlice<UInt8>, of size: Int, _ code: UInt8) -> Bool {
        guard value.count > 0, value.count % size == 0 else {
            withdraw(code, "\(value.count) octets, not a multiple of \(size)")
            return false
        }
        return true
    }

    private mutating func take(_ community: ExtendedCommunity) {
        if let action = TrafficAction(community) {
            attributes.actions.append(action)
        } else if [0x8006, 0x800C].contains(community.rawValue >> 48) {
            // Nobody can say what the neighbor meant to happen with the traffic.
            withdraw(Code.extendedCommunities, "a rate that is not a number")
        } else {
            attributes.extendedCommunities.append(community)
        }
    }

    private func aggregator(_ value: ArraySlice<UInt8>, fourOctets: Bool) -> PathAttributes.Aggregator? {
        guard value.count == (fourOctets ? 8 : 6) else { return nil }
        var reader = OctetReader(value)
        let asn = fourOctets ? reader.read(UInt32.self) : reader.read(UInt16.self).map { UInt32($0) }
        guard let asn, let address = reader.read(UInt32.self) else { return nil }
        return .init(asn: ASN(asn), address: IPAddress(v4: address))
    }

    /// The attributes as they hold for the announced routes, and all faults.
    mutating func finish(announcesAny: Bool, hasPlain: Bool) -> (PathAttributes, [UpdateFault]) {
        attributes.nextHop = hasPlain ? plainHop : multiprotocolHop
        if announcesAny {
            // RFC 7606 section 3 (d).
            if !hasOrigin { withdraw(Code.origin, "missing") }
            if !hasPath { withdraw(Code.asPath, "missing") }
            if hasPlain, !hasPlainHop { withdraw(Code.nextHop, "missing") }
        }
        mergeWide()
        return (attributes, faults)
    }

    /// RFC 6793 section 4.2.3: an AGGREGATOR that is not AS_TRANS shows that a speaker that does not know the wide
    /// attributes has changed the route since.
    private mutating func mergeWide() {
        if let aggregator = attributes.aggregator {
            guard aggregator.asn == .transition || wideAggregator == nil else { return }
            if let wideAggregator { attributes.aggregator = wideAggregator }
        }
        if let widePath { attributes.asPath = attributes.asPath.merged(with: widePath) }
    }
}
