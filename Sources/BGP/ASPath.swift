internal import FlowSpec
public import NetworkTypes

/// AS_PATH (RFC 4271 section 4.3): the ASes that a route came through, the nearest first.
public struct ASPath: Sendable, Hashable {
    public enum SegmentType: UInt8, Sendable, Hashable {
        case set = 1
        case sequence = 2
        // RFC 5065.
        case confederationSequence = 3
        case confederationSet = 4
    }

    public struct Segment: Sendable, Hashable {
        public var type: SegmentType
        public var asns: [ASN]

        public init(_ type: SegmentType, _ asns: [ASN]) {
            self.type = type
            self.asns = asns
        }

        /// What the segment counts for: a set for one, confederations for nothing (RFC 6793 section 4.2.3).
        var weight: Int {
            switch type {
            case .sequence: asns.count
            case .set: 1
            case .confederationSequence, .confederationSet: 0
            }
        }
    }

    public var segments: [Segment]

    public init(segments: [Segment]) { self.segments = segments }

    /// One sequence, or an empty path.
    public init(_ asns: [ASN]) { segments = asns.isEmpty ? [] : [Segment(.sequence, asns)] }

    public var isEmpty: Bool { segments.isEmpty }

    var length: Int { segments.reduce(0) { $0 + $1.weight } }

    var hasZero: Bool { segments.contains { $0.asns.contains { $0.rawValue == 0 } } }

    var hasConfederation: Bool {
        segments.contains { $0.type == .confederationSequence || $0.type == .confederationSet }
    }

    var needsFourOctets: Bool { segments.contains { $0.asns.contains { !$0.isTwoOctet } } }

    /// Numbers over 65535 become AS_TRANS where only two octets are spoken (RFC 6793 section 4.2.2).
    func encoded(fourOctets: Bool) -> [UInt8] {
        var value: [UInt8] = []
        for segment in segments {
            // The count has one octet.
            var rest = segment.asns[...]
            while !rest.isEmpty {
                let part = rest.prefix(255)
                rest = rest.dropFirst(255)
                value += [segment.type.rawValue, UInt8(part.count)]
                for asn in part {
                    if fourOctets {
                        value.append(bigEndian: asn.rawValue)
                    } else {
                        value.append(
                            bigEndian: UInt16(truncatingIfNeeded: (asn.isTwoOctet ? asn : .transition).rawValue)
                        )
                    }
                }
            }
        }
        return value
    }

    /// Nil for an unknown segment type, an empty segment, or one that is cut off (RFC 7606 section 7.2).
    init?(_ value: ArraySlice<UInt8>, fourOctets: Bool) {
        segments = []
        var reader = OctetReader(value)
        while let number = reader.read(UInt8.self) {
            guard let type = SegmentType(rawValue: number), let count = reader.read(UInt8.self), count > 0,
                let octets = reader.take(Int(count) * (fourOctets ? 4 : 2))
            else { return nil }
            var asns: [ASN] = []
            asns.reserveCapacity(Int(count))
            var numbers = OctetReader(octets)
            while !numbers.isAtEnd {
                let asn = fourOctets ? numbers.read(UInt32.self) : numbers.read(UInt16.self).map { UInt32($0) }
                guard let asn else { return nil }
                asns.append(ASN(asn))
            }
            segments.append(Segment(type, asns))
        }
    }

    /// This path with the four-octet numbers of AS4_PATH in it (RFC 6793 section 4.2.3): what AS4_PATH does not reach
    /// stays in front.
    func merged(with wide: ASPath) -> ASPath {
        let wide = wide.segments.filter { $0.weight > 0 }
        var missing = length - wide.reduce(0) { $0 + $1.weight }
        guard missing >= 0 else { return self }
        var merged: [Segment] = []
        for segment in segments where missing > 0 || segment.weight == 0 {
            if segment.type == .sequence, segment.asns.count > missing {
                merged.append(Segment(.sequence, Array(segment.asns.prefix(missing))))
                missing = 0
            } else {
                merged.append(segment)
                missing -= segment.weight
            }
            if missing == 0 { break }
        }
        for segment in missing == 0 ? wide : [] {
            if segment.type == .sequence, let last = merged.last, last.type == .sequence {
                merged[merged.count - 1].asns += segment.asns
            } else {
                merged.append(segment)
            }
        }
        return ASPath(segments: merged)
    }
}

extension ASPath: ExpressibleByArrayLiteral {
    public init(arrayLiteral asns: ASN...) { self.init(asns) }
}

extension ASPath: CustomStringConvertible {
    /// `65001 65002 { 65003 65004 }`.
    public var description: String {
        segments.map { segment in
            let numbers = segment.asns.map(\.description).joined(separator: " ")
            return switch segment.type {
            case .sequence: numbers
            case .set: "{ \(numbers) }"
            case .confederationSequence: "( \(numbers) )"
            case .confederationSet: "[ \(numbers) ]"
            }
        }.joined(separator: " ")
    }
}
