internal import Detection
internal import NetworkTypes

/// Reads hours of peaks as they stand on disk, in the form of this version or of the one before it. Nil and false stand for
/// what is damaged.
struct PeakReader {
    private var rest: ArraySlice<UInt8>

    init(_ octets: [UInt8]) { rest = octets[...] }

    mutating func octet() -> UInt8? { rest.popFirst() }

    private mutating func number() -> UInt16? {
        guard let high = rest.popFirst(), let low = rest.popFirst() else { return nil }
        return UInt16(high) << 8 | UInt16(low)
    }

    private mutating func member() -> IPPrefix? {
        guard let width = rest.popFirst(), rest.count >= width else { return nil }
        let address = IPAddress(bytes: rest.prefix(Int(width)))
        rest = rest.dropFirst(Int(width))
        guard let address, let length = rest.popFirst() else { return nil }
        return IPPrefix(address, length: Int(length))
    }

    private mutating func peak(of member: IPPrefix?) -> TrafficPeak? {
        guard let member, let level = number(), let minute = octet(), let minutes = octet() else { return nil }
        return TrafficPeak(member: member, level: level, minute: min(minute, 59), minutes: min(minutes, 60))
    }

    /// As it was while only packets and bits of all incoming traffic were recorded.
    mutating func readTotals(into hour: inout PeakHour) -> Bool {
        guard let minutes = octet(), let packetsBeyond = number(), let bitsBeyond = number() else { return false }
        hour.minutes = min(minutes, 60)
        for (unit, beyond) in [(TrafficUnit.packets, packetsBeyond), (.bits, bitsBeyond)] {
            let aspect = PeakAspect(.incoming, .total, unit)
            guard let count = octet(), count <= aspect.kept else { return false }
            var series = PeakSeries(beyond: beyond)
            for _ in 0..<count {
                guard let peak = peak(of: member()) else { return false }
                series.peaks.append(peak)
            }
            hour[aspect] = series
        }
        return true
    }

    mutating func readAspects(into hour: inout PeakHour) -> Bool {
        guard let minutes = octet(), let count = octet(), let aspects = octet() else { return false }
        hour.minutes = min(minutes, 60)
        var members: [IPPrefix] = []
        for _ in 0..<count {
            guard let member = member() else { return false }
            members.append(member)
        }
        for _ in 0..<aspects {
            guard let index = octet(), PeakAspect.all.indices.contains(Int(index)), let beyond = number(),
                let count = octet()
            else { return false }
            let aspect = PeakAspect.all[Int(index)]
            guard count <= aspect.kept, hour[aspect] == nil else { return false }
            var series = PeakSeries(beyond: beyond)
            for _ in 0..<count {
                guard let place = octet(), members.indices.contains(Int(place)),
                    let peak = peak(of: members[Int(place)])
                else { return false }
                series.peaks.append(peak)
            }
            hour[aspect] = series
        }
        return true
    }
}
