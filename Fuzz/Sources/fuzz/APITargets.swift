import Compatibility

extension FuzzTarget {
    /// A stream of commands, as from a named pipe with several writers; the first octet says how it is cut.
    static let apiStream = FuzzTarget(
        name: "api-stream",
        take: { input in
            let all = octets(input)
            guard let first = all.first else { return }
            let stream = all.dropFirst()
            var whole = CommandAssembler()
            let pieces = whole.take(stream)
            check(whole.pendingLength <= CommandAssembler.maximumLength, "what waits is bounded")
            var cut = CommandAssembler()
            let size = Int(first) + 1
            var parts: [CommandAssembler.Piece] = []
            var rest = stream
            while !rest.isEmpty {
                parts += cut.take(rest.prefix(size))
                rest = rest.dropFirst(size)
            }
            check(parts == pieces, "it does not matter how the stream is cut")
            let readings = pieces.flatMap { APIReading.read($0) }
            for case .command(.orders(let orders), _) in readings {
                check(orders.count <= stream.count, "each order takes an octet")
            }
            _ = whole.finishIdle().flatMap { APIReading.read($0) }
        },
        seeds: {
            [
                "announce flow route {\n match {\n destination 198.51.100.5/32;\n protocol udp;\n }\n then {\n discard;\n }\n}\n",
                "neighbor 192.0.2.1 , neighbor * announce route 198.51.100.5/32 next-hop self\nshow neighbor summary\n",
                "withdraw flow route\n{ match { destination 198.51.1announce attributes next-hop self nlri 198.51.100.5/32\n",
                "# comment {\npeer 192.0.2.1 teardown 4\nflush adj-rib out\nrib clear out\nsession ack disable\n",
            ].map { [7] + Array($0.utf8) }
        }
    )
}
