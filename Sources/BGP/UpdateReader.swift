internal import FlowSpec
internal import NetworkTypes

/// Reads a received UPDATE with the error handling of RFC 7606.
struct UpdateReader {
    private(set) var update = UpdateMessage()
    let context: MessageContext
    let isInternal: Bool?

    private var attributes: PathAttributesReader
    private var multiprotocolAnnounced: [AnnouncedRoute] = []
    /// Of the routes that are being read.
    private var paths: [AnnouncedRoute: Set<UInt32>] = [:]
    private var hasReachable = false
    private var unreachableFamily: BGPFamily?
    private var hasUnreachable = false
    private var otherAttributes = 0

    init(context: MessageContext, isInternal: Bool?) {
        self.context = context
        self.isInternal = isInternal
        attributes = PathAttributesReader(context: context, isInternal: isInternal)
    }

    private mutating func fault(
        _ handling: UpdateFault.Handling,
        _ reason: String,
        attribute: UInt8? = nil,
        rule: FlowSpecError? = nil
    ) {
        update.faults.append(UpdateFault(handling, attribute: attribute, reason, rule: rule))
    }

    mutating func read(_ body: ArraySlice<UInt8>) {
        var reader = OctetReader(body)
        guard let withdrawnLength = reader.read(UInt16.self), let gone = reader.take(Int(withdrawnLength)),
            let attributesLength = reader.read(UInt16.self), let path = reader.take(Int(attributesLength))
        else {
            // RFC 7606 section 3 (b).
            return fault(.resetSession(.malformedAttributeList), "lengths that lead beyond the message")
        }
        update.withdrawn = withdrawn(gone, .ipv4Unicast)
        let plain = announced(reader.rest, .ipv4Unicast)
        readAttributes(path)
        finish(plain: plain, isBare: path.isEmpty && gone.isEmpty)
    }

    private mutating func readAttributes(_ path: ArraySlice<UInt8>) {
        var fields = OctetReader(path)
        var seen: Set<UInt8> = []
        while let flags = fields.read(UInt8.self) {
            guard let code = fields.read(UInt8.self),
                let size = flags & PathAttributes.Flags.extendedLength != 0
                    ? fields.read(UInt16.self).map(Int.init) : fields.read(UInt8.self).map(Int.init),
                let value = fields.take(size)
            else {
                // RFC 7606 section 4: the end of the attributes is known all the same.
                return fault(.treatAsWithdraw, "an attribute that leads beyond the others' end")
            }
            guard seen.insert(code).inserted else {
                // RFC 7606 section 3 (g).
                if code == PathAttributes.Code.reachable || code == PathAttributes.Code.unreachable {
                    fault(.resetSession(.malformedAttributeList), "twice in a message", attribute: code)
                } else {
                    fault(.discardAttribute, "twice in a message", attribute: code)
                }
                continue
            }
            checkFlags(flags, code)
            switch code {
            case PathAttributes.Code.reachable: readReachable(value)
            case PathAttributes.Code.unreachable: readUnreachable(value)
            default:
                otherAttributes += 1
                attributes.read(flags: flags, code: code, value: value)
            }
        }
    }

    /// RFC 7606 section 3 (c): the Optional and Transitive bits must be the attribute's own.
    private mutating func checkFlags(_ flags: UInt8, _ code: UInt8) {
        guard let expected = PathAttributesReader.flags(of: code) else { return }
        guard flags & PathAttributes.Flags.optionalTransitive != expected else { return }
        fault(.treatAsWithdraw, "flags \(flags >> 6) where \(expected >> 6) is right", attribute: code)
    }

    private mutating func readReachable(_ octets: ArraySlice<UInt8>) {
        let code = PathAttributes.Code.reachable
        hasReachable = true
        var reader = OctetReader(octets)
        guard let afi = reader.read(UInt16.self), let safi = reader.read(UInt8.self),
            let hopLength = reader.read(UInt8.self)
        else { return fault(.resetSession(.optionalAttributeError), "too short", attribute: code) }
        guard let family = BGPFamily(afi: afi, safi: safi) else { return }
        guard let hop = reader.take(Int(hopLength)), reader.take(1) != nil, isHop(hop.count, of: family) else {
            // RFC 7606 section 7.11.
            return fault(.disableFamily(family), "next hop of \(hopLength) octets", attribute: code)
        }
        // A link-local next hop may follow the global one (RFC 2545 section 3), a route distinguisher comes before.
        let bare = hop.count == 12 || hop.count == 24 ? hop.dropFirst(8) : hop
        attributes.multiprotocolHop = IPAddress(bytes: bare.prefix(bare.count >= 32 ? 16 : bare.count))
        multiprotocolAnnounced = announced(reader.rest, family)
    }

    /// A FlowSpec rule has a next hop of any length, to be ignored (RFC 8955 section 4).
    private func isHop(_ length: Int, of family: BGPFamily) -> Bool {
        switch family {
        case .ipv6Unicast: length == 16 || length == 32
        case .ipv4Unicast where context.extendedNextHop.contains(family): [4, 16, 32].contains(length)
        case .ipv4Unicast: length == 4
        default: [0, 4, 12, 16, 24, 32, 48].contains(length)
        }
    }

    private mutating func readUnreachable(_ octets: ArraySlice<UInt8>) {
        hasUnreachable = true
        var reader = OctetReader(octets)
        guard let afi = reader.read(UInt16.self), let safi = reader.read(UInt8.self) else {
            return fault(
                .resetSession(.optionalAttributeError),
                "too short",
                attribute: PathAttributes.Code.unreachable
            )
        }
        guard let family = BGPFamily(afi: afi, safi: safi) else { return }
        unreachableFamily = family
        update.withdrawn += withdrawn(reader.rest, family)
    }

    // MARK: NLRI

    private mutating func announced(_ octets: ArraySlice<UInt8>, _ family: BGPFamily) -> [AnnouncedRoute] {
        let read = routes(octets, family)
        update.announcedPaths.merge(paths) { $0.union($1) }
        return read
    }

    private mutating func withdrawn(_ octets: ArraySlice<UInt8>, _ family: BGPFamily) -> [AnnouncedRoute] {
        let read = routes(octets, family)
        update.withdrawnPaths.merge(paths) { $0.union($1) }
        return read
    }

    private mutating func routes(_ octets: ArraySlice<UInt8>, _ family: BGPFamily) -> [AnnouncedRoute] {
        paths = [:]
        let read = family.isFlowSpec ? rules(octets, family) : prefixes(octets, family)
        if read == nil { paths = [:] }
        return read ?? []
    }

    private mutating func rules(_ octets: ArraySlice<UInt8>, _ family: BGPFamily) -> [AnnouncedRoute]? {
        var rest = octets
        var routes: [AnnouncedRoute] = []
        while !rest.isEmpty {
            var path: UInt32?
            if context.addPathFamilies.contains(family) {
                var identifier = OctetReader(rest)
                path = identifier.read(UInt32.self)
                rest = rest.dropFirst(4)
            }
            guard let length = FlowSpecRule.lengthOfNLRI(rest), length <= rest.count else {
                fault(.disableFamily(family), "a rule that leads beyond the others' end", rule: .truncated)
                return nil
            }
            do {
                let (rule, _) = try FlowSpecRule.decodeNLRI(
                    rest.prefix(length),
                    family: family.addressFamily,
                    isVPN: family.isFlowSpecVPN
                )
                routes.append(.flowSpec(rule))
                if let path { paths[.flowSpec(rule), default: []].insert(path) }
            } catch {
                // A rule that we cannot read, such as one with a component that came later, does not change what we
                // announce. A reset would take all our own rules with it; its length says where the next one begins.
                fault(.discardRule, "\(error)", rule: error)
            }
            rest = rest.dropFirst(length)
        }
        return routes
    }

    /// Bits beyond a prefix's length are of no meaning (RFC 4271 section 4.3).
    private mutating func prefixes(_ octets: ArraySlice<UInt8>, _ family: BGPFamily) -> [AnnouncedRoute]? {
        var reader = OctetReader(octets)
        var routes: [AnnouncedRoute] = []
        let width = family.addressFamily.bitWidth
        while !reader.isAtEnd {
            let path = context.addPathFamilies.contains(family) ? reader.read(UInt32.self) : nil
            guard let length = reader.read(UInt8.self), Int(length) <= width,
                let octets = reader.take((Int(length) + 7) / 8),
                let address = IPAddress(bytes: octets + Array(repeating: 0, count: width / 8 - octets.count))
            else {
                let handling: UpdateFault.Handling =
                    family == .ipv4Unicast ? .resetSession(.invalidNetworkField) : .disableFamily(family)
                fault(handling, "a prefix that cannot be")
                return nil
            }
            // ::ffff:0:0/96 is not routed, and nothing here could tell it from IPv4.
            guard address.family == family.addressFamily, let prefix = IPPrefix(address, length: Int(length)),
                prefix.family == family.addressFamily
            else { continue }
            routes.append(.unicast(prefix))
            if let path { paths[.unicast(prefix), default: []].insert(path) }
        }
        return routes
    }

    // MARK: The whole

    private mutating func finish(plain: [AnnouncedRoute], isBare: Bool) {
        let announcesAny = hasReachable || !plain.isEmpty
        let (path, faults) = attributes.finish(announcesAny: announcesAny, hasPlain: !plain.isEmpty)
        update.faults += faults
        update.announced = plain + multiprotocolAnnounced
        if update.faults.contains(where: { $0.handling == .treatAsWithdraw }) {
            if announcesAny || hasUnreachable || !update.withdrawn.isEmpty {
                update.withdrawn += update.announced
                update.withdrawnPaths.merge(update.announcedPaths) { $0.union($1) }
            } else {
                // RFC 7606 section 5.2: what it was about is not known.
                fault(.resetSession(.malformedAttributeList), "an attribute at fault and no route that it could be of")
            }
            update.announced = []
        }
        if update.faults.contains(where: { if case .resetSession = $0.handling { true } else { false } }) {
            update.announced = []
            update.withdrawn = []
            return
        }
        if !update.announced.isEmpty { update.attributes = path }
        guard update.announced.isEmpty, update.withdrawn.isEmpty, update.faults.isEmpty, !announcesAny else { return }
        if isBare { update.endOfRIB = .ipv4Unicast } else { update.endOfRIB = unreachableFamily }
    }
}
