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

    /// Who answers, where orders are carried out, and what is done when the client is gone and nothing is carried out for it
    /// any more; nil until it is served.
    private var service:
        (responder: any ControlResponder, executor: (any TaskExecutor)?, finished: EventLoopPromise<Void>)?
    private var context: ChannelHandlerContext?
    private var pending = ByteBuffer()
    private var isAnswering = false
    private var isTaking = false
    private var isGone = false
    /// The channel wanted to read while as much as a request may have was waiting.
    private var isHeldBack = false

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Begins to answer; what has come until now waits.
    ///
    /// - Parameter executor: carries out orders; nil: wherever there is room. What is asked is answered elsewhere.
    /// - Returns: done when the client is gone and nothing is carried out for it any more.
    func serve(
        _ responder: any ControlResponder,
        ordersOn executor: (any TaskExecutor)?,
        on loop: any EventLoop
    ) -> EventLoopFuture<Void> {
        let finished = loop.makePromise(of: Void.self)
        service = (responder, executor, finished)
        takeRequests(loop)
        return finished.futureResult
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var chunk = unwrapInboundIn(data)
        pending.writeBuffer(&chunk)
        takeRequests(context.eventLoop)
    }

    /// Who sends faster than he is answered waits.
    func read(context: ChannelHandlerContext) {
        isHeldBack = pending.readableBytes > ControlCoding.maximumRequestBytes
        if !isHeldBack { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        takeRequests(context.eventLoop)
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        // What it has ordered is carried out, whether or not it waits for the answer.
        isGone = true
        takeRequests(context.eventLoop)
        context.fireChannelInactive()
    }

    /// A client that goes away in mid-answer is its own affair.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func takeRequests(_ loop: any EventLoop) {
        // An answer that is there at once comes back to here: a thousand of them must not be a thousand calls deep.
        guard !isTaking, let service else { return }
        isTaking = true
        defer { isTaking = false }
        // Answers that the client does not read are not piled up for it.
        while !isAnswering, isGone || context?.channel.isWritable == true {
            guard let line = pending.readLine() else {
                if pending.readableBytes > ControlCoding.maximumRequestBytes { context?.close(promise: nil) }
                break
            }
            answer(line, service.responder, service.executor, loop)
        }
        // To close it above may have been what made it go.
        if isGone, !isAnswering { service.finished.succeed() }
        // A connection may last for years; what was read of it need not.
        pending.discardReadBytes()
        if isHeldBack, !isGone, let context { read(context: context) }
    }

    private func answer(
        _ line: [UInt8],
        _ responder: any ControlResponder,
        _ executor: (any TaskExecutor)?,
        _ loop: any EventLoop
    ) {
        isAnswering = true
        let reply = loop.makePromise(of: [UInt8].self)
        reply.futureResult.assumeIsolated().whenSuccess { [self] octets in
            isAnswering = false
            if !isGone { context?.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: octets)), promise: nil) }
            takeRequests(loop)
        }
        let request: ControlRequest
        do {
            request = try ControlRequest(line: line)
        } catch {
            return reply.succeed(Self.encoded(NumberedResponse(response: .refused("not a request: \(error)"))))
        }
        let carryOut: @Sendable () async -> Void = {
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
