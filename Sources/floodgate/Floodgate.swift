// floodgate: the command line, one file for each subcommand. It reads arguments, asks the daemon or runs one, and
// prints; it decides nothing.

import ArgumentParser
import Daemon

@main
struct Floodgate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "floodgate",
        abstract: "Sees floods in flow telemetry and has the routers drop them by BGP FlowSpec.",
        discussion: """
            EXAMPLES:
              floodgate demo                                  an attack from first packet to withdrawal, on loopback
              floodgate check --config floodgate.yaml         every error of a configuration at once
              floodgate run --config floodgate.yaml           the daemon
              floodgate run --fastnetmon /etc/fastnetmon.conf --exabgp /etc/exabgp/exabgp.conf
              floodgate import --fastnetmon /etc/fastnetmon.conf     those files as floodgate.yaml
              floodgate attacks                               what is going on
              floodgate explain 3                             why attack 3 was called one, and which rule was chosen
              floodgate baseline suggest                      thresholds, with the alarms they would have raised
              floodgate replay telemetry.pcap --config floodgate.yaml
              floodgate encode 'announce flow route ...'      a rule in text as it goes over the wire
              floodgate decode HEX                            what a rule or an UPDATE on the wire says
              floodgate decode --telemetry netflow.pcap       what exporters say, one JSON object a record

            EXIT CODES: 0 done, 1 refused or invalid, 2 the daemon cannot be reached, 64 wrong usage.
            """,
        version: Version.text,
        subcommands: [
            RunCommand.self, CheckCommand.self, ImportCommand.self, DemoCommand.self, StatusCommand.self,
            AttacksCommand.self,
            RulesCommand.self, NeighborsCommand.self, ExportersCommand.self, BanCommand.self, UnbanCommand.self,
            BanListCommand.self,
            AnnounceCommand.self, WithdrawCommand.self, EventsCommand.self, ReloadCommand.self, ExplainCommand.self,
            TopCommand.self, BaselineCommand.self,
            DoctorCommand.self,
            ReplayCommand.self, EncodeCommand.self, DecodeCommand.self,
        ]
    )
}

extension ExitCode {
    /// Refused or invalid.
    static let refused = ExitCode(1)
    /// The daemon cannot be reached.
    static let unreachable = ExitCode(2)
}
