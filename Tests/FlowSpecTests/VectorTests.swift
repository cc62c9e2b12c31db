import FlowSpec
import Foundation
import NetworkTypes
import TestSupport
import Testing

/// The wire form against vectors from RFCs, ExaBGP's own tests and live runs.
@Suite(.enabled(if: SharedFiles.isPresent, "no ../shared beside the package, and FLOODGATE_SHARED names none"))
struct VectorTests {
    private static func vectors() throws -> [[String: Any]] {
        let file = try #require(SharedFiles.json("vectors/flowspec.json") as? [String: Any])
        return try #require(file["vectors"] as? [[String: Any]])
    }

    static func octets(_ hex: String) -> [UInt8] {
        stride(from: 0, to: hex.utf8.count - 1, by: 2).compactMap { offset in
            UInt8(hex.dropFirst(offset).prefix(2), radix: 16)
        }
    }

    @Test func everyRuleOfTheVectorsSurvivesDecodingAndEncoding() throws {
        var seen = 0
        for vector in try Self.vectors() {
            guard let safi = vector["safi"] as? Int, safi == 133, let afi = vector["afi"] as? UInt16,
                let family = AddressFamily(rawValue: afi), let kind = vector["kind"] as? String, kind == "encode",
                let hex = vector["rfc_nlri_hex"] as? String ?? vector["nlri_hex"] as? String, !hex.isEmpty,
                vector["replicate"] as? Bool != false
            else { continue }
            let name = vector["name"] as? String ?? ""
            var rest = ArraySlice(Self.octets(hex))
            var encoded: [UInt8] = []
            do {
                while !rest.isEmpty {
                    let (rule, consumed) = try FlowSpecRule.decodeNLRI(rest, family: family)
                    rest = rest.dropFirst(consumed)
                    encoded += rule.encodedNLRI
                }
                #expect(encoded == Self.octets(hex), "\(name)")
                seen += 1
            } catch {
                Issue.record("\(name): \(error)")
            }
        }
        #expect(seen > 90, "vectors that were looked at")
    }

    @Test func actionsSurviveEncodingAndDecoding() {
        let actions: [TrafficAction] = [
            .discard, .rateLimitBytes(asn: 65001, bytesPerSecond: 9600),
            .rateLimitPackets(asn: 0, packetsPerSecond: 1000), .control(continueWithNextRules: true, sample: true),
            .redirect(.twoOctetAS(65500, 12345)), .redirect(.fourOctetAS(ASN(4_200_000_000), 100)),
            .redirect(.ipv4(IPAddress(192, 0, 2, 1), 7)), .redirectToIP(IPAddress(192, 0, 2, 1), copy: false),
            .markDSCP(46),
            .interfaceSet(asn: ASN(1234), group: 10, input: true, output: false, transitive: true),
        ]
        for action in actions {
            #expect(action.extendedCommunity.flatMap { TrafficAction($0) } == action)
        }
        #expect(TrafficAction.discard.extendedCommunity?.rawValue == 0x8006_0000_0000_0000)
        #expect(
            TrafficAction.rateLimitBytes(asn: 0, bytesPerSecond: 9600).extendedCommunity?.description
                == "0x8006000046160000"
        )
    }
}

@Test func truncatedAndMutatedRulesAreErrorsAndNoTraps() throws {
    let target = try #require(IPPrefix("198.51.100.5/32"))
    let rule = try #require(RuleTemplate.builtIn["syn_flood"]).announcement(for: target, direction: .incoming)
    guard case .flowSpec(let match) = rule.route else { return }
    let octets = match.encodedNLRI
    for length in 0..<octets.count {
        #expect(throws: FlowSpecError.self) { _ = try FlowSpecRule.decodeNLRI(octets.prefix(length), family: .ipv4) }
    }
    var random = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
        var mutated = octets
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            mutated[Int.random(in: 0..<mutated.count, using: &random)] = .random(in: 0...255, using: &random)
        }
        guard let (decoded, _) = try? FlowSpecRule.decodeNLRI(mutated[...], family: .ipv4) else { continue }
        // What was understood says the same when it is said again.
        let again = decoded.encodedNLRI
        #expect(try FlowSpecRule.decodeNLRI(again[...], family: .ipv4).rule == decoded)
    }
}

@Test func templatesAreTheNarrowestThatIsRightForBothFamilies() throws {
    func text(_ name: String, _ prefix: String, _ direction: TrafficDirection = .incoming) throws -> String {
        let target = try #require(IPPrefix(prefix))
        return try #require(RuleTemplate.builtIn[name]).announcement(for: target, direction: direction).description
    }
    #expect(try text("udp_flood", "198.51.100.5/32") == "flow route destination 198.51.100.5/32 protocol =udp discard")
    #expect(
        try text("syn_flood", "198.51.100.5/32")
            == "flow route destination 198.51.100.5/32 protocol =tcp tcp-flags [ syn&!ack ] discard"
    )
    #expect(
        try text("icmp_flood", "2001:db8::5/128") == "flow route destination 2001:db8::5/128 next-header =58 discard"
    )
    #expect(
        try text("udp_flood", "198.51.100.5/32", .outgoing) == "flow route source 198.51.100.5/32 protocol =udp discard"
    )
}
