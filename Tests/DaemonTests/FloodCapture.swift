import Capture
import Foundation
import NetworkTypes
import Simulation
import TestSupport

/// Packets as a router would see them: ordinary traffic for ten seconds, and in the midst of it a UDP flood, a SYN flood
/// and an ICMP flood against three hosts.
enum FloodCapture {
    static let udpVictim = IPAddress(198, 51, 100, 10)
    static let synVictim = IPAddress(198, 51, 100, 11)
    static let icmpVictim = IPAddress(198, 51, 100, 12)

    /// - Parameter again: after so many seconds there are ten seconds of ordinary traffic more.
    static func write(to path: String, endingAt end: Timestamp, again: Double? = nil) throws {
        var random = SeededGenerator(seed: 7)
        let hosts = (20...60).map { IPAddress(v4: 0xC633_6400 + UInt32($0)) }
        let ordinary = TrafficPattern(kind: .ordinary, hosts: hosts, packetsPerSecond: 400)
        let floods = [
            TrafficPattern(kind: .udpFlood, hosts: [udpVictim], packetsPerSecond: 3000),
            TrafficPattern(kind: .synFlood, hosts: [synVictim], packetsPerSecond: 3000),
            TrafficPattern(kind: .icmpFlood, hosts: [icmpVictim], packetsPerSecond: 3000),
        ]
        var packets: [(time: Timestamp, packet: SimulatedPacket)] = []
        func add(_ pattern: TrafficPattern, from start: Double, to stop: Double) {
            let count = Int(pattern.packetsPerSecond * (stop - start))
            for index in 0..<count {
                let offset = start + (stop - start) * Double(index) / Double(count) - 10
                packets.append((end + .milliseconds(Int64(offset * 1000)), pattern.packet(using: &random)))
            }
        }
        add(ordinary, from: 0, to: 10)
        for flood in floods { add(flood, from: 4, to: 8) }
        if let again { add(ordinary, from: 10 + again, to: 20 + again) }
        packets.sort { $0.time < $1.time }
        var octets = PcapWriter.fileHeader
        // softflowd looks at headers only; the payload is left out, as a snap length would.
        for (time, packet) in packets { octets += PcapWriter.packet(packet.frame, at: time) }
        try Data(octets).write(to: URL(filePath: path))
    }
}
