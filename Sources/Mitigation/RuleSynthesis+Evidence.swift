internal import FlowSpec
internal import NetworkTypes
internal import Traffic

/// Samples of an attack and of the traffic before it, as the search for rules looks at them.
///
/// What comes while an attack lasts is the attack and what would have come without it. Nobody can tell the one from the
/// other sample by sample, but in sum: where `background` of it is as before, a set of packets that holds A of the samples
/// of now and N of those of before holds (A - background × N) / (1 - background) of the attack.
struct SampleEvidence {
    /// Sets of samples.
    struct Members: Hashable {
        var attack = SampleSet()
        var normal = SampleSet()

        func union(_ other: Members) -> Members {
            Members(attack: attack.union(other.attack), normal: normal.union(other.normal))
        }
        func intersection(_ other: Members) -> Members {
            Members(attack: attack.intersection(other.attack), normal: normal.intersection(other.normal))
        }
        func subtracting(_ other: Members) -> Members {
            Members(attack: attack.subtracting(other.attack), normal: normal.subtracting(other.normal))
        }
    }

    static let maximumSamples = 128
    /// Of the traffic before: that a rule drops less than one in a hundred of it, only hundreds can say.
    static let maximumNormalSamples = SampleSet.capacity

    /// What samples weigh, to be summed up quickly.
    private struct Weights {
        let attack: SampleSet.Weights
        /// Of the squares of these.
        let attackSquares: SampleSet.Weights
        let normal: SampleSet.Weights
        let normalPackets: SampleSet.Weights
        let compared: SampleSet.Weights

        init(_ attack: [SampledPacket], _ normal: [SampledPacket], _ compared: [SampledPacket]) {
            self.attack = SampleSet.Weights(attack.map(\.weight))
            attackSquares = SampleSet.Weights(attack.map { $0.weight * $0.weight })
            self.compared = SampleSet.Weights(compared.map(\.weight))
            self.normal = SampleSet.Weights(normal.map(\.weight))
            normalPackets = SampleSet.Weights(normal.map(\.packetShare))
        }
    }

    let attack: [SampledPacket]
    let normal: [SampledPacket]
    /// Those of before, in the same places, as what comes now is held against them: what goes on as it was is in neither.
    let compared: [SampledPacket]
    private let weights: Weights
    /// How many samples of equal weight would say as much as these: of the attack without its background.
    private(set) var attackCount: Double
    let normalCount: Double
    let comparedCount: Double
    /// The same with its background.
    let count: Double
    /// What was hardly there before.
    let novel: Members
    /// How traffic is sorted to compare that of now with that before.
    let traits: TrafficTraits
    /// The share of what comes during the attack that is as before, 0...`mostBackground`.
    private(set) var background: Double
    /// What comes usually, as a share of what comes now; nil where that is unknown.
    let usualShare: Double?
    /// The most that may be usual of what comes now, a share of it: bursts are as high as those of before were, and
    /// somewhat higher; nil where that is unknown.
    private(set) var mostUsualShare: Double?
    /// What was above its threshold, and must not be after the rules; nil where that cannot be told by samples.
    let excess: ThresholdExcess?
    /// Seconds of which what comes now was chosen; 0 where that is not known.
    let seconds: Double
    /// Of what was hardly there before, what comes from several: not a new call or download.
    let novelOfSeveral: Members

    /// Beyond it the attack cannot be told from what was there before.
    static let mostBackground = 0.93
    /// How many times as high as the bursts before one may be: a crowd comes.
    private static let mostAboveBursts = 10.0
    /// The same by packets alone or by octets alone, where a flood of the one is next to nothing of the other.
    private static let mostBackgroundOfUnit = 0.7

    /// - Parameter continued: conversations that are no part of the attack; none of its samples are of them.
    /// - Parameter unit: flows where samples weigh by these; else they weigh by packets and octets.
    /// - Parameter usualShare: what comes usually, as a share of what comes now; nil where that is unknown.
    /// - Parameter samplingRate: one packet in so many was counted.
    /// - Parameter seconds: of which `attack` was chosen; 0 where that is not known.
    /// - Parameter backgroundWithoutNormal: what is assumed where next to nothing is known of the traffic before.
    init(
        attack: [TrafficSample],
        normal: [TrafficSample],
        besides continued: ContinuedConversations = ContinuedConversations(),
        unit: TrafficUnit,
        direction: TrafficDirection,
        samplingRate: UInt32 = 1,
        seconds: Double = 0,
        backgroundWithoutNormal: Double = 0,
        usualShare: Double? = nil,
        excess: ThresholdExcess? = nil
    ) {
        let normal = normal.prefix(Self.maximumNormalSamples)
        let attack = attack.prefix(Self.maximumSamples)
        self.init(
            SampledPacket.weighed(
                attack,
                unit,
                direction,
                lengths: FlowLengths(attack, samplingRate: samplingRate)
            ),
            // Of what is usual each sample is one of a time.
            SampledPacket.weighed(normal, unit, direction, mayLast: false),
            areContinued: normal.map { continued.contains($0) },
            seconds: seconds,
            backgroundWithoutNormal: backgroundWithoutNormal,
            usualShare: usualShare,
            excess: excess
        )
    }

    private init(
        _ attack: [SampledPacket],
        _ normal: [SampledPacket],
        areContinued: [Bool],
        seconds: Double,
        backgroundWithoutNormal: Double,
        usualShare: Double?,
        excess: ThresholdExcess?
    ) {
        self.usualShare = usualShare
        self.excess = excess
        self.seconds = seconds
        self.attack = attack
        self.normal = normal
        let left = zip(normal, areContinued).reduce(0) { $1.1 ? $0 : $0 + $1.0.weight }
        compared = zip(normal, areContinued).map { sample, isContinued in
            var sample = sample
            sample.weight = isContinued ? 0 : sample.weight / max(left, 1e-9)
            return sample
        }
        weights = Weights(self.attack, self.normal, compared)
        count = Self.effectiveCount(self.attack)
        normalCount = Self.effectiveCount(self.normal)
        comparedCount = Self.effectiveCount(compared)
        traits = TrafficTraits(compared)
        background =
            comparedCount >= RuleSynthesis.fewestSamples
            ? Self.background(self.attack, compared, traits, count, comparedCount)
            : min(backgroundWithoutNormal, Self.mostBackground)
        attackCount = count * (1 - background)
        novel = Self.novel(self.attack, self.normal, fewestRemotes: 1)
        novelOfSeveral = Self.novel(self.attack, self.normal, fewestRemotes: 2)
        if let usualShare, comparedCount >= RuleSynthesis.fewestSamples {
            mostUsualShare = Self.mostAboveBursts * usualShare * burst(of: all)
        }
        if let mostUsualShare { background = min(background, mostUsualShare) }
        // What is new is none of it.
        background = min(background, max(0, 1 - weights.attack.sum(novel.attack)))
        attackCount = count * (1 - background)
        learnBackground(besides: novel, 0.95)
    }

    /// Kish's: (Σw)² / Σw², where the weights sum up to 1. A flow that lasted counts for more than the one packet that a
    /// sample of a moment is, as it goes on as it was: attacks by few hosts are few flows. All together for no more than
    /// there are.
    private static func effectiveCount(_ samples: [SampledPacket]) -> Double {
        let squares = samples.reduce(0) { $0 + $1.weight * $1.weight / ($1.lasted ? packetsPerLastingFlow : 1) }
        return squares > 0 ? min(1 / squares, Double(samples.count)) : 0
    }

    private static let packetsPerLastingFlow = 4.0

    /// The same in the light of rules that were found: where what they leave is as the traffic was before, that much of
    /// it is background, and the attack the rest.
    func inLight(of matched: Members, _ coverage: Double) -> SampleEvidence {
        var evidence = self
        evidence.learnBackground(besides: matched, coverage)
        return evidence
    }

    private mutating func learnBackground(besides matched: Members, _ coverage: Double) {
        guard isRestAsBefore(matched, coverage) else { return }
        let rest = all.subtracting(matched)
        let share = weight(rest.attack) / max(comparedShare(of: rest), 0.01)
        background = min(max(background, share), Self.mostBackground)
        attackCount = count * (1 - background)
    }

    /// The same by packets alone, and by octets alone, where the attack can be seen by these: of small packets beside large
    /// ones a mean of both tells too little.
    var bySingleUnits: [SampleEvidence] {
        [\SampledPacket.packetShare, \.octetShare].compactMap { share in
            func weighed(_ samples: [SampledPacket]) -> [SampledPacket] {
                samples.map { sample in
                    var sample = sample
                    sample.weight = sample[keyPath: share]
                    return sample
                }
            }
            let evidence = SampleEvidence(
                weighed(attack),
                weighed(normal),
                areContinued: compared.map { $0.weight <= 0 },
                seconds: seconds,
                backgroundWithoutNormal: background,
                usualShare: usualShare,
                excess: excess
            )
            return evidence.background <= Self.mostBackgroundOfUnit ? evidence : nil
        }
    }

    // MARK: Shares

    var all: Members { Members(attack: SampleSet(first: attack.count), normal: SampleSet(first: normal.count)) }

    /// Of the attack alone, 0...1.
    func attackShare(of members: Members) -> Double {
        let now = weight(members.attack)
        let before = comparedShare(of: members)
        return min(1, max(0, (now - background * before) / (1 - background)))
    }

    /// How many samples of equal weight would say as much of the attack's part in a set.
    func attackCount(of members: Members) -> Double {
        let now = weight(members.attack)
        let squares = weights.attackSquares.sum(members.attack)
        guard squares > 0 else { return 0 }
        let ofAttack = max(0, now - background * comparedShare(of: members)) / now
        return now * now / squares * ofAttack
    }

    func normalShare(of members: Members) -> Double { weights.normal.sum(members.normal) }

    /// Of what came before and has not gone on as it was.
    func comparedShare(of members: Members) -> Double { weights.compared.sum(members.normal) }

    /// What it costs to drop them: of the packets or of the octets of the normal traffic, whichever is the greater share.
    func normalCost(of members: Members) -> Double {
        let packets = weights.normalPackets.sum(members.normal)
        return max(packets, 2 * normalShare(of: members) - packets)
    }

    /// Of what comes now.
    func weight(_ members: SampleSet) -> Double { weights.attack.sum(members) }

    /// Whether a set likely holds so much of the attack as it is, not only of its samples: four cases of five by the
    /// distribution of the true share given the samples (Beta, taken as normal), or where none is missing. Or what is left
    /// is as the traffic was before.
    func isCovered(_ members: Members, _ coverage: Double) -> Bool {
        let share = attackShare(of: members)
        let missing = attackCount * (1 - share)
        if missing < 0.5 { return share > 0 }
        let mean = (attackCount - missing + 2.0 / 3) / (attackCount + 4.0 / 3)
        let deviation = (mean * (1 - mean) / (attackCount + 7.0 / 3)).squareRoot()
        return mean - 0.84 * deviation >= coverage || isRestAsBefore(members, coverage, allowsChance: true)
    }

    /// Whether a set is more of the attack than what may be background by chance.
    ///
    /// - Parameter wide: of which they are those that look most like the attack's, whatever that is.
    func isNotable(_ members: Members, chosenFrom wide: Members? = nil) -> Bool {
        let share = attackShare(of: members)
        let byChance = (background * count * comparedShare(of: wide ?? members)).squareRoot()
        // Beside a few heavy ones many light samples are as many as they are.
        return share >= 0.03 && max(share * attackCount, attackCount(of: members)) >= 3 + byChance
    }

    /// Whether a set surely holds less than so much of the attack, but for one case of a hundred.
    func isSurelyBelow(_ members: Members, _ coverage: Double) -> Bool {
        Self.isBelow(attackShare(of: members) * attackCount, of: attackCount, coverage, deviations: 2.33)
    }

    /// Whether the share of which so many of so many samples are is below a coverage by so many deviations: 2.33 are 99 of
    /// 100 cases, 0.84 four of five.
    static func isBelow(_ matched: Double, of count: Double, _ coverage: Double, deviations: Double) -> Bool {
        let mean = (matched + 2.0 / 3) / (count + 4.0 / 3)
        let deviation = (mean * (1 - mean) / (count + 7.0 / 3)).squareRoot()
        return mean + deviations * deviation < coverage
    }

    /// Of normal traffic, or the part of it within a protocol, what a condition holds for by itself. Where few samples tell, what is known
    /// of traffic in general.
    ///
    /// - Parameters:
    ///   - members: those for which the condition holds.
    ///   - base: nil: all normal traffic.
    func likelyShare(of condition: RuleCondition, _ members: Members, within base: SampleSet?) -> Double {
        let base = base ?? SampleSet(first: normal.count)
        let whole = weights.normal.sum(base)
        let general = 2 * condition.generalShare
        return (weights.normal.sum(members.normal.intersection(base)) * normalCount + general)
            / (whole * normalCount + 2)
    }

    // MARK: Members

    func members(of condition: RuleCondition, within members: Members) -> Members {
        Members(
            attack: Self.members(members.attack, attack, condition),
            normal: Self.members(members.normal, normal, condition)
        )
    }

    private static func members(
        _ members: SampleSet,
        _ samples: [SampledPacket],
        _ condition: RuleCondition
    ) -> SampleSet {
        var result = SampleSet()
        members.forEach { place in
            if condition.holds(for: samples[place]) { result.insert(place) }
        }
        return result
    }

    /// Those that a whole rule matches.
    func members(of rule: FlowSpecRule) -> Members {
        func matched(_ samples: [SampledPacket]) -> SampleSet {
            var result = SampleSet()
            for (index, sample) in samples.enumerated() where rule.matches(sample.packet) { result.insert(index) }
            return result
        }
        return Members(attack: matched(attack), normal: matched(normal))
    }
}
