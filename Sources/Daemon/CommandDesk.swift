import BGP
import Compatibility
import FlowSpec
import Logging
import Mitigation
import NetworkTypes
import Speaker
import Store
import Synchronization

/// Who sends commands, and how long his rules last that say nothing of it.
struct CommandClient: Sendable {
    var requester: LedgerEntry.Requester
    /// Nil: the configured ban time.
    var lasting: Duration?
    /// Why, for those who ask later; nil: because he announced it.
    var reason: String?
}

/// What came of one text.
struct CommandReply: Sendable, Equatable {
    var text: String
    var isRefused: Bool
}

/// Carries out commands of the ExaBGP API, whoever sends them, in their order.
final class CommandDesk: Sendable {
    private let mitigation: MitigationService
    private let speaker: Speaker
    private let store: Store
    private let clock: DaemonClock
    private let logger: Logger
    private let refusals = Mutex<[LedgerEntry.Requester: RefusalDigest]>([:])

    /// How often it is looked whether there is to be told of refusals that were left out.
    private static let interval = Duration.seconds(10)

    init(mitigation: MitigationService, speaker: Speaker, store: Store, clock: DaemonClock, logger: Logger) {
        self.mitigation = mitigation
        self.speaker = speaker
        self.store = store
        self.clock = clock
        self.logger = logger
    }

    /// Carries out what was read; one reply each. What is refused is logged and stands among the events.
    func take(_ readings: [APIReading], from client: CommandClient) async -> [CommandReply] {
        var batch = Batch()
        for (place, reading) in readings.enumerated() {
            batch.replies.append(CommandReply(text: "", isRefused: false))
            switch reading {
            case .refused(_, let reason): batch.reply(reason, refused: true, at: place)
            case .command(.orders(let commands), _):
                for command in commands { await add(command, place, client, to: &batch) }
            case .command(let command, _):
                await carryOut(&batch, for: client)
                await answer(command, place, client, in: &batch)
            }
        }
        await carryOut(&batch, for: client)
        note(batch.replies, to: readings, of: client)
        return batch.replies
    }

    /// Orders that are carried out together: one transaction, one turn of the speaker.
    private struct Batch {
        var replies: [CommandReply] = []
        var orders: [(place: Int, order: CommandOrder)] = []
        var selected: [[NeighborSelector]: [IPAddress]?] = [:]

        mutating func reply(_ text: String, refused: Bool, at place: Int) {
            let former = replies[place].text
            replies[place].text = former.isEmpty ? text : "\(former); \(text)"
            replies[place].isRefused = replies[place].isRefused || refused
        }
    }

    private func add(_ command: TextCommand, _ place: Int, _ client: CommandClient, to batch: inout Batch) async {
        let neighbors = await neighbors(command.neighbors, in: &batch)
        if let neighbors, neighbors.isEmpty {
            batch.reply(
                "no neighbor is \(command.neighbors.map(\.description).joined(separator: ", "))",
                refused: true,
                at: place
            )
            return
        }
        switch command.order {
        case .announce(var announcement):
            announcement.neighbors = neighbors
            let reason = client.reason ?? "\(client.requester) announced it\(command.name.map { " as \($0)" } ?? "")"
            batch.orders.append((place, .announce(announcement, reason: reason)))
        case .withdraw(let route):
            let known = neighbors == nil ? [] : await speaker.addresses
            batch.orders.append((place, .withdraw(route, from: neighbors, of: known)))
        case .endOfRIB:
            batch.reply("End-of-RIB is sent by itself when all routes have been", refused: false, at: place)
        }
    }

    private func neighbors(_ selectors: [NeighborSelector], in batch: inout Batch) async -> [IPAddress]? {
        guard !selectors.isEmpty else { return nil }
        if let known = batch.selected[selectors] { return known }
        let meant = await speaker.meant(by: selectors)
        batch.selected[selectors] = .some(meant)
        return meant
    }

    private func carryOut(_ batch: inout Batch, for client: CommandClient) async {
        guard !batch.orders.isEmpty else { return }
        let orders = batch.orders
        batch.orders = []
        let answers = await mitigation.execute(
            orders.map(\.order),
            by: client.requester,
            lasting: client.lasting,
            at: clock.now
        )
        for (order, answer) in zip(orders, answers) {
            batch.reply(answer.text, refused: answer.isRefused, at: order.place)
        }
    }

    // MARK: What is neither announced nor withdrawn

    private func answer(_ command: APICommand, _ place: Int, _ client: CommandClient, in batch: inout Batch) async {
        func done(_ text: String) { batch.reply(text, refused: false, at: place) }
        func refuse(_ text: String) { batch.reply(text, refused: true, at: place) }
        switch command {
        case .orders, .acknowledgement: done("done")
        case .nothing(let why): done(why)
        case .unsupported(let why): refuse(why)
        case .question(let question):
            done(await withTaskExecutorPreference(globalConcurrentExecutor) { await answer(question) })
        case .clear(let selectors):
            guard selectors.isEmpty || selectors.contains(NeighborSelector()) else {
                return refuse("rules are given up for all neighbors or none; withdraw those that are to go")
            }
            let answers = await mitigation.execute([.clear], by: client.requester, lasting: nil, at: clock.now)
            done(answers.map(\.text).joined())
        case .flush(let selectors), .teardown(let selectors, _):
            let meant = await neighbors(selectors, in: &batch)
            guard meant?.isEmpty != true else { return refuse("there is no such neighbor") }
            if case .teardown(_, let subcode) = command {
                guard !selectors.isEmpty else { return refuse("say which neighbor, or neighbor *") }
                await speaker.reset(meant, because: BGPError(.cease, subcode))
                logger.notice("sessions ended", metadata: ["by": "\(client.requester)", "subcode": "\(subcode)"])
                done("sessions ended")
            } else {
                await speaker.resend(to: meant)
                done("all routes are sent again")
            }
        }
    }

    /// A long list is put together where nobody's order waits for it.
    @concurrent private func answer(_ question: APICommand.Question) async -> String {
        switch question {
        case .version: return "floodgate \(Version.text)"
        case .help:
            return
                "announce and withdraw of route, flow route, ipv4|ipv6 unicast|flow, attributes … nlri …; announce eor; "
                + "neighbor ADDRESS before them; show neighbor, show adj-rib out; flush|clear adj-rib out; "
                + "neighbor ADDRESS teardown N; version"
        case .neighbors:
            return await speaker.status().map { "neighbor \($0.configuration.address) \($0.state.rawValue)" }
                .joined(separator: "\n")
        case .routes:
            return await mitigation.entries.filter { $0.state == .announced }.map { "\($0.announcement)" }
                .joined(separator: "\n")
        }
    }

    // MARK: What is refused

    private func note(_ replies: [CommandReply], to readings: [APIReading], of client: CommandClient) {
        var events: [Store.Change] = []
        let now = clock.now
        func event(_ text: String) { events.append(.event(.init(time: now, text: text))) }
        for (reply, reading) in zip(replies, readings) {
            // Of ten thousand that are carried out nobody reads it.
            var text: String {
                switch reading {
                case .command(_, let whole): APIReading.excerpt(of: whole)
                case .refused(let excerpt, _): excerpt
                }
            }
            guard reply.isRefused else {
                logger.debug(
                    "command",
                    metadata: ["from": "\(client.requester)", "text": "\(text)", "done": "\(reply.text)"]
                )
                continue
            }
            let (isAdmitted, leftOut) = refusals.withLock { refusals in
                let leftOut = refusals[client.requester]?.leftOut(at: now) ?? []
                return (refusals[client.requester, default: RefusalDigest()].admit(reply.text, at: now), leftOut)
            }
            for left in leftOut { event(tell(left, of: client.requester)) }
            guard isAdmitted else { continue }
            logger.warning(
                "refused a command",
                metadata: ["from": "\(client.requester)", "reason": "\(reply.text)", "text": "\(text)"]
            )
            event("refused a command (\(client.requester)): \(reply.text): \(text)")
        }
        write(events)
    }

    /// Tells of refusals that were left out, until the task is cancelled.
    func run() async {
        while (try? await Task.sleep(for: Self.interval)) != nil {
            let now = clock.now
            let left = refusals.withLock { refusals in
                refusals.keys.map { ($0, refusals[$0]?.leftOut(at: now) ?? []) }
            }
            write(
                left.flatMap { requester, all in
                    all.map { .event(.init(time: now, text: tell($0, of: requester))) }
                }
            )
        }
    }

    private func tell(_ left: RefusalDigest.LeftOut, of requester: LedgerEntry.Requester) -> String {
        let text = "refused \(left.count) more commands (\(requester)) like those listed: \(left.reason)"
        logger.warning("\(text)")
        return text
    }

    private func write(_ events: [Store.Change]) {
        guard !events.isEmpty else { return }
        do { try store.write(events) } catch { logger.error("refused commands are not written down: \(error)") }
    }
}
