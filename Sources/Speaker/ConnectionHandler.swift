internal import BGP
internal import NIOCore
internal import NetworkTypes

/// Tells the speaker what one connection does. Runs on the speaker's own event loop.
final class ConnectionHandler: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    private let speaker: Speaker
    private let neighbor: IPAddress
    private let side: NeighborSession.Side
    private let attempt: Int

    init(speaker: Speaker, neighbor: IPAddress, side: NeighborSession.Side, attempt: Int) {
        self.speaker = speaker
        self.neighbor = neighbor
        self.side = side
        self.attempt = attempt
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        speaker.assumeIsolated { $0.opened(neighbor, side, attempt, channel) }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let octets = unwrapInboundIn(data).readableBytesView
        let channel = context.channel
        speaker.assumeIsolated { $0.received(neighbor, side, channel, octets) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        let channel = context.channel
        speaker.assumeIsolated { $0.writabilityChanged(neighbor, side, channel) }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        let channel = context.channel
        speaker.assumeIsolated { $0.closed(neighbor, side, channel, reason: "the connection was closed") }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let channel = context.channel
        let reason = "the connection failed: \(ConnectionError.text(error))"
        speaker.assumeIsolated { $0.closed(neighbor, side, channel, reason: reason) }
        context.close(promise: nil)
    }
}
