internal import DaemonConfiguration

extension FastNetMonReader {
    /// Engines that read packets from interfaces.
    private static let mirrors = ["mirror_afpacket", "mirror_afxdp", "mirror_netmap", "pcap"]

    /// - Parameter isGivenElsewhere: nobody is left without telemetry if this file names none.
    mutating func readTelemetry(isGivenElsewhere: Bool) {
        let mirror = Self.mirrors.first { isOn($0) }
        let isAny = isOn("sflow") || isOn("netflow") || mirror != nil || isGivenElsewhere
        if !isAny {
            let message =
                "switches no capture engine on: sFlow is taken on port \(ports("sflow_port", 6343)) and NetFlow on "
                + "\(ports("netflow_port", 2055)); say sflow = on, netflow = on or mirror_afpacket = on"
            remark(.warning, at: wholeFile, "", message)
        }
        if isOn("sflow") || !isAny { listen("sflow", port: 6343) }
        if isOn("netflow") || !isAny { listen("netflow", port: 2055) }
        if let rate = number("netflow_sampling_ratio"), rate > 1 {
            tree.set("telemetry.default_sampling_rate", node("\(rate)", "netflow_sampling_ratio"))
        }
        if let mirror { readMirror(mirror) }
    }

    private func ports(_ key: String, _ usual: Int) -> String { text(key) ?? "\(usual)" }

    private mutating func listen(_ name: String, port: Int) {
        let host = text("\(name)_host") ?? "0.0.0.0"
        var ports: [String] = []
        for port in FastNetMonKey.Kind.items(self.ports("\(name)_port", port)) where !ports.contains(port) {
            ports.append(port)
        }
        let addresses = ports.map { host.contains(":") ? "[\(host)]:\($0)" : "\(host):\($0)" }
        let key = settings["\(name)_port"] == nil ? name : "\(name)_port"
        tree.set("telemetry.\(name).listen", list(addresses, key))
    }

    private mutating func readMirror(_ key: String) {
        guard let setting = settings[key] else { return }
        if key != "mirror_afpacket" { remark(.note, setting, "packets are taken through AF_PACKET") }
        guard let interfaces = text("interfaces").map(FastNetMonKey.Kind.items) else {
            remark(.error, setting, "needs interfaces: write interfaces = eth3,eth4")
            return
        }
        tree.set("telemetry.mirror.interfaces", list(interfaces, "interfaces"))
        let rateKey = key == "mirror_netmap" ? "netmap_sampling_ratio" : "mirror_af_packet_custom_sampling_rate"
        if let rate = number(rateKey), rate > 1 {
            tree.set("telemetry.mirror.sampling_rate", node("\(rate)", rateKey))
        }
    }
}
