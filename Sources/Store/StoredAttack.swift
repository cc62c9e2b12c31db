internal import Detection
internal import Foundation
internal import NetworkTypes
internal import Traffic

/// An attack as it stands on disk.
struct StoredAttack: Codable {
    struct Crossing: Codable {
        var trafficClass: Int
        var unit: String
        var threshold: Double
        var rate: Double
        var lowerBound: Double
        var upperBound: Double
        var windowNanoseconds: Int64
        var samples: UInt64
        var group: String?
        var normal: Double?
    }

    struct Sample: Codable {
        var source: String
        var destination: String
        var packets: UInt64
        var bytes: UInt64
        var sourcePort: UInt16
        var destinationPort: UInt16
        var ipProtocol: UInt8
        var tcpFlags: UInt8
        var icmpType: UInt8
        var icmpCode: UInt8
        var timeToLive: UInt8
        var isFragment: Bool
        // Not in rows of before there were such.
        var time: Int64?
        var exporter: String?
        var inputInterface: UInt32?
        /// Of which vector it is.
        var vector: Int?
        /// True where it is; else absent.
        var isPartOfAverage: Bool?
        /// Absent where its packets are of a moment.
        var flowSeconds: UInt16?
    }

    struct Vector: Codable {
        var kind: String
        var share: Double
    }

    struct Packet: Codable {
        var link: UInt8
        var time: Int64
        var length: UInt32
        var octets: Data
    }

    var id: UInt64
    var host: String?
    var network: String?
    var group: String?
    var groupPrefixes: [String]?
    var direction: String
    var began: Int64
    var lastActive: Int64
    var ended: Int64?
    var kind: String
    var kindShare: Double
    var crossing: Crossing
    /// In the order of the classes, then units.
    var rates: [Double]
    var peak: [Double]
    var samples: [Sample]
    // Not in rows of before there were such.
    var peakTime: Int64?
    var peakSamplingRate: UInt32?
    var vectors: [Vector]?
    var normal: [Sample]?
    var normalNanoseconds: Int64?
    var profile: StoredProfile?
    /// The oldest first.
    var packets: [Packet]?

    init(_ attack: Attack) {
        id = attack.id.rawValue
        switch attack.target {
        case .host(let address): host = address.description
        case .network(let prefix): network = prefix.description
        case .group(let name, let prefixes):
            group = name
            groupPrefixes = prefixes.map(\.description)
        }
        direction = attack.direction.rawValue
        began = attack.began.nanoseconds
        lastActive = attack.lastActive.nanoseconds
        ended = attack.ended?.nanoseconds
        kind = attack.kind.rawValue
        kindShare = attack.kindShare
        crossing = Crossing(
            trafficClass: attack.crossing.trafficClass.rawValue,
            unit: attack.crossing.unit.rawValue,
            threshold: attack.crossing.threshold,
            rate: attack.crossing.rate,
            lowerBound: attack.crossing.lowerBound,
            upperBound: attack.crossing.upperBound,
            windowNanoseconds: attack.crossing.window.nanoseconds,
            samples: attack.crossing.samples,
            group: attack.crossing.group,
            normal: attack.crossing.normal
        )
        rates = Self.list(attack.rates)
        peak = Self.list(attack.peak)
        peakTime = attack.peakTime.nanoseconds
        peakSamplingRate = attack.peakSamplingRate
        vectors = attack.vectors.map { Vector(kind: $0.kind.rawValue, share: $0.share) }
        // A vector's samples are among the attack's, each of one vector at most.
        var owners: [TrafficSample: Int] = [:]
        for (index, vector) in attack.vectors.enumerated() { for sample in vector.samples { owners[sample] = index } }
        samples = attack.samples.map { Sample($0, vector: owners[$0]) }
        // An attack is written often; hundreds are needed when its first rules are made.
        normal = TrafficSample.fairChoice(of: attack.normal, limit: Attack.maximumSamples).map {
            Sample($0, vector: nil)
        }
        normalNanoseconds = attack.normalDuration.nanoseconds
        profile = StoredProfile(attack.profile)
        guard !attack.packets.all.isEmpty else { return }
        packets = attack.packets.all.map { packet in
            Packet(
                link: packet.link.rawValue,
                time: packet.time.nanoseconds,
                length: packet.originalLength,
                octets: Data(packet.octets)
            )
        }
    }

    func encoded() throws -> Data { try JSONEncoder().encode(self) }

    static func decode(_ data: Data) throws -> StoredAttack { try JSONDecoder().decode(StoredAttack.self, from: data) }

    func attack() throws -> Attack {
        guard let target = target(), let direction = TrafficDirection(rawValue: direction),
            let kind = AttackKind(rawValue: kind), let trafficClass = TrafficClass(rawValue: crossing.trafficClass),
            let unit = TrafficUnit(rawValue: crossing.unit)
        else { throw UnreadableRow(what: "attack \(id)") }
        var attack = Attack(
            id: Attack.ID(rawValue: id),
            target: target,
            direction: direction,
            began: Timestamp(nanoseconds: began),
            kind: kind,
            kindShare: kindShare,
            crossing: ThresholdCrossing(
                trafficClass: trafficClass,
                unit: unit,
                threshold: crossing.threshold,
                rate: crossing.rate,
                lowerBound: crossing.lowerBound,
                upperBound: crossing.upperBound,
                window: .nanoseconds(crossing.windowNanoseconds),
                samples: crossing.samples,
                group: crossing.group,
                normal: crossing.normal
            ),
            rates: Self.rates(rates),
            vectors: try storedVectors(),
            samples: try samples.map { try $0.sample() },
            normal: try (normal ?? []).map { try $0.sample() },
            normalDuration: .nanoseconds(normalNanoseconds ?? 0)
        )
        attack.lastActive = Timestamp(nanoseconds: lastActive)
        attack.ended = ended.map { Timestamp(nanoseconds: $0) }
        attack.peak = Self.rates(peak)
        attack.peakTime = Timestamp(nanoseconds: peakTime ?? began)
        attack.peakSamplingRate = peakSamplingRate ?? 1
        if let profile { attack.profile = profile.profile() }
        let read = (packets ?? []).compactMap { packet in
            SampledPacket.Link(rawValue: packet.link).map {
                let time = Timestamp(nanoseconds: packet.time)
                return SampledPacket(packet.octets, link: $0, originalLength: packet.length, time: time)
            }
        }
        attack.packets = AttackPackets(read)
        return attack
    }

    /// None where a later version knows kinds that this one does not.
    private func storedVectors() throws -> [AttackVector] {
        try (vectors ?? []).enumerated().compactMap { index, vector in
            guard let kind = AttackKind(rawValue: vector.kind) else { return nil }
            let own = try samples.filter { $0.vector == index }.map { try $0.sample() }
            return AttackVector(kind: kind, share: vector.share, samples: own)
        }
    }

    private func target() -> AttackTarget? {
        if let host { return IPAddress(host).map { .host($0) } }
        if let network { return IPPrefix(network).map { .network($0) } }
        guard let group, let groupPrefixes else { return nil }
        return .group(name: group, prefixes: groupPrefixes.compactMap { IPPrefix($0) })
    }

    private static func list(_ rates: TrafficRates) -> [Double] {
        TrafficClass.allCases.flatMap { trafficClass in TrafficUnit.allCases.map { rates[trafficClass, $0] } }
    }

    private static func rates(_ list: [Double]) -> TrafficRates {
        var rates = TrafficRates()
        var rest = list[...]
        for trafficClass in TrafficClass.allCases {
            for unit in TrafficUnit.allCases { rates[trafficClass, unit] = rest.popFirst() ?? 0 }
        }
        return rates
    }
}

extension StoredAttack.Sample {
    init(_ sample: TrafficSample, vector: Int?) {
        source = sample.source.description
        destination = sample.destination.description
        packets = sample.packets
        bytes = sample.bytes
        sourcePort = sample.sourcePort
        destinationPort = sample.destinationPort
        ipProtocol = sample.ipProtocol.rawValue
        tcpFlags = sample.tcpFlags.rawValue
        icmpType = sample.icmpType
        icmpCode = sample.icmpCode
        timeToLive = sample.timeToLive
        isFragment = sample.isFragment
        time = sample.time.nanoseconds
        exporter = sample.exporter == .unspecified ? nil : sample.exporter.description
        inputInterface = sample.inputInterface == 0 ? nil : sample.inputInterface
        self.vector = vector
        isPartOfAverage = sample.isPartOfAverage ? true : nil
        flowSeconds = sample.flowSeconds == 0 ? nil : sample.flowSeconds
    }

    func sample() throws -> TrafficSample {
        guard let source = IPAddress(source), let destination = IPAddress(destination) else {
            throw UnreadableRow(what: "a sample")
        }
        var sample = TrafficSample(
            source: source,
            destination: destination,
            packets: packets,
            bytes: bytes,
            time: Timestamp(nanoseconds: time ?? 0),
            exporter: exporter.flatMap { IPAddress($0) } ?? .unspecified,
            inputInterface: inputInterface ?? 0,
            sourcePort: sourcePort,
            destinationPort: destinationPort,
            ipProtocol: IPProtocol(rawValue: ipProtocol),
            tcpFlags: TCPFlags(rawValue: tcpFlags),
            icmpType: icmpType,
            icmpCode: icmpCode,
            timeToLive: timeToLive,
            isFragment: isFragment,
            flowSeconds: flowSeconds ?? 0
        )
        sample.isPartOfAverage = isPartOfAverage ?? false
        return sample
    }
}
