import BGP
import FlowSpec
import Foundation
import Logging
import NIOCore
import NIOPosix
import NetworkTypes
import Speaker
import Synchronization
import Testing

/// A TCP server that answers a BGP OPEN as it likes.
private final class HostileNeighbor: Sendable {
    enum Manner: Sendable, CaseIterable { case garbage, closesInMidMessage, silent }

    let port: UInt16
    private let server: any Channel

    init(_ manner: Manner, address: String) async throws {
        let box = Box()
        server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Answer(manner, box))
                }
            }
            .bind(host: address, port: 0).get()
        port = UInt16(server.localAddress?.port ?? 0)
        self.box = box
    }

    private let box: Box
    /// What the speaker said.
    var heard: [UInt8] { box.octets.withLock { $0 } }

    final class Box: Sendable { let octets = Mutex<[UInt8]>([]) }

    private final class Answer: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        private let manner: Manner
        private let box: Box

        init(_ manner: Manner, _ box: Box) {
            self.manner = manner
            self.box = box
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let octets = Array(unwrapInboundIn(data).readableBytesView)
            let isFirst = box.octets.withLock { all in
                defer { all += octets }
                return all.isEmpty
            }
            guard isFirst else { return }
            switch manner {
            case .garbage:
                context.writeAndFlush(NIOAny(ByteBuffer(bytes: (0..<200).map { UInt8($0) })), promise: nil)
            case .closesInMidMessage:
                let start = [UInt8](repeating: 0xFF, count: 16) + [0, 45, 1, 4]
                context.writeAndFlush(NIOAny(ByteBuffer(bytes: start)), promise: nil)
                context.close(promise: nil)
            case .silent: break
            }
        }
    }

    func stop() async { try? await server.close() }
}

/// One neighbor after another misbehaves; a good one beside them comes up, stays up and gets its rule.
@Test func hostileNeighborsAreAnsweredAndDisturbNobody() async throws {
    let addresses = ["127.0.3.1", "127.0.3.2", "127.0.3.3"]
    let hostile = try await [
        HostileNeighbor(.garbage, address: addresses[0]), HostileNeighbor(.closesInMidMessage, address: addresses[1]),
        HostileNeighbor(.silent, address: addresses[2]),
    ]
    let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let now: @Sendable () -> Timestamp = { Timestamp(seconds: Date().timeIntervalSince1970) }
    func configuration(_ address: String, _ port: UInt16, passive: Bool = false, routerID: UInt32 = 1) throws
        -> NeighborConfiguration
    {
        NeighborConfiguration(
            address: try #require(IPAddress(address)),
            port: port,
            remoteAS: ASN(65001),
            localAS: ASN(65001),
            routerID: routerID,
            families: [.ipv4FlowSpec],
            isPassive: passive
        )
    }
    let routes = Mutex<[AnnouncedRoute]>([])
    let good = Speaker(
        neighbors: [try configuration("127.0.0.1", 179, passive: true, routerID: 2)],
        listen: [.init(address: IPAddress(127, 0, 0, 1), port: 0)],
        logger: quiet,
        now: now,
        observer: { event in
            if case .received(_, let update, _) = event { routes.withLock { $0 += update.announced } }
        }
    )
    try await good.start()
    var neighbors = try zip(addresses, hostile).map { try configuration($0.0, $0.1.port) }
    neighbors.append(try configuration("127.0.0.1", await good.boundPorts[0]))
    let speaker = Speaker(neighbors: neighbors, logger: quiet, now: now, observer: { _ in })
    let target = try #require(IPPrefix("198.51.100.5/32"))
    let rule = try #require(RuleTemplate.builtIn["udp_flood"]).announcement(for: target, direction: .incoming)
    await speaker.update(announce: [rule])
    try await speaker.start()

    let deadline = Date().addingTimeInterval(15)
    while Date() < deadline, routes.withLock({ $0.isEmpty }) || hostile[0].heard.count < 60 {
        try await Task.sleep(for: .milliseconds(20))
    }
    #expect(routes.withLock { $0 } == [rule.route])
    // On a busy machine the neighbor that hangs up in mid-message may be the last to be heard.
    while Date() < deadline, await speaker.status()[1].lastError == nil { try await Task.sleep(for: .milliseconds(20)) }
    let status = await speaker.status()
    #expect(status[0].lastError?.contains("message header error: connection not synchronized") == true)
    #expect(status[1].lastError?.contains("closed") == true)
    #expect(status[2].state == .openSent, "waits for the OPEN, up to its hold time")
    #expect(status[3].state == .established)
    // NOTIFICATION, message header error, connection not synchronized.
    #expect(hostile[0].heard.contains([0, 21, 3, 1, 1]), "the garbage was answered")
    await speaker.stop()
    await good.stop()
    for one in hostile { await one.stop() }
}

@Test func aStrangerIsNotServed() async throws {
    let speaker = Speaker(
        neighbors: [],
        listen: [.init(address: IPAddress(127, 0, 0, 1), port: 0)],
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        now: { Timestamp(seconds: Date().timeIntervalSince1970) },
        observer: { _ in }
    )
    try await speaker.start()
    let port = await speaker.boundPorts[0]
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connect(host: "127.0.0.1", port: Int(port)).get()
    // Closed by the speaker; else this waits until the test's limit.
    try await channel.closeFuture.get()
    await speaker.stop()
}
