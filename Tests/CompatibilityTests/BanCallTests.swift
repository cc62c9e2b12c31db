import Compatibility
import Detection
import Foundation
import NetworkTypes
import Testing

/// What a script gets, held against what FastNetMon 1.2.4 gave to one.
struct BanCallTests {
    private func call(_ action: BanCall.Action, _ attack: Attack, opposite: TrafficRates = TrafficRates()) -> BanCall {
        BanCall(
            action: action,
            target: attack.target.prefixes[0],
            direction: attack.direction,
            power: 88_496,
            attack: attack,
            opposite: opposite,
            banned: BanFixture.time(0),
            time: BanFixture.time(1)
        )
    }

    private static let description = """
        IP: 198.51.100.10
        Attack type: udp_flood
        Initial attack power: 88496 packets per second
        Peak attack power: 88496 packets per second
        Attack direction: incoming
        Attack protocol: udp
        Total incoming traffic: 375 mbps
        Total outgoing traffic: 0 mbps
        Total incoming pps: 88496 packets per second
        Total outgoing pps: 0 packets per second
        Total incoming flows: 120 flows per second
        Total outgoing flows: 0 flows per second
        Average incoming traffic: 375 mbps
        Average outgoing traffic: 0 mbps
        Average incoming pps: 88496 packets per second
        Average outgoing pps: 0 packets per second
        Average incoming flows: 120 flows per second
        Average outgoing flows: 0 flows per second
        Incoming ip fragmented traffic: 0 mbps
        Outgoing ip fragmented traffic: 0 mbps
        Incoming ip fragmented pps: 0 packets per second
        Outgoing ip fragmented pps: 0 packets per second
        Incoming tcp traffic: 0 mbps
        Outgoing tcp traffic: 0 mbps
        Incoming tcp pps: 0 packets per second
        Outgoing tcp pps: 0 packets per second
        Incoming syn tcp traffic: 0 mbps
        Outgoing syn tcp traffic: 0 mbps
        Incoming syn tcp pps: 0 packets per second
        Outgoing syn tcp pps: 0 packets per second
        Incoming udp traffic: 375 mbps
        Outgoing udp traffic: 0 mbps
        Incoming udp pps: 88496 packets per second
        Outgoing udp pps: 0 packets per second
        Incoming icmp traffic: 0 mbps
        Outgoing icmp traffic: 0 mbps
        Incoming icmp pps: 0 packets per second
        Outgoing icmp pps: 0 packets per second

        Average packet size for incoming traffic: 530.0 bytes\u{20}
        Average packet size for outgoing traffic: 0.0 bytes\u{20}

        """

    @Test func theTextsAreThoseOfFastNetMon() {
        let samples = (0..<30).map { BanFixture.sample(29 - $0) }
        let attack = BanFixture.attack(samples: samples)
        let ban = call(.ban, attack)
        let flows = (0..<21).map { "198.51.100.10:\(1024 + $0) < 203.0.113.\($0):53 530000 bytes 1000 packets\n" }
        #expect(
            ban.text(records: 20) == Self.description + "Incoming\n\nUDP flows: 30\n" + flows.joined()
                + "Flows have cropped due to very long list.\n\n"
        )
        #expect(ban.arguments == ["198.51.100.10", "incoming", "88496", "ban"])
        let details = call(.attackDetails, attack).text(records: 2)
        let packets = """
            2027-01-15 08:00:00.012317 203.0.113.28:53 > 198.51.100.10:1052 protocol: udp frag: 0  packets: 1 size: 530 \
            bytes ttl: 57 sample ratio: 1000 \u{20}
            2027-01-15 08:00:00.012316 203.0.113.29:53 > 198.51.100.10:1053 protocol: udp frag: 0  packets: 1 size: 530 \
            bytes ttl: 57 sample ratio: 1000 \u{20}

            """
        #expect(details == Self.description + "\n\n" + packets)
        #expect(call(.unban, attack).text(records: 20) == "")
        let manual = BanCall(
            action: .ban,
            target: BanFixture.host,
            direction: nil,
            power: 0,
            attack: nil,
            opposite: TrafficRates(),
            banned: BanFixture.time(0),
            time: BanFixture.time(0)
        )
        #expect(manual.text(records: 20).hasPrefix("IP: 198.51.100.10\nAttack type: unknown\n"))
        #expect(manual.text(records: 20).hasSuffix("outgoing traffic: 0.0 bytes \nmanually triggered attack"))
    }

    @Test func packetsOfTCPHaveFlags() {
        let samples = [BanFixture.sample(1, ipProtocol: .tcp, flags: [.syn, .ack])]
        let attack = BanFixture.attack(kind: .synFlood, samples: samples)
        let details = call(.attackDetails, attack).text(records: 1)
        #expect(details.contains(" protocol: tcp flags: syn,ack frag: 0  packets: 1 "))
        #expect(call(.ban, attack).text(records: 1).contains("Attack protocol: tcp\n"))
        #expect(call(.ban, attack).text(records: 1).contains("Incoming\n\nTCP flows: 1\n"))
    }

    /// Scripts compare with these three, and take all else for anything.
    @Test func kindsAreThoseThatScriptsKnow() {
        let known: [AttackKind: String] = [
            .udpFlood: "udp_flood", .dnsAmplification: "udp_flood", .sipAmplification: "udp_flood",
            .synFlood: "syn_flood", .synACKReflection: "syn_flood", .icmpFlood: "icmp_flood",
            .fragmentFlood: "ip_fragmentation", .ackFlood: "unknown", .greFlood: "unknown", .flood: "unknown",
        ]
        for (kind, name) in known {
            let call = call(.ban, BanFixture.attack(kind: kind))
            #expect(call.environment["ATTACK_TYPE"] == name && call.environment["ATTACK_KIND"] == kind.rawValue)
            #expect(call.guideArguments == ["198.51.100.10", name, "375"])
        }
        #expect(call(.attackDetails, BanFixture.attack()).guideArguments == nil)
        #expect(call(.unban, BanFixture.attack(kind: .dnsAmplification)).guideArguments == ["198.51.100.10", "udp"])
        #expect(call(.unban, BanFixture.attack(kind: .synFlood)).guideArguments == ["198.51.100.10", "tcp_syn"])
        #expect(call(.unban, BanFixture.attack(kind: .flood)).guideArguments == ["198.51.100.10", "all"])
    }

    @Test func theEnvironmentSaysWhatGuidesRead() {
        let environment = call(.ban, BanFixture.attack()).environment
        #expect(environment["ATTACK_TARGET_IP"] == "198.51.100.10")
        #expect(environment["ATTACK_POWER"] == "375", "Mbit/s, a whole number")
        #expect(environment["ATTACK_PPS"] == "88496" && environment["ATTACK_ACTION"] == "ban")
        #expect(environment["ATTACK_DIRECTION"] == "incoming" && environment["ATTACK_PROTOCOL"] == "udp")
    }

    /// The last figures of an attack are those of its silence.
    @Test func atTheEndTheEnvironmentHasThePeak() {
        var bans = BanList()
        var attack = BanFixture.attack()
        let first = bans.handle(.began(attack), opposite: TrafficRates(), at: BanFixture.time(0))
        attack.rates[.total, .packets] = 200_000
        attack.rates[.total, .bits] = 1e9
        attack.peak = attack.rates
        let second = bans.handle(.updated(attack), opposite: TrafficRates(), at: BanFixture.time(2))
        attack.rates = TrafficRates()
        attack.ended = BanFixture.time(20)
        _ = bans.handle(.ended(attack), opposite: TrafficRates(), at: BanFixture.time(20))
        let terms = BanList.Terms(banTime: .seconds(30), onlyIfFinished: true)
        let calls = first + second + bans.advance(to: BanFixture.time(30), terms)
        #expect(calls.map(\.action) == [.ban, .attackDetails, .unban])
        #expect(calls.map { $0.arguments[2] } == ["88496", "88496", "88496"], "as FastNetMon has it")
        #expect(calls.map { $0.environment["ATTACK_POWER"] } == ["375", "1000", "1000"])
        #expect(calls.map { $0.environment["ATTACK_PPS"] } == ["88496", "200000", "200000"])
        #expect(calls.allSatisfy { $0.environment["ATTACK_PEAK_PPS"] == $0.environment["ATTACK_PPS"] })
    }

    @Test func bothDirectionsAreTold() {
        var opposite = TrafficRates()
        opposite[.total, .packets] = 7
        opposite[.total, .bits] = 5e6
        let incoming = call(.ban, BanFixture.attack(), opposite: opposite).text(records: 0)
        #expect(incoming.contains("Total outgoing traffic: 5 mbps\n") && incoming.contains("outgoing pps: 7 packets"))
        let outgoing = call(.ban, BanFixture.attack(direction: .outgoing), opposite: opposite).text(records: 0)
        #expect(outgoing.contains("Total outgoing traffic: 375 mbps\n") && outgoing.contains("incoming pps: 7 packets"))
    }

    @Test func ipv6IsToldAsItIsWritten() throws {
        let address = try #require(IPAddress("2001:db8:100::5"))
        let call = call(.ban, BanFixture.attack(target: .host(address)))
        #expect(call.arguments[0] == "2001:db8:100::5")
        #expect(call.text(records: 0).hasPrefix("IP: 2001:db8:100::5\n"), "where FastNetMon says 0.0.0.0")
    }

    @Test func theJSONHasFastNetMonsFields() throws {
        let attack = BanFixture.attack(7, samples: [BanFixture.sample(1)])
        let text = call(.ban, attack).json(records: 20)
        #expect(text.split(separator: "\n").count == 1 && text.hasSuffix("\n"))
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["ip"] as? String == "198.51.100.10" && object["action"] as? String == "ban")
        #expect(object["alert_scope"] as? String == "host")
        let details = try #require(object["attack_details"] as? [String: Any])
        #expect(details["attack_uuid"] as? String == "00000000-0000-0000-0000-000000000007")
        #expect(details["host_group"] as? String == "global" && details["protocol_version"] as? String == "IPv4")
        #expect(details["total_incoming_pps"] as? Int == 88_496)
        #expect(details["total_incoming_traffic_bits"] as? Int == 375_224_736)
        #expect(details["total_incoming_traffic"] as? Int == 46_903_092, "octets, as there")
        for direction in ["incoming", "outgoing"] {
            for name in ["dropped", "ip_fragmented", "tcp", "syn_tcp", "udp", "icmp"] {
                for what in ["traffic", "traffic_bits", "pps"] {
                    #expect(details["\(direction)_\(name)_\(what)"] is Int, "\(direction)_\(name)_\(what)")
                }
            }
        }
        let packets = try #require(object["packet_dump_detailed"] as? [[String: Any]])
        #expect(packets.count == 1 && packets[0]["source_ip"] as? String == "203.0.113.1")
        #expect(packets[0]["sample_ratio"] as? Int == 1000 && packets[0]["length"] as? Int == 530)
        let lines = try #require(object["packet_dump"] as? [String])
        #expect(lines[0].contains("203.0.113.1:53 > 198.51.100.10:1025 protocol: udp"))
        let quiet = try JSONSerialization.jsonObject(with: Data(call(.unban, attack).json(records: 20).utf8))
        #expect(((quiet as? [String: Any])?["packet_dump"] as? [Any])?.isEmpty == true)
    }
}
