import FlowSpec
import NetworkTypes
import Simulation
import Testing

@testable import Compatibility

private func announcement(_ host: Int, _ action: TrafficAction = .discard) throws -> Announcement {
    let address = IPAddress(198, 51, UInt8(host >> 8 & 255), UInt8(host & 255))
    let rule = try FlowSpecRule(family: .ipv4, components: [.destination(PrefixPattern(IPPrefix(host: address)))])
    return Announcement(route: .flowSpec(rule), actions: [action])
}

/// What an ExaBGP makes of commands: it announces by route.
private struct ExaBGP {
    var held: [AnnouncedRoute: Announcement] = [:]

    mutating func read(_ octets: [UInt8]) throws {
        for command in try FlowSpecText.parse(String(decoding: octets, as: UTF8.self)) {
            switch command.order {
            case .announce(let announcement): held[announcement.route] = announcement
            case .withdraw(let route): held[route] = nil
            case .endOfRIB: break
            }
        }
    }
}

struct CommandBacklogTests {
    private func lines(_ backlog: inout CommandBacklog) -> [String] {
        var all = ""
        while true {
            let octets = backlog.next(upTo: 4096)
            guard !octets.isEmpty else { return all.split(separator: "\n").map(String.init) }
            all += String(decoding: octets, as: UTF8.self)
        }
    }

    @Test func eachChangeIsALineAndWhatCameAndWentIsNotMentionedTwice() throws {
        var backlog = CommandBacklog()
        let (one, two) = (try announcement(1), try announcement(2))
        backlog.announce(one)
        backlog.announce(two)
        backlog.withdraw(two.route)
        #expect(
            lines(&backlog) == [
                "announce flow route destination 198.51.0.1/32 discard",
                "withdraw flow route destination 198.51.0.2/32",
            ]
        )
        backlog.announce(one)
        #expect(lines(&backlog).isEmpty, "it was told that already")
        backlog.announce(try announcement(1, .rateLimitBytes(asn: 0, bytesPerSecond: 9600)))
        #expect(!backlog.isTold(one.route))
        #expect(lines(&backlog) == ["announce flow route destination 198.51.0.1/32 rate-limit 9600"])
        #expect(backlog.isTold(one.route) && backlog.commands == 3)
    }

    @Test func aUnicastRouteIsWithdrawnWithItsNextHop() throws {
        var backlog = CommandBacklog()
        let route = AnnouncedRoute.unicast(IPPrefix("198.51.100.1/32")!)
        backlog.announce(Announcement(route: route, nextHop: IPAddress(192, 0, 2, 66)))
        backlog.withdraw(route)
        #expect(lines(&backlog) == ["withdraw route 198.51.100.1/32 next-hop 192.0.2.66"])
    }

    @Test func aReaderThatComesIsToldEverything() throws {
        var backlog = CommandBacklog()
        backlog.announce(try announcement(1))
        backlog.announce(try announcement(2))
        backlog.recall(try announcement(3))
        backlog.recall(try announcement(1))
        _ = lines(&backlog)
        backlog.withdraw(try announcement(2).route)
        _ = lines(&backlog)
        backlog.beginAnew()
        #expect(backlog.toldCount == 0)
        #expect(
            Set(lines(&backlog)) == [
                "announce flow route destination 198.51.0.1/32 discard",
                "withdraw flow route destination 198.51.0.2/32",
                "withdraw flow route destination 198.51.0.3/32",
            ]
        )
    }

    /// Readers come and go, some forget, some take only part: in the end each has what it is to have.
    @Test(arguments: 1...20)
    func whateverHappensItEndsAsItShould(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var backlog = CommandBacklog()
        var wanted: [AnnouncedRoute: Announcement] = [:]
        var reader = ExaBGP()
        for _ in 0..<400 {
            let host = Int.random(in: 1...40, using: &generator)
            switch Int.random(in: 0..<12, using: &generator) {
            case 0..<4:
                let rate = Float(Int.random(in: 1...3, using: &generator) * 9600)
                let one = try announcement(host, .rateLimitBytes(asn: 0, bytesPerSecond: rate))
                wanted[one.route] = one
                backlog.announce(one)
            case 4..<7:
                let route = try announcement(host).route
                wanted[route] = nil
                backlog.withdraw(route)
            case 7..<10: try reader.read(backlog.next(upTo: 200))
            case 10:
                // It read no more of what was in the pipe, and comes back as it was.
                _ = backlog.next(upTo: 200)
                backlog.beginAnew()
            default:
                reader = ExaBGP()
                backlog.beginAnew()
            }
            #expect(backlog.wantedCount == wanted.count)
        }
        while !backlog.isEmpty { try reader.read(backlog.next(upTo: 4096)) }
        #expect(reader.held == wanted)
    }

    @Test func whatIsRememberedIsBounded() throws {
        var backlog = CommandBacklog()
        for host in 1...20_000 { backlog.withdraw(try announcement(host).route) }
        _ = lines(&backlog)
        backlog.beginAnew()
        #expect((4096...8192).contains(lines(&backlog).count))
    }
}
