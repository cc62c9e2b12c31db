import BGP
import Foundation
import Logging
import NetworkTypes
import Speaker
import TestSupport
import Testing

func quietSpeaker(
    _ neighbors: [NeighborConfiguration],
    listen: [Speaker.ListenAddress] = [],
    observer: @escaping @Sendable (NeighborEvent) -> Void = { _ in }
) -> Speaker {
    Speaker(
        neighbors: neighbors,
        listen: listen,
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        now: { Timestamp(seconds: Date().timeIntervalSince1970) },
        observer: observer
    )
}

func internalNeighbor(_ address: String, routerID: UInt32) throws -> NeighborConfiguration {
    NeighborConfiguration(
        address: try #require(IPAddress(address)),
        remoteAS: ASN(65001),
        localAS: ASN(65001),
        routerID: routerID,
        families: [.ipv4FlowSpec, .ipv4Unicast]
    )
}

/// One side that takes neighbors out of a range, and others that come from addresses of their own.
private struct Range {
    let address: String
    let listening: Speaker
    let port: UInt16

    init(
        at address: String,
        listen: String? = nil,
        of range: String,
        _ change: (inout NeighborConfiguration) -> Void
    ) async throws {
        self.address = address
        var accepted = try internalNeighbor("127.0.5.0", routerID: 1)
        accepted.range = IPPrefix(range)
        accepted.isPassive = true
        change(&accepted)
        let bind = try #require(IPAddress(listen ?? address))
        listening = quietSpeaker([accepted], listen: [.init(address: bind, port: 0)])
        try await listening.start()
        port = await listening.boundPorts[0]
    }

    /// A neighbor at this address, started.
    func neighbor(at own: String, _ change: (inout NeighborConfiguration) -> Void = { _ in }) async throws -> Speaker {
        var connecting = try internalNeighbor(address, routerID: UInt32(own.split(separator: ".")[3]) ?? 2)
        connecting.localAddress = IPAddress(own)
        connecting.port = port
        change(&connecting)
        let neighbor = quietSpeaker([connecting])
        try await neighbor.start()
        return neighbor
    }
}

private func isUp(_ speaker: Speaker) async -> Bool { await speaker.status().first?.state == .established }

@Suite(.serialized)
struct NeighborRangeTests {
    /// From outside of the range, or as one too many, a connection is closed without a word; those inside stay up.
    @Test func whoIsOutOfTheRangeIsRefused() async throws {
        let range = try await Range(at: "127.0.5.1", of: "127.0.5.16/30") { $0.maximumNeighbors = 2 }
        let near = try await range.neighbor(at: "127.0.5.17")
        let alsoNear = try await range.neighbor(at: "127.0.5.18")
        #expect(await eventually { await isUp(near) })
        #expect(await eventually { await isUp(alsoNear) })
        let tooMany = try await range.neighbor(at: "127.0.5.19")
        let outside = try await range.neighbor(at: "127.0.5.20")
        // Each has been closed on, and tries again: that it is not up yet would prove nothing.
        for refused in [tooMany, outside] {
            #expect(await eventually { await refused.status().first?.lastError != nil })
            #expect(await refused.status().first?.messagesReceived == 0)
        }
        let known = await range.listening.status()
        #expect(known.map { "\($0.configuration.address)" } == ["127.0.5.17", "127.0.5.18"])
        #expect(known.allSatisfy { $0.state == .established })
        // Once there is room the one that was too many comes in.
        await alsoNear.stop()
        #expect(await eventually { await isUp(tooMany) })
        #expect(await !isUp(outside))
        for one in [near, tooMany, outside, range.listening] { await one.stop() }
    }

    #if os(Linux)
    /// The key is the whole range's: who has it comes in, who has another or none does not get an answer.
    @Test(arguments: ["127.0.5.2", "::"])
    func aPasswordHoldsForAllOfARange(_ listen: String) async throws {
        let range = try await Range(at: "127.0.5.2", listen: listen, of: "127.0.5.32/28") { $0.password = "secret" }
        let first = try await range.neighbor(at: "127.0.5.33") { $0.password = "secret" }
        let second = try await range.neighbor(at: "127.0.5.40") { $0.password = "secret" }
        #expect(await eventually { await isUp(first) })
        #expect(await eventually { await isUp(second) })
        let wrong = try await range.neighbor(at: "127.0.5.41") { $0.password = "other" }
        let none = try await range.neighbor(at: "127.0.5.42")
        try await Task.sleep(for: .seconds(1))
        for stranger in [wrong, none] {
            #expect(await stranger.status().first?.messagesSent == 0, "there is no connection to say anything on")
        }
        #expect(await range.listening.status().count == 2)
        for one in [first, second, wrong, none, range.listening] { await one.stop() }
    }
    #endif
}
