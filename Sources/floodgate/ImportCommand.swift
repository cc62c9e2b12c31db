import ArgumentParser
import Compatibility
import DaemonConfiguration
import Foundation

struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Write the files of FastNetMon and ExaBGP as floodgate.yaml.",
        discussion: """
            What has no effect, or another than its author is likely to expect, is said on standard error and in the
            comment at the head. Running what is written, and running the files themselves, is the same.

            EXAMPLE: floodgate import --fastnetmon /etc/fastnetmon.conf --exabgp /etc/exabgp/exabgp.conf \\
                       --output /etc/floodgate.yaml
            """
    )

    @OptionGroup var legacy: LegacyOptions

    @Option(help: "A floodgate.yaml that is laid on the files: its keys win, as with run, check and replay.")
    var config: String?

    @Option(help: "The file to write, which must not be there yet; otherwise standard output.")
    var output: String?

    func validate() throws {
        if legacy.isEmpty { throw ValidationError("give --fastnetmon FILE, --exabgp FILE or both") }
    }

    func run() throws {
        let document = try document()
        guard let output else {
            print(document.yaml, terminator: "")
            return
        }
        try write(document.yaml, to: output)
    }

    /// The files, and what is laid on them; ends with 1 when there is a mistake.
    private func document() throws -> LegacyDocument {
        var own: ConfigurationNode?
        do {
            if let config { own = try ConfigurationOption.own(config) }
        } catch {
            for line in error.lines { Terminal.complain(line) }
            throw ExitCode.refused
        }
        var document = legacy.document(beside: own)
        if let own { document.document = document.document.overlaid(by: own) }
        for remark in document.remarks { Terminal.complain("\(remark)") }
        let errors = document.remarks.filter { $0.severity == .error }
        do {
            _ = try ConfigurationOption.configuration(document.document, errors, of: legacy)
        } catch {
            for line in error.lines.dropFirst(errors.count) { Terminal.complain(line) }
            throw ExitCode.refused
        }
        return document
    }

    private func write(_ yaml: String, to output: String) throws {
        // A password may be in it: nobody else reads it from its first octet on.
        let descriptor = unsafe open(output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else {
            Terminal.complain("\(output): \(SystemText.of(errno))")
            throw ExitCode.refused
        }
        do {
            let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
            try file.write(contentsOf: Data(yaml.utf8))
        } catch {
            Terminal.complain("\(output): \(SystemText.of(error))")
            throw ExitCode.refused
        }
    }
}
