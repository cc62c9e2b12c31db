import Compatibility
import Control
import DaemonConfiguration
import Logging
import NIOCore
import NIOPosix
import NetworkTypes
import Synchronization
import Traffic

/// Sends figures of the traffic to a collector again and again. A collector that is gone costs a counter.
///
/// Each time over a connection of its own: what cannot be sent within its time is not sent, and the next figures are.
final class MetricsExporter: Sendable {
    /// In which words figures are told.
    enum Form: Sendable {
        case graphite(prefix: String)
        case influxDB(InfluxRequest)

        var name: String {
            switch self {
            case .graphite: "graphite"
            case .influxDB: "influxdb"
            }
        }
    }

    private struct State {
        var sent: UInt64 = 0
        var failed: UInt64 = 0
        var problem: String?
    }

    private struct Refused: Error, CustomStringConvertible { var description: String }

    private let target: DaemonConfiguration.Metrics.Target
    private let form: Form
    private let logger: Logger
    private let state = Mutex(State())

    private static let longestAnswer = 4096
    /// How long a connection may take, whatever the period.
    private static let patience = TimeAmount.seconds(5)

    init(_ target: DaemonConfiguration.Metrics.Target, _ form: Form, logger: Logger) {
        self.target = target
        self.form = form
        self.logger = logger
    }

    /// All that a configuration asks for.
    static func all(_ metrics: DaemonConfiguration.Metrics, logger: Logger) -> [MetricsExporter] {
        let graphite = metrics.graphite.map {
            MetricsExporter($0.target, .graphite(prefix: $0.prefix), logger: logger)
        }
        let influx = metrics.influxDB.map { influx in
            let place: InfluxRequest.Place =
                influx.bucket.map { .bucket($0, organization: influx.organization, token: influx.token) }
                ?? .database(influx.database, user: influx.user, password: influx.password)
            let request = InfluxRequest(host: influx.target.host, port: influx.target.port, place: place)
            return MetricsExporter(influx.target, .influxDB(request), logger: logger)
        }
        return [graphite, influx].compactMap { $0 }
    }

    var report: MetricsReport {
        state.withLock { state in
            MetricsReport(
                kind: form.name,
                collector: "\(target.host):\(target.port)",
                sent: state.sent,
                failed: state.failed,
                problem: state.problem
            )
        }
    }

    /// Until the task is cancelled.
    ///
    /// - Parameter overview: the latest there is; nil before the first.
    func run(_ overview: @Sendable () -> TrafficOverview?) async {
        while (try? await Task.sleep(for: target.period)) != nil {
            guard let overview = overview() else { continue }
            do {
                try await send(overview)
                note(nil)
            } catch is CancellationError {
                return
            } catch {
                note("\(error)")
            }
        }
    }

    private func note(_ problem: String?) {
        let former = state.withLock { state in
            if problem == nil { state.sent &+= 1 } else { state.failed &+= 1 }
            defer { state.problem = problem }
            return state.problem
        }
        guard (former == nil) != (problem == nil) else { return }
        let metadata: Logger.Metadata = ["kind": "\(form.name)", "collector": "\(target.host):\(target.port)"]
        if let problem {
            logger.warning("metrics are not taken: \(problem)", metadata: metadata)
        } else {
            logger.notice("metrics are taken again", metadata: metadata)
        }
    }

    private func send(_ overview: TrafficOverview) async throws {
        switch form {
        case .graphite(let prefix):
            _ = try await exchange(Array(GraphiteLines.text(overview, prefix: prefix).utf8), isAnswered: false)
        case .influxDB(let request):
            let writes = state.withLock { InfluxLines.Writes(total: $0.sent &+ $0.failed, failed: $0.failed) }
            let lines = InfluxLines.text(overview, writes: writes)
            let answer = try await exchange(request.octets(writing: lines), isAnswered: true)
            if let objection = InfluxRequest.objection(in: answer) { throw Refused(description: objection) }
        }
    }

    /// Sends over a connection of its own; what came back, up to the end of the first line.
    private func exchange(_ octets: [UInt8], isAnswered: Bool) async throws -> String {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connectTimeout(Self.patience)
            .connect(host: target.host, port: Int(target.port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        let deadline = channel.channel.eventLoop.scheduleTask(in: Self.patience) {
            channel.channel.close(promise: nil)
        }
        defer { deadline.cancel() }
        return try await channel.executeThenClose { inbound, _ in
            try await channel.channel.writeAndFlush(ByteBuffer(bytes: octets)).get()
            var answer = ""
            guard isAnswered else { return answer }
            for try await part in inbound {
                answer += String(buffer: part)
                if answer.contains(where: \.isNewline) || answer.utf8.count > Self.longestAnswer { break }
            }
            return answer
        }
    }
}

extension DaemonConfiguration.Metrics {
    /// How often figures are wanted, and of how many hosts; nil: never.
    var survey: (period: Duration, hosts: Int)? {
        [graphite?.target.period, influxDB?.target.period].compactMap { $0 }.min().map { ($0, topHosts) }
    }
}
