@testable import DaemonConfiguration

/// Texts that several tests read.
enum ConfigurationText {
    static let minimal = """
        networks: [198.51.100.0/24]
        telemetry:
          sflow: {listen: "0.0.0.0:6343"}

        """

    /// Every key there is.
    static let complete = """
        networks: [198.51.100.0/24, 203.0.113.0/24, 2001:db8:100::/48]
        whitelist:
          destinations: [198.51.100.1]
          sources: [192.0.2.0/24]
        telemetry:
          sflow: {listen: "0.0.0.0:6343"}
          netflow: {listen: ["0.0.0.0:2055", "[::]:4739"]}
          exporters: {allow: [192.0.2.0/24]}
          default_sampling_rate: 1000
          workers: 2
        detection:
          tick: 100ms
          window: 2s
          smoothing: 5s
          thresholds:
            total: {packets: 20k packets/s, bits: 1 Gbit/s, flows: 3500 flows/s}
            tcp: {packets: 1 packets/s, bits: 1 bit/s, flows: 1 flows/s}
            udp: {packets: 1 packets/s, bits: 1 bit/s, flows: 1 flows/s}
            icmp: {packets: 1 packets/s, bits: 1 bit/s, flows: 1 flows/s}
            tcp_syn: {packets: 10k packets/s, bits: 1 bit/s, flows: 1 flows/s}
            fragments: {packets: 1 packets/s, bits: 12.5 MB/s, flows: 1 flows/s}
          outgoing_thresholds:
            total: {packets: 50k packets/s, bits: 2 Gbit/s, flows: 9k flows/s}
          groups:
            - name: web
              prefixes: [198.51.100.0/26]
              thresholds: {total: {bits: 5 Gbit/s}}
              outgoing_thresholds: {udp: {packets: 1k packets/s}}
            - name: all-of-office
              prefixes: [203.0.113.0/24]
              measure: group
              thresholds: {total: {bits: 10 Gbit/s}}
            - name: v6
              prefixes: [2001:db8:100::/48]
              measure: network
              thresholds: {total: {bits: 30 Gbit/s}}
              baseline: off
          baseline: {factor: 4, floor: {packets: 2k packets/s, bits: 20 Mbit/s}, after: 2d}
          network_thresholds:
            udp: {packets: 100k packets/s}
          outgoing_network_thresholds:
            total: {bits: 20 Gbit/s}
          ends_below: 0.75
          quiet_period: 20s
          max_hosts: 50000
        mitigation:
          mode: enforce
          ban_time: 30m
          unban_only_if_attack_finished: false
          communities: ["65001:666"]
          max_rules: 50
          max_changes_per_minute: 60
          shortest_ipv4_prefix: 25
          shortest_ipv6_prefix: 56
          templates:
            udp_flood:
              match: {destination: $TARGET_PREFIX, protocol: udp, destination_port: [53, ">=1024&<=2047"]}
              then: {rate_limit: 100 Mbit/s, communities: [no-export]}
            syn_flood:
              match: {tcp_flags: syn&!ack, dscp: 46, packet_length: "<100", destination: $TARGET_IP}
              then: {discard: true}
            icmp_flood:
              match: {icmp_type: 8, icmp_code: 0, protocol: icmp}
              then: {rate_limit_packets: 1k packets/s}
            flood:
              match: {fragment: is-fragment, port: 53, source_port: 123}
              then: {redirect: "65001:100", mark_dscp: 8}
            default:
              then: {accept: true}
        bgp:
          router_id: 192.0.2.10
          local_as: 65001
          listen: "[::]:179"
          neighbors:
            - address: 192.0.2.1
              remote_as: 65001
              families: [ipv4-flowspec, ipv6-flowspec]
              port: 1179
              local_address: 192.0.2.10
              passive: true
              hold_time: 30s
              password: secret
              ttl_security: 1
              communities: ["65001:1"]
              description: edge
            - {address: "2001:db8::1", remote_as: 4.10}
        exabgp_pipe:
          - {path: /tmp/exabgp.cmd, owner: root, group: root, mode: 0660, expires: 2h}
          - {path: /tmp/other.cmd}
        exabgp_writer: {path: /tmp/in.cmd}
        store: /tmp/floodgate.db
        control_socket: /tmp/control.sock
        log: {level: debug, file: /tmp/floodgate.log}

        """

    static func load(_ yaml: String, files: [String: String] = [:]) throws -> DaemonConfiguration {
        struct Missing: Error, CustomStringConvertible { var description: String { "no such file" } }
        return try DaemonConfiguration.load(yaml: yaml, file: "f.yaml") { path in
            guard let text = files[path] else { throw Missing() }
            return text
        }
    }

    /// What is said about a text, line by line.
    static func mistakes(_ yaml: String, files: [String: String] = [:]) -> [String] {
        do {
            _ = try load(yaml, files: files)
            return []
        } catch let errors as ConfigurationErrors {
            return errors.errors.map(\.description)
        } catch {
            return ["unexpected: \(error)"]
        }
    }
}
