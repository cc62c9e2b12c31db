import FlowSpec
import NetworkTypes
import TestSupport
import Testing

@testable import BGP

private let sound = (
    origin: "40010100", path: "40020602010000fde9", hop: "400304c0000201", reach: "800e0f0001850000090120c0000201038111"
)

private func read(_ attributes: String, nlri: String = "", isInternal: Bool? = nil, wide: Bool = true) -> UpdateMessage
{
    let path = octets(attributes)
    var body: [UInt8] = [0, 0, UInt8(path.count >> 8), UInt8(path.count & 0xFF)]
    body += path + octets(nlri)
    return UpdateMessage(decoding: body[...], as: MessageContext(usesFourOctetAS: wide), isInternal: isInternal)
}

/// One attribute beside those of a sound route, and what RFC 7606 section 7 does about it.
@Test(arguments: [
    // ORIGIN, AS_PATH and NEXT_HOP in place of the sound ones are in the next test.
    ("8004020000", UpdateFault.Handling.treatAsWithdraw), ("40050300000a", .treatAsWithdraw),
    ("400601ff", .discardAttribute), ("c00707fde9c0000201ff", .discardAttribute), ("c00803fde902", .treatAsWithdraw),
    ("c00800", .treatAsWithdraw), ("800903c00002", .treatAsWithdraw), ("800a05c000020101", .treatAsWithdraw),
    ("c0100780060000000000", .treatAsWithdraw), ("c01000", .treatAsWithdraw),
    ("c010088006fde97fc00000", .treatAsWithdraw), ("c010088006fde97f800000", .treatAsWithdraw),
    ("c0110602010000fde9", .discardAttribute), ("c0120800000001c0000201", .discardAttribute),
    ("c01913000c20010db8000900000000000000000009000000", .treatAsWithdraw),
    ("c0200b0000fde900000001000000", .treatAsWithdraw), ("c02000", .treatAsWithdraw),
    // Flags.
    ("800804ffff029a", .treatAsWithdraw), ("40080 4ffff029a", .treatAsWithdraw), ("00050400000064", .treatAsWithdraw),
    // Twice: the first holds.
    ("c00804ffff029ac00804ffff029b", .discardAttribute),
    // Beyond the end of the attributes.
    ("c0080affff029a", .treatAsWithdraw), ("c0", .treatAsWithdraw),
    // Well-known, but to whom?
    ("404d00", .resetSession(BGPError(.updateMessage, 2, data: [0x40, 0x4D, 0]))),
])
func eachFaultyAttributeIsHandledAsItsSpecificationHasIt(_ attribute: String, _ handling: UpdateFault.Handling) {
    let update = read(sound.reach + sound.origin + sound.path + attribute)
    #expect(update.faults.contains { $0.handling == handling }, "\(update.faults)")
    switch handling {
    case .discardAttribute:
        #expect(update.announced.count == 1)
        #expect(update.withdrawn.isEmpty)
    case .treatAsWithdraw:
        #expect(update.announced.isEmpty)
        #expect(update.withdrawn.count == 1)
        #expect(update.attributes == nil)
    default:
        #expect(update.announced.isEmpty)
        #expect(update.withdrawn.isEmpty)
    }
}

@Test(arguments: [
    ("400102" + "0000", sound.path, sound.hop), ("40010103", sound.path, sound.hop), ("", sound.path, sound.hop),
    (sound.origin, "", sound.hop), (sound.origin, "4002060501" + "0000fde9", sound.hop),
    (sound.origin, "4002060202" + "0000fde9", sound.hop), (sound.origin, "4002020200", sound.hop),
    (sound.origin, "40020102", sound.hop), (sound.origin, sound.path, ""), (sound.origin, sound.path, "400303c00002"),
])
func aRouteWithoutSoundMandatoryAttributesIsWithdrawn(_ origin: String, _ path: String, _ hop: String) {
    #expect(read(sound.origin + sound.path + sound.hop, nlri: "20c0000263").announced.count == 1)
    let update = read(origin + path + hop, nlri: "20c0000263")
    #expect(update.faults.contains { $0.handling == .treatAsWithdraw }, "\(update.faults)")
    #expect(update.withdrawn.map(\.description) == ["192.0.2.99/32"])
    #expect(update.announced.isEmpty)
}

/// What cannot be read as far as the next route.
@Test func onlyWhatLeavesNoWayOnIsGraver() {
    func handlings(_ update: UpdateMessage) -> [UpdateFault.Handling] { update.faults.map(\.handling) }
    let twice = read(sound.reach + sound.reach + sound.origin + sound.path)
    #expect(handlings(twice).contains(.resetSession(.malformedAttributeList)))
    #expect(handlings(read("800e0200018500")).contains(.resetSession(.optionalAttributeError)))
    #expect(handlings(read("800f020001")).contains(.resetSession(.optionalAttributeError)))
    #expect(
        handlings(read(sound.origin + sound.path + sound.hop, nlri: "21c000026300")) == [
            .resetSession(.invalidNetworkField)
        ]
    )
    #expect(
        handlings(read(sound.origin + sound.path + sound.hop, nlri: "20c00002")) == [
            .resetSession(.invalidNetworkField)
        ]
    )
    let v6 = "800e26000201" + "08" + "20010db800000001" + "00" + "8020010db8000000000000000000000100" + "000000000000"
    #expect(handlings(read(v6 + sound.origin + sound.path)).contains(.disableFamily(.ipv6Unicast)))
    // RFC 7606 section 5.2: no route, and a fault that would withdraw it.
    #expect(handlings(read("40010103")).contains(.resetSession(.malformedAttributeList)))
    for body: [UInt8] in [[], [0, 5, 1], [0, 0, 0, 9, 1], [0, 0]] {
        let update = UpdateMessage(decoding: body[...], as: MessageContext())
        #expect(handlings(update) == [.resetSession(.malformedAttributeList)])
    }
    #expect(throws: BGPError.self) { try UpdateMessage(body: [0, 5, 1][...], as: MessageContext()) }
}

@Test func externalNeighborsHaveNoSayInOurAS() {
    let inside = "40050400000064" + "800904c0000201" + "800a04c0000202"
    let external = read(sound.reach + sound.origin + sound.path + inside, isInternal: false)
    #expect(external.faults.map(\.handling) == [.discardAttribute, .discardAttribute, .discardAttribute])
    #expect(external.announced.count == 1)
    #expect(external.attributes?.localPreference == nil)
    #expect(read(sound.reach + sound.origin + sound.path + inside, isInternal: true).faults.isEmpty)
}

/// RFC 7607 section 2 and RFC 5065 section 5.
@Test func pathsThatNobodyCanHaveAreTreatedAsWithdrawn() {
    func faults(_ attributes: String, isInternal: Bool = false) -> [UpdateFault.Handling] {
        read(sound.reach + sound.origin + attributes, isInternal: isInternal).faults.map(\.handling)
    }
    #expect(faults("4002060201" + "0000fde9").isEmpty)
    #expect(faults("40020a0202" + "0000fde9" + "00000000") == [.treatAsWithdraw])
    // A confederation's.
    #expect(faults("4002060301" + "0000fde9") == [.treatAsWithdraw])
    #expect(faults("4002060301" + "0000fde9", isInternal: true).isEmpty)
    let aggregator = read(sound.reach + sound.origin + sound.path + "c00708" + "00000000" + "c0000201")
    #expect(aggregator.faults.map(\.handling) == [.discardAttribute] && aggregator.announced.count == 1)
    #expect(aggregator.attributes?.aggregator == nil)
}

/// RFC 6793 section 4.2.3.
@Test func fourOctetNumbersComeBackFromTheirOwnAttributes() {
    func path(_ two: String, _ four: String, aggregator: String = "") -> (String, String?) {
        let update = read(sound.reach + sound.origin + two + four + aggregator, wide: false)
        let attributes = update.attributes
        return (attributes?.asPath.description ?? "", attributes?.aggregator.map { "\($0.asn)" })
    }
    let two = "4002080203fde95ba05ba0"
    #expect(path(two, "c0110a0202fa56ea0a00010000").0 == "65001 4200000010 65536")
    #expect(path(two, "").0 == "65001 23456 23456")
    // Longer than AS_PATH: not to be believed.
    #expect(path("400204 0201fde9", "c0110a0202fa56ea0a00010000").0 == "65001")
    // A set counts for one.
    #expect(path("40020a0201fde901025ba0fdea", "c011060101fa56ea0a").0 == "65001 { 4200000010 }")
    let aggregator = "c007065ba0c0000201"
    #expect(
        path(two, "c0110a0202fa56ea0a00010000", aggregator: aggregator + "c01208fa56ea0ac0000201").1 == "4200000010"
    )
    // An AGGREGATOR that is not AS_TRANS was written by somebody who did not know of the others.
    let plain = path(two, "c0110a0202fa56ea0a00010000", aggregator: "c00706fde9c0000201" + "c01208fa56ea0ac0000201")
    #expect(plain.0 == "65001 23456 23456")
    #expect(plain.1 == "65001")
    // Cut off: left out, and the route stands.
    #expect(path(two, "c011050201fa56ea").0 == "65001 23456 23456")
}

@Test func mutatedUpdatesNeverTrapAndNeverAnnounceWhatTheyDoNotHold() {
    var random = RandomRules(seed: 5)
    let packer = UpdatePacker(manner: .init(context: MessageContext(), isInternal: true, localAS: ASN(65001)))
    for _ in 0..<300 {
        guard let announcement = random.announcement(), let message = packer.announce([announcement]).first else {
            continue
        }
        let sound = UpdateMessage(decoding: message.dropFirst(19), as: MessageContext())
        #expect(sound.faults.isEmpty)
        #expect(sound.announced == [announcement.route])
        #expect(Set(sound.attributes?.actions ?? []) == Set(announcement.actions))
        for _ in 0..<40 {
            var body = Array(message.dropFirst(19))
            for _ in 0..<Int.random(in: 1...3, using: &random.random) {
                body[Int.random(in: 0..<body.count, using: &random.random)] = .random(
                    in: 0...255,
                    using: &random.random
                )
            }
            let context = MessageContext(usesFourOctetAS: .random(using: &random.random))
            let update = UpdateMessage(
                decoding: body.prefix(.random(in: 0...body.count, using: &random.random)),
                as: context
            )
            #expect(update.announced.count + update.withdrawn.count <= body.count)
            #expect(update.announced.isEmpty || update.attributes != nil)
        }
    }
}
