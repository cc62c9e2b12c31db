import Control
import Foundation
import Synchronization
import Testing

/// Answers with the text; with one that says so, late.
private struct Dawdler: ControlResponder {
    func respond(to request: ControlRequest) async -> ControlResponse {
        let text = request.text ?? ""
        if text.hasPrefix("slow") { try? await Task.sleep(for: .milliseconds(50)) }
        return .done(text)
    }
}

@Test func manyRequestsAtOnceAreAnsweredInTheirOrder() async throws {
    try await withServer(answering: Dawdler()) { path in
        let texts = (0..<5000).map { $0 % 1000 == 0 ? "slow \($0)" : "\($0)" }
        // Some are answered at once, as they are none; that many in one go must not be as many calls within each other.
        let lines = texts.map { "{\"command\":\"command\",\"text\":\"\($0)\"}\n" }
        let garbage = String(repeating: "nonsense\n", count: 20_000)
        let answers = try await exchange(lines.joined() + garbage, with: path, lines: 25_000)
        #expect(answers.count == 25_000)
        #expect(answers.prefix(5000).enumerated().allSatisfy { $1 == "{\"done\":{\"_0\":\"\(texts[$0])\"}}" })
        #expect(answers.dropFirst(5000).allSatisfy { $0.contains("refused") })
    }
}

/// Far more than may wait, to a server that is slow: it reads no faster than it answers.
@Test func whoSendsFasterThanHeIsAnsweredWaits() async throws {
    try await withServer(answering: Dawdler()) { path in
        let long = String(repeating: "x", count: 60_000)
        let slow = "{\"command\":\"command\",\"text\":\"slow\"}\n"
        let line = "{\"command\":\"command\",\"text\":\"\(long)\"}\n"
        let text = slow + String(repeating: line, count: 50)
        let answers = try await exchange(text, with: path, lines: 51)
        #expect(answers.count == 51 && answers.dropFirst().allSatisfy { $0.contains(long) })
    }
}

/// The order is carried out, and the server ends no sooner.
@Test func whoLeavesBeforeTheAnswerDisturbsNobody() async throws {
    try await withServer(answering: Dawdler()) { path in
        for _ in 0..<20 {
            _ = try await exchange("{\"command\":\"ban\",\"text\":\"slow\"}\n", with: path, lines: 0)
        }
        let answers = try await exchange("{\"command\":\"ban\",\"text\":\"on\"}\n", with: path, lines: 1)
        #expect(answers == ["{\"done\":{\"_0\":\"on\"}}"])
    }
}

/// Notes what it was asked for.
private final class Notebook: ControlResponder {
    private let noted = Mutex<[String]>([])
    var texts: [String] { noted.withLock { $0 } }

    func respond(to request: ControlRequest) async -> ControlResponse {
        noted.withLock { $0.append(request.text ?? "") }
        return .done("")
    }
}

/// Before anybody is served, too: an order that was sent is carried out, whether or not somebody waits for the answer.
@Test func theOrdersOfWhoHangsUpAtOnceAreCarriedOut() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "floodgate-\(UUID().uuidString.prefix(8))")
    let path = folder.appending(path: "control.sock").path()
    defer { try? FileManager.default.removeItem(at: folder) }
    let server = ControlServer(path: path)
    let listener = try await server.open()
    let notebook = Notebook()
    func order(_ number: Int) async throws {
        let lines = (0..<3).map { "{\"command\":\"command\",\"text\":\"\(number) \($0)\"}\n" }
        _ = try await exchange(lines.joined(), with: path, lines: 0)
    }
    for number in 0..<10 { try await order(number) }
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.serve(listener, responder: notebook) }
        for number in 10..<100 { try await order(number) }
        let deadline = ContinuousClock.now + .seconds(10)
        while notebook.texts.count < 300, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(10))
        }
        group.cancelAll()
    }
    #expect(Set(notebook.texts).count == 300 && notebook.texts.count == 300)
}

/// Runs everything on one queue of its own, as the daemon's ledger does on a thread.
private final class OwnQueue: TaskExecutor {
    private static let key = DispatchSpecificKey<Bool>()
    private let queue = DispatchQueue(label: "own")

    init() { queue.setSpecific(key: Self.key, value: true) }

    static var isCurrent: Bool { DispatchQueue.getSpecific(key: key) == true }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// Says where it answers.
private struct Whereabouts: ControlResponder {
    func respond(to request: ControlRequest) async -> ControlResponse { .done(place()) }

    private func place() -> String { OwnQueue.isCurrent ? "own" : "elsewhere" }
}

/// Orders are carried out by the executor that reads them, and what is asked, which may take its time, is not: no order
/// waits for it.
@Test func questionsAreAnsweredElsewhereThanOrders() async throws {
    try await withServer(answering: Whereabouts(), ordersOn: OwnQueue()) { path in
        for command in [ControlRequest.Command.ban, .unban, .announce, .withdraw, .command] {
            try await expect(path, ControlRequest(command), answers: .done("own"))
        }
        for command in [ControlRequest.Command.status, .rules, .attacks, .events, .top, .banlist] {
            try await expect(path, ControlRequest(command), answers: .done("elsewhere"))
        }
    }
}
