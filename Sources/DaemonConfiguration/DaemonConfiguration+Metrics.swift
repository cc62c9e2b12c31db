internal import NetworkTypes

extension DaemonConfiguration {
    /// Who is sent figures of the traffic.
    public struct Metrics: Sendable, Hashable {
        /// A server, and how often it gets figures.
        public struct Target: Sendable, Hashable {
            /// An address or a name.
            public var host = "127.0.0.1"
            public var port: UInt16
            public var period: Duration = .seconds(10)
        }

        public struct Graphite: Sendable, Hashable {
            public var target = Target(port: 2003)
            /// What names begin with.
            public var prefix = "fastnetmon"
        }

        public struct InfluxDB: Sendable, Hashable {
            public var target = Target(port: 8086)
            /// Of version 1.
            public var database = "fastnetmon"
            public var user: String?
            public var password: String?
            /// Of version 2: nil where it is version 1.
            public var bucket: String?
            public var organization = ""
            public var token = ""
        }

        public var graphite: Graphite?
        public var influxDB: InfluxDB?
        /// So many hosts, the heaviest.
        public var topHosts = 100

        public init() {}
    }

    mutating func readMetrics(_ section: Section) {
        metrics.topHosts = section.integer("top_hosts", in: 0...1000) ?? metrics.topHosts
        if let inner = section.section("graphite") {
            var graphite = Metrics.Graphite()
            Self.read(&graphite.target, inner)
            graphite.prefix =
                inner.scalar("prefix", expected: "names with points between, such as fastnetmon") { text in
                    text.isEmpty || text.contains { $0.isWhitespace || $0 == "\0" } ? nil : text
                } ?? graphite.prefix
            inner.finish()
            metrics.graphite = graphite
        }
        if let inner = section.section("influxdb") {
            var influx = Metrics.InfluxDB()
            Self.read(&influx.target, inner)
            influx.database = inner.string("database") ?? influx.database
            influx.user = inner.string("user")
            influx.password = inner.string("password")
            influx.bucket = inner.string("bucket")
            influx.organization = inner.string("organization") ?? ""
            influx.token =
                inner.scalar("token", expected: "a token of printable characters") { text in
                    text.utf8.allSatisfy { (33...126).contains($0) } && !text.isEmpty ? text : nil
                } ?? ""
            if influx.bucket != nil {
                if !inner.has("organization") { inner.report("organization", expected: "that of the bucket") }
                if !inner.has("token") { inner.report("token", expected: "a token that may write to the bucket") }
                if inner.has("database") { inner.report("database", expected: "a bucket or a database, not both") }
            } else if inner.has("token") {
                inner.report("bucket", expected: "the bucket that the token is for")
            }
            inner.finish()
            metrics.influxDB = influx
        }
        section.finish()
    }

    private static func read(_ target: inout Metrics.Target, _ section: Section) {
        let isURL = section.scalarText("host")?.contains("://") == true
        let plain =
            "; it is spoken to without TLS: for https:// name a proxy on this machine that speaks it, such as stunnel"
        target.host =
            section.scalar("host", expected: "an address or a name such as 192.0.2.20\(isURL ? plain : "")") { text in
                // It stands in a header of HTTP.
                (1...253).contains(text.utf8.count)
                    && text.utf8.allSatisfy { (33...126).contains($0) && $0 != UInt8(ascii: "/") } ? text : nil
            } ?? target.host
        target.port = section.integer("port", in: 1...65_535).map { UInt16(clamping: $0) } ?? target.port
        target.period =
            section.duration("period", in: .seconds(1)...(.seconds(86_400)), "from 1s to 1d") ?? target.period
    }
}
