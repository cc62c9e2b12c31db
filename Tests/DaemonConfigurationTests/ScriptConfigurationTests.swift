import Testing

@testable import DaemonConfiguration

/// Scripts, log files for other programs' scripts, and collectors.
struct ScriptConfigurationTests {
    private func load(_ lines: String) throws -> DaemonConfiguration {
        try ConfigurationText.load(ConfigurationText.minimal + lines + "\n")
    }

    @Test func oneOrMoreScriptsAreRead() throws {
        let one = try load("scripts: {notify: /a}").scripts
        #expect(one.map(\.paths) == [["/a"]] && one[0].arguments == .fastnetmon && !one[0].usesJSON)
        #expect(one[0].details == 20 && one[0].timeout == .seconds(30) && one[0].atOnce == 4)
        let more = try load(
            "scripts: [{notify: /a, format: json, details: 0}, {unban: /b, arguments: guide, timeout: 2s, at_once: 1, "
                + "when_observing: true, whole_networks: true}]"
        ).scripts
        #expect(more[0].usesJSON && more[0].details == 0)
        #expect(more[1].paths == ["/b"] && more[1].arguments == .guide && more[1].timeout == .seconds(2))
        #expect(more[1].atOnce == 1 && more[1].whenObserving && more[1].wholeNetworks)
    }

    @Test func watchingForWantOfNeighborsIsNotWatchingByChoice() throws {
        #expect(try !load("scripts: {notify: /a}").mitigation.onlyWatches)
        #expect(try load("mitigation: {mode: observe}").mitigation.onlyWatches)
    }

    @Test func collectorsAreRead() throws {
        let metrics = try load(
            "metrics: {top_hosts: 5, graphite: {}, influxdb: {host: db.example.net, bucket: b, organization: o, token: t}}"
        ).metrics
        #expect(metrics.topHosts == 5 && metrics.graphite?.prefix == "fastnetmon")
        #expect(metrics.graphite?.target == .init(host: "127.0.0.1", port: 2003, period: .seconds(10)))
        #expect(metrics.influxDB?.target.host == "db.example.net" && metrics.influxDB?.token == "t")
        #expect(try load("metrics: {influxdb: {user: u}}").metrics.influxDB?.database == "fastnetmon")
        #expect(try load("log: {exabgp_file: /a}").metrics == DaemonConfiguration.Metrics())
    }

    @Test(arguments: [
        ("scripts: {}", "the path of a program, here or as unban"), ("scripts: {notify: a}", "an absolute path"),
        ("scripts: {notify: /a, arguments: none}", "fastnetmon or guide"),
        ("scripts: {notify: /a, format: xml}", "text or json"),
        ("scripts: {notify: /a, details: 129}", "a whole number from 0 to 128"),
        ("scripts: {notify: /a, timeout: 0s}", "from 100ms to 1h"),
        ("scripts: {notify: /a, at_once: 0}", "a whole number from 1 to 64"),
        ("log: {fastnetmon_file: x.log}", "an absolute path"),
        ("log: {fastnetmon_file: /a, exabgp_file: /a}", "another file for each log"),
        ("metrics: {graphite: {host: \"a b\"}}", "an address or a name"),
        ("metrics: {graphite: {prefix: \"a b\"}}", "names with points between"),
        ("metrics: {graphite: {period: 100ms}}", "from 1s to 1d"),
        ("metrics: {influxdb: {bucket: b, token: t}}", "that of the bucket"),
        ("metrics: {influxdb: {bucket: b, organization: o}}", "a token that may write"),
        ("metrics: {influxdb: {host: \"https://db.example.net\"}}", "without TLS: for https:// name a proxy"),
        ("metrics: {influxdb: {token: t}}", "the bucket that the token is for"),
        ("metrics: {influxdb: {bucket: b, organization: o, token: t, database: d}}", "not both"),
        (#"metrics: {influxdb: {bucket: b, organization: o, token: "t\r\nX: y"}}"#, "a token of printable characters"),
    ])
    func mistakesAreNamed(lines: String, expected: String) {
        let mistakes = ConfigurationText.mistakes(ConfigurationText.minimal + lines + "\n")
        #expect(mistakes.contains { $0.contains(expected) }, "\(mistakes)")
    }
}
