import FlowSpec
import NetworkTypes
import Testing

@testable import BGP

private func route(_ text: String) throws -> AnnouncedRoute { .unicast(try #require(IPPrefix(text))) }
private func announcement(_ text: String) throws -> Announcement { Announcement(route: try route(text)) }

@Test func withoutASessionNothingIsKeptButTheRoutes() throws {
    var rib = AdjRIBOut()
    for index in 0..<100 {
        let prefix = "198.51.100.\(index)/32"
        rib.announce(try announcement(prefix))
        if index > 0 { rib.withdraw(try route(prefix)) }
    }
    #expect(!rib.hasPending, "rules that come and go while a neighbor is away leave nothing behind")
    rib.beginSession([.ipv4Unicast])
    let (announce, withdraw) = rib.takePending(1000)
    #expect(announce == [try announcement("198.51.100.0/32")])
    #expect(withdraw.isEmpty)
}

@Test func onlyWhatWasToldIsWithdrawn() throws {
    var rib = AdjRIBOut()
    rib.beginSession([.ipv4Unicast])
    rib.announce(try announcement("198.51.100.1/32"))
    rib.announce(try announcement("2001:db8::1/128"))
    let first = rib.takePending(1000)
    #expect(first.announce == [try announcement("198.51.100.1/32")], "IPv6 was not negotiated")
    #expect(rib.sentCount == 1)
    rib.withdraw(try route("2001:db8::1/128"))
    rib.withdraw(try route("198.51.100.1/32"))
    rib.withdraw(try route("198.51.100.9/32"))
    let second = rib.takePending(1000)
    #expect(second.withdraw == [try route("198.51.100.1/32")])
    #expect(rib.sentCount == 0)
}

@Test func changedAttributesAreToldAgainAndEqualOnesAreNot() throws {
    var rib = AdjRIBOut()
    rib.beginSession([.ipv4Unicast])
    var changed = try announcement("198.51.100.1/32")
    rib.announce(changed)
    _ = rib.takePending(10)
    rib.announce(changed)
    #expect(!rib.hasPending)
    changed.communities = [.blackhole]
    rib.announce(changed)
    #expect(rib.takePending(10).announce == [changed])
    #expect(rib.sentCount == 1)
}

@Test func aBurstLeavesTheRestInOrder() throws {
    var rib = AdjRIBOut()
    rib.beginSession([.ipv4Unicast])
    let all = try (0..<10).map { try announcement("198.51.100.\($0)/32") }
    for one in all { rib.announce(one) }
    #expect(rib.takePending(4).announce == Array(all[..<4]))
    #expect(rib.takePending(100).announce == Array(all[4...]))
    #expect(!rib.hasPending)
}
