import DaemonConfiguration
import Testing

@testable import Compatibility

/// Both programs' files together.
struct LegacyFilesTests {
    private func read(_ fastnetmon: String, pipe: String = "/var/run/exabgp.cmd") -> LegacyDocument {
        var files = FastNetMonText.networks
        files["/etc/fastnetmon.conf"] = fastnetmon
        files["/etc/exabgp.conf"] = pipe
        return LegacyFiles.read(
            fastnetmon: "/etc/fastnetmon.conf",
            exabgp: "/etc/exabgp.conf",
            hasNeighbors: false,
            readExaBGP: { text, file in
                var document = SpeakerStub.read(text, file)
                document.document = document.document.overlaid(
                    by: .mapping(
                        [
                            (
                                "exabgp_pipe",
                                .mapping([("path", .text(text, at: .init(file: file)))], at: .init(file: file))
                            )
                        ],
                        at: .init(file: file)
                    )
                )
                return document
            },
            readFile: FastNetMonText(files: files).readFile
        )
    }

    private func load(_ document: LegacyDocument) throws -> DaemonConfiguration {
        try DaemonConfiguration.load(document.document) { _ in "" }
    }

    @Test func onePipeThatBothNameIsOnePipe() throws {
        let configuration = try load(read("exabgp = on\n"))
        #expect(configuration.exabgpPipes.map(\.path) == ["/var/run/exabgp.cmd"])
        #expect(configuration.exabgpPipes.first?.mode == 0o660)
        #expect(configuration.exabgpWriters.isEmpty, "we are the speaker")
    }

    @Test func twoPipesAreTwo() throws {
        let configuration = try load(read("exabgp = on\n", pipe: "/run/other.cmd"))
        #expect(configuration.exabgpPipes.map(\.path) == ["/run/other.cmd", "/var/run/exabgp.cmd"])
    }

    @Test func whatCannotBeReadIsAnErrorOfTheFile() {
        let document = LegacyFiles.read(fastnetmon: "/etc/none.conf", exabgp: nil) { _ in throw FastNetMonText.Missing()
        }
        #expect(document.errors == ["/etc/none.conf: error: cannot be read: no such file"])
    }
}
