import Control
import Detection
import Foundation
import NetworkTypes
import Store

extension DaemonResponder {
    /// The packets that were kept of an attack.
    func packets(_ text: String) async throws -> PacketsReport {
        guard let number = UInt64(text) else {
            throw OrderRefused(reason: "\"\(text)\" is not the number of an attack; floodgate attacks lists them")
        }
        let id = Attack.ID(rawValue: number)
        let active = await mitigation.attacks[id]
        guard let attack = try active ?? store.attack(id) else {
            throw OrderRefused(reason: "there is no attack \(text)")
        }
        guard !attack.packets.all.isEmpty else {
            throw OrderRefused(
                reason:
                    "there are no packets of attack \(text): the telemetry that showed it tells of flows and not of "
                    + "packets. Packets come with sFlow, with IPFIX that has packet sections (elements 315, 104 or 313), "
                    + "and from mirrored ports; floodgate explain \(text) shows the samples as they were told"
            )
        }
        let packets = attack.packets.all.map { packet in
            PacketsReport.Packet(
                time: packet.time.nanoseconds,
                link: packet.link.rawValue,
                originalLength: packet.originalLength,
                octets: Data(packet.octets).base64EncodedString()
            )
        }
        return PacketsReport(attack: number, packets: packets)
    }
}
