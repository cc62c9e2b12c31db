import Compatibility
import DaemonConfiguration

extension FuzzTarget {
    /// A `fastnetmon.conf`, its lists and its templates, with a line of `---` between one and the next.
    static let fastNetMon = FuzzTarget(
        name: "fastnetmon",
        take: { input in
            struct Missing: Error {}
            let texts = String(decoding: octets(input), as: UTF8.self).split(separator: "\n---\n", maxSplits: 3).map(
                String.init
            )
            let paths = ["/etc/networks_list", "/etc/networks_whitelist", "/etc/flowspec_templates.conf"]
            let files = Dictionary(uniqueKeysWithValues: zip(paths, texts.dropFirst()))
            let text = texts.first ?? ""
            let document = FastNetMonFile.read(
                text,
                file: "/etc/fastnetmon.conf",
                hasNeighbors: text.utf8.count % 2 == 0
            ) { path in
                guard let text = files[path] else { throw Missing() }
                return text
            }
            for remark in document.remarks {
                check(!remark.message.isEmpty, "a remark says something")
                check(remark.place.line <= input.byteCount + 1, "a remark has its place")
            }
            check(!document.yaml.isEmpty, "it can be written")
        },
        seeds: {
            [
                """
                networks_list_path = /etc/networks_list
                enable_ban = on
                hostgroup = web:198.51.100.0/26, 2001:db8:100::/64
                web_threshold_mbps = 5000   # five
                ban_for_bandwidth = on
                threshold_mbps = 1000
                sflow = on
                sflow_port = 6343,6344
                exabgp = on
                exabgp_community = [65001:666 65001:777]
                exabgp_announce_whole_subnet = on
                ---
                198.51.100.7/24
                2001:db8:100::/48 # ours
                ---
                198.51.100.53
                ---
                udp_flood:
                  match:
                    - destination: $TARGET_IP/32
                    - source-port: [53, 123]
                  then:
                    - rate-limit: 100000
                """,
                "gobgp = on\nthreshold_pps = 20k\nban_for_pps = yes\n---\n::/0\n---\n0.0.0.0/0\n---\nflood: {then: discard}\n",
            ].map { Array($0.utf8) }
        }
    )
}
