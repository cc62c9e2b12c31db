import BGP
import FlowSpec
import Foundation
import Logging
import NetworkTypes
import Speaker
import Synchronization

/// One rule after another between two speakers of this process: from the request to the decoded UPDATE.
func oneByOne(_ announcements: [Announcement], now: @escaping @Sendable () -> Timestamp) async throws -> [Double] {
    func neighbor(_ address: IPAddress, _ port: UInt16, _ routerID: UInt32, isPassive: Bool) -> NeighborConfiguration {
        NeighborConfiguration(
            address: address,
            port: port,
            localAddress: isPassive ? nil : IPAddress(127, 0, 0, 41),
            remoteAS: ASN(65001),
            localAS: ASN(65001),
            routerID: routerID,
            families: [.ipv4FlowSpec],
            isPassive: isPassive
        )
    }
    let quiet = Logger(label: "announcer") { _ in SwiftLogNoOpLogHandler() }
    let host = IPAddress(127, 0, 0, 42)
    let arrival = Mutex<ContinuousClock.Instant?>(nil)
    let router = Speaker(
        neighbors: [neighbor(IPAddress(127, 0, 0, 41), 179, 1, isPassive: true)],
        listen: [.init(address: host, port: 0)],
        logger: quiet,
        now: now,
        observer: { event in
            guard case .received(_, let update, _) = event, !update.announced.isEmpty else { return }
            arrival.withLock { $0 = .now }
        }
    )
    try await router.start()
    let speaker = Speaker(
        neighbors: [neighbor(host, await router.boundPorts[0], 2, isPassive: false)],
        logger: quiet,
        now: now,
        observer: { _ in }
    )
    try await speaker.start()
    while await speaker.status().first?.state != .established { try await Task.sleep(for: .milliseconds(5)) }
    var delays: [Double] = []
    for announcement in announcements {
        try await Task.sleep(for: .milliseconds(2))
        arrival.withLock { $0 = nil }
        let asked = ContinuousClock.now
        await speaker.update(announce: [announcement])
        while true {
            if let arrived = arrival.withLock({ $0 }) {
                delays.append((arrived - asked).inSeconds)
                break
            }
            await Task.yield()
        }
    }
    await speaker.stop()
    await router.stop()
    return delays.sorted()
}
