import Testing

@testable import Compatibility
@testable import DaemonConfiguration

/// A mistake in an exabgp.conf is told with the key that stands there, and its line.
@Suite
struct ExaBGPWordsTests {
    private func mistakes(_ text: String) -> [String] {
        let document = ExaBGPFile.read(text, file: "exabgp.conf")
        do {
            _ = try DaemonConfiguration.load(document.document) { _ in "" }
            return []
        } catch {
            return error.errors.map { ExaBGPFile.inItsWords($0, file: "exabgp.conf").description }
        }
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
        #expect(line("exabgp.conf:2: router-id: found \"nonsense\"") != nil, "\(found)")
        #expect(line("exabgp.conf:5: peer-as: found \"99999999999\"") != nil, "\(found)")
        #expect(line("exabgp.conf:6: hold-time: found \"2s\"") != nil, "\(found)")
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
        #expect(ExaBGPFile.name(of: "bgp.neighbors[12].families[3]") == "family")
        #expect(ExaBGPFile.name(of: "bgp.neighbors[0].graceful_restart.restart_time") == "graceful-restart")
        #expect(ExaBGPFile.name(of: "store") == nil)
    }
}
