import BGP
import FlowSpec
import NIOCore
import NIOPosix
import NetworkTypes
import Speaker
import Synchronization
import TestSupport
import Testing

/// A router out of a range that answers one rule with a NOTIFICATION, and comes back as soon as it can.
private final class ComplainingRouter: Sendable {
    struct Heard: Sendable {
        var sessions = 0
        var complaints = 0
        /// Last octets of the destinations that were announced on the session that stands.
        var held: Set<UInt8> = []
    }

    private let heard = Mutex(Heard())
    var state: Heard { heard.withLock { $0 } }
    private let isStopped = Mutex(false)
    private let channel = Mutex<(any Channel)?>(nil)
    private let port: UInt16
    private let own: String
    private let bad: UInt8

    init(at own: String, to port: UInt16, bad: UInt8) {
        self.own = own
        self.port = port
        self.bad = bad
    }

    /// Connects again and again until it is stopped.
    func run() async throws {
        while !isStopped.withLock({ $0 }) {
            let current = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Session(self))
                    }
                }
                .bind(to: SocketAddress(ipAddress: own, port: 0))
                .connect(host: "127.0.5.64", port: Int(port)).get()
            channel.withLock { $0 = current }
            if isStopped.withLock({ $0 }) { current.close(promise: nil) }
            try await current.closeFuture.get()
            heard.withLock { $0.held = [] }
        }
    }

    func stop() {
        isStopped.withLock { $0 = true }
        channel.withLock { $0 }?.close(promise: nil)
    }

    private static func message(_ type: UInt8, _ body: [UInt8] = []) -> ByteBuffer {
        ByteBuffer(bytes: [UInt8](repeating: 0xFF, count: 16) + [0, UInt8(19 + body.count), type] + body)
    }

    private final class Session: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let router: ComplainingRouter
        private var octets: [UInt8] = []

        init(_ router: ComplainingRouter) { self.router = router }

        func channelActive(context: ChannelHandlerContext) {
            // AS 65001, hold time 90 s, identifier 0.0.0.9; FlowSpec of IPv4, four-octet AS numbers.
            let capabilities: [UInt8] = [1, 4, 0, 1, 0, 133, 65, 4, 0, 0, 0xFD, 0xE9]
            let parameters = [2, UInt8(capabilities.count)] + capabilities
            let open = [4, 0xFD, 0xE9, 0, 90, 0, 0, 0, 9, UInt8(parameters.count)] + parameters
            context.writeAndFlush(NIOAny(ComplainingRouter.message(1, open)), promise: nil)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            octets += Array(unwrapInboundIn(data).readableBytesView)
            while octets.count >= 19 {
                let length = Int(octets[16]) << 8 | Int(octets[17])
                guard octets.count >= length, length >= 19 else { return }
                let message = Array(octets[..<length])
                octets.removeFirst(length)
                hear(message, context)
            }
        }

        private func hear(_ message: [UInt8], _ context: ChannelHandlerContext) {
            switch message[18] {
            case 1:
                router.heard.withLock { $0.sessions += 1 }
                context.writeAndFlush(NIOAny(ComplainingRouter.message(4)), promise: nil)
            case 2:
                // A destination of 32 bits, 198.51.100.x.
                let start: [UInt8] = [1, 32, 198, 51, 100]
                var hosts: Set<UInt8> = []
                for place in message.indices.dropLast(start.count)
                where Array(message[place..<(place + start.count)]) == start {
                    hosts.insert(message[place + start.count])
                }
                router.heard.withLock { $0.held.formUnion(hosts) }
                guard hosts.contains(router.bad) else { return }
                router.heard.withLock { $0.complaints += 1 }
                context.writeAndFlush(NIOAny(ComplainingRouter.message(3, [3, 9])), promise: nil)
                context.close(promise: nil)
            default: break
            }
        }
    }
}

@Suite(.serialized)
struct ComplainingNeighborTests {
    private func range(_ change: (inout NeighborConfiguration) -> Void = { _ in }) async throws -> Speaker {
        var accepted = try internalNeighbor("127.0.5.0", routerID: 1)
        accepted.range = IPPrefix("127.0.5.64/28")
        accepted.isPassive = true
        // On a busy machine the router may take a while to complain.
        accepted.probation = .milliseconds(1500)
        change(&accepted)
        let speaker = quietSpeaker([accepted], listen: [.init(address: IPAddress(127, 0, 5, 64), port: 0)])
        let template = try #require(RuleTemplate.builtIn["udp_flood"])
        await speaker.update(
            announce: try (1...16).map { host in
                try template.announcement(for: IPPrefix(host: IPAddress(198, 51, 100, host)), direction: .incoming)
            }
        )
        try await speaker.start()
        return speaker
    }

    /// The search goes on from session to session, though the neighbor is nobody's between them.
    @Test func theRuleIsFoundForANeighborOutOfARange() async throws {
        let speaker = try await range()
        let router = ComplainingRouter(at: "127.0.5.65", to: await speaker.boundPorts[0], bad: 11)
        async let running: Void = router.run()
        let rest = Set((1...16).map { UInt8($0) }).subtracting([11])
        #expect(await eventually(within: 60) { router.state.held == rest })
        let status = await speaker.status()
        #expect(status.first?.quarantined.map { "\($0.route)" } == ["destination 198.51.100.11/32 protocol =udp"])
        #expect(router.state.complaints <= 6, "\(router.state.complaints)")
        router.stop()
        await speaker.stop()
        try await running
    }

    /// No more of them are remembered than may come at a time; those that left last.
    @Test func whoComplainedAndLeftIsRemembered() async throws {
        let speaker = try await range { $0.maximumNeighbors = 2 }
        let port = await speaker.boundPorts[0]
        for own in ["127.0.5.66", "127.0.5.67", "127.0.5.68"] {
            let once = ComplainingRouter(at: own, to: port, bad: 3)
            async let running: Void = once.run()
            #expect(await eventually { once.state.complaints > 0 })
            once.stop()
            try await running
        }
        #expect(await eventually { await speaker.status().count == 2 })
        let known = await speaker.status()
        #expect(known.map { "\($0.configuration.address)" } == ["127.0.5.67", "127.0.5.68"])
        #expect(known.allSatisfy { $0.isDynamic && ($0.isSearchingForFault || !$0.quarantined.isEmpty) })
        await speaker.stop()
    }

    /// A reload that needs no reset reaches those that are there and those that are remembered, and costs neither.
    @Test func aReloadIsTakenByWhoeverCameOutOfTheRange() async throws {
        let speaker = try await range { $0.description = "before" }
        let port = await speaker.boundPorts[0]
        let gone = ComplainingRouter(at: "127.0.5.69", to: port, bad: 3)
        async let first: Void = gone.run()
        #expect(await eventually { gone.state.complaints > 0 })
        gone.stop()
        try await first
        let present = ComplainingRouter(at: "127.0.5.70", to: port, bad: 200)
        async let second: Void = present.run()
        #expect(await eventually { present.state.held.count == 16 })
        var changed = try #require(await speaker.status().first).configuration
        changed.address = IPAddress(127, 0, 5, 0)
        changed.range = IPPrefix("127.0.5.64/28")
        changed.description = "after"
        changed.endsSessionAtLimit.toggle()
        _ = try await speaker.reconfigure(
            neighbors: [changed],
            listen: [.init(address: IPAddress(127, 0, 5, 64), port: 0)]
        )
        let known = await speaker.status()
        #expect(known.map { "\($0.configuration.address)" } == ["127.0.5.69", "127.0.5.70"])
        for neighbor in known {
            #expect(neighbor.configuration.description == "after")
            #expect(neighbor.configuration.endsSessionAtLimit == changed.endsSessionAtLimit)
            #expect(neighbor.configuration.range == nil && neighbor.configuration.isPassive)
        }
        #expect(known.last?.state == .established && present.state.sessions == 1)
        present.stop()
        await speaker.stop()
        try await second
    }
}
