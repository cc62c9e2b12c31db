import ArgumentParser
import Capture
import Daemon
import DaemonConfiguration
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

    @Option(help: ArgumentHelp("A pcap or pcapng file, or - for standard input.", valueName: "file"))
    var telemetry: String

    @Flag(help: "Flow records only: no options, counters, or samples that hold no addresses.")
    var flows = false

    func run() throws {
        var printer = TelemetryPrinter(flowsOnly: flows)
        var skipped = 0
        do {
            var capture = try CaptureFile(telemetry)
            while let packet = try capture.next() {
                let octets = capture.octets(of: packet)
                guard let datagram = CapturedDatagram(in: octets, on: packet.link) else {
                    skipped += 1
                    continue
                }
                printer.take(
                    octets.extracting(datagram.payload),
                    from: datagram.source,
                    port: datagram.sourcePort,
                    at: packet.time
                )
            }
            skipped += capture.unsupported
        } catch {
            printer.finish()
            Terminal.complain("\(telemetry): \(error)")
            throw ExitCode.refused
        }
        printer.finish()
        for line in printer.complaints { Terminal.complain(line) }
        if skipped > 0 { Terminal.complain("\(telemetry): \(skipped) packets without a whole UDP datagram") }
    }
}
