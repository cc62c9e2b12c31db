import FlowSpec
import NetworkTypes
import Testing

@testable import BGP

private let request = BGPMessage.routeRefresh(RouteRefresh(.request, .ipv4FlowSpec)).encoded(as: MessageContext())

private func rules(_ count: Int) throws -> [Announcement] {
    try (0..<count).map { try udpRule("198.\(51 + $0 / 65_536).\($0 / 256 % 256).\($0 % 256)/32") }
}

private func open(enhanced: Bool) -> [UInt8] {
    openMessage(families: [.ipv4FlowSpec]) { $0.enhancedRouteRefresh = enhanced }
}

/// What was said, with rules counted: `+3`, `-1`, and the marks.
private func story(_ effects: [NeighborSession.Effect]) -> [String] {
    var story: [String] = []
    var announced = 0
    func settle() {
        if announced > 0 { story.append("+\(announced)") }
        announced = 0
    }
    for message in sentMessages(effects) {
        switch message {
        case .update(let update) where update.endOfRIB != nil:
            settle()
            story.append("EoR")
        case .update(let update):
            announced += update.announced.count
            if !update.withdrawn.isEmpty { story.append("-\(update.withdrawn.count)") }
        case .routeRefresh(let refresh?):
            settle()
            story.append(refresh.kind == .begin ? "BoRR" : "EoRR")
        default: continue
        }
    }
    settle()
    return story
}

/// A session whose neighbor takes nothing yet but what the first burst brought.
private func beginning(_ count: Int, enhanced: Bool, with octets: [UInt8] = []) throws -> (
    NeighborSession, [NeighborSession.Effect]
) {
    var session = connectedSession()
    _ = session.update(announce: try rules(count), withdraw: [], at: time(0))
    _ = session.received(open(enhanced: enhanced), on: .outgoing, at: time(0))
    let effects = session.received(keepaliveMessage + octets, on: .outgoing, at: time(0))
    return (session, effects)
}

extension NeighborSession {
    /// All that waits, to a neighbor that reads as it comes.
    fileprivate mutating func drain() -> [Effect] {
        var effects: [Effect] = []
        for _ in 0..<1000 {
            deliverAll(.outgoing, at: time(1))
            guard hasMoreToSend else { break }
            effects += transmit(at: time(1))
        }
        return effects
    }
}

@Test func requestsThatComeTogetherAreAnsweredOnce() throws {
    var (session, effects) = try beginning(6000, enhanced: true)
    effects += session.drain()
    #expect(story(effects) == ["+6000", "EoR"])
    effects = session.received(request + request, on: .outgoing, at: time(1))
    effects += session.drain()
    #expect(story(effects) == ["BoRR", "+6000", "EoRR"])
}

/// One that comes while another is answered waits for its end, and then all is said again: the neighbor may have changed
/// its mind about what it has passed already. More of them are still one.
@Test func aRequestDuringAnAnswerIsAnsweredAfterIt() throws {
    var (session, effects) = try beginning(6000, enhanced: true)
    effects += session.drain()
    effects = session.received(request, on: .outgoing, at: time(1))
    effects += session.received(request + request, on: .outgoing, at: time(1))
    effects += session.drain()
    #expect(story(effects) == ["BoRR", "+6000", "EoRR", "BoRR", "+6000", "EoRR"])
}

/// With graceful restart the neighbor purges at the End-of-RIB what it was not told before (RFC 4724 section 4.2).
@Test(arguments: [true, false])
func theEndOfRIBComesAfterAllRoutesWhateverIsAskedBefore(_ enhanced: Bool) throws {
    let count = 6000
    var (session, effects) = try beginning(count, enhanced: enhanced, with: request)
    effects += session.drain()
    #expect(story(effects) == (enhanced ? ["+6000", "EoR", "BoRR", "+6000", "EoRR"] : ["+6000", "EoR"]))

    // A slow neighbor asks when it has a part.
    (session, effects) = try beginning(count, enhanced: enhanced)
    let part = sentUpdates(effects).flatMap(\.announced).count
    #expect(part > 0 && part < count)
    effects += session.received(request, on: .outgoing, at: time(1))
    effects += session.received(request, on: .outgoing, at: time(1))
    effects += session.drain()
    let told = story(effects)
    if enhanced {
        #expect(told == ["+6000", "EoR", "BoRR", "+6000", "EoRR"])
    } else {
        let end = try #require(told.firstIndex(of: "EoR"))
        #expect(told.filter { $0 == "EoR" }.count == 1)
        var known: Set<AnnouncedRoute> = []
        for update in sentUpdates(effects) {
            if update.endOfRIB != nil { break }
            known.formUnion(update.announced)
        }
        #expect(known.count == count, "all are told before it, at \(end)")
        #expect(sentUpdates(effects).flatMap(\.announced).count >= count + part, "and those it had are told again")
    }
}

/// The neighbor may still have it from before the restart.
@Test func aRuleThatReturnsDuringTheFirstDumpComesBeforeItsEnd() throws {
    var (session, effects) = try beginning(6000, enhanced: true)
    effects += session.update(announce: [try udpRule("203.0.113.1/32")], withdraw: [], at: time(1))
    effects += session.drain()
    #expect(story(effects) == ["+6001", "EoR"])
}
