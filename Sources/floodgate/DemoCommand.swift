import ArgumentParser
import Daemon

#if canImport(Glibc)
import Glibc
#endif

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "An attack from first packet to withdrawal, with an exporter and a router of its own, on loopback.",
        discussion: "EXAMPLE: floodgate demo --once; it exits with 0 if and only if the whole cycle happened."
    )

    @Flag(help: "End by itself when the cycle is over.")
    var once = false

    func run() async throws {
        guard try await Demo().run(once: once) else {
            Terminal.complain("the cycle did not happen within a minute")
            throw ExitCode.refused
        }
    }
}
