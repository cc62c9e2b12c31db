import ArgumentParser
import Capture
import Control
import Foundation
import NetworkTypes

struct AttackPacketsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pcap",
        abstract: "Packets of an attack as a capture file, where telemetry has packets.",
        discussion: """
            sFlow, IPFIX with packet sections and mirrored ports show the first octets of some packets. Up to 64 of an \
            attack are kept, at most 128 octets of each: half of them from its beginning, half the latest.

            EXAMPLES:
              floodgate attacks pcap 3 > attack3.pcap
              floodgate attacks pcap 3 | tshark -r -
            """
    )

    @Argument(help: "The number of the attack.")
    var id: String

    @Option(name: [.short, .long], help: "The file to write; standard output if absent.")
    var output: String?

    @OptionGroup var control: ControlOptions

    func run() async throws {
        if output == nil, !control.json, isatty(STDOUT_FILENO) != 0 {
            Terminal.complain("a capture file is nothing for a terminal; give --output FILE, or send it on: > FILE")
            throw ExitCode.refused
        }
        guard case .packets(let report) = try await control.ask(ControlRequest(.packets, target: id)) else {
            throw UnexpectedAnswer()
        }
        guard !control.json else { return try control.show(report) { _ in "" } }
        let file = Data(PcapWriter.file(of: try report.packets.map(Self.packet)))
        do {
            guard let output else { return try FileHandle.standardOutput.write(contentsOf: file) }
            try file.write(to: URL(filePath: output))
        } catch {
            Terminal.complain("\(output ?? "standard output") cannot be written: \(SystemText.of(error))")
            throw ExitCode.refused
        }
        print("\(output ?? ""): \(report.packets.count) packets of attack \(report.attack)")
    }

    static func packet(_ told: PacketsReport.Packet) throws -> SampledPacket {
        guard let link = SampledPacket.Link(rawValue: told.link), let octets = Data(base64Encoded: told.octets) else {
            throw UnexpectedAnswer()
        }
        let time = Timestamp(nanoseconds: told.time)
        return SampledPacket(octets, link: link, originalLength: told.originalLength, time: time)
    }
}
