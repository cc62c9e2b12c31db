import BGP
import FlowSpec
import Foundation
import Logging
import NetworkTypes
import Speaker
import Synchronization
import TestSupport
import Testing

/// Two of our own speakers, one listening on an address of its own; whether they get together.
private struct Pair {
    let listening: Speaker
    let connecting: Speaker

    /// - Parameters:
    ///   - host: loopback address of the side that listens.
    ///   - listen: where it binds; the wildcard of IPv6 takes IPv4 connections too.
    init(
        host: String,
        listen: String? = nil,
        theirs: (inout NeighborConfiguration) -> Void,
        ours: (inout NeighborConfiguration) -> Void
    ) async throws {
        let server = try #require(IPAddress(host))
        let bind = try #require(IPAddress(listen ?? host))
        func base(_ address: IPAddress, _ routerID: UInt32) -> NeighborConfiguration {
            NeighborConfiguration(
                address: address,
                localAddress: nil,
                remoteAS: ASN(65001),
                localAS: ASN(65001),
                routerID: routerID,
                families: [.ipv4FlowSpec]
            )
        }
        let client = server.isIPv4 ? IPAddress(127, 0, 0, 1) : try #require(IPAddress("::1"))
        var accepted = base(client, 2)
        accepted.isPassive = true
        theirs(&accepted)
        listening = Self.speaker(accepted, listen: [.init(address: bind, port: 0)])
        try await listening.start()
        var connected = base(server, 1)
        connected.localAddress = client
        connected.port = await listening.boundPorts[0]
        ours(&connected)
        connecting = Self.speaker(connected, listen: [])
        try await connecting.start()
    }

    private static func speaker(_ neighbor: NeighborConfiguration, listen: [Speaker.ListenAddress]) -> Speaker {
        Speaker(
            neighbors: [neighbor],
            listen: listen,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            now: { Timestamp(seconds: Date().timeIntervalSince1970) },
            observer: { _ in }
        )
    }

    func comesUp(within seconds: Double) async throws -> Bool {
        await eventually(within: seconds) { await connecting.status().first?.state == .established }
    }

    func stop() async {
        await connecting.stop()
        await listening.stop()
    }
}

#if os(Linux)
@Test(arguments: [("127.0.4.1", "127.0.4.1"), ("127.0.4.2", "::"), ("::1", "::1")])
func theSamePasswordOpensTheSession(_ host: String, _ listen: String) async throws {
    let pair = try await Pair(
        host: host,
        listen: listen,
        theirs: { $0.password = "secret" },
        ours: { $0.password = "secret" }
    )
    let isUp = try await pair.comesUp(within: 10)
    let error = await pair.connecting.status().first?.lastError
    #expect(isUp, "\(error ?? "")")
    await pair.stop()
}

/// The wildcard of IPv6 too: there the key has to be set for the neighbor's mapped address.
@Test(arguments: ["127.0.4.3", "::"])
func withoutThePasswordNobodyComesIn(_ listen: String) async throws {
    let pair = try await Pair(host: "127.0.4.3", listen: listen, theirs: { $0.password = "secret" }, ours: { _ in })
    #expect(try await !pair.comesUp(within: 1.5))
    await pair.stop()
}

@Test(arguments: [("127.0.4.4", "127.0.4.4"), ("127.0.4.5", "::"), ("::1", "::1")])
func bothSidesWithTTLSecurityComeUp(_ host: String, _ listen: String) async throws {
    let pair = try await Pair(
        host: host,
        listen: listen,
        theirs: { $0.ttlSecurityHops = 1 },
        ours: { $0.ttlSecurityHops = 1 }
    )
    let isUp = try await pair.comesUp(within: 10)
    let error = await pair.connecting.status().first?.lastError
    #expect(isUp, "\(error ?? "")")
    await pair.stop()
}

@Test func packetsFromAfarAreDroppedByTTLSecurity() async throws {
    let pair = try await Pair(host: "127.0.4.6", theirs: { $0.ttlSecurityHops = 1 }, ours: { _ in })
    #expect(try await !pair.comesUp(within: 1.5))
    #expect(await pair.listening.status().first?.messagesReceived == 0)
    await pair.stop()
}
#endif

/// A NOTIFICATION behind a large table still arrives: closing must not drop what the socket has not taken yet.
@Test func theShutdownIsHeardBehindALargeTable() async throws {
    let routes = (0..<50_000).map { index in
        IPPrefix(host: IPAddress(v4: 0x0A00_0000 + UInt32(index)))
    }
    let heard = Mutex<(routes: Int, reason: String)>((0, ""))
    let now: @Sendable () -> Timestamp = { Timestamp(seconds: Date().timeIntervalSince1970) }
    let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    func neighbor(_ port: UInt16, _ routerID: UInt32, passive: Bool, _ address: IPAddress) -> NeighborConfiguration {
        NeighborConfiguration(
            address: address,
            port: port,
            localAddress: passive ? nil : IPAddress(127, 0, 0, 1),
            remoteAS: ASN(65001),
            localAS: ASN(65001),
            routerID: routerID,
            families: [.ipv4Unicast],
            isPassive: passive
        )
    }
    let server = IPAddress(127, 0, 4, 7)
    let router = Speaker(
        neighbors: [neighbor(179, 2, passive: true, IPAddress(127, 0, 0, 1))],
        listen: [.init(address: server, port: 0)],
        logger: quiet,
        now: now,
        observer: { event in
            switch event {
            case .received(_, let update, _): heard.withLock { $0.routes += update.announced.count }
            case .down(_, let reason): heard.withLock { $0.reason = reason }
            case .up, .suspects, .quarantined: break
            }
        }
    )
    try await router.start()
    let speaker = Speaker(
        neighbors: [neighbor(await router.boundPorts[0], 1, passive: false, server)],
        logger: quiet,
        now: now,
        observer: { _ in }
    )
    try await speaker.start()
    #expect(await eventually { await speaker.status().first?.state == .established })
    await speaker.update(announce: routes.map { .init(route: .unicast($0), nextHop: IPAddress(192, 0, 2, 1)) })
    await speaker.stop()
    #expect(await eventually { heard.withLock { !$0.reason.isEmpty } })
    // What the connection had not taken when the session ended was never sent.
    #expect((1...routes.count).contains(heard.withLock { $0.routes }))
    #expect(heard.withLock { $0.reason }.contains("administrative shutdown"))
    await router.stop()
}
