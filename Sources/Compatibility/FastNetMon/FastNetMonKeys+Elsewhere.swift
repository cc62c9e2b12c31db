extension FastNetMonKeys {
    /// What FastNetMon tells other systems.
    static let elsewhere: [FastNetMonKey] =
        metrics
        + [
            .init(
                "enable_api",
                .toggle,
                .missed,
                "No effect: there is no gRPC. `ban`, `unban`, `rules --json` go through `control_socket`, which only its owner and group can open."
            ),
            .init(
                "prometheus",
                .toggle,
                .missed,
                "No effect: there are no metrics for Prometheus yet; `status --json` has the figures."
            ),
            .init("prometheus_port", .number(1...65_535), .missed, "No effect, as `prometheus`.", with: "prometheus"),
            .init("prometheus_host", .text, .missed, "No effect, as `prometheus`.", with: "prometheus"),
        ]
        + service(
            "redis_enabled",
            "Redis is not written to; `attacks --all --json` has past attacks.",
            texts: ["redis_host", "redis_prefix"],
            ports: ["redis_port"]
        )
        + service(
            "mongodb_enabled",
            "MongoDB is not written to; `attacks --all --json` has past attacks.",
            texts: ["mongodb_host", "mongodb_database_name"],
            ports: ["mongodb_port"]
        )
        + service(
            "clickhouse_metrics",
            "ClickHouse is not written to; `status --json` has the figures.",
            texts: [
                "clickhouse_metrics_database", "clickhouse_metrics_username", "clickhouse_metrics_password",
                "clickhouse_metrics_host",
            ],
            ports: ["clickhouse_metrics_port"],
            periods: ["clickhouse_metrics_push_period"]
        )
        + service(
            "kafka_traffic_export",
            "Kafka is not written to; `telemetry.forward` sends telemetry on as it came.",
            texts: ["kafka_traffic_export_topic", "kafka_traffic_export_format", "kafka_traffic_export_brokers"]
        )

    private static let metrics: [FastNetMonKey] = [
        .init("influxdb", .toggle, .taken, "`metrics.influxdb`, with FastNetMon's names; IPv6 hosts and networks too."),
        .init("influxdb_host", .text, .taken, "`metrics.influxdb.host`."),
        .init("influxdb_port", .number(1...65_535), .taken, "`metrics.influxdb.port`."),
        .init("influxdb_database", .text, .taken, "`metrics.influxdb.database`."),
        .init("influxdb_auth", .toggle, .taken, "Whether `influxdb_user` and `influxdb_password` count."),
        .init("influxdb_user", .text, .taken, "`metrics.influxdb.user`."),
        .init("influxdb_password", .text, .taken, "`metrics.influxdb.password`."),
        .init("influxdb_push_period", .number(1...86_400), .taken, "`metrics.influxdb.period`, in seconds."),
        .init("graphite", .toggle, .taken, "`metrics.graphite`, with FastNetMon's names; IPv6 hosts and networks too."),
        .init("graphite_host", .text, .taken, "`metrics.graphite.host`; a name too."),
        .init("graphite_port", .number(1...65_535), .taken, "`metrics.graphite.port`."),
        .init("graphite_prefix", .text, .taken, "`metrics.graphite.prefix`."),
        .init("graphite_push_period", .number(1...86_400), .taken, "`metrics.graphite.period`, in seconds."),
    ]

    private static func service(
        _ toggle: String,
        _ words: String,
        texts: [String],
        ports: [String] = [],
        toggles: [String] = [],
        periods: [String] = []
    ) -> [FastNetMonKey] {
        func keys(_ names: [String], _ kind: FastNetMonKey.Kind) -> [FastNetMonKey] {
            names.map { .init($0, kind, .missed, "No effect, as `\(toggle)`.", with: toggle) }
        }
        return [.init(toggle, .toggle, .missed, "No effect: \(words)")] + keys(toggles, .toggle) + keys(texts, .text)
            + keys(ports, .number(1...65_535)) + keys(periods, .number(1...86_400))
    }
}
