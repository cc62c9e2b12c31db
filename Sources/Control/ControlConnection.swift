internal import FoundationEssentials
internal import NIOCore

/// One client: its requests are answered one after another, in the order in which they came.
///
/// Runs on the connection's event loop. A handler rather than a sequence of buffers that a task awaits: where orders are
/// carried out on that very thread, one is on its way as soon as the socket is read.
final class ControlConnection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let responder: any ControlResponder
    private let executor: (any TaskExecutor)?
    /// Done when the client is gone and nothing is carried out for it any more.
    private let finished: EventLoopPromise<Void>
    private var pending = ByteBuffer()
    private var isAnswering = false
    private var isTaking = false
    private var isGone = false
    /// The channel wanted to read while as much as a request may have was waiting.
    private var isHeldBack = false

    /// - Parameters:
    ///   - executor: carries out orders; nil: wherever there is room. What is asked is answered elsewhere.
    ///   - finished: must be of the connection's loop.
    init(responder: any ControlResponder, ordersOn executor: (any TaskExecutor)?, finished: EventLoopPromise<Void>) {
        self.responder = responder
        self.executor = executor
        self.finished = finished
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var chunk = unwrapInboundIn(data)
        pending.writeBuffer(&chunk)
        takeRequests(context)
    }

    /// Who sends faster than he is answered waits.
    func read(context: ChannelHandlerContext) {
        isHeldBack = pending.readableBytes > ControlCoding.maximumRequestBytes
        if !isHeldBack { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        takeRequests(context)
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        isGone = true
        pending.clear()
        if !isAnswering { finished.succeed() }
        context.fireChannelInactive()
    }

    /// A client that goes away in mid-answer is its own affair.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func takeRequests(_ context: ChannelHandlerContext) {
        // An answer that is there at once comes back to here: a thousand of them must not be a thousand calls deep.
        guard !isTaking else { return }
        isTaking = true
        defer { isTaking = false }
        // Answers that the client does not read are not piled up for it.
        while !isAnswering, !isGone, context.channel.isWritable {
            guard let line = pending.readLine() else {
                // A connection may last for years; what was read of it need not.
                pending.discardReadBytes()
                if pending.readableBytes > ControlCoding.maximumRequestBytes { context.close(promise: nil) }
                break
            }
            answer(line, context)
        }
        if isHeldBack { read(context: context) }
    }

    private func answer(_ line: [UInt8], _ context: ChannelHandlerContext) {
        isAnswering = true
        let reply = context.eventLoop.makePromise(of: [UInt8].self)
        reply.futureResult.assumeIsolated().whenSuccess { [self] octets in
            isAnswering = false
            guard !isGone else { return finished.succeed() }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: octets)), promise: nil)
            takeRequests(context)
        }
        let request: ControlRequest
        do {
            request = try ControlRequest(line: line)
        } catch {
            return reply.succeed(Self.encoded(NumberedResponse(response: .refused("not a request: \(error)"))))
        }
        let carryOut: @Sendable () async -> Void = { [responder] in
            let response = await responder.respond(to: request)
            reply.succeed(Self.encoded(NumberedResponse(id: request.id, response: response)))
        }
        Task(executorPreference: request.command.isOrder ? executor : nil, operation: carryOut)
    }

    private static func encoded(_ response: NumberedResponse) -> [UInt8] {
        let encoded = try? ControlCoding.encoder().encode(response)
        return Array(encoded ?? Data(#"{"refused":{"_0":"the answer could not be encoded"}}"#.utf8)) + [0x0A]
    }
}

extension ByteBuffer {
    /// The bytes up to the next line feed, which is consumed too; nil when there is none yet.
    mutating func readLine() -> [UInt8]? {
        guard let length = readableBytesView.firstIndex(of: 0x0A).map({ $0 - readerIndex }),
            let line = readBytes(length: length)
        else { return nil }
        moveReaderIndex(forwardBy: 1)
        return line
    }
}
