internal import DaemonConfiguration

extension FastNetMonReader {
    /// Collectors that figures are sent to.
    mutating func readMetrics() {
        for name in ["graphite", "influxdb"] where isOn(name) {
            var keys = [("host", "host"), ("port", "port")]
            keys += name == "graphite" ? [("prefix", "prefix")] : [("database", "database")]
            if isOn("influxdb_auth"), name == "influxdb" { keys += [("user", "user"), ("password", "password")] }
            // There without a period it is each second.
            let period = number("\(name)_push_period") ?? 1
            tree.set("metrics.\(name).period", node("\(period)s", "\(name)_push_period"))
            for (theirs, ours) in keys {
                let key = "\(name)_\(theirs)"
                if let value = text(key) { tree.set("metrics.\(name).\(ours)", node(value, key)) }
            }
        }
    }
}
