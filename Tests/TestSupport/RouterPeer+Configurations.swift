/// Each daemon's own language.
extension RouterPeer {
    private var isInternal: Bool { settings.neighborAS == 65001 }

    var gobgpdConfiguration: String {
        let ofVPN = settings.hasVPN ? ["l3vpn-ipv4-flowspec", "l3vpn-ipv6-flowspec"] : []
        let families = (["ipv4-unicast", "ipv6-unicast", "ipv4-flowspec", "ipv6-flowspec"] + ofVPN).map {
            """
              [[neighbors.afi-safis]]
                [neighbors.afi-safis.config]
                  afi-safi-name = "\($0)"
                [neighbors.afi-safis.mp-graceful-restart.config]
                  enabled = \(settings.hasGracefulRestart)
            """
        }.joined(separator: "\n")
        let way = settings.connectsTo.map { "remote-port = \($0)" } ?? "passive-mode = true"
        // Without ebgp-multihop an external session would send with a hop limit of 1, which loopback forgives.
        let hops =
            settings.hasTTLSecurity
            ? "[neighbors.ttl-security.config]\n    enabled = true\n    ttl-min = 255"
            : "[neighbors.ebgp-multihop.config]\n    enabled = true\n    multihop-ttl = 2"
        return """
            [global.config]
              as = 65001
              router-id = "10.255.0.11"
              port = \(port)
              local-address-list = ["\(address)"]
            [[neighbors]]
              [neighbors.config]
                neighbor-address = "\(neighborAddress)"
                peer-as = \(settings.neighborAS)
                \(settings.password.map { "auth-password = \"\($0)\"" } ?? "")
              [neighbors.transport.config]
                local-address = "\(address)"
                \(way)
              [neighbors.timers.config]
                idle-hold-time-after-reset = 1
                connect-retry = 1
              [neighbors.graceful-restart.config]
                enabled = \(settings.hasGracefulRestart)
                restart-time = 60
              \(hops)
            \(families)
            """
    }

    var birdConfiguration: String {
        let paths = settings.hasAddPath ? "add paths rx;" : ""
        let wide = settings.hasExtendedNextHop ? "extended next hop on;" : ""
        return """
            router id 10.255.0.12;
            log stderr all;
            ipv4 table master4 { trie; }; ipv6 table master6 { trie; };
            flow4 table flow4tab; flow6 table flow6tab;
            protocol device {}
            protocol static s4 { ipv4; route 0.0.0.0/0 unreachable; }
            protocol static s6 { ipv6; route ::/0 unreachable; }
            protocol bgp peer {
              \(settings.hasTTLSecurity ? "multihop 1; ttl security on;" : "multihop;")
              local \(address) port \(port) as 65001;
              neighbor \(neighborAddress) \(settings.connectsTo.map { "port \($0)" } ?? "") as \(settings.neighborAS);
              \(settings.connectsTo == nil ? "passive on;" : "")
              \(settings.password.map { "password \"\($0)\";" } ?? "")
              \(settings.hasGracefulRestart ? "graceful restart on;" : "")
              \(settings.role.map { "local role \($0);" } ?? "")
              strict bind on;
              connect delay time 1; connect retry time 1; error wait time 1,2;
              ipv4 { table master4; import all; export none; \(paths) \(wide) };
              ipv6 { table master6; import all; export none; \(paths) };
              flow4 { table flow4tab; import all; export none; validate off; \(paths) };
              flow6 { table flow6tab; import all; export none; validate off; \(paths) };
            }
            """
    }

    var frrConfiguration: String {
        let neighbor = "neighbor \(neighborAddress)"
        let lines =
            [
                "remote-as \(settings.neighborAS)", "update-source \(address)", "timers connect 1",
                settings.connectsTo.map { "port \($0)" } ?? "passive",
                settings.hasTTLSecurity ? "ttl-security hops 1" : isInternal ? nil : "disable-connected-check",
                settings.password.map { "password \($0)" },
                settings.role.map { "local-role \($0)" },
                settings.hasExtendedNextHop ? "capability extended-nexthop" : nil,
            ]
        let families = ["ipv4 unicast", "ipv6 unicast", "ipv4 flowspec", "ipv6 flowspec"].map {
            " address-family \($0)\n  \(neighbor) activate\n exit-address-family"
        }
        return """
            frr defaults traditional
            log stdout debugging
            router bgp 65001
             bgp router-id 10.255.0.13
             no bgp ebgp-requires-policy
             no bgp default ipv4-unicast
             no bgp network import-check
             \(settings.hasGracefulRestart ? "bgp graceful-restart" : "")
            \(lines.compactMap { $0 }.map { " \(neighbor) \($0)" }.joined(separator: "\n"))
            \(families.joined(separator: "\n"))

            """
    }

    var openBGPDConfiguration: String {
        // With a local address its listener would not get the key, unless it listened on port 179.
        let local = settings.password == nil ? "local-address \(address)" : ""
        return """
            AS 65001
            router-id 10.255.0.14
            listen on \(address) port \(port)
            socket "\(folder.path("bgpd.sock"))"
            fib-update no
            nexthop qualify via default
            neighbor \(neighborAddress) {
                remote-as \(settings.neighborAS)
                \(local)
                announce IPv4 unicast
                announce IPv6 unicast
                \(settings.hasAddPath ? "announce add-path recv yes" : "")
                \(settings.connectsTo.map { "port \($0)" } ?? "passive")
                \(settings.password.map { "tcp md5sig password \($0)" } ?? "")
                \(settings.hasTTLSecurity ? "ttl-security yes" : isInternal ? "" : "multihop 2")
                \(settings.role.map { "announce policy \($0)" } ?? "")
            }
            allow from any
            allow to any

            """
    }

    func exabgpConfiguration(_ script: String) -> String {
        """
        process dump { run \(script); encoder json; }
        neighbor \(neighborAddress) {
          local-address \(address); local-as 65001; peer-as \(settings.neighborAS); router-id 10.255.0.15;
          passive true; listen \(port); hold-time 90;
          \(settings.password.map { "md5-password \"\($0)\";" } ?? "")
          \(settings.hasAddPath ? "capability { add-path receive; }" : "")
          family {
            ipv4 unicast; ipv6 unicast; ipv4 flow; ipv6 flow; \(settings.hasVPN ? "ipv4 flow-vpn; ipv6 flow-vpn;" : "")
          }
          api { processes [ dump ]; neighbor-changes; receive { parsed; update; } }
        }
        """
    }
}
