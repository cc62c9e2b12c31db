import Foundation
import TestSupport

/// A notify script that writes down what it gets.
struct RecordingScript {
    struct Call {
        var arguments: [String]
        var variables: [String: String]
        var input: String
    }

    let path: String
    private let folder: ScratchFolder

    /// - Parameter next: a program that is called afterwards as this one was.
    init(in folder: ScratchFolder, then next: String? = nil) throws {
        self.folder = folder
        let calls = folder.path("calls")
        try FileManager.default.createDirectory(atPath: calls, withIntermediateDirectories: true)
        let script = """
            #!/bin/bash
            file="\(calls)/$(date +%s.%N)"
            { printf '%s\\n' "$@"; echo "--- environment"; env | grep ^ATTACK_; echo "--- input"; cat; } > "$file.part"
            mv "$file.part" "$file"
            echo "told of $1" >&2
            \(next.map { "exec \($0) \"$@\"" } ?? "")

            """
        path = try Self.write(script, to: "notify.sh", in: folder)
    }

    /// A program of the test's own.
    static func write(_ script: String, to name: String, in folder: ScratchFolder) throws -> String {
        let path = try folder.write(script, to: name)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return path
    }

    /// In their order.
    func calls() throws -> [Call] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path("calls"))
        return try names.filter { !$0.hasSuffix(".part") }.sorted().map { name in
            let text = try String(contentsOfFile: folder.path("calls") + "/" + name, encoding: .utf8)
            let halves = text.components(separatedBy: "--- environment\n")
            let rest = halves[1].components(separatedBy: "--- input\n")
            let variables = rest[0].split(separator: "\n").map { $0.split(separator: "=", maxSplits: 1) }
            return Call(
                arguments: halves[0].split(separator: "\n").map(String.init),
                variables: Dictionary(
                    variables.map { (String($0[0]), $0.count > 1 ? String($0[1]) : "") },
                    uniquingKeysWith: { first, _ in first }
                ),
                input: rest[1...].joined(separator: "--- input\n")
            )
        }
    }

    /// The actions of the calls so far.
    func actions() -> [String] { ((try? calls()) ?? []).compactMap { $0.arguments.last } }
}
