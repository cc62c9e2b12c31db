import Compatibility
import DaemonConfiguration
import Foundation
import Testing

/// ExaBGP's own example configurations, where its package is installed: each is read, or refused for a reason.
struct ExaBGPExamplesTests {
    private static let folder =
        ProcessInfo.processInfo.environment["FLOODGATE_EXABGP_EXAMPLES"] ?? "/usr/share/doc/exabgp/examples"

    private static var files: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".conf") }.sorted()
    }

    /// What the examples have that Floodgate has not, and those that are no valid files: a part of each reason.
    private static let reasons = [
        "was expected for this prefix", "has none of the families", "its { is closed by no }", "this } closes no {",
        "a ; is missing behind",
        // Traffic classes and communities that FlowSpec and RFC 4360 have not in that form, and Prefix-SIDs.
        "a DSCP from 0 to 63", "an extended community such as", "a community such as",
        "lists do not stand within lists",
    ]

    @Test(.enabled(if: !files.isEmpty, "no examples of ExaBGP here"))
    func eachIsReadOrRefusedForAReason() throws {
        var read = 0
        var refused: [String: [String]] = [:]
        for name in Self.files {
            let text = try String(contentsOfFile: "\(Self.folder)/\(name)", encoding: .utf8)
            let errors = ExaBGPFile.read(text, file: name).remarks.filter { $0.severity == .error }
            if errors.isEmpty { read += 1 } else { refused[name] = errors.map(\.description) }
        }
        for (name, errors) in refused.sorted(by: { $0.key < $1.key }) {
            print("refused \(name): \(errors)")
            for error in errors {
                #expect(Self.reasons.contains { error.contains($0) }, "\(error)")
                #expect(error.contains("\(name):"), "the line is named")
            }
        }
        print("ExaBGP's examples: \(read) read, \(refused.count) refused, of \(Self.files.count)")
        #expect(read > Self.files.count * 2 / 3)
    }
}
