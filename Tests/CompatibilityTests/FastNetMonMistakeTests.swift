import Compatibility
import DaemonConfiguration
import FlowSpec
import NetworkTypes
import Simulation
import Testing

/// What FastNetMon would misread, and what nobody should have written.
struct FastNetMonMistakeTests {
    private typealias Text = FastNetMonText

    @Test(arguments: [
        ("threshold_pps = 20k", "\"20k\" is no whole number, and FastNetMon reads 20 of it: write 20000"),
        (
            "threshold_mbps = abc",
            "\"abc\" is no whole number, and FastNetMon reads 0 of it: write a whole number without a unit"
        ),
        (
            "threshold_pps = 1.5",
            "\"1.5\" is no whole number, and FastNetMon reads 1 of it: write a whole number without a unit"
        ),
        ("ban_time = -5", "\"-5\" is negative, and FastNetMon takes it so: write a number from 0 up"),
        ("threshold_mbps = 99999999999999999999", "\"99999999999999999999\" is not from 0 to 1000000000"),
        (
            "enable_ban = yes",
            "\"yes\" is neither on nor off, and FastNetMon takes all that is not on for off: write on or off"
        ),
        (
            "exabgp = On",
            "\"On\" is neither on nor off, and FastNetMon takes all that is not on for off: write on or off"
        ),
        (
            "sflow_port = 6343;6344",
            "\"6343;6344\" is no list of ports: write numbers from 1 to 65535 with commas between, such as 6343,6344"
        ),
        ("netflow_host = localhost", "\"localhost\" is no IP address: write one such as 192.0.2.1 or 2001:db8::1"),
        ("exabgp_community = 65001", "\"65001\" is no community: write 65001:666, or [65001:666 65001:777]"),
        ("logging_level = inf", "\"inf\" is none of info, debug, warn, error; did you mean info?"),
        (
            "thresold_pps = 5",
            "FastNetMon has no such key, and passes over it without a word; did you mean threshold_pps?"
        ),
        (
            "my_own = 5",
            "FastNetMon has no such key, and passes over it without a word: take the line out, or make it a comment with #"
        ),
        ("threshold_pps =", "there is no value"), ("= 5", "there is no key before the ="),
        ("threshold_pps 5", "\"threshold_pps 5\" is not key = value"),
        ("pid_path = /a\u{1}b", "there is a control character in it"),
        ("mirror_afpacket = on", "needs interfaces: write interfaces = eth3,eth4"),
    ])
    func isAnErrorWithLineAndRemedy(line: String, message: String) {
        let remarks = Text.read("# first\n\(line)\n").remarks.filter { $0.severity == .error }
        #expect(remarks.map(\.message) == [message])
        #expect(remarks.map(\.place.line) == [2])
    }

    @Test func allAreToldAtOnceInTheOrderOfTheFile() {
        let errors = Text.read("threshold_pps = 20k\nenable_ban = yes\n\nnonsense\r\nsflow_port = x\n").errors
        #expect(errors.map { $0.split(separator: ":")[1] } == ["1", "2", "4", "5"])
    }

    @Test func linesMayEndInAnyWayAndHaveComments() throws {
        let text = "\u{FEFF}ban_time=600 # ten minutes\r\n  threshold_pps  ==  5\t# few\r\n#ban_for_pps = no\r\n"
        let configuration = try Text.load(text)
        #expect(configuration.mitigation.banTime == .seconds(600))
        #expect(configuration.detection.thresholds[.total, .packets] == 5)
        // A # within a word is part of it, and so is = in a value.
        #expect(Text.read("redis_prefix = a#b\ninfluxdb_password = a=b==\n").errors.isEmpty)
    }

    @Test func theLastOfSeveralCounts() throws {
        let text = "ban_time = 600\nban_time = 700\nban_time = 700\n"
        #expect(try Text.load(text).mitigation.banTime == .seconds(700))
        #expect(
            Text.read(text).said(of: "ban_time") == [
                "2 warning stands in line 1 as well, with another value; this one counts"
            ]
        )
    }

    // MARK: Lists

    @Test func networksAreReadAsFastNetMonDoes() throws {
        let files = [
            "/etc/networks_list": "# ours\n198.51.100.77/24 # all\r\n198.51.100.0/24\n192.0.2.9\n2001:db8:100::/48\n"
        ]
        #expect(
            try Text.load("", files: files).networks.map(\.description)
                == ["198.51.100.0/24", "192.0.2.9/32", "2001:db8:100::/48"]
        )
        let remarks = Text.read("", files: files).remarks.filter { $0.place.file == "/etc/networks_list" }
        #expect(remarks.map { "\($0.place.line) \($0.severity)" } == ["2 warning", "4 note"])
    }

    @Test func theListBesideTheFileServesWhereTheNamedOneIsNot() throws {
        let text = "networks_list_path = /opt/networks\n"
        #expect(try Text.load(text, files: ["/etc/networks": "198.51.100.0/24"]).networks.count == 1)
        let document = Text.read(text, files: ["/etc/networks": "198.51.100.0/24"])
        #expect(
            document.said(of: "networks_list_path").first?.hasPrefix(
                "1 note /opt/networks cannot be read; /etc/networks,"
            ) == true
        )
        #expect(
            Text.read(text, files: [:]).errors.first?.contains("cannot read /opt/networks nor /etc/networks") == true
        )
        #expect(
            try Text.load("networks_list_path = sub/list\n", files: ["/etc/sub/list": "192.0.2.0/24"]).networks.count
                == 1
        )
    }

    @Test(arguments: [
        "0.0.0.0/0", "::/0", "198.51.100.0/33", "198.51.100.0/", "198.51.100/24", "hello", "2001:db8::/129",
    ])
    func whatIsNoNetworkIsAnError(line: String) {
        let document = Text.read("", files: ["/etc/networks_list": "192.0.2.0/24\n\(line)\n"])
        #expect(
            document.errors == [
                "/etc/networks_list:2: error: \"\(line)\" is no prefix: write one a line, such as 198.51.100.0/24"
            ]
        )
    }

    @Test func anEmptyListIsAnError() {
        #expect(
            Text.read("", files: ["/etc/networks_list": "# nothing\n"]).errors == [
                "/etc/networks_list: error: names no network: there is nothing to protect"
            ]
        )
    }

    @Test func theWhitelistMeansOurHostsAndOthersSources() throws {
        var files = Text.networks
        files["/etc/networks_whitelist"] = "198.51.100.53/32\n192.0.2.0/24\n203.0.113.0/24\n"
        let configuration = try Text.load("", files: files)
        #expect(configuration.whitelistedDestinations.map(\.description) == ["198.51.100.53/32", "203.0.113.0/24"])
        #expect(configuration.whitelistedSources.map(\.description) == ["192.0.2.0/24"])
    }

    @Test func aWhitelistOfAllNetworksIsRefused() throws {
        var files = ["/etc/networks_list": "198.51.100.0/24\n203.0.113.0/24\n"]
        files["/etc/networks_whitelist"] = "198.51.100.0/23\n203.0.113.0/24\n203.0.113.7/32\n"
        let errors = Text.read("", files: files).errors
        #expect(errors.count == 1 && errors[0].hasPrefix("/etc/networks_whitelist:2: error: with this the whitelist"))
        // Who does not act has nothing to lose.
        let watching = try Text.load("enable_ban = off\n", files: files)
        #expect(watching.whitelistedDestinations.count == 3)
    }

    /// In the file that guides have and FastNetMon never reads, a whole network is what is to be watched: each for itself,
    /// so that a network more in the list has none of them count.
    @Test func wholeNetworksOfTheGuidesWhitelistNeverCount() throws {
        let whitelist = "198.51.100.0/24\n203.0.113.0/24\n192.0.2.7/32\n"
        for more in ["", "192.0.2.0/24\n"] {
            let files = [
                "/etc/networks_list": "198.51.100.0/24\n203.0.113.0/24\n" + more,
                "/etc/fastnetmon_whitelist.conf": whitelist,
            ]
            let configuration = try Text.load("", files: files)
            #expect(configuration.whitelistedDestinations.map(\.description) == (more.isEmpty ? [] : ["192.0.2.7/32"]))
            let warnings = Text.read("", files: files).remarks.filter { $0.message.contains("left out") }
            #expect(warnings.filter { $0.severity == .warning }.map(\.place.line) == [1, 2])
        }
    }

    // MARK: Words

    /// What is found only in what became of the file is told with its line and key, and not with keys of ours.
    @Test func mistakesAreToldInTheWordsOfTheFile() throws {
        let lines = [
            "exabgp = on", "exabgp_command_pipe = relative/path", "notify_script_path = notify.sh", "sflow = on",
            "sflow_port = 6343", "sflow_host = 0.0.0.0", "netflow = on", "netflow_port = 6343",
        ]
        let text = lines.joined(separator: "\n")
        let document = Text.read(text)
        #expect(document.errors.isEmpty)
        var found: [String] = []
        do {
            _ = try DaemonConfiguration.load(document.document) { _ in "" }
        } catch {
            found = error.errors.map {
                LegacyFiles.told($0, fastnetmon: "/etc/fastnetmon.conf", exabgp: nil) { _ in text }
            }
        }
        let file = "/etc/fastnetmon.conf"
        #expect(
            found.contains { $0.hasPrefix("\(file):2: error: exabgp_command_pipe: found \"relative/path\"") },
            "\(found)"
        )
        #expect(
            found.contains { $0.hasPrefix("\(file):3: error: notify_script_path: found \"notify.sh\"") },
            "\(found)"
        )
        #expect(found.contains { $0.hasPrefix("\(file):8: error: netflow_port: expected each address") }, "\(found)")
        #expect(found.count == 3)
    }

    // MARK: Templates

    private func templates(_ text: String) -> LegacyDocument {
        var files = Text.networks
        files["/etc/flowspec_templates.conf"] = text
        return Text.read("", files: files)
    }

    @Test(arguments: [
        ("  match:\n    - destination: $TARGET_NET\n", "3:", "a variable that nothing is put in for"),
        ("  match:\n    - source-port: $ATTACK_PORT\n", "3:", "a variable that nothing is put in for"),
        ("  match:\n    - destination: 198.51.100.5/32\n", "3:", "is not the target: write $TARGET_IP/32"),
        ("  match:\n    - destination: $TARGET_IP/24\n", "3:", "is not the target: write $TARGET_IP/32"),
        ("  match:\n    - protokol: udp\n", "3:", "did you mean protocol?"),
        ("  then:\n    - rate-limt: 5\n", "3:", "did you mean rate-limit?"),
        ("  then:\n    - rate-limit: 5 apples\n", "3:", "is no rate"), ("  whenever: 1\n", "2:", "match and then"),
        ("  then:\n    - rate-limit\n", "3:", "there is no value"), ("  then: [\n", "", "expected YAML"),
    ])
    func templatesAreHeldToWhatTheyMayBe(body: String, line: String, message: String) {
        let errors = templates("udp_flood:\n\(body)").errors
        #expect(errors.count == 1)
        #expect(
            errors.first?.hasPrefix("/etc/flowspec_templates.conf:\(line)") == true
                && errors.first?.contains(message) == true,
            "\(errors)"
        )
    }

    @Test func templatesServeBothFamiliesAndKeepTheirAlternatives() throws {
        var files = Text.networks
        files["/etc/flowspec_templates.conf"] = """
            udp_flood:
              match:
                - destination: $TARGET_IP/32
                - protocol: udp
                - source-port: 53
                - source-port: [123, 1900]
              then:
                - rate-limit: 0
                - community: [65001:1]
            ntp_flood: {then: discard}
            flood: {then: {rate-limit: 100 Mbit/s, mark: 8}}
            """
        let configuration = try Text.load("", files: files)
        let template = try #require(configuration.mitigation.templates["udp_flood"])
        #expect(template.actions == [.discard])
        for target in ["198.51.100.5/32", "2001:db8:100::5/128"] {
            let rule = try template.announcement(for: try #require(IPPrefix(target)), direction: .incoming)
            #expect(
                "\(rule)".contains(target) && "\(rule)".contains("source-port =53 =123 =1900")
                    || "\(rule)".contains("source-port [ =53 =123 =1900 ]"),
                "\(rule)"
            )
        }
        #expect(configuration.mitigation.templates["flood"]?.actions.count == 2)
        let unknown = Text.read("", files: files).said(of: "ntp_flood")
        #expect(unknown.first?.contains("no attack is of this kind") == true)
    }

    // MARK: Hostile text

    @Test func editedFilesNeverTrap() {
        let original = Array(
            """
            # a comment
            networks_list_path = /etc/networks_list
            enable_ban = on
            hostgroup = web:198.51.100.0/26, 2001:db8:100::/64
            web_threshold_mbps = 5000   # five
            ban_for_bandwidth = on
            threshold_mbps = 1000
            sflow = on
            sflow_port = 6343,6344
            exabgp = on
            exabgp_community = [65001:666 65001:777]
            exabgp_announce_whole_subnet = on
            """.unicodeScalars
        )
        let lists = Array("198.51.100.0/24\n2001:db8:100::/48 # x\n".unicodeScalars)
        let whitelist = Array("198.51.100.53/32\n2001:db8:100::/64 # x\n".unicodeScalars)
        let templates = Array(
            "udp_flood:\n  match:\n    - destination: $TARGET_IP/32\n  then:\n    - rate-limit: 100000\n".unicodeScalars
        )
        var generator = SeededGenerator(seed: 5)
        var accepted = 0
        for _ in 0..<2000 {
            let files = [
                "/etc/networks_list": generator.edited(lists), "/etc/networks_whitelist": generator.edited(whitelist),
                "/etc/flowspec_templates.conf": generator.edited(templates),
            ]
            let document = Text.read(generator.edited(original), files: files)
            guard document.errors.isEmpty else { continue }
            // What the reader takes the configuration's own reader takes, or says why not.
            if (try? DaemonConfiguration.load(document.document, readFile: Text(files: files).readFile)) != nil {
                accepted += 1
            }
        }
        #expect(accepted > 20 && accepted < 1900, "\(accepted)")
    }

    @Test func floodsOfMistakesAreBounded() {
        #expect(Text.read(String(repeating: "nonsense\n", count: 100_000)).errors.count == 101)
        #expect(
            Text.read(String(repeating: "#\n", count: 3 << 20)).errors == [
                "/etc/fastnetmon.conf: error: longer than 4 MiB"
            ]
        )
        let list = ["/etc/networks_list": String(repeating: "nonsense\n", count: 100_000)]
        #expect(Text.read("", files: list).errors.count < 30)
    }
}

extension SeededGenerator {
    /// A text with up to three edits.
    fileprivate mutating func edited(_ original: [Unicode.Scalar]) -> String {
        let spice = Array("[]{}:,-#&*!|>'\"%@`?~ \t\n\r\u{0}\u{FEFF}\u{85}\u{2028}é😀0159akMGs/.$+=".unicodeScalars)
        var text = original
        for _ in 0..<Int.random(in: 0...3, using: &self) {
            let place = Int.random(in: 0..<text.count, using: &self)
            switch Int.random(in: 0..<4, using: &self) {
            case 0: text.remove(at: place)
            case 1: text.insert(spice[Int.random(in: 0..<spice.count, using: &self)], at: place)
            case 2: text[place] = spice[Int.random(in: 0..<spice.count, using: &self)]
            default: text.insert(contentsOf: text[place..<min(text.count, place + 20)], at: place)
            }
        }
        var result = ""
        result.unicodeScalars.append(contentsOf: text)
        return result
    }
}
