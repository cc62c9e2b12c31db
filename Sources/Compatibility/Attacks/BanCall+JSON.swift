internal import Detection
internal import NetworkTypes
internal import Traffic

/// What FastNetMon has of an attack in JSON, on one line.
extension BanCall {
    /// - Parameter limit: so many packets at most.
    public func json(records limit: Int) -> String {
        var fields = [
            ("alert_scope", JSONText.quoted(target.isHost ? "host" : "hostgroup")),
            ("ip", JSONText.quoted(targetText)),
            ("action", JSONText.quoted(action.rawValue)),
            ("attack_details", details),
        ]
        let samples = action == .unban ? [] : samples(limit)
        fields.append(("packet_dump", JSONText.list(samples.map { JSONText.quoted(Self.line($0)) })))
        fields.append(("packet_dump_detailed", JSONText.list(samples.map(packet))))
        return JSONText.object(fields) + "\n"
    }

    private var details: String {
        var fields = [
            ("attack_uuid", JSONText.quoted(uuid)),
            ("host_group", JSONText.quoted(attack?.crossing.group ?? "global")),
            ("protocol_version", JSONText.quoted(target.family == .ipv4 ? "IPv4" : "IPv6")),
            ("attack_type", JSONText.quoted(typeText)),
            ("attack_kind", JSONText.quoted(attack?.kind.rawValue ?? "unknown")),
            ("attack_protocol", JSONText.quoted(protocolText)),
            ("attack_direction", JSONText.quoted(directionText)),
            ("attack_detection_source", JSONText.quoted(attack == nil ? "manual" : "automatic")),
            ("initial_attack_power", "\(power)"),
            ("peak_attack_power", "\(max(power, BanList.whole(attack?.peak[.total, .packets] ?? 0)))"),
        ]
        let directions: [(String, TrafficRates)] = [("incoming", rates(.incoming)), ("outgoing", rates(.outgoing))]
        for (name, rates) in directions {
            let bits = BanList.whole(rates[.total, .bits])
            fields.append(("total_\(name)_traffic", "\(bits / 8)"))
            fields.append(("total_\(name)_traffic_bits", "\(bits)"))
            fields.append(("total_\(name)_pps", "\(BanList.whole(rates[.total, .packets]))"))
            fields.append(("total_\(name)_flows", "\(BanList.whole(rates[.total, .flows]))"))
        }
        let classes: [(TrafficClass?, String)] = [
            (nil, "dropped"), (.fragments, "ip_fragmented"), (.tcp, "tcp"), (.tcpSYN, "syn_tcp"), (.udp, "udp"),
            (.icmp, "icmp"),
        ]
        for (trafficClass, name) in classes {
            for (direction, rates) in directions {
                let bits = BanList.whole(trafficClass.map { rates[$0, .bits] } ?? 0)
                let packets = BanList.whole(trafficClass.map { rates[$0, .packets] } ?? 0)
                fields.append(("\(direction)_\(name)_traffic", "\(bits / 8)"))
                fields.append(("\(direction)_\(name)_traffic_bits", "\(bits)"))
                fields.append(("\(direction)_\(name)_pps", "\(packets)"))
            }
        }
        return JSONText.object(fields)
    }

    /// The attack's number, in the form that is asked for.
    private var uuid: String {
        let digits = String((attack?.id.rawValue ?? 0) & 0xFFFF_FFFF_FFFF, radix: 16)
        return "00000000-0000-0000-0000-" + String(repeating: "0", count: 12 - digits.utf8.count) + digits
    }

    private func packet(_ sample: TrafficSample) -> String {
        JSONText.object([
            ("timestamp", JSONText.quoted(Self.date(sample.time))),
            ("ip_version", JSONText.quoted(sample.source.isIPv4 ? "ipv4" : "ipv6")),
            ("source_ip", JSONText.quoted("\(sample.source)")),
            ("destination_ip", JSONText.quoted("\(sample.destination)")),
            ("source_port", "\(sample.sourcePort)"),
            ("destination_port", "\(sample.destinationPort)"),
            ("tcp_flags", JSONText.quoted(sample.ipProtocol == .tcp ? Self.flags(sample) : "-")),
            ("fragmentation", "\(sample.isFragment)"),
            ("packets", "1"),
            ("length", "\(sample.packetLength)"),
            ("ip_length", "\(sample.packetLength)"),
            ("ttl", "\(sample.timeToLive)"),
            ("sample_ratio", "\(max(1, sample.packets))"),
            ("protocol", JSONText.quoted("\(sample.ipProtocol)")),
            ("input_interface", "\(sample.inputInterface)"),
            ("agent_address", JSONText.quoted("\(sample.exporter)")),
        ])
    }
}
