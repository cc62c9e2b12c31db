/// The sampling rates that an observation domain has told in its options (RFC 5477, and what vendors made of it).
struct SamplingRates {
    struct Entry: Sendable, Hashable {
        /// Nil: of the whole domain.
        var sampler: UInt64?
        var rate: UInt32
        /// Told to another worker, or before a restart, and not here since.
        var isBorrowed = false
    }

    private(set) var entries: [Entry] = []
    /// Of domains of the same exporter that tell rates and send no flows, where these agree: for what is not told here.
    /// Cisco IOS-XE tells its samplers under a source id of their own.
    private(set) var elsewhere: [Entry] = []

    /// More samplers than any exporter has; further ones are not remembered.
    static let maximumSamplers = 256

    /// What an options record says: packets for each one that was looked at. Nil when it says nothing of sampling.
    static func rate(of values: FieldValues) -> UInt32? {
        let probability = values.probability
        let rate: Double
        if values.samplingAlgorithm != 1, values.sampleSize > 0, values.population > 0 {
            // Before 305, to which IOS-XR gives 1 here.
            rate = Double(values.population) / Double(values.sampleSize)
        } else if values.samplingAlgorithm == 4 || values.samplingAlgorithm == 5, probability > 0 {
            rate = 1 / probability
        } else if let interval = packetRate(of: values) {
            rate = interval
        } else if values.samplerInterval > 0 {
            rate = Double(values.samplerInterval)
        } else if values.samplingInterval > 0 {
            rate = Double(values.samplingInterval)
        } else if probability > 0 {
            rate = 1 / probability
        } else {
            return nil
        }
        return clamped(rate)
    }

    /// What a data record itself says of its sampling.
    static func inlineRate(of values: FieldValues) -> UInt32? {
        if values.samplingInterval > 0 { return clamped(Double(values.samplingInterval)) }
        if values.samplerInterval > 0 { return clamped(Double(values.samplerInterval)) }
        // Else as options have it: records of PSAMP may say how many of how many packets were taken (309, 310).
        return rate(of: values)
    }

    /// Interval and space together (RFC 5477 section 8.2.1); an interval alone is the rate itself.
    private static func packetRate(of values: FieldValues) -> Double? {
        guard values.packetInterval > 0 else { return nil }
        guard values.has(.packetSpace) else { return Double(values.packetInterval) }
        return (Double(values.packetInterval) + Double(values.packetSpace)) / Double(values.packetInterval)
    }

    private static func clamped(_ rate: Double) -> UInt32 { UInt32(min(max(rate.rounded(), 1), 4e9)) }

    /// Whether that is news.
    @discardableResult
    mutating func set(_ rate: UInt32, sampler: UInt64?) -> Bool {
        let entry = Entry(sampler: sampler, rate: rate)
        guard let index = entries.firstIndex(where: { $0.sampler == sampler }) else { return append(entry) }
        guard entries[index] != entry else { return false }
        entries[index] = entry
        return true
    }

    private mutating func append(_ entry: Entry) -> Bool {
        guard entries.count < Self.maximumSamplers else { return false }
        entries.append(entry)
        return true
    }

    /// Takes over a rate where none was told here.
    mutating func borrow(_ entry: Entry) {
        let borrowed = Entry(sampler: entry.sampler, rate: entry.rate, isBorrowed: true)
        if let index = entries.firstIndex(where: { $0.sampler == entry.sampler }) {
            if entries[index].isBorrowed { entries[index] = borrowed }
        } else {
            _ = append(borrowed)
        }
    }

    /// Takes what other domains tell; of samplers that they do not agree on nothing.
    mutating func lend(_ told: [Entry]) {
        elsewhere = []
        var rates: [UInt64?: UInt32] = [:]
        for entry in told { rates[entry.sampler] = [nil, entry.rate].contains(rates[entry.sampler]) ? entry.rate : 0 }
        for (sampler, rate) in rates where rate > 0 { elsewhere.append(Entry(sampler: sampler, rate: rate)) }
    }

    /// What was told for a data record.
    @inline(__always)
    func sampling(for values: FieldValues) -> Sampling {
        if entries.isEmpty, elsewhere.isEmpty, !values.tellsSampling { return .unknown }
        return known(for: values)
    }

    private func known(for values: FieldValues) -> Sampling {
        sampling(ofSampler: values.has(.samplerID) ? values.samplerID : nil, told: Self.inlineRate(of: values))
    }

    /// The same by the sampler that the record names, if it names one, and the rate that it tells itself, if it does.
    func sampling(ofSampler sampler: UInt64?, told rate: UInt32? = nil) -> Sampling {
        if let sampler, let known = entries.first(where: { $0.sampler == sampler }) {
            return Sampling(rate: known.rate, source: .sampler)
        }
        if let rate { return Sampling(rate: rate, source: .record) }
        if let common = entries.first(where: { $0.sampler == nil }) {
            return Sampling(rate: common.rate, source: .domain)
        }
        guard let sampler else {
            // Of one sampler, or of several at one rate, it does not matter which it was.
            if let rate = Self.onlyRate(entries) { return Sampling(rate: rate, source: .sampler) }
            // Of another domain's samplers none is taken: this may be a router that samples only in part.
            guard entries.isEmpty, let rate = elsewhere.first(where: { $0.sampler == nil })?.rate else {
                return .unknown
            }
            return Sampling(rate: rate, source: .otherDomain)
        }
        if let known = elsewhere.first(where: { $0.sampler == sampler }) {
            return Sampling(rate: known.rate, source: .otherDomain)
        }
        // Cisco: sampler 0 means that the flow was not sampled.
        return sampler == 0 ? Sampling(rate: 1, source: .unsampled) : .unknown
    }

    private static func onlyRate(_ entries: [Entry]) -> UInt32? {
        guard let rate = entries.first?.rate, entries.allSatisfy({ $0.rate == rate }) else { return nil }
        return rate
    }
}
