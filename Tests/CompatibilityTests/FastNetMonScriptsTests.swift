import Compatibility
import DaemonConfiguration
import Testing

/// What a `fastnetmon.conf` says of scripts and collectors.
struct FastNetMonScriptsTests {
    @Test func theNotifyScriptIsTaken() throws {
        let text = """
            notify_script_path = /usr/local/bin/notify.sh
            unban_script_path = /usr/local/bin/unban.py
            notify_script_arguments = guide
            notify_script_format = json
            ban_details_records_count = 500

            """
        let scripts = try FastNetMonText.load(text).scripts
        #expect(scripts.map(\.paths) == [["/usr/local/bin/notify.sh", "/usr/local/bin/unban.py"]])
        #expect(scripts[0].arguments == .guide && scripts[0].usesJSON && scripts[0].details == 128)
        #expect(FastNetMonText.read(text).remarks.filter { $0.key.contains("script") }.isEmpty)
    }

    /// Guides' scripts, called as FastNetMon calls them: what goes wrong then is said.
    @Test func scriptsOfGuidesAreKnown() {
        func said(_ lines: String...) -> [String] {
            FastNetMonText.read(lines.joined(separator: "\n")).said(of: "notify_script_path")
        }
        let (python, shell) = (
            "notify_script_path = /s/exabgp-integration.py", "notify_script_path = /s/exabgp-integration.sh"
        )
        let (unban, guide) = ("unban_script_path = /s/exabgp-unban.py", "notify_script_arguments = guide")
        #expect(said(python).first?.hasPrefix("1 warning is called when a host is let go too") == true)
        #expect(said(shell, unban).first?.contains("say notify_script_arguments = guide") == true)
        #expect(said(python, unban).isEmpty && said(python, guide).isEmpty && said(shell, unban, guide).isEmpty)
    }

    @Test func settingsWithoutAScriptAreSaid() throws {
        let text = "notify_script_arguments = guide\nban_details_records_count = 5\n"
        #expect(try FastNetMonText.load(text).scripts.isEmpty)
        let said = FastNetMonText.read(text).said(of: "notify_script_arguments")
        #expect(said == ["1 warning no effect: no notify_script_path is given"])
    }

    @Test func noScriptRunsWhereBansAreOff() throws {
        let text = "notify_script_path = /bin/true\n"
        #expect(try FastNetMonText.load(text + "enable_ban = off\n").mitigation.onlyWatches)
        #expect(try !FastNetMonText.load(text + "enable_ban = on\n").mitigation.onlyWatches, "though nobody is told")
    }

    @Test func collectorsAreTaken() throws {
        let text = """
            graphite = on
            graphite_host = 192.0.2.20
            graphite_prefix = mydc
            influxdb = on
            influxdb_port = 8087
            influxdb_database = traffic
            influxdb_auth = on
            influxdb_user = u
            influxdb_password = p=q
            influxdb_push_period = 5

            """
        let metrics = try FastNetMonText.load(text).metrics
        #expect(metrics.graphite?.target.host == "192.0.2.20" && metrics.graphite?.target.port == 2003)
        #expect(metrics.graphite?.target.period == .seconds(1))
        #expect(metrics.graphite?.prefix == "mydc")
        #expect(metrics.influxDB?.target.host == "127.0.0.1" && metrics.influxDB?.target.port == 8087)
        #expect(metrics.influxDB?.target.period == .seconds(5))
        #expect(metrics.influxDB?.database == "traffic" && metrics.influxDB?.user == "u")
        #expect(metrics.influxDB?.password == "p=q", "which FastNetMon itself rejects")
        let off = text.replacing("influxdb = on", with: "influxdb = off").replacing("_auth = on", with: "_auth = off")
        #expect(try FastNetMonText.load(off).metrics.influxDB == nil)
    }
}
