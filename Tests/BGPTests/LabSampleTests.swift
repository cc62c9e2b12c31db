import FlowSpec
import Foundation
import NetworkTypes
import TestSupport
import Testing

@testable import BGP

/// Messages that real routers were tried with, and those that real routers send.
@Suite(.enabled(if: SharedFiles.isPresent, "no ../shared beside the package, and FLOODGATE_SHARED names none"))
struct LabSampleTests {
    private static func vectors() throws -> [(name: String, message: [UInt8])] {
        let text = String(decoding: try SharedFiles.data("lab/bgp/samples/vectors.txt"), as: UTF8.self)
        var vectors: [(name: String, message: [UInt8])] = []
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            if fields.count == 3 { vectors.append((String(fields[0]), octets(fields[2]))) }
        }
        return vectors
    }

    private static func read(_ message: [UInt8]) -> UpdateMessage {
        UpdateMessage(decoding: message.dropFirst(19), as: MessageContext(), isInternal: true)
    }

    /// The same parts, octet for octet.
    @Test func theGoodOnesAreReadWholeAndWrittenAgain() throws {
        var seen = 0
        for (name, message) in try Self.vectors() where !name.hasPrefix("B") {
            let update = Self.read(message)
            #expect(update.faults.isEmpty, "\(name): \(update.faults)")
            #expect(update.announced.count == (name.hasPrefix("T23") ? 2 : 1), "\(name)")
            let written = BGPMessage.update(update).encoded(as: MessageContext())
            let sorted = Self.sortingCommunities
            #expect(UpdateParts(written).map(sorted) == UpdateParts(message).map(sorted), "\(name)")
            // The packer says the same, but for a next hop that no action uses.
            guard !name.hasPrefix("T26"), !name.hasPrefix("T23") else { continue }
            let packer = UpdatePacker(
                manner: .init(context: MessageContext(), isInternal: true, localAS: ASN(65001))
            )
            let packed = try #require(packer.announce(update.announcements).first, "\(name)")
            #expect(UpdateParts(packed) == UpdateParts(written), "\(name)")
            for announcement in update.announcements {
                let order = try FlowSpecText.parse("announce \(announcement)").first?.order
                guard case .announce(let again)? = order else { continue }
                #expect(packer.announce([again]) == packer.announce([announcement]), "\(name): \(announcement)")
            }
            seen += 1
        }
        #expect(seen == 38)
    }

    /// Communities are sets: their order is of no meaning.
    private static func sortingCommunities(_ parts: UpdateParts) -> UpdateParts {
        var parts = parts
        let sizes: [UInt8: Int] = [8: 4, 16: 8, 25: 20, 32: 12]
        parts.attributes = Set(
            parts.attributes.map { attribute in
                guard let size = sizes[attribute[1]] else { return attribute }
                let value = Array(attribute.dropFirst(2))
                let pieces = stride(from: 0, to: value.count, by: size).map { Array(value[$0..<$0 + size]) }
                return Array(attribute.prefix(2)) + pieces.sorted { $0.lexicographicallyPrecedes($1) }.joined()
            }
        )
        return parts
    }

    private enum Outcome: Equatable {
        case taken
        case rule(FlowSpecError)
        case withdrawn
        case family
        case reset
    }

    /// What BIRD, the strictest of them, refuses is refused, but for the AND bit of a first operator, which RFC 8955
    /// section 4.2.1.1 has a receiver overlook. None costs the session.
    @Test func theMalformedOnesCostNoMoreThanTheyMust() throws {
        let outcomes: [String: Outcome] = [
            "B01": .rule(.wrongOrder(.destinationPrefix)), "B02": .rule(.duplicateComponent(.ipProtocol)),
            "B03": .rule(.unknownComponent(14)), "B04": .rule(.missingEndOfList(.ipProtocol)),
            "B05": .rule(.invalidPrefixLength(33)), "B06": .family, "B07": .rule(.matchesEverything), "B08": .taken,
            "B09": .rule(.valueLength(.ipProtocol, octets: 2)), "B10": .taken,
            "B11": .rule(.valueLength(.fragment, octets: 2)), "B12": .rule(.hostBits(.destinationPrefix)),
            "B13": .taken,
            "B14": .taken, "B15": .rule(.valueRange(.dscp, value: 64, limit: 63)),
            "B16": .rule(.invalidOffset(.destinationPrefix)), "B17": .taken, "B18": .withdrawn,
            // A negative rate counts as zero (RFC 8955 section 7.1).
            "B19": .taken, "B20": .withdrawn, "B21": .taken, "B22": .taken, "B23": .withdrawn, "B24": .taken,
            "B25": .taken, "B26": .taken,
        ]
        var seen = 0
        for (name, message) in try Self.vectors() where name.hasPrefix("B") {
            let update = Self.read(message)
            let outcome: Outcome =
                if update.faults.isEmpty, update.announced.count == 1 {
                    .taken
                } else if let rule = update.faults.first?.rule, update.faults.first?.handling == .discardRule {
                    .rule(rule)
                } else if update.faults.contains(where: { $0.handling == .treatAsWithdraw }),
                    update.withdrawn.count == 1
                {
                    .withdrawn
                } else if update.faults.contains(where: { $0.handling == .disableFamily(.ipv4FlowSpec) }) {
                    .family
                } else {
                    .reset
                }
            #expect(outcome == outcomes[String(name.prefix(3))], "\(name): \(update.faults)")
            if name.hasPrefix("B19") {
                #expect(update.attributes?.actions == [.rateLimitBytes(asn: 65001, bytesPerSecond: 0)])
            }
            seen += 1
        }
        #expect(seen == 26)
    }

    @Test func whatRealPeersSendIsRead() throws {
        let text = String(decoding: try SharedFiles.data("lab/bgp/samples/updates-from-peers.txt"), as: UTF8.self)
        var messages = 0
        var announced = 0
        var ends = 0
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let message = octets(line)
            let update = Self.read(message)
            // GoBGP leaves out the bits before an offset's padding: three octets too many, which read as components.
            let isGoBGPOffset = line.contains("01684000000000000000000001000000")
            #expect(update.faults.isEmpty != isGoBGPOffset, "\(line): \(update.faults)")
            messages += 1
            announced += update.announced.count
            ends += update.endOfRIB == nil ? 0 : 1
            guard
                case .update(let again) = try BGPMessage.decode(
                    BGPMessage.update(update).encoded(as: MessageContext())[...],
                    as: MessageContext()
                )
            else { continue }
            #expect(again.announced.count == update.announced.count)
        }
        #expect(messages > 70)
        #expect(announced > 50)
        #expect(ends > 15)
    }
}
