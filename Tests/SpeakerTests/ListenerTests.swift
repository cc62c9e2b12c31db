import BGP
import FlowSpec
import NetworkTypes
import Speaker
import Synchronization
import TestSupport
import Testing

/// One speaker that listens, and others that come from loopback addresses of their own.
private struct Listening {
    let address: String
    let speaker: Speaker
    let port: UInt16

    init(at address: String, for neighbors: [NeighborConfiguration]) async throws {
        self.address = address
        speaker = quietSpeaker(neighbors, listen: [.init(address: try #require(IPAddress(address)), port: 0)])
        try await speaker.start()
        port = await speaker.boundPorts[0]
    }

    func reload(_ neighbors: [NeighborConfiguration]) async throws -> Speaker.Changes {
        try await speaker.reconfigure(
            neighbors: neighbors,
            listen: [.init(address: try #require(IPAddress(address)), port: 0)]
        )
    }

    func client(
        at own: String,
        _ change: (inout NeighborConfiguration) -> Void = { _ in },
        observer: @escaping @Sendable (NeighborEvent) -> Void = { _ in }
    ) async throws -> Speaker {
        var connecting = try internalNeighbor(address, routerID: 9)
        connecting.localAddress = IPAddress(own)
        connecting.port = port
        change(&connecting)
        let client = quietSpeaker([connecting], observer: observer)
        try await client.start()
        return client
    }
}

private func accepted(
    _ address: String,
    _ change: (inout NeighborConfiguration) -> Void = { _ in }
) throws -> NeighborConfiguration {
    var neighbor = try internalNeighbor(address, routerID: 1)
    neighbor.isPassive = true
    change(&neighbor)
    return neighbor
}

private func range(_ prefix: String, _ password: String?) throws -> NeighborConfiguration {
    let range = try #require(IPPrefix(prefix))
    return try accepted("\(range.address)") { neighbor in
        neighbor.range = range
        neighbor.password = password
    }
}

private func isUp(_ speaker: Speaker) async -> Bool { await speaker.status().first?.state == .established }

private func stop(_ speakers: Speaker...) async { for speaker in speakers { await speaker.stop() } }

/// What one listener does for neighbors that want different things of it.
@Suite(.serialized)
struct ListenerTests {
    #if os(Linux)
    /// The socket cannot refuse what comes from afar, as others may: it is told by what asked for the connection.
    @Test func aNeighborFromAfarIsNotLetInBesideOneThatMayBe() async throws {
        let near = try accepted("127.0.6.2") { $0.ttlSecurityHops = 1 }
        let listening = try await Listening(at: "127.0.6.1", for: [near, try accepted("127.0.6.3")])
        let pretender = try await listening.client(at: "127.0.6.2")
        let other = try await listening.client(at: "127.0.6.3")
        #expect(await eventually { await isUp(other) })
        #expect(await eventually { await pretender.status().first?.lastError != nil })
        let heard = await listening.speaker.status().first { "\($0.configuration.address)" == "127.0.6.2" }
        #expect(heard?.messagesReceived == 0 && heard?.state != .established)
        await pretender.stop()
        let honest = try await listening.client(at: "127.0.6.2") { $0.ttlSecurityHops = 1 }
        #expect(await eventually { await isUp(honest) })
        await stop(other, honest, listening.speaker)
    }

    @Test func aReloadTakesTTLSecurityBack() async throws {
        let listening = try await Listening(
            at: "127.0.6.4",
            for: [try accepted("127.0.6.5") { $0.ttlSecurityHops = 1 }]
        )
        let client = try await listening.client(at: "127.0.6.5")
        try await Task.sleep(for: .milliseconds(500))
        #expect(await !isUp(client))
        _ = try await listening.reload([try accepted("127.0.6.5")])
        #expect(await eventually(within: 20) { await isUp(client) })
        await stop(client, listening.speaker)
    }

    @Test func aReloadTakesThePasswordOfARangeBack() async throws {
        let listening = try await Listening(at: "127.0.6.6", for: [try range("127.0.6.16/28", "secret")])
        let changes = try await listening.reload([try range("127.0.6.16/28", nil)])
        #expect(changes.changed == ["127.0.6.16/28"])
        let client = try await listening.client(at: "127.0.6.17")
        #expect(await eventually { await isUp(client) })
        await stop(client, listening.speaker)
    }

    /// A reload that is refused changes nothing, keys of the kernel included.
    @Test func aRefusedReloadLeavesThePasswordOfARange() async throws {
        let listening = try await Listening(at: "127.0.6.11", for: [try range("127.0.6.64/28", "secret")])
        let elsewhere = Speaker.ListenAddress(address: IPAddress(192, 0, 2, 77), port: 1)
        let own = Speaker.ListenAddress(address: try #require(IPAddress("127.0.6.11")), port: 0)
        await #expect(throws: (any Error).self) {
            _ = try await listening.speaker.reconfigure(
                neighbors: [try range("127.0.6.64/28", nil)],
                listen: [own, elsewhere]
            )
        }
        let stranger = try await listening.client(at: "127.0.6.65")
        let member = try await listening.client(at: "127.0.6.66") { $0.password = "secret" }
        #expect(await eventually { await isUp(member) })
        #expect(await !isUp(stranger))
        await stop(stranger, member, listening.speaker)
    }

    /// Whether this kernel has TCP-AO or not: the others come in, and who has no key does not.
    @Test func aKeyThatCannotBeSetKeepsNobodyElseOut() async throws {
        let signed = try accepted("127.0.6.8") { neighbor in
            neighbor.authentication = TCPAuthentication(key: "secret", sendID: 1, receiveID: 1, algorithm: .hmacSHA1)
        }
        let listening = try await Listening(at: "127.0.6.7", for: [signed, try accepted("127.0.6.9")])
        let other = try await listening.client(at: "127.0.6.9")
        let unsigned = try await listening.client(at: "127.0.6.8")
        #expect(await eventually { await isUp(other) })
        try await Task.sleep(for: .milliseconds(500))
        #expect(await !isUp(unsigned))
        #expect(await unsigned.status().first?.messagesReceived == 0)
        await stop(other, unsigned, listening.speaker)
    }
    #endif

    /// What a neighbor announces has no effect, and can be looked at while its session stands.
    @Test func whatANeighborAnnouncesCanBeLookedAt() async throws {
        let listening = try await Listening(at: "127.0.6.40", for: [try accepted("127.0.6.41")])
        let client = try await listening.client(at: "127.0.6.41")
        let own = try #require(IPAddress("127.0.6.41"))
        let text = """
            announce route 203.0.113.0/24 next-hop 192.0.2.7 community [65001:7]
            announce flow route destination 203.0.113.5/32 discard
            """
        let announcements = try FlowSpecText.parse(text).compactMap { command in
            if case .announce(let announcement) = command.order { announcement } else { nil }
        }
        try #require(announcements.count == 2)
        await client.update(announce: announcements)
        #expect(await eventually { await listening.speaker.received(from: own)?.count == 2 })
        let received = await listening.speaker.received(from: own) ?? [:]
        #expect(received[announcements[0].route]?.communities == announcements[0].communities)
        #expect(received[announcements[0].route]?.nextHop == IPAddress("192.0.2.7"))
        #expect(received[announcements[1].route]?.actions == [.discard])
        #expect(await listening.speaker.received(from: IPAddress(192, 0, 2, 200)) == nil, "nobody's")
        await client.stop()
        #expect(await eventually { await listening.speaker.received(from: own)?.isEmpty == true })
        await listening.speaker.stop()
    }

    /// RFC 4724 section 5: a router that died without a word and is back dials anew, while the old connection still stands.
    @Test func whoRestartsGracefullyIsHeardOverANewConnection() async throws {
        func graceful(_ neighbor: inout NeighborConfiguration) { neighbor.gracefulRestart = .init() }
        let listening = try await Listening(at: "127.0.6.33", for: [try accepted("127.0.6.34", graceful)])
        let before = try await listening.client(at: "127.0.6.34", graceful)
        #expect(await eventually { await isUp(before) })
        let after = try await listening.client(at: "127.0.6.34", graceful)
        #expect(await eventually { await isUp(after) })
        await stop(before, after, listening.speaker)
    }

    /// Without graceful restart the established session stays (RFC 4271 section 6.8).
    @Test func aSecondConnectionOfAnEstablishedNeighborIsRefused() async throws {
        let listening = try await Listening(at: "127.0.6.35", for: [try accepted("127.0.6.36")])
        let first = try await listening.client(at: "127.0.6.36")
        #expect(await eventually { await isUp(first) })
        let second = try await listening.client(at: "127.0.6.36")
        #expect(await eventually { await second.status().first?.lastError != nil })
        #expect(await isUp(first))
        await stop(second, first, listening.speaker)
    }

    /// Neither side has said a word when the connection ends: there is room again all the same.
    @Test func whoLeavesARangeBeforeTheFirstWordIsForgotten() async throws {
        func slow(_ neighbor: inout NeighborConfiguration) { neighbor.delayOpen = .seconds(30) }
        let range = try accepted("127.0.6.48") { neighbor in
            neighbor.range = IPPrefix("127.0.6.48/28")
            neighbor.maximumNeighbors = 1
            slow(&neighbor)
        }
        let listening = try await Listening(at: "127.0.6.37", for: [range])
        for last in 49...51 {
            let client = try await listening.client(at: "127.0.6.\(last)", slow)
            #expect(await eventually { await listening.speaker.status().count == 1 })
            await client.stop()
            #expect(await eventually { await listening.speaker.status().isEmpty })
        }
        await listening.speaker.stop()
    }

    /// What is said of routes changes, and the session with it; the neighbor may keep them meanwhile.
    @Test func aChangedNeighborThatRestartsGracefullyIsNotToldThatAllIsOver() async throws {
        func graceful(_ neighbor: inout NeighborConfiguration) { neighbor.gracefulRestart = .init() }
        let listening = try await Listening(at: "127.0.6.38", for: [try accepted("127.0.6.39", graceful)])
        let reasons = Mutex<[String]>([])
        let client = try await listening.client(at: "127.0.6.39", graceful) { event in
            if case .down(_, let reason) = event { reasons.withLock { $0.append(reason) } }
        }
        #expect(await eventually { await isUp(client) })
        let changed = try accepted("127.0.6.39") { neighbor in
            graceful(&neighbor)
            neighbor.maximumRoutes = 7
        }
        #expect(try await listening.reload([changed]).changed == ["127.0.6.39"])
        #expect(await eventually { reasons.withLock { !$0.isEmpty } })
        #expect(await eventually(within: 20) { await isUp(client) })
        let said = reasons.withLock { $0 }
        #expect(said.count == 1 && !said.contains { $0.contains("NOTIFICATION") }, "\(said)")
        await stop(client, listening.speaker)
    }
}
