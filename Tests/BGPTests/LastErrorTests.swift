import NetworkTypes
import Testing

@testable import BGP

/// What stands as a neighbor's last error: the NOTIFICATION says more than the failures to connect after it.
@Suite
struct LastErrorTests {
    @Test func aBadPeerASIsNotForgottenWhenTheConnectionIsRefused() {
        var session = connectedSession()
        _ = session.received(openMessage(asn: 65009), on: .outgoing, at: time(1))
        #expect(session.lastError?.hasSuffix("bad peer AS") == true, "\(session.lastError ?? "")")
        _ = session.disconnected(.outgoing, reason: "connection refused", at: time(90))
        #expect(
            session.lastError?.contains("bad peer AS; then: connection refused") == true,
            "\(session.lastError ?? "")"
        )
    }

    @Test func soIsWhatTheNeighborSaid() {
        var session = connectedSession()
        _ = session.received(notificationMessage(.badPeerAS), on: .outgoing, at: time(1))
        _ = session.disconnected(.outgoing, reason: "closed", at: time(2))
        let error = session.lastError ?? ""
        #expect(
            error.hasPrefix("the neighbor sent NOTIFICATION: ") && error.hasSuffix("bad peer AS; then: closed"),
            "\(error)"
        )
    }

    @Test func aSessionThatStandsHasNone() {
        var session = connectedSession()
        _ = session.received(notificationMessage(.badPeerAS), on: .outgoing, at: time(1))
        _ = session.advance(to: time(600))
        _ = session.connected(.outgoing, localAddress: IPAddress(192, 0, 2, 2), at: time(600))
        _ = session.received(openMessage(), on: .outgoing, at: time(600))
        _ = session.received(keepaliveMessage, on: .outgoing, at: time(600))
        #expect(session.parameters != nil && session.lastError == nil)
    }

    @Test func aFailureAloneIsToldAsItIs() {
        var session = NeighborSession(configuration: testConfiguration)
        _ = session.start(at: time(0))
        _ = session.disconnected(.outgoing, reason: "connection refused", at: time(1))
        #expect(session.lastError == "connection refused")
    }
}
