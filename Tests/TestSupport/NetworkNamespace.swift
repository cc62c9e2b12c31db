import Foundation

/// A network of a test's own, with a cable in it: what goes in at `near` comes out at `far`. Needs root.
public struct NetworkNamespace: Sendable {
    public static let near = "near"
    public static let far = "far"

    private let name: String
    private let ip: String

    /// Nil where this user may not make one, or `ip` is not installed.
    public init?() {
        guard let ip = ChildProcess.find("ip"), geteuid() == 0 else { return nil }
        self.ip = ip
        name = "floodgate-\(UUID().uuidString.prefix(8))"
        let steps = [
            ["netns", "add", name], ["-n", name, "link", "set", "lo", "up"],
            ["-n", name, "link", "add", Self.near, "type", "veth", "peer", "name", Self.far],
            ["-n", name, "link", "set", Self.near, "up"], ["-n", name, "link", "set", Self.far, "up"],
        ]
        for step in steps {
            // `ip` is silent unless it fails.
            guard let output = try? ChildProcess.output(ip, step), output.isEmpty else {
                remove()
                return nil
            }
        }
    }

    /// The command that runs a program in it.
    public func command(_ path: String, _ arguments: [String]) -> (path: String, arguments: [String]) {
        (ip, ["netns", "exec", name, path] + arguments)
    }

    /// Has `ip` do something in it; what it says, which is nothing unless it fails.
    @discardableResult
    public func ip(_ arguments: [String]) throws -> String { try ChildProcess.output(ip, ["-n", name] + arguments) }

    public func remove() { _ = try? ChildProcess.output(ip, ["netns", "del", name]) }
}
