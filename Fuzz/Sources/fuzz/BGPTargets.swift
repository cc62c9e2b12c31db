import BGP
import FlowSpec
import NetworkTypes

extension FuzzTarget {
    /// The body of an UPDATE; the first octet says what the session has agreed on.
    static let update = FuzzTarget(
        name: "bgp-update",
        take: { input in
            let all = octets(input)
            guard let first = all.first else { return }
            let body = all.dropFirst()
            let identified: Set<BGPFamily> = first & 4 == 0 ? [] : Set(BGPFamily.allCases)
            let context = MessageContext(
                usesFourOctetAS: first & 1 == 0,
                addPathFamilies: identified,
                sentAddPathFamilies: identified,
                extendedNextHop: first & 8 == 0 ? [] : [.ipv4Unicast]
            )
            var wide = context
            wide.usesFourOctetAS = true
            let update = UpdateMessage(decoding: body, as: context, isInternal: first & 2 == 0)
            check(update.announced.count + update.withdrawn.count <= body.count, "each route takes an octet")
            check(update.announced.isEmpty || update.attributes != nil, "routes have attributes")
            for announcement in update.announcements {
                let packer = UpdatePacker(
                    manner: .init(context: wide, isInternal: true, localAS: ASN(65001))
                )
                for message in packer.announce([announcement]) {
                    let again = UpdateMessage(
                        decoding: message.dropFirst(BGPMessage.headerLength),
                        as: wide,
                        isInternal: true
                    )
                    check(again.announced == [announcement.route], "what was read is said again")
                }
                _ = try? CompatibilityProfile.compatible.fit(announcement)
            }
        },
        seeds: {
            texts.compactMap { text in
                guard case .announce(let announcement)? = try? FlowSpecText.parse(text).first?.order else { return nil }
                let packer = UpdatePacker(
                    manner: .init(
                        context: MessageContext(),
                        isInternal: true,
                        localAS: ASN(65001),
                        localAddress: IPAddress(192, 0, 2, 1)
                    )
                )
                return packer.announce([announcement]).first.map { [0] + $0.dropFirst(BGPMessage.headerLength) }
            }
        }
    )

    /// One NLRI; the first octet says of which family.
    static let flowSpecNLRI = FuzzTarget(
        name: "flowspec-nlri",
        take: { input in
            let all = octets(input)
            guard let first = all.first else { return }
            let family: AddressFamily = first & 1 == 0 ? .ipv4 : .ipv6
            let isVPN = first & 2 != 0
            guard let (rule, consumed) = try? FlowSpecRule.decodeNLRI(all.dropFirst(), family: family, isVPN: isVPN)
            else { return }
            check(consumed < all.count + 1, "no more than there is")
            let again = try? FlowSpecRule.decodeNLRI(rule.encodedNLRI[...], family: family, isVPN: isVPN).rule
            check(again == rule && again?.components == rule.components, "what was read is read again")
            let order = try? FlowSpecText.parse("announce \(Announcement(route: .flowSpec(rule)))").first?.order
            check(order == .announce(Announcement(route: .flowSpec(rule))), "what is printed is read again")
        },
        seeds: {
            texts.compactMap { text in
                guard case .announce(let announcement)? = try? FlowSpecText.parse(text).first?.order,
                    case .flowSpec(let rule) = announcement.route
                else { return nil }
                let kind: UInt8 = (rule.family == .ipv4 ? 0 : 1) | (rule.routeDistinguisher == nil ? 0 : 2)
                return [kind] + rule.encodedNLRI
            }
        }
    )

    /// Commands and blocks in text.
    static let flowSpecText = FuzzTarget(
        name: "flowspec-text",
        take: { input in
            guard let commands = try? FlowSpecText.parse(String(decoding: octets(input), as: UTF8.self)) else { return }
            for command in commands {
                let again = try? FlowSpecText.parse(command.description)
                check(again?.count == 1, "what is printed is one command")
                check(again?.first?.description == command.description, "what is printed is read again")
            }
        },
        seeds: { texts.map { Array($0.utf8) } }
    )

    private static let texts = [
        "announce flow route { match { destination 198.51.100.5/32; protocol [ =udp =tcp ]; } then { discard; } }",
        "announce flow route rd 65001:100 source 192.0.2.0/24 port [ >=137&<=139 =8080 80-90 ] rate-limit 12.5 MB/s",
        "announce ipv6 flow destination 2001:db8::/64/16 tcp-flags [ syn&!ack =rst+ns ] redirect [2001:db8::1]:5",
        "flow { route \"x\" { match { fragment is-fragment; packet-length <100; dscp =46; } scope { interface-set "
            + "transitive:input:65001:5; } then { mark 5; action sample-terminal; copy 192.0.2.1; } } } # comment",
        "neighbor 192.0.2.1 local-as 65001 , neighbor * announce route 198.51.100.5/32 next-hop self med 5 community "
            + "[ blackhole no-export 65001:1 ] large-community 1:2:3 extended-community [ target:65001:1 ]",
        "announce ipv6 unicast 2001:db8::/32 next-hop 2001:db8::1 origin egp as-path [ 65001 65002 ]",
        "group attributes next-hop self community 1:1 ; announce route 10.0.0.0/24 ; withdraw route 10.0.1.0/24",
        "withdraw flow route destination 198.51.100.5/32 icmp-type echo-request icmp-code 0\\n\nannounce eor ipv4 flow",
        "announce ipv6 flow next-header =17 flow-label >=5 extended-community [ 0x800c00004479c000 rate-limit:5 ]",
    ]
}
