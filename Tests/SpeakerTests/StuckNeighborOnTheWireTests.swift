import BGP
import FlowSpec
import NIOCore
import NIOPosix
import NetworkTypes
import Speaker
import TestSupport
import Testing

/// A neighbor that takes the connection and the OPEN, and then never reads again.
struct StuckNeighborOnTheWireTests {
    /// Reads the OPEN, answers it, and leaves all else in the socket.
    private final class Stuck: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var heard = unwrapInboundIn(data)
            guard let open = heard.readBytes(length: heard.readableBytes) else { return }
            let channel = context.channel
            // The OPEN mirrored, with another identifier, and a KEEPALIVE.
            var answer = open
            if answer.count > 27 { answer[27] ^= 1 }
            answer += BGPMessage.keepalive.encoded(as: MessageContext())
            channel.writeAndFlush(ByteBuffer(bytes: answer), promise: nil)
            channel.setOption(.autoRead, value: false).whenFailure { _ in channel.close(promise: nil) }
        }
    }

    /// The live one has all its rules while the stuck one has taken what its socket holds, and each later rule too.
    @Test func aLiveNeighborIsNotDelayedByOneThatTakesNothing() async throws {
        let stuck = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.socketOption(.so_rcvbuf), value: 4096)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Stuck()) }
            }
            .bind(host: "127.0.5.50", port: 0).get()
        var listening = try internalNeighbor("127.0.0.1", routerID: 7)
        listening.isPassive = true
        listening.maximumReceived = 1_000_000
        let live = quietSpeaker([listening], listen: [.init(address: IPAddress(127, 0, 5, 51), port: 0)])
        try await live.start()
        var first = try internalNeighbor("127.0.5.50", routerID: 8)
        first.port = UInt16(stuck.localAddress?.port ?? 0)
        first.isPassive = false
        var second = try internalNeighbor("127.0.5.51", routerID: 8)
        second.port = await live.boundPorts[0]
        second.localAddress = IPAddress(127, 0, 0, 1)
        let ours = quietSpeaker([first, second])
        try await ours.start()
        #expect(await eventually { await ours.status().allSatisfy { $0.state == .established } })
        // Messages of a kilobyte, each with attributes of its own.
        let path = (1...250).map { ASN(UInt32($0)) }
        func route(_ index: Int) -> Announcement {
            let prefix = IPPrefix(host: IPAddress(v4: 0x0A00_0000 + UInt32(index)))
            let hop = IPAddress(192, 0, 2, 1)
            return Announcement(route: .unicast(prefix), nextHop: hop, asPath: path, metric: UInt32(index))
        }
        // Far more than the buffers between hold: what the live one has, the stuck one cannot have been sent.
        let many = (0..<12_000).map(route)
        await ours.update(announce: many)
        #expect(await eventually(within: 120) { await ours.status()[1].announcedRoutes == many.count })
        #expect(await ours.status()[0].announcedRoutes < many.count, "it is stuck")
        for index in 0..<20 {
            let late = route(many.count + index)
            await ours.update(announce: [late])
            let isSent = await eventually {
                await ours.holders(of: [late.route])[late.route]?[IPAddress(127, 0, 5, 51)] == .sent
            }
            #expect(isSent)
            #expect(await ours.holders(of: [late.route])[late.route]?[IPAddress(127, 0, 5, 50)] == .queued)
        }
        let arrived = await eventually(within: 120) {
            await live.status().first?.receivedRoutes[.ipv4Unicast] == many.count + 20
        }
        #expect(arrived, "and they arrive")
        #expect(await ours.status()[0].state == .established, "it has until its send hold timer expires")
        await ours.stop()
        await live.stop()
        try await stuck.close()
    }
}
