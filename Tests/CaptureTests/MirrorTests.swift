import Capture
import Foundation
import NetworkTypes
import Synchronization
import Telemetry
import Testing

struct MirrorTests {
    /// Sums what is for one port, as other tests' packets are on the loopback interface too.
    private final class PortCounter: RecordConsumer {
        let port: UInt16
        private(set) var packets = 0
        private(set) var bytes: UInt64 = 0
        private(set) var rates: Set<UInt32> = []
        private(set) var isOrdered = true
        private var latest = Timestamp(nanoseconds: 0)

        init(port: UInt16) { self.port = port }

        func consume(_ batch: borrowing RecordBatch, in memory: RawSpan, at time: Timestamp) {
            let records = batch.records
            for index in records.indices where records[index].destinationPort == port {
                packets += 1
                bytes += records[index].bytes
                rates.insert(records[index].samplingRate)
                if records[index].last < latest { isOrdered = false }
                latest = records[index].last
            }
        }

        func reached(_ time: Timestamp) {}
        func report(_ exporters: [ExporterStatistics]) {}
    }

    @Test func everyPacketOfAnInterfaceIsOneRecordOfItsWholeLength() throws {
        guard geteuid() == 0 else {
            print("skipped: packets need root")
            return
        }
        let sockets = try PacketSocket.group(interface: "lo", workers: 2)
        let (receiver, port) = try LoopbackSocket.receiver()
        defer { withExtendedLifetime(receiver) {} }
        let isStopped = Mutex(false)
        let results = Mutex<[(packets: Int, bytes: UInt64, rates: Set<UInt32>, isOrdered: Bool)]>([])
        let started = Date()
        let now: @Sendable () -> Timestamp = { Timestamp(seconds: Date().timeIntervalSince1970) }
        let threads = sockets.compactMap { socket in
            PlatformThread(name: "mirror") {
                let worker = MirrorWorker(
                    socket: socket,
                    decoder: PacketDecoder(samplingRate: 5),
                    tick: .milliseconds(100),
                    now: now
                )
                let counter = PortCounter(port: port)
                worker.run(into: counter) { isStopped.withLock { $0 } }
                results.withLock { $0.append((counter.packets, counter.bytes, counter.rates, counter.isOrdered)) }
            }
        }
        // Longer than what is kept of each.
        let sender = LoopbackSocket.sender(to: port)
        for _ in 0..<2000 { sender.send([UInt8](repeating: 7, count: 1000)) }
        // Until they have been handed over, which takes milliseconds; on a busy machine more.
        while Date().timeIntervalSince(started) < 2 { usleep(50_000) }
        isStopped.withLock { $0 = true }
        for thread in threads { thread.join() }
        let all = results.withLock { $0 }
        #expect(all.count == 2)
        #expect(all.reduce(0) { $0 + $1.packets } == 2000)
        #expect(all.reduce(0) { $0 + $1.bytes } == 2000 * 1028)
        #expect(all.allSatisfy { $0.packets > 100 }, "both take their share: \(all.map(\.packets))")
        #expect(all.allSatisfy { $0.isOrdered && $0.rates == [5] })
    }

    @Test func theKernelHandsOnAsManyAsItWasAskedFor() throws {
        guard geteuid() == 0 else {
            print("skipped: packets need root")
            return
        }
        let sockets = try PacketSocket.group(interface: "lo", workers: 1, sampling: 10)
        let (receiver, port) = try LoopbackSocket.receiver()
        defer { withExtendedLifetime(receiver) {} }
        let sender = LoopbackSocket.sender(to: port)
        for _ in 0..<20_000 { sender.send([1]) }
        let worker = MirrorWorker(socket: sockets[0], decoder: PacketDecoder(), tick: .milliseconds(100)) {
            Timestamp(seconds: Date().timeIntervalSince1970)
        }
        let started = Date()
        let counter = PortCounter(port: port)
        worker.run(into: counter) { Date().timeIntervalSince(started) > 2 }
        // 2000 on average; a binomial of that size is not further away than 6 of its deviations.
        let dropped = worker.counters.dropped.load(ordering: .relaxed)
        let taken = worker.counters.datagrams.load(ordering: .relaxed)
        #expect((1740...2260).contains(counter.packets), "\(taken) taken, \(dropped) dropped")
    }

    @Test func whatCannotBeListenedToIsNamed() {
        guard geteuid() == 0 else {
            print("skipped: packets need root")
            return
        }
        let error = #expect(throws: PacketSocket.OpenError.self) {
            _ = try PacketSocket.group(interface: "nowhere0", workers: 1)
        }
        #expect(error?.description == "cannot take packets from interface nowhere0: there is no such interface")
    }
}
