import Testing

@testable import Compatibility
@testable import DaemonConfiguration

/// A mistake in an exabgp.conf is told with the key that stands there, and its line.
@Suite
struct ExaBGPWordsTests {
    /// All that is said of a file that cannot be taken.
    private func mistakes(_ text: String) -> [String] {
        let document = ExaBGPFile.read(text, file: "exabgp.conf")
        var found = document.remarks.filter { $0.severity == .error }.map(\.description)
        let own = ConfigurationNode.mapping(
            [("networks", .text("198.51.100.0/24", at: .init(file: "own")))],
            at: .init(file: "own")
        )
        do {
            _ = try DaemonConfiguration.load(document.document.overlaid(by: own)) { _ in "" }
        } catch {
            found += error.errors.map {
                LegacyFiles.told($0, fastnetmon: nil, exabgp: "exabgp.conf") { _ in text }
            }
        }
        return found
    }

    private static let rest = "local-as 65001; peer-as 65001; router-id 192.0.2.10; family { ipv4 flow; }"

    /// Where the semicolon of a line is missing, that line and key are told, and all else as if it were there.
    @Test(arguments: [
        ("router-id 192.0.2.10;", "router-id 192.0.2.10", "3: error: router-id: a ; is missing behind \"192.0.2.10\""),
        ("peer-as 65001;", "peer-as 65001", "6: error: peer-as: a ; is missing behind \"65001\", before family"),
        ("ipv6 flow;", "ipv6 flow", "10: error: ipv6: a ; is missing behind \"flow\""),
        ("[ feed ];", "[ feed ]", "13: error: processes: a ; is missing behind \"feed\""),
        ("/bin/feed a b;", "/bin/feed a b", "1: error: run: a ; is missing behind \"b\", before encoder"),
        ("text;", "text", "2: error: encoder: a ; is missing behind \"text\""),
        ("discard;", "discard", "16: error: discard: a ; is missing behind \"discard\""),
        ("next-hop 192.0.2.1;", "next-hop 192.0.2.1", "18: error: route: a ; is missing behind \"192.0.2.1\""),
    ])
    func aMissingSemicolonIsToldWhereItIsMissing(part: String, cut: String, told: String) {
        let text = """
            process feed { run /bin/feed a b;
              encoder text; } neighbor 192.0.2.1 {
                router-id 192.0.2.10;
                local-address 192.0.2.10;
                local-as 65001;
                peer-as 65001;

                family {
                    ipv4 flow; ipv4 unicast;
                    ipv6 flow;
                }
                api {
                    processes [ feed ];
                }
                flow {
                    route { match { destination 198.51.100.1/32; } then { discard; } }
                }
                static { route 198.51.100.1/32 next-hop 192.0.2.1;
                    route 198.51.100.2/32 next-hop 192.0.2.66;
                }
            }

            """
        #expect(mistakes(text).isEmpty, "\(mistakes(text))")
        let found = mistakes(text.replacing(part, with: cut))
        #expect(found.count == 1 && found[0].hasPrefix("exabgp.conf:\(told)"), "\(found)")
    }

    @Test func bracesAreToldWhereTheyBelong() {
        #expect(
            mistakes("neighbor 192.0.2.1 {\n\(Self.rest)\n") == [
                "exabgp.conf:1: error: neighbor: its { is closed by no }"
            ]
        )
        #expect(
            mistakes("neighbor 192.0.2.1 {\n\(Self.rest)\n}\n}\n") == [
                "exabgp.conf:4: error: this } closes no {"
            ]
        )
    }

    /// No mistake of an exabgp.conf is told in keys of floodgate.yaml.
    @Test(arguments: [
        ("peer-as 65001;", "", "peer-as: expected the neighbor's AS number"),
        ("router-id 192.0.2.10;", "", "router-id: expected it in the neighbor, or an IPv4 local-address"),
        ("local-as 65001;", "", "neighbor: 192.0.2.1 has no local-as"),
        ("router-id 192.0.2.10;", "router-id 1.2.3;", "router-id: found \"1.2.3\""),
        ("router-id 192.0.2.10;", "router-id 192.0.2.10; md5-password '';", "md5-password: found \"\""),
        ("router-id 192.0.2.10;", "router-id 192.0.2.10; md5 '';", "md5: found \"\""),
        ("192.0.2.1 {", "nowhere {", "neighbor: found \"nowhere\""),
        ("192.0.2.1 {", "192.0.2.1 { \(rest) } neighbor 192.0.2.1 {", "neighbor: found \"192.0.2.1\""),
        ("router-id 192.0.2.10;", "router-id 192.0.2.10; local-address 2001:db8::1;", "local-address: found"),
        ("neighbor", "process a { encoder text; } neighbor", "process: a has no run"),
        (
            "router-id 192.0.2.10;",
            "router-id 192.0.2.10; flow { route { match { destination 192.0.2.1/32; } then { discard; } } }",
            "route: found \"flow route"
        ),
    ])
    func everyMistakeIsInTheWordsOfTheFile(part: String, other: String, told: String) {
        let text = "neighbor 192.0.2.1 { \(Self.rest) }\n"
        #expect(mistakes(text).isEmpty, "\(mistakes(text))")
        let found = mistakes(text.replacing(part, with: other, maxReplacements: 1))
        #expect(found.contains { $0.contains(": error: \(told)") }, "\(found)")
        #expect(found.allSatisfy { !$0.contains(" bgp.") && !$0.contains("_") && $0.contains(": error: ") }, "\(found)")
    }

    /// A range is waited for, with or without `passive`.
    @Test func aRangeListens() throws {
        let found = mistakes("neighbor 192.0.2.0/24 { \(Self.rest) }\n")
        #expect(found.isEmpty, "\(found)")
    }

    @Test func keysAreThoseOfTheFile() throws {
        let found = mistakes(
            """
            neighbor 192.0.2.1 {
                router-id nonsense;
                local-address 192.0.2.10;
                local-as 65001;
                peer-as 99999999999;
                hold-time 2;
                family { ipv4 flow; }
            }
            """
        )
        func line(_ beginning: String) -> String? { found.first { $0.hasPrefix(beginning) } }
        #expect(line("exabgp.conf:2: error: router-id: found \"nonsense\"") != nil, "\(found)")
        #expect(line("exabgp.conf:5: error: peer-as: found \"99999999999\"") != nil, "\(found)")
        #expect(line("exabgp.conf:6: error: hold-time: found \"2s\"") != nil, "\(found)")
        #expect(found.allSatisfy { !$0.contains("bgp.neighbors") && !$0.contains("bgp.router_id") }, "\(found)")
    }

    @Test func mistakesOfOtherFilesKeepTheirWords() {
        let error = ConfigurationError(
            file: "floodgate.yaml",
            line: 3,
            column: 7,
            key: "bgp.neighbors[0].hold_time",
            value: "2s",
            expected: "more"
        )
        #expect(ExaBGPFile.inItsWords(error, file: "exabgp.conf") == error)
        #expect(error.description == "floodgate.yaml:3:7: bgp.neighbors[0].hold_time: found \"2s\", expected more")
        #expect(ExaBGPFile.names(of: "bgp.neighbors[12].families[3]") == ["family"])
        #expect(ExaBGPFile.names(of: "bgp.neighbors[0].graceful_restart.restart_time") == ["graceful-restart"])
        #expect(ExaBGPFile.names(of: "store").isEmpty)
    }
}
