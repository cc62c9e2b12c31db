import ArgumentParser
import BGP
import FlowSpec
import Foundation
import NetworkTypes

struct EncodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode",
        abstract: "Turn rules and routes in text into what goes over the wire.",
        discussion: """
            Takes what ExaBGP takes, commands as well as the flow and static blocks of its configuration, and prints for
            each route its NLRI and the UPDATE message as an internal neighbor with four-octet AS numbers gets it. An
            error says where in the text it is and what was expected there. docs/flowspec.md has the grammar.

            EXAMPLES:
              floodgate encode 'announce flow route { match { destination 198.51.100.5/32; protocol udp; } then { discard; } }'
              floodgate encode --json 'withdraw flow route destination 198.51.100.5/32 protocol =udp'
              floodgate encode --local-address 192.0.2.10 'announce route 198.51.100.5/32 next-hop self community blackhole'
              floodgate encode - < rules.txt
            """
    )

    @Argument(help: "The text, or - for standard input.")
    var text: [String]

    @Flag(help: "One JSON object a line: action, afi, safi, nlri and update in hexadecimal digits, and the text.")
    var json = false

    @Option(help: ArgumentHelp("What next-hop self stands for.", valueName: "address"))
    var localAddress: String?

    func validate() throws {
        guard !text.isEmpty else { throw ValidationError("a text was expected") }
        guard localAddress.map({ IPAddress($0) != nil }) ?? true else {
            throw ValidationError("--local-address: an IP address was expected")
        }
    }

    func run() throws {
        let whole =
            text == ["-"]
            ? String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self)
            : text.joined(separator: " ")
        let commands: [TextCommand]
        do {
            commands = try FlowSpecText.parse(whole)
        } catch {
            Terminal.complain("\(error)")
            throw ExitCode.refused
        }
        guard !commands.isEmpty else {
            Terminal.complain("no rule and no route in the text")
            throw ExitCode.refused
        }
        for command in commands {
            guard let encoded = EncodedCommand(command, localAddress: localAddress.flatMap { IPAddress($0) }) else {
                Terminal.complain("line \(command.line): next-hop self needs --local-address, of the route's family")
                throw ExitCode.refused
            }
            print(json ? try JSONLine.text(encoded) : encoded.description)
        }
    }
}

/// One route as `encode --json` prints it.
struct EncodedCommand: Encodable, CustomStringConvertible {
    var action: String
    var afi: UInt16
    var safi: UInt8
    var nlri: String
    var update: String
    var text: String

    /// Nil where the route's next hop is not known.
    init?(_ command: TextCommand, localAddress: IPAddress?) {
        var context = MessageContext()
        if case .announce(let announcement) = command.order, announcement.nextHop != nil {
            // As to a neighbor that takes it, of whichever version it is (RFC 8950).
            context.extendedNextHop = [.ipv4Unicast, .ipv6Unicast]
        }
        let packer = UpdatePacker(
            manner: .init(
                context: context,
                isInternal: true,
                // Not seen by an internal neighbor.
                localAS: ASN(65001),
                localAddress: localAddress
            )
        )
        let family: BGPFamily
        let octets: [UInt8]
        switch command.order {
        case .announce(let announcement):
            guard let message = packer.announce([announcement]).first else { return nil }
            action = "announce"
            family = announcement.route.bgpFamily
            nlri = Hexadecimal.text(announcement.route.encodedNLRI)
            octets = message
        case .withdraw(let route):
            guard let message = packer.withdraw([route]).first else { return nil }
            action = "withdraw"
            family = route.bgpFamily
            nlri = Hexadecimal.text(route.encodedNLRI)
            octets = message
        case .endOfRIB(let address, let kind):
            action = "eor"
            family = BGPFamily(address, kind)
            nlri = ""
            octets = BGPMessage.update(UpdateMessage(endOfRIB: family)).encoded(as: MessageContext())
        }
        afi = family.afi
        safi = family.safi
        update = Hexadecimal.text(octets)
        text = command.description
    }

    var description: String {
        "\(text)\n  family  \(BGPFamily(afi: afi, safi: safi)?.rawValue ?? "")\n  nlri    \(nlri)\n  update  \(update)"
    }
}

/// Octets as people write them.
enum Hexadecimal {
    static func text(_ octets: some Sequence<UInt8>) -> String {
        octets.map { (String($0 >> 4, radix: 16) + String($0 & 15, radix: 16)).uppercased() }.joined()
    }

    /// Reads digits with or without `0x`, spaces and colons between them; nil for anything else, and for half an octet.
    static func octets(_ text: String) -> [UInt8]? {
        var digits: [UInt8] = []
        for character in text.hasPrefix("0x") ? text.dropFirst(2) : text[...] {
            if let digit = character.hexDigitValue, character.isASCII {
                digits.append(UInt8(digit))
            } else if !character.isWhitespace, character != ":" {
                return nil
            }
        }
        guard digits.count % 2 == 0 else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}

/// JSON on one line, its keys in order.
enum JSONLine {
    static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
