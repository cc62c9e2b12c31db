import ArgumentParser
import Capture
import Daemon
import DaemonConfiguration
import Foundation
import NetworkTypes
import Telemetry

struct DecodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Print what exporters say: each record of a capture of telemetry as one JSON object a line.",
        discussion: """
            Takes sFlow v5, NetFlow v1, v5, v7, v9 and IPFIX from every UDP datagram, told apart by version. Addresses,
            ports and amounts are what the daemon counts; bytes are of the IP layer, not multiplied by sampling. What
            could not be read is said on standard error at the end.

            EXAMPLES:
              floodgate decode --telemetry netflow.pcap
              tcpdump -i eth0 -w - udp port 2055 | floodgate decode --telemetry -
            """
    )

    @Option(help: ArgumentHelp("A capture file, or - for standard input.", valueName: "file"))
    var telemetry: String

    @Flag(help: "Flow records only: no options, counters, or samples that hold no addresses.")
    var flows = false

    func run() throws {
        var printer = TelemetryPrinter(flowsOnly: flows)
        do {
            let octets =
                telemetry == "-"
                ? FileHandle.standardInput.readDataToEndOfFile() : try Data(contentsOf: URL(filePath: telemetry))
            var pcap = try PcapFile([UInt8](octets))
            while let datagram = try pcap.next() {
                let payload = datagram.payload.span
                unsafe printer.take(
                    payload.bytes,
                    from: datagram.source,
                    port: datagram.sourcePort,
                    at: datagram.time
                )
            }
        } catch let error as PcapFile.ReadError {
            printer.finish()
            Terminal.complain("\(telemetry): \(error)")
            throw ExitCode.refused
        } catch {
            Terminal.complain("\(telemetry): \(error.localizedDescription)")
            throw ExitCode.refused
        }
        printer.finish()
        for line in printer.complaints { Terminal.complain(line) }
    }
}
