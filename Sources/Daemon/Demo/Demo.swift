import BGP
import Capture
import Control
import DaemonConfiguration
import Detection
import FlowSpec
import Foundation
import Logging
import Mitigation
import NIOCore
import NIOPosix
import NetworkTypes
import ServiceLifecycle
import Simulation
import Speaker
import Synchronization

/// The whole daemon on loopback, with an exporter and a router that come along: an attack from first packet to
/// withdrawal.
public struct Demo: Sendable {
    private static let victim = IPAddress(198, 51, 100, 10)
    private static let floodRate = 200_000.0
    private static let ordinaryRate = 5000.0
    private static let threshold = 20_000.0
    private static let calm = Duration.seconds(3)
    private static let flood = Duration.seconds(6)

    private let screen = DemoScreen()
    private let clock = DaemonClock()

    /// What has been seen so far; the demo has succeeded when all of it was.
    private struct Progress {
        var floodBegan: Timestamp?
        var floodEnded = false
        var detected = false
        var announced = false
        var received: AnnouncedRoute?
        var attackEnded = false
        var withdrawn = false
    }

    private final class State: Sendable {
        let progress = Mutex(Progress())
        let sessionIsUp = Mutex(false)
        let done = AsyncStream<Void>.makeStream()
    }

    public init() {}

    /// The configuration of the demo's daemon.
    static func configuration(sFlowPort: UInt16, routerPort: UInt16, folder: String) -> String {
        """
        networks: [198.51.100.0/24, 2001:db8:100::/48]
        telemetry:
          sflow: {listen: "127.0.0.1:\(sFlowPort)"}
          workers: 1
        detection:
          thresholds:
            total: {packets: 20k packets/s, bits: 1 Gbit/s}
            tcp_syn: {packets: 10k packets/s}
          quiet_period: 3s
        mitigation:
          mode: enforce
          ban_time: 8s
        bgp:
          router_id: 192.0.2.10
          local_as: 65001
          neighbors:
            - {address: 127.0.0.1, port: \(routerPort), remote_as: 65001, families: [ipv4-flowspec, ipv6-flowspec]}
        store: \(folder)/floodgate.db
        control_socket: \(folder)/control.sock
        """
    }

    /// Runs until the task is cancelled; with `once`, until the cycle is over.
    ///
    /// - Returns: whether everything happened: detection, announcement, reception, end and withdrawal.
    public func run(once: Bool) async throws -> Bool {
        let folder = FileManager.default.temporaryDirectory.appending(path: "floodgate-\(UUID().uuidString.prefix(8))")
        guard unsafe mkdir(folder.path(), 0o700) == 0 else {
            let reason = unsafe String(cString: strerror(errno))
            throw DaemonRuntime.StartError(description: "cannot make the folder \(folder.path()): \(reason)")
        }
        defer { try? FileManager.default.removeItem(at: folder) }
        let state = State()
        let quiet = Logger(label: "demo") { _ in SwiftLogNoOpLogHandler() }

        let router = try await startRouter(state, quiet)
        let sFlowPort = try UDPSocket(address: IPAddress(127, 0, 0, 1), port: 0).port
        let yaml = Self.configuration(
            sFlowPort: sFlowPort,
            routerPort: await router.boundPorts.first ?? 0,
            folder: folder.path()
        )
        let configuration = try DaemonConfiguration.load(yaml: yaml, file: "demo.yaml") { _ in "" }

        screen.title("Floodgate: a whole daemon on loopback, an exporter that simulates traffic, and a router.")
        screen.say(.exporter, "sFlow v5 to 127.0.0.1:\(sFlowPort), one packet in 100 sampled")
        let daemon = DaemonRuntime(configuration: configuration, logger: quiet) { observe($0, state) }
        let services = ServiceGroup(
            configuration: .init(services: [.init(service: daemon)], gracefulShutdownSignals: [], logger: quiet)
        )
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            group.addTask { await play(state, to: sFlowPort) }
            group.addTask { for await _ in state.done.stream { return } }
            group.addTask { try await Task.sleep(for: .seconds(60)) }
            // The daemon failing to start, or the script running to its end.
            var finished = 0
            while finished < 2, try await group.next() != nil {
                finished += 1
                if isComplete(state) { break }
            }
            if !once, isComplete(state) {
                screen.title("That was the cycle. The daemon goes on until Ctrl-C; ask it from another terminal:")
                let program = CommandLine.arguments.first ?? "floodgate"
                for command in ["status", "attacks --all", "rules --all", "explain 1"] {
                    screen.more("\(program) \(command) --socket \(configuration.controlSocket)")
                }
                screen.more("docs/configuration.md has every key, docs/operations.md the way into your network.")
                await Self.sleepUntilCancelled()
            }
            await services.triggerGracefulShutdown()
            group.cancelAll()
            await router.stop()
            return isComplete(state)
        }
    }

    private static func sleepUntilCancelled() async {
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
    }

    private func isComplete(_ state: State) -> Bool {
        state.progress.withLock { progress in
            progress.detected && progress.announced && progress.received != nil && progress.attackEnded
                && progress.withdrawn
        }
    }

    // MARK: The network around the daemon

    /// A router that accepts one session on loopback and tells what it is sent.
    private func startRouter(_ state: State, _ logger: Logger) async throws -> Speaker {
        let loopback = IPAddress(127, 0, 0, 1)
        let neighbor = NeighborConfiguration(
            address: loopback,
            remoteAS: ASN(65001),
            localAS: ASN(65001),
            routerID: IPAddress(192, 0, 2, 1).v4,
            families: [.ipv4FlowSpec, .ipv6FlowSpec],
            isPassive: true
        )
        let clock = clock
        let router = Speaker(
            neighbors: [neighbor],
            listen: [.init(address: loopback, port: 0)],
            logger: logger,
            now: { clock.now },
            observer: { event in routerSaw(event, state) }
        )
        try await router.start()
        return router
    }

    private func routerSaw(_ event: NeighborEvent, _ state: State) {
        switch event {
        case .up(_, let parameters):
            state.sessionIsUp.withLock { $0 = true }
            screen.say(
                .router,
                "BGP session established: \(parameters.families.map(\.rawValue).joined(separator: ", "))"
            )
        case .down(_, let reason):
            screen.say(.router, "BGP session down: \(reason)")
        case .suspects, .quarantined: break
        case .received(_, let update, let octets):
            if let family = update.endOfRIB {
                screen.say(.router, "End-of-RIB for \(family.rawValue)")
                return
            }
            for route in update.announced { routerReceived(route, update, octets, state) }
            for route in update.withdrawn {
                screen.say(.router, "UPDATE withdraws \(route)")
                let isOurs = state.progress.withLock { progress in
                    progress.withdrawn = progress.received == route
                    return progress.withdrawn
                }
                if isOurs { state.done.continuation.finish() }
            }
        }
    }

    private func routerReceived(
        _ route: AnnouncedRoute,
        _ update: UpdateMessage,
        _ octets: [UInt8],
        _ state: State
    ) {
        let began = state.progress.withLock { progress in
            progress.received = route
            return progress.floodBegan
        }
        let delay = began.map { ", \(Self.milliseconds(clock.now - $0)) ms after the first packet of the flood" } ?? ""
        screen.say(.router, "UPDATE received\(delay):")
        for announcement in update.announcements where announcement.route == route { screen.more("\(announcement)") }
        let hex = octets.dropFirst(16).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        screen.more("octets behind the marker: \(hex)")
    }

    /// Calm, flood, calm, by the clock.
    private func play(_ state: State, to port: UInt16) async {
        let hosts =
            (1...60).map { IPAddress(v4: 0xC633_6400 + UInt32($0)) } + [IPAddress(high: 0x2001_0DB8_0100_0000, low: 5)]
        let ordinary = TrafficPattern(kind: .ordinary, hosts: hosts, packetsPerSecond: Self.ordinaryRate)
        let attack = TrafficPattern(kind: .udpFlood, hosts: [Self.victim], packetsPerSecond: Self.floodRate)
        guard let sender = try? await DatagramSender(port: port) else { return }
        while !state.sessionIsUp.withLock({ $0 }), !Task.isCancelled { try? await Task.sleep(for: .milliseconds(20)) }
        screen.say(
            .traffic,
            "\(RateText.describe(Self.ordinaryRate, .packets)) of ordinary traffic; a host may take \(RateText.describe(Self.threshold, .packets))"
        )
        var exporter = SimulatedExporter(patterns: [ordinary], startingAt: clock.now)
        let start = clock.now
        while !Task.isCancelled {
            let elapsed = clock.now - start
            let isFlooding = elapsed >= Self.calm && elapsed < Self.calm + Self.flood
            if isFlooding, exporter.patterns.count == 1 {
                screen.say(
                    .flood,
                    "begins: UDP from everywhere to \(Self.victim), \(RateText.describe(Self.floodRate, .packets))"
                )
                exporter.patterns = [ordinary, attack]
                state.progress.withLock { $0.floodBegan = clock.now }
            } else if !isFlooding, exporter.patterns.count == 2 {
                screen.say(.flood, "ends")
                exporter.patterns = [ordinary]
                state.progress.withLock { $0.floodEnded = true }
            }
            for datagram in exporter.datagrams(until: clock.now) { await sender.send(datagram) }
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    // MARK: The daemon

    private func observe(_ event: DaemonEvent, _ state: State) {
        switch event {
        case .attack(.began(let attack), _):
            let began = state.progress.withLock { progress in
                progress.detected = progress.detected || attack.target == .host(Self.victim)
                return progress.floodBegan
            }
            let delay = began.map { " after \(Self.milliseconds(clock.now - $0)) ms" } ?? ""
            screen.say(.floodgate, "ATTACK \(attack.id) detected\(delay): \(attack.kind.rawValue) on \(attack.target)")
            screen.more("\(attack.crossing)")
            screen.more(attack.crossing.evidence)
        case .attack(.updated(let attack), _):
            let rates = attack.rates
            screen.say(
                .floodgate,
                "attack \(attack.id): \(RateText.describe(rates[.total, .packets], .packets)), \(RateText.describe(rates[.total, .bits], .bits))"
            )
        case .attack(.ended(let attack), _):
            state.progress.withLock { $0.attackEnded = true }
            screen.say(
                .floodgate,
                "attack \(attack.id) is over; its peak was \(RateText.describe(attack.peak[.total, .packets], .packets))"
            )
        case .announced(let entry, _):
            state.progress.withLock { $0.announced = true }
            screen.say(.store, "rule \(entry.id) is on disk, with its reason and its expiry")
            screen.say(.floodgate, "announces \(entry.announcement)")
        case .withdrawn(let entry, _):
            screen.say(.floodgate, "withdraws rule \(entry.id): \(entry.withdrawnBecause ?? "")")
        case .refused(let refusal, _):
            screen.say(.floodgate, "\(refusal)")
        case .observed, .neighbor, .started:
            break
        }
    }

    private static func milliseconds(_ duration: Duration) -> Int64 { duration.nanoseconds / 1_000_000 }
}

/// Sends datagrams to a port on loopback.
struct DatagramSender: Sendable {
    private let channel: any Channel
    private let target: SocketAddress

    init(port: UInt16) async throws {
        target = try SocketAddress(ipAddress: "127.0.0.1", port: Int(port))
        channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
    }

    func send(_ datagram: [UInt8]) async {
        let envelope = AddressedEnvelope(remoteAddress: target, data: ByteBuffer(bytes: datagram))
        try? await channel.writeAndFlush(envelope)
    }
}
