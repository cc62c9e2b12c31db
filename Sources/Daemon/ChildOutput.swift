import CFloodgate
import NIOCore
import NIOPosix

/// What a program that we started writes.
enum ChildOutput {
    typealias Channel = NIOAsyncChannel<ByteBuffer, Never>

    private static let chunk = 64 * 1024
    /// What of a line is longer is left out.
    private static let longestLine = 1000

    /// Reads a descriptor of ours, which is closed with the channel, or here where it cannot be read. It is read no faster
    /// than it is taken.
    static func open(
        _ descriptor: Int32,
        on group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) async throws -> Channel {
        do {
            return try await NIOPipeBootstrap(group: group)
                .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: chunk))
                .takingOwnershipOfDescriptor(input: descriptor) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try Channel(
                            wrappingChannelSynchronously: channel,
                            configuration: .init(backPressureStrategy: .init(lowWatermark: 1, highWatermark: 2))
                        )
                    }
                }
        } catch {
            floodgate_close(descriptor)
            throw error
        }
    }

    /// Hands each line to `take`, with spaces for what is not printable, until the program or the channel is closed.
    static func lines(of channel: Channel, _ take: (String) -> Void) async {
        var line: [UInt8] = []
        func end() {
            if !line.isEmpty { take(String(decoding: line.map { $0 < 32 || $0 > 126 ? 32 : $0 }, as: UTF8.self)) }
            line.removeAll(keepingCapacity: true)
        }
        do {
            try await channel.executeThenClose { inbound, _ in
                for try await buffer in inbound {
                    for octet in buffer.readableBytesView {
                        if octet == UInt8(ascii: "\n") {
                            end()
                        } else if line.count < longestLine {
                            line.append(octet)
                        }
                    }
                }
            }
        } catch {
            // It was closed by us, or is gone: what there was has been read.
        }
        end()
    }
}
