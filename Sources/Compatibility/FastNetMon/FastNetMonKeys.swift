internal import NetworkTypes

/// The keys of FastNetMon Community, and those that guides have made up.
enum FastNetMonKeys {
    static let all: [FastNetMonKey] =
        actions + thresholds + networks + telemetry + announcements + gobgp + scripts + invented + files + elsewhere

    static let byName = Dictionary(all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

    /// What a group may have after its name and `_`.
    static let ofGroups: [FastNetMonKey] = [FastNetMonKey("enable_ban", .toggle, .taken, "")] + thresholds

    /// A key of a group's: `web_threshold_pps` of `web`.
    static func ofGroup(_ key: String) -> (group: String, key: FastNetMonKey)? {
        for known in ofGroups where key.hasSuffix("_\(known.name)") {
            let name = String(key.dropLast(known.name.utf8.count + 1))
            if !name.isEmpty { return (name, known) }
        }
        return nil
    }

    private static let actions: [FastNetMonKey] = [
        .init(
            "enable_ban",
            .toggle,
            .taken,
            "`off`: `mitigation.mode: observe`. `on`, and left out: what is found is acted on, if there is a neighbor or an ExaBGP to tell. FastNetMon takes left out for off."
        ),
        .init(
            "enable_ban_ipv6",
            .toggle,
            .taken,
            "`off`: IPv6 networks go into `whitelist.destinations`; attacks on them are told and not acted on. Left out: on."
        ),
        .init(
            "ban_time",
            .number(0...1_000_000_000),
            .taken,
            "`mitigation.ban_time`. 0, which is for ever, becomes 30 days, the longest there is: no rule is without an end."
        ),
        .init(
            "unban_only_if_attack_finished",
            .toggle,
            .taken,
            "`mitigation.unban_only_if_attack_finished`, for IPv6 too."
        ),
        .init(
            "process_incoming_traffic",
            .toggle,
            .taken,
            "`off`: no `detection.thresholds`; incoming traffic is not judged."
        ),
        .init(
            "process_outgoing_traffic",
            .toggle,
            .taken,
            "`off`: no `detection.outgoing_thresholds`; what your hosts send is not judged."
        ),
        .init(
            "ban_details_records_count",
            .number(0...1_000_000),
            .taken,
            "`scripts.details`, of at most 128: so many packets or flows a script is told of; 0: it is not told `attack_details`. Neither rules nor scripts wait until packets were captured."
        ),
    ]

    private static let thresholds: [FastNetMonKey] = FastNetMonThreshold.all.flatMap { threshold in
        let path = "\(threshold.trafficClass.name).\(threshold.unit.rawValue)"
        return [
            FastNetMonKey(
                threshold.key,
                .number(threshold.range),
                .taken,
                "`detection.thresholds.\(path)` and `detection.outgoing_thresholds.\(path)`, where `\(threshold.toggle)` is on or the file switches none on or off."
            ),
            FastNetMonKey(
                threshold.toggle,
                .toggle,
                .taken,
                "Whether `\(threshold.key)` counts."
            ),
        ]
    }

    private static let networks: [FastNetMonKey] = [
        .init(
            "networks_list_path",
            .path,
            .taken,
            "`networks`: the prefixes in that file, or in one of that name beside the `fastnetmon.conf`."
        ),
        .init(
            "white_list_path",
            .path,
            .taken,
            "`whitelist.destinations`, of what lies in your networks; `whitelist.sources`, of what does not."
        ),
        .init("hostgroup", .hostGroup, .taken, "`detection.groups`, IPv4 and IPv6. May be repeated."),
        .init(
            "monitor_local_ip_addresses",
            .toggle,
            .missed,
            "No effect: this machine's own addresses are not added to the networks. Where they are to be protected, put them into the list."
        ),
        .init(
            "monitor_openvz_vps_ip_addresses",
            .toggle,
            .missed,
            "No effect: put the addresses of the containers into the list of networks."
        ),
    ]

    private static let telemetry: [FastNetMonKey] = [
        .init("sflow", .toggle, .taken, "`telemetry.sflow`."),
        .init("sflow_port", .ports, .taken, "`telemetry.sflow.listen`: the ports."),
        .init("sflow_host", .address, .taken, "`telemetry.sflow.listen`: the address, of IPv6 too."),
        .init("netflow", .toggle, .taken, "`telemetry.netflow`: NetFlow and IPFIX."),
        .init("netflow_port", .ports, .taken, "`telemetry.netflow.listen`: the ports."),
        .init("netflow_host", .address, .taken, "`telemetry.netflow.listen`: the address, of IPv6 too."),
        .init(
            "netflow_sampling_ratio",
            .number(1...10_000_000),
            .taken,
            "`telemetry.default_sampling_rate`: for exporters that do not tell their rate, of NetFlow v5 too."
        ),
        .init("mirror_afpacket", .toggle, .taken, "`telemetry.mirror`."),
        .init(
            "mirror_afxdp",
            .toggle,
            .taken,
            "`telemetry.mirror`, through AF_PACKET: there is no AF_XDP."
        ),
        .init("mirror_netmap", .toggle, .taken, "`telemetry.mirror`, through AF_PACKET: there is no netmap."),
        .init("pcap", .toggle, .taken, "`telemetry.mirror`, through AF_PACKET."),
        .init("interfaces", .names, .taken, "`telemetry.mirror.interfaces`."),
        .init(
            "mirror_af_packet_custom_sampling_rate",
            .number(1...10_000_000),
            .taken,
            "`telemetry.mirror.sampling_rate`."
        ),
        .init("netmap_sampling_ratio", .number(1...10_000_000), .taken, "`telemetry.mirror.sampling_rate`."),
        .init(
            "mirror_af_packet_fanout_mode",
            .choice(["cpu", "lb", "hash", "random", "rollover", "queue_mapping"]),
            .needless,
            "No effect: the workers of an interface take packets in turns; `telemetry.workers` says how many.",
            with: "mirror_afpacket"
        ),
        .init(
            "af_packet_read_packet_length_from_ip_header",
            .toggle,
            .needless,
            "No effect: the length of a packet is always that of its IP header."
        ),
        .init(
            "sflow_read_packet_length_from_ip_header",
            .toggle,
            .needless,
            "No effect: the length of a packet is always that of its IP header."
        ),
        .init(
            "netmap_read_packet_length_from_ip_header",
            .toggle,
            .needless,
            "No effect: the length of a packet is always that of its IP header."
        ),
        .init(
            "xdp_read_packet_length_from_ip_header",
            .toggle,
            .needless,
            "No effect: the length of a packet is always that of its IP header."
        ),
        .init("poll_mode_xdp", .toggle, .needless, "No effect: there is no AF_XDP.", with: "mirror_afxdp"),
        .init(
            "xdp_set_promisc",
            .toggle,
            .needless,
            "No effect: a mirrored interface is always set so.",
            with: "mirror_afxdp"
        ),
        .init("zero_copy_xdp", .toggle, .needless, "No effect: there is no AF_XDP.", with: "mirror_afxdp"),
        .init("force_native_mode_xdp", .toggle, .needless, "No effect: there is no AF_XDP.", with: "mirror_afxdp"),
        .init("microcode_xdp_path", .path, .needless, "No effect: there is no AF_XDP.", with: "mirror_afxdp"),
        .init(
            "average_calculation_time",
            .number(1...3600),
            .missed,
            "No effect: rates are true averages over `detection.window`, 1 s, and not smoothed; a flood is seen sooner. Where short bursts are not to count, set `detection.smoothing` to as many seconds (20 at most), which is the same average."
        ),
        .init(
            "speed_calculation_delay",
            .number(1...3600),
            .needless,
            "No effect: hosts are judged each `detection.tick`, 100 ms."
        ),
        .init("check_period", .number(1...3600), .needless, "No effect: the command line shows what is so now."),
        .init(
            "enable_connection_tracking",
            .toggle,
            .needless,
            "No effect: flows are counted from NetFlow and IPFIX, whether or not a threshold asks for them."
        ),
    ]

    private static let announcements: [FastNetMonKey] = [
        .init(
            "exabgp",
            .toggle,
            .taken,
            "`on` beside `--exabgp FILE`: Floodgate is the speaker, and takes commands from the pipe (`exabgp_pipe`). `on` without neighbors: Floodgate writes to the pipe, which an ExaBGP reads (`exabgp_writer`). `off`: attacks are told and not acted on (`mitigation.kinds: []`), unless `gobgp` is on."
        ),
        .init("exabgp_command_pipe", .path, .taken, "The path of that pipe; `/var/run/exabgp.cmd` where left out."),
        .init(
            "exabgp_community",
            .communities,
            .taken,
            "`mitigation.communities` for FlowSpec rules, `mitigation.blackhole.communities` for blackhole routes."
        ),
        .init("exabgp_community_host", .communities, .taken, "`mitigation.blackhole.communities`."),
        .init("exabgp_community_subnet", .communities, .taken, "`mitigation.blackhole.network_communities`."),
        .init(
            "exabgp_next_hop",
            .address,
            .taken,
            "`mitigation.blackhole.next_hop`; IPv6 routes get `100::1`. FlowSpec rules have no next hop."
        ),
        .init(
            "exabgp_announce_host",
            .toggle,
            .taken,
            "`on`: a blackhole route for the host (`mitigation.blackhole.hosts`), for IPv6 too."
        ),
        .init(
            "exabgp_announce_whole_subnet",
            .toggle,
            .taken,
            "`on`: a blackhole route for the whole network (`mitigation.blackhole.networks`), withdrawn when the last of its hosts is no longer attacked."
        ),
        .init(
            "exabgp_flow_spec_announces",
            .toggle,
            .taken,
            "`on`: FlowSpec rules. Left out: FlowSpec rules where there is a `flowspec_templates.conf`, or no blackhole route is asked for."
        ),
    ]

    private static let gobgp: [FastNetMonKey] = [
        .init(
            "gobgp",
            .toggle,
            .taken,
            "`on`: as with `exabgp`, but that gobgpd is told by BGP and not by its API: give it as a neighbor, in `bgp.neighbors`."
        ),
        .init(
            "gobgp_next_hop",
            .address,
            .taken,
            "`mitigation.blackhole.next_hop`; `0.0.0.0` is the session's own address."
        ),
        .init("gobgp_next_hop_host_ipv4", .address, .taken, "The same, and goes before it."),
        .init(
            "gobgp_next_hop_subnet_ipv4",
            .address,
            .missed,
            "No effect (nor has it in FastNetMon): routes for whole networks have the next hop of those for hosts."
        ),
        .init("gobgp_announce_host", .toggle, .taken, "`mitigation.blackhole.hosts`, of IPv4."),
        .init("gobgp_announce_whole_subnet", .toggle, .taken, "`mitigation.blackhole.networks`, of IPv4."),
        .init("gobgp_community_host", .communities, .taken, "`mitigation.blackhole.communities`."),
        .init("gobgp_community_subnet", .communities, .taken, "`mitigation.blackhole.network_communities`."),
        .init(
            "gobgp_next_hop_ipv6",
            .address,
            .taken,
            "`mitigation.blackhole.next_hop_ipv6`; `100::1` where left out."
        ),
        .init("gobgp_next_hop_host_ipv6", .address, .taken, "The same, and goes before it."),
        .init(
            "gobgp_next_hop_subnet_ipv6",
            .address,
            .missed,
            "No effect: routes for whole networks have the next hop of those for hosts.",
            with: "gobgp"
        ),
        .init("gobgp_announce_host_ipv6", .toggle, .taken, "`mitigation.blackhole.hosts`, of IPv6."),
        .init(
            "gobgp_announce_whole_subnet_ipv6",
            .toggle,
            .taken,
            "`mitigation.blackhole.networks`, of IPv6, which FastNetMon cannot."
        ),
        .init(
            "gobgp_community_host_ipv6",
            .communities,
            .taken,
            "Added to `mitigation.blackhole.communities`: both families have the same."
        ),
        .init(
            "gobgp_community_subnet_ipv6",
            .communities,
            .taken,
            "Added to `mitigation.blackhole.network_communities`: both families have the same."
        ),
    ]

    /// Keys that FastNetMon never had, or has no more.
    private static let invented: [FastNetMonKey] = [
        .init(
            "enable_ban_for_tcp_syn_flood",
            .toggle,
            .taken,
            "`off`: `syn_flood` is left out of `mitigation.kinds`. FastNetMon does not know the key."
        ),
        .init(
            "enable_ban_for_udp_flood",
            .toggle,
            .taken,
            "`off`: `udp_flood` is left out of `mitigation.kinds`. FastNetMon does not know the key."
        ),
        .init(
            "enable_ban_for_icmp_flood",
            .toggle,
            .taken,
            "`off`: `icmp_flood` is left out of `mitigation.kinds`. FastNetMon does not know the key."
        ),
        .init(
            "collect_attack_pcap_dumps",
            .toggle,
            .missed,
            "No effect (nor has it in FastNetMon 1.2.6 and later): `floodgate run --record FILE` keeps all telemetry."
        ),
    ]

    private static let files: [FastNetMonKey] = [
        .init("pid_path", .path, .needless, "No effect: systemd knows the process."),
        .init(
            "cli_stats_file_path",
            .path,
            .needless,
            "No effect: the command line asks the daemon through `control_socket`."
        ),
        .init(
            "cli_stats_ipv6_file_path",
            .path,
            .needless,
            "No effect: the command line asks the daemon through `control_socket`."
        ),
        .init("logging_level", .choice(["info", "debug", "warn", "error"]), .taken, "`log.level`."),
        .init(
            "logging_local_syslog_logging",
            .toggle,
            .missed,
            "No effect: the log is on standard error, and so in the journal."
        ),
        .init(
            "logging_remote_syslog_logging",
            .toggle,
            .missed,
            "No effect: the log is on standard error, and so in the journal, which sends it on."
        ),
        .init(
            "logging_remote_syslog_server",
            .text,
            .missed,
            "No effect, as `logging_remote_syslog_logging`.",
            with: "logging_remote_syslog_logging"
        ),
        .init(
            "logging_remote_syslog_port",
            .number(1...65_535),
            .missed,
            "No effect, as `logging_remote_syslog_logging`.",
            with: "logging_remote_syslog_logging"
        ),
        .init("disable_usage_report", .toggle, .needless, "No effect: nothing is ever reported to anybody."),
        .init("dump_all_traffic", .toggle, .missed, "No effect: `floodgate decode --telemetry` prints records."),
        .init("dump_other_traffic", .toggle, .missed, "No effect: `floodgate decode --telemetry` prints records."),
        .init(
            "sort_parameter",
            .choice(["packets", "bytes", "flows"]),
            .needless,
            "No effect: `floodgate top --sort` says it each time."
        ),
        .init(
            "max_ips_in_list",
            .number(1...1_000_000),
            .needless,
            "No effect: `floodgate top --limit` says it each time."
        ),
    ]
}
