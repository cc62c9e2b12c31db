import Compatibility
import Control
import Detection
import FlowSpec
import Mitigation
import NetworkTypes
import Store

extension DaemonResponder {
    /// A rule or route in text, or any other command. What was done, in words.
    func command(_ request: ControlRequest) async throws -> String {
        let text = request.text ?? ""
        let client = CommandClient(
            requester: .operator,
            lasting: try duration(request),
            reason: request.reason ?? "an operator announced it"
        )
        if request.command == .withdraw, let number = Self.ruleNumber(text) {
            let replies = await mitigation.execute(
                [.withdrawRule(LedgerEntry.ID(rawValue: number))],
                by: .operator,
                lasting: nil,
                at: clock.now
            )
            return try Self.words(replies)
        }
        let command: APICommand
        do {
            command = try APICommand.read(Self.text(of: request))
        } catch {
            throw OrderRefused(reason: "\(error)")
        }
        if request.command != .command { try Self.check(command, isFor: request.command) }
        return try Self.words(await desk.take([.command(command, text: text)], from: client))
    }

    /// The verb may be left out where the request says it.
    private static func text(of request: ControlRequest) -> String {
        let text = request.text ?? ""
        let first = text.split { $0.isWhitespace }.first ?? ""
        guard request.command != .command, !["announce", "withdraw", "neighbor", "peer", "group"].contains(first) else {
            return text
        }
        return "\(request.command.rawValue) \(text)"
    }

    private static func check(_ command: APICommand, isFor verb: ControlRequest.Command) throws(OrderRefused) {
        guard case .orders(let orders) = command else { throw OrderRefused(reason: "that is no rule or route") }
        for order in orders {
            switch (order.order, verb) {
            case (.announce, .announce), (.withdraw, .withdraw): continue
            default: throw OrderRefused(reason: "that is nothing to \(verb.rawValue): \(order)")
            }
        }
    }

    private static func ruleNumber(_ text: String) -> UInt64? {
        text.hasPrefix("r") ? UInt64(text.dropFirst()) : nil
    }

    private static func words(_ replies: [CommandReply]) throws(OrderRefused) -> String {
        let text = replies.map(\.text).joined(separator: "\n")
        guard !replies.contains(where: \.isRefused) else { throw OrderRefused(reason: text) }
        return text
    }

    /// What happened last, oldest first.
    func events(_ limit: Int) throws -> [EventReport] {
        try store.events(limit: min(max(limit, 1), 100_000)).map { event in
            EventReport(
                time: "\(event.time)",
                text: event.text,
                attack: event.attack?.rawValue,
                rule: event.entry?.rawValue
            )
        }
    }
}
