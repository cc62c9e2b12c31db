internal import FlowSpec
internal import NetworkTypes
internal import Traffic

/// A sample as a rule looks at it.
struct SampledPacket {
    /// Of a flow one of its packets, as it may have been.
    var packet: MatchedPacket
    /// The end that is not ours: the source of what comes in.
    var remote: IPAddress
    /// That of each of its packets; nil where it is an average over a flow whose packets are of different lengths.
    var exactLength: UInt16?
    /// Whether the packet's length is nearly that: of a flow, where its packets differ by little.
    var isLengthKnown: Bool
    /// The sample's share of all, 0...1.
    var weight: Double
    /// Its share of the packets; of the weight where samples weigh by flows.
    var packetShare: Double
    /// Whether it is of a flow of some seconds.
    var lasted: Bool
    var time: Timestamp

    /// Its share of the octets; of the weight where samples weigh by flows.
    var octetShare: Double { 2 * weight - packetShare }

    static func weighed(
        _ samples: ArraySlice<TrafficSample>,
        _ unit: TrafficUnit,
        _ direction: TrafficDirection,
        mayLast: Bool = true,
        lengths: FlowLengths = FlowLengths()
    ) -> [SampledPacket] {
        // By packets and by octets alike: an attack that is seen by its large packets may come with a flood of small ones.
        let packets = samples.reduce(0) { $0 + Double(max(1, $1.packets)) }
        let bytes = samples.reduce(0) { $0 + Double(max(1, $1.bytes)) }
        return samples.enumerated().map { place, sample in
            let packetShare =
                unit == .flows ? 1 / Double(samples.count) : Double(max(1, sample.packets)) / packets
            let weight =
                unit == .flows ? packetShare : (packetShare + Double(max(1, sample.bytes)) / bytes) / 2
            let room = sample.isOfOneLength ? 0 : sample.room(lengths)
            return SampledPacket(
                packet: sample.packetOfFlow(place, room: room),
                remote: direction == .incoming ? sample.source : sample.destination,
                exactLength: sample.isOfOneLength ? sample.packetLength : nil,
                isLengthKnown: room <= sample.mostRoom / 2,
                weight: weight,
                packetShare: packetShare,
                lasted: mayLast && sample.flowSeconds >= 4,
                time: sample.time
            )
        }
    }
}

extension TrafficSample {
    /// One of the packets that it stands for. Of a flow's packets the sum of their octets is known, and which flags any of
    /// them had: taken as a packet, a connection would be of its average length and have the flags of its handshake, its
    /// requests and its end at once, and no rule on either would match it, whatever it drops of it.
    ///
    /// Lengths are taken to be spread evenly about the average; and of a connection with data each third packet to carry
    /// what is to be handed on (PSH), the others to be of the stream or acknowledge.
    ///
    /// - Parameter number: one after the other, so that a few stand for the spread.
    /// - Parameter room: how far to either side of the average they are spread, in octets.
    fileprivate func packetOfFlow(_ number: Int, room: Double) -> MatchedPacket {
        var packet = matchedPacket
        if !isOfOneLength {
            let average = Double(bytes) / Double(max(1, packets))
            // Multiples of the golden ratio fall evenly however many there are.
            let place = (Double(number) * 0.618_033_988_749_895).truncatingRemainder(dividingBy: 1)
            packet.length = UInt16(min(max(average + room * (2 * place - 1), 0), 65_535).rounded())
        }
        let ofData: UInt16 = UInt16(TCPFlags.psh.rawValue | TCPFlags.ack.rawValue)
        if flowSeconds > 0, let flags = packet.tcpFlags, flags & ofData == ofData {
            packet.tcpFlags = number % 3 == 0 ? ofData : UInt16(TCPFlags.ack.rawValue)
        }
        return packet
    }

    /// As far to either side of the average as packets can be, and no further than others of the sort show.
    fileprivate func room(_ lengths: FlowLengths) -> Double { min(mostRoom, lengths.room(of: self) ?? .infinity) }

    fileprivate var mostRoom: Double {
        let average = Double(bytes) / Double(max(1, packets))
        let most = average > Self.mostLength ? Self.mostOfJumbo : Self.mostLength
        return min(max(average - leastLength, 0), most - average)
    }

    /// Octets of the shortest packet of its protocol, and of the longest that networks commonly carry.
    private var leastLength: Double {
        Double(source.family == .ipv4 ? 20 : 40) + (ipProtocol == .tcp ? 20 : 8)
    }
    private static let mostLength = 1500.0
    /// Of a network that carries longer ones.
    private static let mostOfJumbo = 65_535.0

    /// As a router sees it, as far as the sample tells.
    var matchedPacket: MatchedPacket {
        let hasPorts = [.tcp, .udp, .sctp].contains(ipProtocol) && (sourcePort != 0 || destinationPort != 0)
        var fragment: UInt16 = 0
        // Only the first has ports.
        if isFragment { fragment = hasPorts ? FragmentBits.firstFragment : FragmentBits.isFragment }
        return MatchedPacket(
            source: source,
            destination: destination,
            ipProtocol: ipProtocol.rawValue,
            sourcePort: hasPorts ? sourcePort : nil,
            destinationPort: hasPorts ? destinationPort : nil,
            icmpType: ipProtocol.isICMP && !isFragment ? icmpType : nil,
            icmpCode: ipProtocol.isICMP && !isFragment ? icmpCode : nil,
            tcpFlags: ipProtocol == .tcp && (hasPorts || !isFragment) ? UInt16(tcpFlags.rawValue) : nil,
            length: packetLength,
            fragment: fragment
        )
    }
}
