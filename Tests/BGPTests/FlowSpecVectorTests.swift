import FlowSpec
import Foundation
import NetworkTypes
import TestSupport
import Testing

@testable import BGP

/// Text to wire and back against vectors from RFCs, ExaBGP's own tests and live runs.
@Suite(.enabled(if: SharedFiles.isPresent, "no ../shared beside the package, and FLOODGATE_SHARED names none"))
struct FlowSpecVectorTests {
    private struct Vector: Decodable {
        var name: String
        var kind: String
        var action: String?
        var afi: Int?
        var safi: Int?
        var replicate: Bool?
        var inputText: String
        var configText: String?
        var apiV6Text: String?
        var nlriHex: String?
        var rfcNlriHex: String?
        var expectedUpdateHex: String?
    }

    private struct File: Decodable { var vectors: [Vector] }

    private static func vectors() throws -> [Vector] {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(File.self, from: SharedFiles.data("vectors/flowspec.json")).vectors
    }

    private static func packer(_ redirects: RedirectEncoding = .asWritten) -> UpdatePacker {
        UpdatePacker(
            manner: .init(
                context: MessageContext(),
                isInternal: true,
                localAS: ASN(65001),
                // What `next-hop self` was in the runs.
                localAddress: IPAddress(127, 77, 0, 1),
                communities: [],
                redirects: redirects
            )
        )
    }

    private static func update(_ command: TextCommand) -> [UInt8] {
        switch command.order {
        case .announce(let announcement): packer().announce([announcement]).first ?? []
        case .withdraw(let route): packer().withdraw([route]).first ?? []
        case .endOfRIB(let family, let kind):
            BGPMessage.update(UpdateMessage(endOfRIB: BGPFamily(family, kind))).encoded(as: MessageContext())
        }
    }

    private static func check(_ vector: Vector, _ text: String) throws {
        let commands = try FlowSpecText.parse(text)
        #expect(commands.count == 1, "\(vector.name)")
        guard let command = commands.first else { return }
        let sent = update(command)
        let expected = octets(vector.expectedUpdateHex ?? "")
        let mine = UpdateParts(sent)
        let theirs = UpdateParts(expected)
        if vector.action == "withdraw" {
            // A withdrawal needs no attributes; ExaBGP sends some, which some routers take for a fault.
            #expect(mine?.dropping([1, 2, 5, 16]) == theirs?.dropping([1, 2, 5, 16]), "\(vector.name): \(hex(sent))")
        } else {
            #expect(mine == theirs, "\(vector.name): \(hex(sent))")
        }
        if let nlri = vector.rfcNlriHex ?? vector.nlriHex, !nlri.isEmpty {
            let route: AnnouncedRoute? =
                switch command.order {
                case .announce(let announcement): announcement.route
                case .withdraw(let route): route
                case .endOfRIB: nil
                }
            #expect(route.map { hex($0.encodedNLRI) } == nlri.uppercased(), "\(vector.name)")
        }
        // And back: the same value, the same text.
        guard case .update(let read) = try BGPMessage.decode(sent[...], as: MessageContext()) else { return }
        #expect(read.faults.isEmpty, "\(vector.name)")
        switch command.order {
        case .announce(let announcement):
            let back = try #require(read.announcements.first)
            #expect(back.route == announcement.route, "\(vector.name)")
            #expect(Set(back.actions) == Set(announcement.actions), "\(vector.name)")
            let again = try FlowSpecText.parse("announce \(back)")
            #expect(again.count == 1, "\(vector.name)")
            #expect(again.first.map { UpdateParts(update($0)) } == mine, "\(vector.name): \(back)")
            let block = (announcement.route.bgpFamily.isFlowSpec ? "flow" : "static") + " { \(announcement.block()) }"
            #expect(try FlowSpecText.parse(block).first.map(update) == sent, "\(vector.name): \(block)")
        case .withdraw(let route):
            #expect(read.withdrawn == [route], "\(vector.name)")
            #expect(try FlowSpecText.parse(command.description).first?.order == command.order)
        case .endOfRIB(let family, let kind): #expect(read.endOfRIB == BGPFamily(family, kind), "\(vector.name)")
        }
    }

    @Test func everyTextOfTheVectorsBecomesItsUpdateAndComesBack() throws {
        var seen = 0
        for vector in try Self.vectors() where ["encode", "eor", "other"].contains(vector.kind) {
            guard vector.replicate != false else { continue }
            do {
                try Self.check(vector, vector.inputText)
                seen += 1
                if let text = vector.apiV6Text { try Self.check(vector, text) }
                if let text = vector.configText { try Self.check(vector, "flow { \(text) }") }
            } catch { Issue.record("\(vector.name): \(error)") }
        }
        #expect(seen > 130, "vectors that were looked at")
    }

    @Test func everyNLRIOfTheVectorsSurvivesDecodingAndEncoding() throws {
        var seen = 0
        for vector in try Self.vectors() where ["encode", "decode"].contains(vector.kind) && vector.replicate != false {
            guard let hexText = vector.rfcNlriHex ?? vector.nlriHex, !hexText.isEmpty,
                let family = BGPFamily(afi: UInt16(vector.afi ?? 0), safi: UInt8(vector.safi ?? 0)), family.isFlowSpec
            else { continue }
            let nlri = octets(hexText)
            let (rule, consumed) = try FlowSpecRule.decodeNLRI(
                nlri[...],
                family: family.addressFamily,
                isVPN: family.isFlowSpecVPN
            )
            #expect(consumed == nlri.count)
            #expect(rule.encodedNLRI == nlri, "\(vector.name)")
            seen += 1
        }
        #expect(seen >= 130, "vectors that were looked at")
    }

    /// What ExaBGP refuses is refused, but for what is meant to be taken: rules over several lines, `80-90`, a
    /// destination without a mask, a route target with an IPv4 address, and any neighbor, as there are none here.
    @Test func whatExaBGPRefusesIsRefusedButForTheExtensions() throws {
        let taken: Set<String> = [
            "live:bsn-trailing", "live:bsbsn-trailing", "guide:a_multiline:0", "guide:a2_backslash_n:0",
            "guide:d_dport:5", "guide:g_withdraw_nothen:1", "guide:j_misc:10", "guide:l_nomatch:4",
            "guide:n_neighbor:1",
        ]
        var seen = 0
        for vector in try Self.vectors() where vector.kind.hasPrefix("reject") {
            let commands = try? FlowSpecText.parse(vector.inputText)
            #expect((commands != nil) == taken.contains(vector.name), "\(vector.name): \(vector.inputText)")
            seen += 1
        }
        #expect(seen == 31)
    }

    /// What ExaBGP does and no RFC allows.
    @Test func defectsAreNotCopied() throws {
        for vector in try Self.vectors() where vector.replicate == false {
            switch vector.name {
            case "conf-flow:ipv6":
                // RFC 8956 section 3.1 sends the bits behind the offset; a DSCP has six bits.
                let error = #expect(throws: TextError.self) { try FlowSpecText.parse(vector.inputText) }
                #expect(error?.reason.contains("63") == true)
                let text = vector.inputText.replacing("traffic-class 101", with: "traffic-class 37")
                let command = try #require(FlowSpecText.parse(text).first)
                guard case .announce(let announcement) = command.order else { return }
                #expect(
                    hex(announcement.route.encodedNLRI)
                        == "21" + "0180002A020B80001500007ACA39FFFEAEA87A" + "02807801" + "038111" + "0B8125"
                        + "0D9107DD"
                )
            case "guide:k_v6:5":
                // next-header is IPv6's.
                guard case .announce(let announcement)? = try FlowSpecText.parse(vector.inputText).first?.order else {
                    return
                }
                #expect(announcement.route.bgpFamily == .ipv6FlowSpec)
            case "guide:j_misc:17", "api-flow:1:37":
                #expect(throws: TextError.self) { try FlowSpecText.parse(vector.inputText) }
            default: Issue.record("\(vector.name) has not been thought about")
            }
        }
    }
}
