import Foundation
import NetworkTypes
import Synchronization
import Telemetry
import Testing

@testable import Capture

/// What one worker is told and another needs.
struct KnowledgeExchangeTests {
    private static func big16(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }

    private static func v9(_ sets: [UInt8], source: UInt8 = 1) -> [UInt8] {
        [0, 9, 0, 1] + [UInt8](repeating: 0, count: 15) + [source] + sets
    }

    /// Template 256: source and destination.
    private static let template: [UInt8] = [0, 0, 0, 16, 1, 0, 0, 2, 0, 8, 0, 4, 0, 12, 0, 4]

    private static func data(_ host: UInt8) -> [UInt8] { [1, 0, 0, 12, 192, 0, 2, 1, 198, 51, 100, host] }

    private static func knowledge(_ exporter: IPAddress, _ sets: [UInt8], at time: Timestamp) -> [ExporterKnowledge] {
        var decoder = TelemetryDecoder()
        var batch = RecordBatch()
        let octets = v9(sets)
        let span = octets.span
        unsafe decoder.decode(span.bytes, from: exporter, receivedAt: time, into: &batch)
        return decoder.takeNewKnowledge()
    }

    @Test func templatesToldToOnePortServeDataThatComesToAnother() throws {
        let exchange = KnowledgeExchange(at: now())
        let settings = IntakeSettings(exchange: exchange, tick: .milliseconds(100))
        let sockets = try (0..<2).map { _ in try UDPSocket(address: IPAddress(127, 0, 0, 1), port: 0) }
        let stop = Stop()
        let running = sockets.map { socket -> (PlatformThread?, Collected) in
            let collected = Collected()
            let worker = CaptureWorker(socket: socket, settings: settings, now: { now() })
            return (PlatformThread(name: "test") { worker.run(into: collected, until: { stop.isSet }) }, collected)
        }
        let templates = LoopbackSocket.sender(to: sockets[0].port)
        let records = LoopbackSocket.sender(to: sockets[1].port)
        // The exporter is known to the second port before its template is told to the first.
        records.send(Self.v9(Self.data(1)))
        usleep(100_000)
        templates.send(Self.v9(Self.template))
        func seen() -> [UInt8] { running[1].1.records.withLock { $0.map { $0.destination.bytes[3] } } }
        let deadline = Date().addingTimeInterval(10)
        while Date() < deadline, seen().isEmpty {
            records.send(Self.v9(Self.data(2)))
            usleep(50_000)
        }
        #expect(seen().first == 2)
        // What is to be kept is there for the store.
        #expect(exchange.takeNews().told.map(\.exporter) == [IPAddress(127, 0, 0, 1)])
        stop.set()
        for (thread, _) in running { thread?.join() }
    }

    @Test func whatWasRememberedAndWhatWorkersWereToldIsPutTogether() throws {
        let time = Timestamp(seconds: 1_700_000_000)
        let exporter = IPAddress(192, 0, 2, 1)
        let remembered = Self.knowledge(exporter, Self.template, at: time)
        let exchange = KnowledgeExchange(remembered: remembered, lifetime: .seconds(1000), at: time)
        #expect(exchange.knowledge(of: exporter) == remembered.first)
        #expect(exchange.takeNews().told.isEmpty, "what was read from the store need not be written to it")
        var seen: UInt64 = 0
        #expect(exchange.changes(since: &seen, notBy: 0).isEmpty)
        var other = Self.template
        other[5] = 9
        exchange.tell(Self.knowledge(exporter, other, at: time), by: 1, at: time)
        #expect(exchange.changes(since: &seen, notBy: 0).count == 1)
        #expect(exchange.changes(since: &seen, notBy: 0).isEmpty, "once")
        let all = try #require(exchange.takeNews().told.first)
        var decoder = TelemetryDecoder()
        decoder.restore([all], at: time)
        #expect(decoder.memory > 0)
        #expect(all.octets > (remembered.first?.octets ?? 0))
        // What nobody has told again in all that time is no longer kept.
        exchange.tell(Self.knowledge(exporter, other, at: time), by: 1, at: time + .seconds(1001))
        let rest = exchange.takeNews().told
        #expect(rest.map(\.octets) == Self.knowledge(exporter, other, at: time).map(\.octets))
    }

    /// Told before a restart, withdrawn after it: nobody is lent it any more, nor is it written down.
    @Test func whatIsWithdrawnIsRememberedNoMore() throws {
        let time = Timestamp(seconds: 1_700_000_000)
        let exporter = IPAddress(192, 0, 2, 1)
        func ipfix(_ set: [UInt8]) -> [UInt8] {
            [0, 10] + Self.big16(16 + set.count) + [UInt8](repeating: 0, count: 11) + [1] + set
        }
        let template: [UInt8] = [0, 2, 0, 16, 1, 0, 0, 2, 0, 8, 0, 4, 0, 12, 0, 4]
        let withdrawal: [UInt8] = [0, 2, 0, 8, 1, 0, 0, 0]
        func knowledge(_ sets: [UInt8], at time: Timestamp) -> [ExporterKnowledge] {
            var decoder = TelemetryDecoder()
            var batch = RecordBatch()
            let octets = ipfix(sets)
            let span = octets.span
            unsafe decoder.decode(span.bytes, from: exporter, receivedAt: time, into: &batch)
            return decoder.takeNewKnowledge()
        }
        let exchange = KnowledgeExchange(remembered: knowledge(template, at: time), at: time + .seconds(10))
        let before = try #require(exchange.knowledge(of: exporter)).octets
        exchange.tell(knowledge(withdrawal, at: time + .seconds(20)), by: 0, at: time + .seconds(20))
        // Another worker that is told something else.
        exchange.tell(knowledge([], at: time + .seconds(30)), by: 1, at: time + .seconds(30))
        let merged = try #require(exchange.takeNews().told.first)
        #expect(merged.octets < before)
        var decoder = TelemetryDecoder()
        decoder.restore([merged], at: time)
        var batch = RecordBatch()
        let octets = ipfix(Self.data(5))
        let span = octets.span
        unsafe decoder.decode(span.bytes, from: exporter, receivedAt: time, into: &batch)
        #expect(batch.count == 0)
    }

    /// One worker has had a template all the time, another hears that it is withdrawn. Told again to the first, it serves
    /// the second as well, whether the first knew of the withdrawal or not.
    @Test(arguments: [true, false])
    func whatIsToldAgainAfterAWithdrawalIsLentAgain(theFirstHearsOfIt: Bool) {
        let time = Timestamp(seconds: 1_700_000_000)
        let exporter = IPAddress(192, 0, 2, 1)
        let template: [UInt8] = [0, 2, 0, 16, 1, 0, 0, 2, 0, 8, 0, 4, 0, 12, 0, 4]
        let withdrawal: [UInt8] = [0, 2, 0, 8, 1, 0, 0, 0]
        func records(_ set: [UInt8], to decoder: inout TelemetryDecoder, at time: Timestamp) -> Int {
            var batch = RecordBatch()
            let octets = [0, 10] + Self.big16(16 + set.count) + [UInt8](repeating: 0, count: 11) + [1] + set
            let span = octets.span
            unsafe decoder.decode(span.bytes, from: exporter, receivedAt: time, into: &batch)
            return batch.count
        }
        let exchange = KnowledgeExchange(at: time)
        var seen: (UInt64, UInt64) = (0, 0)
        var first = TelemetryDecoder()
        var second = TelemetryDecoder()
        #expect(records(Self.data(1), to: &second, at: time) == 0)
        #expect(records(template + Self.data(1), to: &first, at: time) == 1)
        exchange.tell(first.takeNewKnowledge(), by: 0, at: time)
        second.learn(exchange.changes(since: &seen.1, notBy: 1), at: time)
        #expect(records(Self.data(2), to: &second, at: time + .seconds(5)) == 1)
        _ = records(withdrawal, to: &second, at: time + .seconds(10))
        exchange.tell(second.takeNewKnowledge(), by: 1, at: time + .seconds(10))
        #expect(records(Self.data(3), to: &second, at: time + .seconds(15)) == 0)
        if theFirstHearsOfIt { first.learn(exchange.changes(since: &seen.0, notBy: 0), at: time + .seconds(15)) }
        _ = records(template, to: &first, at: time + .seconds(20))
        first.learn(exchange.changes(since: &seen.0, notBy: 0), at: time + .seconds(20))
        exchange.tell(first.takeNewKnowledge(), by: 0, at: time + .seconds(20))
        second.learn(exchange.changes(since: &seen.1, notBy: 1), at: time + .seconds(20))
        #expect(records(Self.data(4), to: &second, at: time + .seconds(25)) == 1)
    }

    /// The clock was years ahead before the restart: what is told now is newer all the same.
    @Test func whatWasToldByAWrongClockDoesNotWin() throws {
        let time = Timestamp(seconds: 1_700_000_000)
        let exporter = IPAddress(192, 0, 2, 1)
        let remembered = Self.knowledge(exporter, Self.template, at: time + .seconds(100_000_000))
        let exchange = KnowledgeExchange(remembered: remembered, at: time)
        var other = Self.template
        other[13] = 7
        let told = Self.knowledge(exporter, other, at: time + .seconds(1))
        exchange.tell(told, by: 0, at: time + .seconds(1))
        #expect(exchange.knowledge(of: exporter) == told.first)
    }

    @Test func forgedExportersFillNoMemoryAndActiveOnesStay() {
        let time = Timestamp(seconds: 1_700_000_000)
        let exchange = KnowledgeExchange(at: time)
        let real = IPAddress(192, 0, 2, 1)
        exchange.tell(Self.knowledge(real, Self.template, at: time), by: 0, at: time)
        #expect(exchange.takeNews().told.count == 1)
        for number in 0..<10_000 {
            let later = time + .milliseconds(Int64(number))
            exchange.tell(
                Self.knowledge(IPAddress(v4: 0x0A00_0000 + UInt32(number)), Self.template, at: later),
                by: number % 2,
                at: later
            )
            if number % 100 == 0 { exchange.noteActive([ExporterStatistics(address: real, at: later)]) }
        }
        #expect(exchange.knowledge(of: real) != nil)
        let news = exchange.takeNews()
        #expect((2000...4096).contains(news.told.count))
        #expect(news.gone.count == 10_000 - news.told.count)
        #expect(exchange.octets <= 8 << 20)
        let fields = (0..<1000).flatMap { Self.big16($0 + 1000) + [0, 1] as [UInt8] }
        let wide = Self.big16(0) + Self.big16(4008) + [1, 0, 3, 0xE8] + fields
        for number in 0..<2000 {
            exchange.tell(
                Self.knowledge(IPAddress(v4: 0x0B00_0000 + UInt32(number)), wide, at: time),
                by: 0,
                at: time
            )
        }
        #expect(exchange.octets <= 8 << 20)
        #expect(exchange.knowledge(of: real) != nil, "those that hold most go first")
        // What could not be written is tried again.
        exchange.putBack(news.told, gone: news.gone)
        #expect(!exchange.takeNews().told.isEmpty)
    }

    @Test func allWorkersTogetherHoldNoMoreThanThereIs() {
        let exchange = KnowledgeExchange(at: now())
        let workers = 6
        for _ in 0..<workers { _ = exchange.enroll() }
        var held = [Int](repeating: 0, count: workers)
        var booked = held
        for round in 0..<1000 {
            for worker in 0..<workers {
                let allowance = exchange.allowance(holding: held[worker], booked: &booked[worker])
                #expect(allowance >= held[worker])
                // Two of them take all they can, the others now and then.
                if worker < 2 || (round + worker) % 7 == 0 { held[worker] = allowance }
                #expect(held.reduce(0, +) <= 24 << 20)
            }
        }
        #expect(held.reduce(0, +) > 20 << 20)
        #expect(held.allSatisfy { $0 >= 2 << 20 }, "none is left without: \(held)")
        // What is given back is free for others.
        held[0] = 0
        _ = exchange.allowance(holding: 0, booked: &booked[0])
        #expect(exchange.allowance(holding: held[5], booked: &booked[5]) > held[5] + (1 << 18))
    }
}
