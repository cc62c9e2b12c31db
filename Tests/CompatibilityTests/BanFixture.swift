import Detection
import NetworkTypes
import Traffic

/// Attacks as the detector tells of them.
enum BanFixture {
    static let host = IPPrefix(host: IPAddress(198, 51, 100, 10))

    static func time(_ seconds: Double) -> Timestamp { Timestamp(seconds: 1_800_000_000 + seconds) }

    static func sample(_ number: Int, ipProtocol: IPProtocol = .udp, flags: TCPFlags = []) -> TrafficSample {
        TrafficSample(
            source: IPAddress(203, 0, 113, UInt8(truncatingIfNeeded: number)),
            destination: host.address,
            packets: 1000,
            bytes: 530_000,
            time: Timestamp(nanoseconds: 1_800_000_000_000_000_000 + 12_345_678 - Int64(number) * 1000),
            exporter: IPAddress(192, 0, 2, 1),
            inputInterface: 3,
            sourcePort: 53,
            destinationPort: UInt16(1024 + number),
            ipProtocol: ipProtocol,
            tcpFlags: flags,
            icmpType: 0,
            icmpCode: 0,
            timeToLive: 57,
            isFragment: false
        )
    }

    static func attack(
        _ id: UInt64 = 1,
        kind: AttackKind = .udpFlood,
        target: AttackTarget = .host(host.address),
        direction: TrafficDirection = .incoming,
        samples: [TrafficSample] = []
    ) -> Attack {
        var rates = TrafficRates()
        let classes: [TrafficClass] = kind == .synFlood ? [.total, .tcp, .tcpSYN] : [.total, .udp]
        for trafficClass in classes {
            rates[trafficClass, .packets] = 88_496.4
            rates[trafficClass, .bits] = 88_496.4 * 530 * 8
        }
        rates[.total, .flows] = 120
        let crossing = ThresholdCrossing(
            trafficClass: .total,
            unit: .packets,
            threshold: 20_000,
            rate: 88_496,
            lowerBound: 88_496,
            upperBound: 88_496,
            window: .seconds(1),
            samples: 88,
            group: nil
        )
        return Attack(
            id: Attack.ID(rawValue: id),
            target: target,
            direction: direction,
            began: time(0),
            kind: kind,
            kindShare: 1,
            crossing: crossing,
            rates: rates,
            samples: samples
        )
    }
}
