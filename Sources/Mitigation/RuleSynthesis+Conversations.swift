internal import NetworkTypes
internal import Traffic

/// What was under way before an attack, and goes on: connections, tunnels, a backup. They are none of it, however much of
/// what comes now they are: where flow records tell of an attack late, they are most of what is known of it.
struct ContinuedConversations {
    /// Who speaks to whom, by which ports.
    private struct Conversation: Hashable {
        var source: IPAddress
        var destination: IPAddress
        var ports: UInt32
        var ipProtocol: IPProtocol

        /// Nil for packets without ports that may have any: errors and parts of others.
        init?(_ sample: TrafficSample) {
            guard !sample.isFragment, !sample.ipProtocol.isICMP else { return nil }
            source = sample.source
            destination = sample.destination
            ports = UInt32(sample.sourcePort) << 16 | UInt32(sample.destinationPort)
            ipProtocol = sample.ipProtocol
        }
    }

    private struct Trace {
        var count = 0.0
        var packets = 0.0
        var began = Timestamp(nanoseconds: .max)
        var last = Timestamp(nanoseconds: .min)
        var isOfFlows = false

        mutating func add(_ sample: TrafficSample) {
            count += 1
            packets += Double(sample.packets)
            began = min(began, sample.time - .seconds(Int64(sample.flowSeconds)))
            last = max(last, sample.time)
            if sample.flowSeconds > 0 { isOfFlows = true }
        }

        /// While it was there. Samples of a moment stand for as long a time before the first as lies between two of them.
        var packetsPerSecond: Double {
            packets / ((last - began).inSeconds * (isOfFlows ? 1 : count / max(count - 1, 1)))
        }
    }

    private let conversations: Set<Conversation>

    /// Over how long a time before the attack one must have been seen: what rises up to the alarm is none.
    private static let shortestTime = Duration.seconds(20)
    /// One that has grown to more than so much of what it was is no longer what it was.
    private static let mostGrowth = 3.0
    /// One that began of late may have so many times the packets of the heaviest of before.
    private static let mostBegun = 1.5
    /// Of the packets or of the octets that come now.
    private static let heavy = 0.03
    /// Of what comes more than usual the others must explain so much: else one of those under way is the attack.
    private static let leastExplained = 0.5

    init() { conversations = [] }

    /// - Parameters:
    ///   - seconds: the time in which what `attack` stands for came; 0 where that is not known.
    ///   - secondsBefore: the same of `normal`.
    ///   - rate: packets per second of all that comes, by the fullest second. Flow records of a minute tell of an attack
    ///     that lasts a second as if it were a sixtieth of what it is; 0 where that is not known.
    init(
        attack: [TrafficSample],
        _ seconds: Double,
        normal: [TrafficSample],
        _ secondsBefore: Double,
        rate: Double = 0
    ) {
        guard seconds > 0, secondsBefore >= Self.shortestTime.inSeconds else {
            conversations = []
            return
        }
        var before: [Conversation: Trace] = [:]
        for sample in normal {
            guard let conversation = Conversation(sample) else { continue }
            before[conversation, default: Trace()].add(sample)
        }
        before = before.filter { $0.value.last - $0.value.began >= Self.shortestTime }
        guard !before.isEmpty else {
            conversations = []
            return
        }
        var now: [Conversation: Double] = [:]
        for sample in attack {
            guard let conversation = Conversation(sample), before[conversation] != nil else { continue }
            now[conversation, default: 0] += Double(sample.packets)
        }
        let continued = now.filter { conversation, packets in
            packets / seconds <= Self.mostGrowth * (before[conversation]?.packetsPerSecond ?? 0)
        }
        let begun = Self.begun(in: attack, besides: before, seconds)
        let all = max(rate, attack.reduce(0) { $0 + Double($1.packets) } / seconds)
        let usual = normal.reduce(0) { $0 + Double($1.packets) } / secondsBefore
        // Sums of fractions depend on their order.
        let others = all - continued.values.sorted().reduce(0, +) / seconds
        let rest = others - begun.values.sorted().reduce(0, +) / seconds
        let least = Self.leastExplained * (all - usual)
        conversations =
            rest >= least ? Set(continued.keys).union(begun.keys) : others >= least ? Set(continued.keys) : []
    }

    /// Those that began of late, each of so much that it could have a rule of its own, and of no more than one of its
    /// protocol had before: backups and downloads begin at any time. With the packets that came of each.
    private static func begun(
        in attack: [TrafficSample],
        besides before: [Conversation: Trace],
        _ seconds: Double
    ) -> [Conversation: Double] {
        var most: [IPProtocol: Double] = [:]
        for (conversation, trace) in before {
            most[conversation.ipProtocol] = max(most[conversation.ipProtocol] ?? 0, trace.packetsPerSecond)
        }
        var now: [Conversation: (packets: Double, bytes: Double)] = [:]
        for sample in attack {
            guard let conversation = Conversation(sample), before[conversation] == nil else { continue }
            now[conversation, default: (0, 0)].packets += Double(sample.packets)
            now[conversation]?.bytes += Double(sample.bytes)
        }
        let packets = attack.reduce(0) { $0 + Double($1.packets) }
        let bytes = attack.reduce(0) { $0 + Double($1.bytes) }
        return now.filter { conversation, sums in
            max(sums.packets / max(1, packets), sums.bytes / max(1, bytes)) >= heavy
                && sums.packets / seconds <= mostBegun * (most[conversation.ipProtocol] ?? 0)
        }.mapValues(\.packets)
    }

    func contains(_ sample: TrafficSample) -> Bool {
        guard !conversations.isEmpty, let conversation = Conversation(sample) else { return false }
        return conversations.contains(conversation)
    }
}
