import Testing

@testable import DaemonConfiguration

struct PipeConfigurationTests {
    private func load(_ lines: String) throws -> DaemonConfiguration {
        try ConfigurationText.load(ConfigurationText.minimal + lines + "\n")
    }

    @Test func oneOrMorePipesAreRead() throws {
        let one = try load("exabgp_pipe: {path: /run/exabgp.cmd}").exabgpPipes
        #expect(one == [DaemonConfiguration.CommandPipe(path: "/run/exabgp.cmd")])
        #expect(one[0].mode == 0o660 && one[0].expires == .seconds(86_400))
        let more = try load("exabgp_pipe: [{path: /a, mode: 0622, owner: x, group: y, expires: 2h}, {path: /b}]")
        #expect(more.exabgpPipes.map(\.path) == ["/a", "/b"] && more.exabgpPipes[0].mode == 0o622)
        #expect(more.exabgpPipes[0].owner == "x" && more.exabgpPipes[0].group == "y")
        #expect(more.exabgpPipes[0].expires == .seconds(7200))
    }

    @Test func anExaBGPIsEnoughToEnforce() throws {
        #expect(try load("exabgp_pipe: {path: /a}").mitigation.enforces == false)
        let driving = try load("exabgp_writer: [{path: /a}, {path: /b}]")
        #expect(driving.mitigation.enforces && driving.exabgpWriters == ["/a", "/b"])
        #expect(try load("exabgp_writer: {path: /a}\nmitigation: {mode: enforce}").mitigation.enforces)
        #expect(!driving.warnings.contains { $0.contains("families") || $0.contains("flowspec") })
    }

    @Test(arguments: [
        ("exabgp_pipe: {path: exabgp.cmd}", "an absolute path"), ("exabgp_pipe: {mode: 0660}", "an absolute path"),
        ("exabgp_pipe: {path: /a, mode: 0777}", "permissions to read and write"),
        ("exabgp_pipe: {path: /a, mode: 0060}", "permissions to read and write"),
        ("exabgp_pipe: {path: /a, mode: rw}", "permissions to read and write"),
        ("exabgp_pipe: {path: /a, expires: 31d}", "from 1s to 30d"), ("exabgp_pipe: /a", "a mapping"),
        ("exabgp_pipe: [{path: /a}, {path: /a}]", "another path for each pipe"),
        ("exabgp_pipe: {path: /a}\nexabgp_writer: {path: /a}", "another path for each pipe"),
        ("exabgp_writer: {}", "an absolute path"),
    ])
    func mistakesAreNamed(lines: String, expected: String) {
        let mistakes = ConfigurationText.mistakes(ConfigurationText.minimal + lines + "\n")
        #expect(mistakes.contains { $0.contains(expected) }, "\(mistakes)")
    }
}
