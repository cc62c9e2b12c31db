import Control
import Foundation
import TestSupport

/// A daemon in a process of its own, and a router that its rules come to.
protocol RoutedDaemon: Sendable {
    var router: RouterPeer { get }
    var daemon: RunningDaemon { get }
}

extension RoutedDaemon {
    /// Whether the router comes to hold a route whose line has all of these.
    func routerHas(_ parts: String...) async -> Bool { await router.comesToHold(parts) }
    func routerLacks(_ parts: String...) async -> Bool { await router.comesToLack(parts) }

    func events() async throws -> [String] {
        guard case .events(let events) = try await daemon.ask(.init(.events)) else { return [] }
        return events.map(\.text)
    }

    func stop() {
        router.stop()
        daemon.folder.remove()
    }
}

extension RouterPeer {
    /// Long, as on a busy machine whoever looks has to wait for his turn; only a failure lasts as long.
    private static let patience = 60.0

    func comesToHold(_ parts: [String]) async -> Bool {
        await eventually(within: Self.patience) { (try? holds(parts)) == true }
    }
    func comesToLack(_ parts: [String]) async -> Bool {
        await eventually(within: Self.patience) { (try? holds(parts)) == false }
    }

    private func holds(_ parts: [String]) throws -> Bool {
        try routes().split(separator: "\n").contains { line in parts.allSatisfy { line.contains($0) } }
    }
}
