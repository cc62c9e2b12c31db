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

    @Option(help: "The file to write, which must not be there yet; otherwise standard output.")
    var output: String?

    func validate() throws {
        if legacy.isEmpty { throw ValidationError("give --fastnetmon FILE, --exabgp FILE or both") }
    }

    func run() throws {
        let document = legacy.document()
        for remark in document.remarks { Terminal.complain("\(remark)") }
        let errors = document.remarks.filter { $0.severity == .error }
        do {
            _ = try ConfigurationOption.configuration(document.document, errors, exabgp: legacy.exabgp)
        } catch {
            for line in error.lines.dropFirst(errors.count) { Terminal.complain(line) }
            throw ExitCode.refused
        }
        guard let output else {
            print(document.yaml, terminator: "")
            return
        }
        // A password may be in it: nobody else reads it from its first octet on.
        let descriptor = unsafe open(output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else {
            Terminal.complain("\(output): \(unsafe String(cString: strerror(errno)))")
            throw ExitCode.refused
        }
        do {
            let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
            try file.write(contentsOf: Data(document.yaml.utf8))
        } catch {
            Terminal.complain("\(output): \(error.localizedDescription)")
            throw ExitCode.refused
        }
    }
}
