import ArgumentParser
import BGP
import Capture
import Daemon
import FlowSpec
import Foundation
import NetworkTypes
import Telemetry

struct DecodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Print what octets say: FlowSpec rules and UPDATE messages, or a capture of telemetry.",
        discussion: """
            HEX is one or more UPDATE messages with their markers, or the NLRI of FlowSpec rules, whose family --family
            names. Rules are printed in the form that `encode` and ExaBGP read. What was wrong with the octets and how a
            session would handle it (RFC 7606) is said on standard error, and the exit code is 1.

            --telemetry takes sFlow v5, NetFlow v1, v5, v7, v9 and IPFIX from every UDP datagram of a capture, in fragments
            too, and IPFIX from its TCP connections, told apart by version, and prints each record as one JSON object a line.
            Addresses, ports and amounts are what the daemon counts; bytes are of the IP layer, not multiplied by sampling.
            start_ms and end_ms are as the exporter's clock has them, also where its 32 bits of uptime have wrapped in
            between; duration_ms is right in any case. What could not be read is said on standard error at the end.

            EXAMPLES:
              floodgate decode 0b0118c00002038106048119
              floodgate decode --family ipv6-flowspec 0f01200020010db80268412468acf134
              floodgate decode --json ffffffffffffffffffffffffffffffff001d0200000006800f03000185
              floodgate decode --telemetry netflow.pcap
              tcpdump -i eth0 -w - udp port 2055 | floodgate decode --telemetry -
            """
    )

    @Argument(help: "Hexadecimal digits, or - for standard input.")
    var hex: [String] = []

    @Option(help: ArgumentHelp("The family of NLRI: \(families).", valueName: "family"))
    var family = BGPFamily.ipv4FlowSpec.rawValue

    @Flag(help: "The UPDATE is from a session with two-octet AS numbers.")
    var twoOctetAS = false

    @Flag(help: "One JSON object for each message or rule.")
    var json = false

    @Option(help: ArgumentHelp("A pcap or pcapng file of telemetry, also of gzip, or -.", valueName: "file"))
    var telemetry: String?

    @Flag(help: "Of telemetry, flow records only: no options, counters, or samples that hold no addresses.")
    var flows = false

    private static var families: String {
        BGPFamily.allCases.filter(\.isFlowSpec).map(\.rawValue).joined(separator: ", ")
    }

    func validate() throws {
        guard hex.isEmpty != (telemetry == nil) else {
            throw ValidationError("either hexadecimal digits or --telemetry was expected")
        }
        guard BGPFamily(rawValue: family)?.isFlowSpec == true else {
            throw ValidationError("--family: one of \(Self.families) was expected")
        }
    }

    func run() throws {
        if let telemetry { return try printTelemetry(telemetry) }
        let text =
            hex == ["-"]
            ? String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self) : hex.joined()
        guard let octets = Hexadecimal.octets(text), !octets.isEmpty else {
            Terminal.complain("pairs of hexadecimal digits were expected")
            throw ExitCode.refused
        }
        if octets.starts(with: repeatElement(0xFF, count: 16)) {
            try printMessages(octets)
        } else {
            try printRules(octets)
        }
    }

    private func printMessages(_ octets: [UInt8]) throws {
        var rest = octets[...]
        var isSound = true
        while !rest.isEmpty {
            guard let length = try? BGPMessage.length(ofHeader: rest), length <= rest.count,
                rest.dropFirst(18).first == 2
            else {
                Terminal.complain("octet \(octets.count - rest.count): a whole UPDATE message was expected")
                throw ExitCode.refused
            }
            let update = UpdateMessage(
                decoding: rest.prefix(length).dropFirst(BGPMessage.headerLength),
                as: MessageContext(usesFourOctetAS: !twoOctetAS)
            )
            rest = rest.dropFirst(length)
            let decoded = DecodedUpdate(update)
            if json { print(try JSONLine.text(decoded)) } else { decoded.lines.forEach { print($0) } }
            for fault in update.faults { Terminal.complain(fault.description) }
            if !update.faults.isEmpty { isSound = false }
        }
        if !isSound { throw ExitCode.refused }
    }

    private func printRules(_ octets: [UInt8]) throws {
        let family = BGPFamily(rawValue: family) ?? .ipv4FlowSpec
        var rest = octets[...]
        while !rest.isEmpty {
            do {
                let (rule, length) = try FlowSpecRule.decodeNLRI(
                    rest,
                    family: family.addressFamily,
                    isVPN: family.isFlowSpecVPN
                )
                rest = rest.dropFirst(length)
                let route = AnnouncedRoute.flowSpec(rule)
                let text = Announcement(route: route).description
                print(json ? try JSONLine.text(DecodedUpdate.Route(route, text)) : text)
            } catch let error as FlowSpecError {
                Terminal.complain("octet \(octets.count - rest.count): \(error)")
                throw ExitCode.refused
            }
        }
    }

    private func printTelemetry(_ telemetry: String) throws {
        var printer = TelemetryPrinter(flowsOnly: flows)
        var skipped = 0
        var finder = TelemetryFinder()
        do {
            var capture = try CaptureFile(telemetry)
            // Of a pipe that pauses everything is shown that has come.
            while let packet = try capture.next(beforeReading: { if telemetry == "-" { printer.flush() } }) {
                let isTelemetry = finder.take(capture.octets(of: packet), on: packet.link) { datagram, octets in
                    printer.take(octets.extracting(datagram.payload), datagram, at: packet.time)
                }
                if let ended = finder.endedConnection { printer.endConnection(ended) }
                if !isTelemetry { skipped += 1 }
            }
            skipped += capture.unsupported
        } catch {
            printer.flush()
            Terminal.complain("\(telemetry): \(error)")
            throw ExitCode.refused
        }
        printer.flush()
        if let failure = printer.writeFailure {
            Terminal.complain("cannot write: \(failure)")
            throw ExitCode.refused
        }
        for line in printer.complaints { Terminal.complain(line) }
        if skipped > 0 {
            Terminal.complain("\(telemetry): \(skipped) packets without a whole UDP datagram or IPFIX over TCP")
        }
        if finder.incomplete > 0 {
            Terminal.complain("\(telemetry): \(finder.incomplete) datagrams of which fragments are missing")
        }
    }
}
