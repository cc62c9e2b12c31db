internal import NetworkTypes

/// A data record by element number, for those who want more of it than the counters do.
struct RecordView: ~Escapable {
    /// The set, or the record alone.
    private let octets: RawSpan
    private let layout: ElementLayout
    private let places: [Place]

    struct Place {
        var offset: Int
        var length: Int
    }

    /// Nil when the record runs past the octets.
    @_lifetime(copy octets)
    init?(_ octets: RawSpan, from start: Int, template: Template, layout: ElementLayout) {
        self.octets = octets
        self.layout = layout
        guard let places = RecordWalk.places(of: template.specifications, in: octets, from: start) else { return nil }
        self.places = places
    }

    /// The place of the first of the elements that the record has, and that is not empty.
    func place(_ first: UInt16, _ second: UInt16 = 0, _ third: UInt16 = 0) -> Place? {
        for number in [first, second, third] where number > 0 {
            if let index = layout[number], places[index].length > 0 { return places[index] }
        }
        return nil
    }

    func number(_ first: UInt16, _ second: UInt16 = 0, _ third: UInt16 = 0) -> UInt64? {
        place(first, second, third).map { octets.unsigned($0.offset, length: $0.length) }
    }

    func address(_ first: UInt16, _ second: UInt16 = 0) -> IPAddress? {
        for number in [first, second] where number > 0 {
            guard let place = place(number) else { continue }
            if place.length == 4 { return octets.ipv4(place.offset) }
            if place.length == 16 { return octets.ipv6(place.offset) }
        }
        return nil
    }

    func macAddress(_ first: UInt16, _ second: UInt16) -> UInt64? {
        for number in [first, second] {
            if let place = place(number), place.length == 6 { return octets.unsigned(place.offset, length: 6) }
        }
        return nil
    }

    /// All fields in their order, as they came.
    func elements(of template: Template) -> [NormalizedRecord.Element] {
        zip(template.specifications, places).map { specification, place in
            NormalizedRecord.Element(
                isScope: specification.isScope,
                enterprise: specification.enterprise,
                number: specification.number,
                octets: (0..<place.length).map { octets.octet(place.offset &+ $0) }
            )
        }
    }
}

/// Where each element of a template is among its fields.
struct ElementLayout: Sendable {
    private var indices: [Int16]

    /// Elements above are not asked for.
    private static let highest = 511

    subscript(_ number: UInt16) -> Int? {
        guard number <= Self.highest, indices[Int(number)] >= 0 else { return nil }
        return Int(indices[Int(number)])
    }

    /// What the first half has says nothing of the other: ICMP type and code.
    private static let ofOneHalf: Set<UInt16> = [32, 139, 176, 177, 178, 179]
    private static let times: Set<UInt16> = [21, 22, 150, 151, 152, 153, 154, 155, 156, 157, 158, 159, 161, 162]

    /// - Parameter isReverse: of the other half of a biflow: where RFC 5103 has an element of its own, that one.
    init(_ specifications: [Template.Specification], isReverse: Bool = false) {
        indices = [Int16](repeating: -1, count: Self.highest + 1)
        var ofFirstHalfAlone = Self.ofOneHalf
        let own = specifications.filter { $0.enterprise == InformationElement.reverseEnterprise }.map(\.number)
        if !Self.times.isDisjoint(with: own) { ofFirstHalfAlone.formUnion(Self.times) }
        for enterprise in isReverse ? [InformationElement.reverseEnterprise, 0] : [0] {
            for (index, field) in specifications.enumerated()
            where field.enterprise == enterprise && !field.isScope && field.number <= Self.highest {
                if isReverse, enterprise == 0, ofFirstHalfAlone.contains(field.number) { continue }
                if indices[Int(field.number)] < 0 { indices[Int(field.number)] = Int16(clamping: index) }
            }
        }
    }
}

/// Goes through the fields of a record, whose lengths the record itself may tell.
enum RecordWalk {
    /// The length of a field whose length is told in the record, and where its octets begin (RFC 7011 section 7: one
    /// octet, or 255 and two more). Nil when the record runs past the octets.
    @inline(__always)
    static func variableLength(in octets: RawSpan, at offset: inout Int) -> Int? {
        guard octets.byteCount > offset else { return nil }
        var length = Int(octets.octet(offset))
        offset &+= 1
        if length == 255 {
            guard octets.byteCount >= offset &+ 2 else { return nil }
            length = Int(octets.uint16(offset))
            offset &+= 2
        }
        return length
    }

    static func places(
        of specifications: [Template.Specification],
        in octets: RawSpan,
        from start: Int
    ) -> [RecordView.Place]? {
        var places: [RecordView.Place] = []
        places.reserveCapacity(specifications.count)
        var offset = start
        for specification in specifications {
            var length = Int(specification.length)
            if specification.length == Template.Field.variable {
                guard let told = variableLength(in: octets, at: &offset) else { return nil }
                length = told
            }
            guard length <= octets.byteCount &- offset else { return nil }
            places.append(RecordView.Place(offset: offset, length: length))
            offset &+= length
        }
        return places
    }
}
