import FlowSpec
import NetworkTypes
import Simulation
import Testing

@testable import Compatibility

/// What a stream of octets says, however it is cut.
private func readings(_ stream: [UInt8], chunks: [Int] = []) -> [APIReading] {
    var assembler = CommandAssembler()
    var rest = stream[...]
    var found: [APIReading] = []
    for size in chunks {
        found += assembler.take(rest.prefix(size)).flatMap { APIReading.read($0) }
        rest = rest.dropFirst(size)
    }
    found += assembler.take(rest).flatMap { APIReading.read($0) }
    return found
}

private func readings(_ text: String) -> [APIReading] { readings(Array(text.utf8)) }

/// Orders in one line each; `!` and the reason for what is refused.
private func words(_ readings: [APIReading]) -> [String] {
    readings.flatMap { reading -> [String] in
        switch reading {
        case .command(.orders(let orders), _): orders.map(\.description)
        case .command(let command, _): ["\(command)"]
        case .refused(_, let reason): ["! \(reason)"]
        }
    }
}

private func words(_ text: String) -> [String] { words(readings(text)) }

struct CommandAssemblerTests {
    private static let rule = "announce flow route destination 198.51.100.50/32 protocol =udp discard"
    private static let block = """
        announce flow route {
            match {
                destination 198.51.100.50/32;
                protocol udp;
            }
            then {
                discard;
            }
        }

        """

    @Test(arguments: [
        block, rule + "\n", block.replacing("\n", with: "\\n") + "\n", block.replacing("\n", with: "\r\n"),
        "announce flow route { match { destination 198.51.100.50/32; protocol udp; } then { discard; } } }\n",
        "announce flow route name\n{\n match { destination 198.51.100.50/32; protocol udp; }\n then { discard; } }\n",
        "announce flow route\n\n{ match { destination 198.51.100.50/32; protocol udp; } then { discard; } }\n",
        "# announce {\n\n" + block, "announce ipv4 flow destination 198.51.100.50/32 protocol udp discard # {\n",
        "announce flow route \"a { b\" { match { destination 198.51.100.50/32; protocol udp; } then { discard; } }\n",
    ])
    func everyFormIsOneRule(text: String) {
        #expect(words(text).filter { !$0.hasPrefix("nothing") } == [Self.rule])
    }

    /// Commands glued to each other in a comment have the rest of the line read again each: some, not thousands.
    @Test func aLineOfThousandsOfCommandsIsCutSoOftenAndNoMore() {
        var assembler = CommandAssembler()
        let pieces = assembler.take(String(repeating: "#xannounce route ", count: 2000).utf8 + Array("\n".utf8))
        #expect(pieces.count == CommandAssembler.maximumCuts + 2)
        guard case .tooLong = pieces.last else { return #expect(Bool(false), "the rest is refused, not lost") }
        #expect(words(assembler.take((Self.rule + "\n").utf8).flatMap { APIReading.read($0) }) == [Self.rule])
    }

    /// A comment that its writer did not end takes nobody's next line with it.
    @Test func aCommentThatWasNotEndedSwallowsNothing() {
        #expect(words("# I was here\(Self.rule)\n").last == Self.rule, "hard upon it")
        #expect(words("withdraw route 198.51.100.1/32 # why\(Self.rule)\n").count == 2)
        #expect(words("# announce flow route destination 198.51.100.9/32 discard\n").allSatisfy { !$0.contains("198") })
        #expect(words("# see: \(Self.rule)\n").allSatisfy { !$0.contains("198") }, "somebody's own words")
        var assembler = CommandAssembler()
        #expect(assembler.take("# half a comment ".utf8).isEmpty)
        let idle = assembler.finishIdle()
        #expect(words(idle.flatMap { APIReading.read($0) }).allSatisfy { $0.hasPrefix("nothing") })
        #expect(words(assembler.take("\(Self.rule)\n".utf8).flatMap { APIReading.read($0) }) == [Self.rule])
        #expect(assembler.take("\(Self.rule) # said".utf8).isEmpty)
        #expect(words(assembler.finishIdle().flatMap { APIReading.read($0) }) == [Self.rule], "nothing can narrow it")
        #expect(assembler.take("announce flow route destination 198.51.100.0/24".utf8).isEmpty)
        #expect(assembler.finishIdle().isEmpty, "half a line may be narrowed yet")
    }

    /// A quote that was not ended is refused, and the command behind it is carried out.
    @Test func aQuoteThatWasNotEndedSwallowsNothing() {
        let found = words("announce flow route \"name\(Self.rule)\n\(Self.rule)\n")
        #expect(found.count == 3 && found[0].hasPrefix("!") && found[1] == Self.rule && found[2] == Self.rule)
    }

    @Test func itDoesNotMatterHowTheStreamIsCut() {
        let stream = Array((Self.block + Self.rule + "\n" + Self.block + "withdraw route 198.51.100.1/32\n").utf8)
        let whole = readings(stream)
        #expect(whole.count == 4)
        for cut in 0...stream.count { #expect(readings(stream, chunks: [cut]) == whole, "cut at \(cut)") }
        #expect(readings(stream, chunks: Array(repeating: 1, count: stream.count)) == whole)
    }

    @Test func whatIsAskedAndOrderedBesideRoutesIsKnown() {
        let text = """
            show neighbor summary
            show adj-rib out
            flush adj-rib out
            clear adj-rib out
            clear adj-rib in
            neighbor 192.0.2.1 teardown 2
            version
            help
            # a comment
            announce eor ipv4 flow
            announce operational asm ipv4 unicast "x"
            shutdown
            peer list
            rib flush out
            """
        let commands = readings(text + "\n").map { reading -> APICommand? in
            if case .command(let command, _) = reading { command } else { nil }
        }
        let selector = NeighborSelector(address: IPAddress("192.0.2.1"))
        #expect(commands[0] == .question(.neighbors) && commands[1] == .question(.routes))
        #expect(commands[2] == .flush([]) && commands[3] == .clear([]))
        #expect(commands[5] == .teardown([selector], subcode: 2))
        #expect(commands[6] == .question(.version) && commands[7] == .question(.help))
        #expect(commands[9] == .orders([TextCommand(.endOfRIB(.ipv4, .flow))]))
        for place in [4, 8] {
            guard case .nothing? = commands[place] else {
                Issue.record("\(place): \(String(describing: commands[place]))")
                return
            }
        }
        for place in [10, 11] {
            guard case .unsupported? = commands[place] else {
                Issue.record("\(place): \(String(describing: commands[place]))")
                return
            }
        }
        #expect(commands[12] == .question(.neighbors) && commands[13] == .flush([]))
        #expect(commands.count == 14)
    }

    @Test func selectorsStayWithTheirOrder() {
        let found = words("neighbor 192.0.2.1 , neighbor 192.0.2.2 \(Self.rule)\npeer * \(Self.rule)\n")
        #expect(found == ["neighbor 192.0.2.1 , neighbor 192.0.2.2 \(Self.rule)", "neighbor * \(Self.rule)"])
    }

    // MARK: Writers in each other's way

    @Test func aBrokenRuleEndsWhereALineBeginsAnotherCommand() {
        let found = words("announce flow route {\n match {\n  destination 198.51.1\n\(Self.block)")
        #expect(found == ["! another command began before it had ended", Self.rule])
    }

    @Test func aCommandBehindHalfALineIsSaved() {
        #expect(
            words("announce flow route destination 198.51\(Self.rule)\n")
                == ["! another command began before it had ended", Self.rule]
        )
        #expect(
            words("announce flow route { match { destination 198.5\(Self.block)\(Self.rule)\n")
                == ["! another command began before it had ended", Self.rule, Self.rule]
        )
        #expect(
            words("announce flow route {\n match {\n destination 198.5neighbor * \(Self.rule)\n\(Self.rule)\n")
                == ["! another command began before it had ended", "neighbor * \(Self.rule)", Self.rule]
        )
        // What has no end of its own may have been cut where it was broader than meant.
        #expect(
            words("\(Self.rule)\(Self.rule)\n") == ["! another command began before it had ended", Self.rule]
        )
    }

    @Test func theTailOfACommandIsNeverAnotherOne() {
        #expect(words("neighbor nobody \(Self.rule)\n").allSatisfy { $0.hasPrefix("!") })
        #expect(words("neighbor nobody , neighbor 192.0.2.2 \(Self.rule)\n").allSatisfy { $0.hasPrefix("!") })
        #expect(
            words("group attributes community bad ; \(Self.rule) ; withdraw route 198.51.100.1/32\n")
                .allSatisfy { $0.hasPrefix("!") }
        )
    }

    @Test func aClosedRuleNeedsNoEndOfItsLine() {
        var assembler = CommandAssembler()
        #expect(assembler.take(Self.block.utf8.dropLast()).isEmpty)
        #expect(assembler.finishIdle().count == 1)
        #expect(assembler.take(Self.rule.utf8).isEmpty)
        #expect(assembler.finishIdle().isEmpty, "half a line may be broader than the whole")
        #expect(assembler.take([10]).count == 1)
    }

    // MARK: Bounds

    @Test(arguments: ["announce flow route {\n", "announce route "])
    func whatNeverEndsIsRefusedAndTheNextCommandIsRead(beginning: String) {
        var assembler = CommandAssembler()
        var found = assembler.take(beginning.utf8)
        for _ in 0..<40 {
            found += assembler.take(String(repeating: "destination 198.51.100.50/32; ", count: 2000).utf8)
            #expect(assembler.pendingLength <= CommandAssembler.maximumLength)
        }
        found += assembler.take("}\n}\n\(Self.rule)\n".utf8)
        let said = words(found.flatMap { APIReading.read($0) })
        #expect(said == ["! it was not ended within 1048576 octets", Self.rule])
    }

    @Test func refusedTextIsShownWithoutWhatActsOnATerminal() {
        guard case .refused(let text, _) = readings("announce \u{1B}[31m \u{7} é{\n}\n").first else {
            Issue.record("it was taken")
            return
        }
        #expect(text.utf8.allSatisfy { (32...126).contains($0) })
    }

    /// Texts of all kinds, cut, doubled and mixed: no trap, and each sound line that follows is read.
    @Test func mutatedStreamsAreReadOrRefused() {
        var generator = SeededGenerator(seed: 29)
        let seeds = [
            Self.block, Self.rule + "\n", "withdraw route 198.51.100.1/32 next-hop self\n",
            "neighbor 192.0.2.1 , neighbor * announce attributes next-hop self nlri 198.51.100.1/32\n",
            "announce flow route\n{ match { source \"x", "show neighbor\n# x {\nteardown 3\n",
            "\\n\\\\n \t{}[];'\"#\r\n",
        ].map { Array($0.utf8) }
        for _ in 0..<3000 {
            var stream: [UInt8] = []
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let seed = seeds[Int.random(in: 0..<seeds.count, using: &generator)]
                let start = Int.random(in: 0..<seed.count, using: &generator)
                stream += Bool.random(using: &generator) ? seed[...] : seed[start...]
                if Bool.random(using: &generator) { stream.append(UInt8.random(in: 0...255, using: &generator)) }
                if Int.random(in: 0..<4, using: &generator) == 0 { stream.removeLast(min(5, stream.count)) }
            }
            // A line that begins a command ends what came before; the last is sound.
            stream += Array("\n\(Self.rule)\n".utf8)
            let cut = Int.random(in: 0...stream.count, using: &generator)
            let found = readings(stream, chunks: [cut])
            #expect(found == readings(stream))
            #expect(words(found).last == Self.rule, "\(String(decoding: stream, as: UTF8.self))")
        }
    }
}
