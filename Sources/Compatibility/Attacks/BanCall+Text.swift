internal import Detection
internal import NetworkTypes
internal import Traffic

/// What FastNetMon 1.2.4 writes to a script's standard input, line for line.
extension BanCall {
    /// - Parameter limit: so many flows or packets at most.
    public func text(records limit: Int) -> String {
        switch action {
        case .unban: ""
        case .ban where attack == nil: description + "manually triggered attack"
        case .ban: description + flows(limit)
        case .attackDetails: description + "\n\n" + packets(limit)
        }
    }

    private var description: String {
        let incoming = rates(.incoming)
        let outgoing = rates(.outgoing)
        let peak = max(power, BanList.whole(attack?.peak[.total, .packets] ?? 0))
        var lines = [
            "IP: \(targetText)", "Attack type: \(typeText)", "Initial attack power: \(power) packets per second",
            "Peak attack power: \(peak) packets per second", "Attack direction: \(directionText)",
            "Attack protocol: \(protocolText)",
        ]
        // There they differ in how long they are averaged over; here both are of the window.
        for name in ["Total", "Average"] {
            for (unit, words) in [(TrafficUnit.bits, "traffic"), (.packets, "pps"), (.flows, "flows")] {
                lines.append("\(name) incoming \(words): \(Self.rate(incoming[.total, unit], unit))")
                lines.append("\(name) outgoing \(words): \(Self.rate(outgoing[.total, unit], unit))")
            }
        }
        let classes: [(TrafficClass, String)] = [
            (.fragments, "ip fragmented"), (.tcp, "tcp"), (.tcpSYN, "syn tcp"), (.udp, "udp"), (.icmp, "icmp"),
        ]
        for (trafficClass, name) in classes {
            for (unit, words) in [(TrafficUnit.bits, "traffic"), (.packets, "pps")] {
                lines.append("Incoming \(name) \(words): \(Self.rate(incoming[trafficClass, unit], unit))")
                lines.append("Outgoing \(name) \(words): \(Self.rate(outgoing[trafficClass, unit], unit))")
            }
        }
        lines.append("")
        lines.append("Average packet size for incoming traffic: \(Self.packetSize(incoming)) bytes ")
        lines.append("Average packet size for outgoing traffic: \(Self.packetSize(outgoing)) bytes ")
        return lines.joined(separator: "\n") + "\n"
    }

    private static func rate(_ rate: Double, _ unit: TrafficUnit) -> String {
        switch unit {
        case .bits: "\(BanList.whole(rate / 1e6)) mbps"
        case .packets: "\(BanList.whole(rate)) packets per second"
        case .flows: "\(BanList.whole(rate)) flows per second"
        }
    }

    /// With one digit behind the point.
    private static func packetSize(_ rates: TrafficRates) -> String {
        let packets = rates[.total, .packets]
        guard packets > 0 else { return "0.0" }
        let tenths = BanList.whole((rates[.total, .bits] / 8 / packets * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    // MARK: Flows

    private struct Flow: Hashable {
        var ours: IPAddress
        var theirs: IPAddress
        var ourPort: UInt16
        var theirPort: UInt16
    }

    /// Of TCP and UDP, by what the samples stand for.
    private func flows(_ limit: Int) -> String {
        guard let attack else { return "" }
        let isIncoming = attack.direction == .incoming
        var text = ""
        for (ipProtocol, name) in [(IPProtocol.tcp, "TCP"), (.udp, "UDP")] {
            var order: [Flow] = []
            var sums: [Flow: (bytes: UInt64, packets: UInt64)] = [:]
            for sample in attack.samples.reversed() where sample.ipProtocol == ipProtocol {
                let flow = Flow(
                    ours: isIncoming ? sample.destination : sample.source,
                    theirs: isIncoming ? sample.source : sample.destination,
                    ourPort: isIncoming ? sample.destinationPort : sample.sourcePort,
                    theirPort: isIncoming ? sample.sourcePort : sample.destinationPort
                )
                guard target.contains(flow.ours) else { continue }
                if sums[flow] == nil { order.append(flow) }
                sums[flow, default: (0, 0)].bytes &+= sample.bytes
                sums[flow, default: (0, 0)].packets &+= sample.packets
            }
            guard !order.isEmpty else { continue }
            text += "\(name) flows: \(order.count)\n"
            for flow in order.prefix(max(0, limit) + 1) {
                let sum = sums[flow] ?? (0, 0)
                text += "\(flow.ours):\(flow.ourPort) \(isIncoming ? "<" : ">") \(flow.theirs):\(flow.theirPort) "
                text += "\(sum.bytes) bytes \(sum.packets) packets\n"
            }
            if order.count > max(0, limit) + 1 { text += "Flows have cropped due to very long list.\n" }
            text += "\n"
        }
        return text.isEmpty ? "" : (isIncoming ? "Incoming\n\n" : "Outgoing\n\n") + text
    }

    // MARK: Packets

    /// Oldest first.
    func samples(_ limit: Int) -> [TrafficSample] { (attack?.samples.prefix(max(0, limit)).reversed()) ?? [] }

    private func packets(_ limit: Int) -> String { samples(limit).map { "\(Self.line($0)) \n" }.joined() }

    /// A packet as FastNetMon prints it. What it stands for is its ratio, be it that of the sampling or that of a flow.
    static func line(_ sample: TrafficSample) -> String {
        var line = "\(date(sample.time)) \(sample.source):\(sample.sourcePort) > "
        line += "\(sample.destination):\(sample.destinationPort) protocol: \(sample.ipProtocol)"
        if sample.ipProtocol == .tcp { line += " flags: \(flags(sample))" }
        return line + " frag: \(sample.isFragment ? 1 : 0)  packets: 1 size: \(sample.packetLength) bytes "
            + "ttl: \(sample.timeToLive) sample ratio: \(max(1, sample.packets)) "
    }

    /// `syn,ack`; `-` for none.
    static func flags(_ sample: TrafficSample) -> String {
        sample.tcpFlags.isEmpty ? "-" : "\(sample.tcpFlags)".replacing("+", with: ",")
    }

    /// `2026-11-25 03:58:35.839598`, UTC.
    static func date(_ time: Timestamp) -> String {
        let text = "\(time)"
        let micros = (time.nanoseconds % 1_000_000_000 + 1_000_000_000) % 1_000_000_000 / 1000
        let digits = String(micros)
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(8))."
            + String(repeating: "0", count: max(0, 6 - digits.utf8.count)) + digits
    }
}
