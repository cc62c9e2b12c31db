import Control
import DaemonConfiguration
import Detection
import NetworkTypes
import Store

/// What is normal, and the thresholds that the past proposes.
extension DaemonResponder {
    /// Entries that are listed unless more or fewer are asked for.
    private static let listedBaselines = 20
    /// Alarms that are listed of each proposal.
    private static let listedAlarms = 20
    /// Attacks that are looked at.
    private static let consideredAttacks = 1000
    private static let rememberedDays = Int(Store.rememberedPeakHours / 24)

    static func counts(_ counts: BaselineCounts) -> BaselineCountsReport? {
        guard counts.isEnabled else { return nil }
        return .init(held: counts.held, learnt: counts.learnt, limit: counts.limit, refused: counts.refused)
    }

    private func detector() async throws(OrderRefused) -> (time: Timestamp, detector: Detector) {
        guard let view = await ingest.learning.look() else {
            throw OrderRefused(reason: "the engine has not answered within five seconds; it is overloaded or hangs")
        }
        return view
    }

    // MARK: What is normal

    func baselines(_ request: ControlRequest) async throws -> BaselineReport {
        let (time, detector) = try await detector()
        let counts = Self.counts(detector.baselineCounts) ?? .init(held: 0, learnt: 0, limit: 0, refused: 0)
        let groups = HostGroups(configuration.detectionConfiguration)
        let wanted = try request.target.map { try Wanted($0, configuration, groups) }
        let found = detector.baselineStandings(at: time, group: groups.index) { target, group in
            wanted?.includes(target, group, configuration) ?? true
        }
        let limit = min(max(request.limit ?? Self.listedBaselines, 1), 20_000)
        return BaselineReport(
            time: time.description,
            counts: counts,
            total: found.count,
            entries: found.prefix(limit).map { entry($0, groups) },
            remark: found.isEmpty ? remark(wanted, detector, groups) : nil
        )
    }

    private func entry(_ standing: BaselineStanding, _ groups: HostGroups) -> BaselineReport.Entry {
        let (name, kind) = Self.name(standing.target)
        var group: String?
        if case .host(let address) = standing.target { group = groups.name(of: address) }
        return .init(
            target: name,
            kind: kind,
            group: group,
            learntMinutes: standing.minutes,
            neededMinutes: standing.needed,
            levels: standing.levels.map {
                .init(unit: $0.unit.rawValue, normal: $0.normal, limit: $0.limit, threshold: $0.threshold)
            }
        )
    }

    private static func name(_ target: AttackTarget) -> (String, kind: String) {
        switch target {
        case .host(let address): (address.description, "host")
        case .network(let prefix): (prefix.description, "network")
        case .group(let name, _): (name, "group")
        }
    }

    /// Why nothing was learnt.
    private func remark(_ wanted: Wanted?, _ detector: Detector, _ groups: HostGroups) -> String {
        guard detector.baselineCounts.isEnabled else { return "nothing is learnt: set detection.baseline" }
        let rarely = "it had no more than a 64th of the floor (detection.baseline.floor) since it is watched"
        switch wanted {
        case .target(.host(let address)):
            guard configuration.networks.contains(where: { $0.contains(address) }) else {
                return "\(address) is in none of networks"
            }
            let index = groups.index(address)
            let own = index.map { configuration.detection.groups[$0].baseline } ?? configuration.detection.baseline
            let asNetwork = configuration.detection.groups.contains { group in
                group.measure == .network && group.baseline != nil && group.prefixes.contains { $0.contains(address) }
            }
            let isNetwork = configuration.networks.contains { $0.isHost && $0.address == address }
            guard own != nil || isNetwork && asNetwork else {
                return "nothing is learnt of \(address): its group has no baseline"
            }
            return "nothing is learnt of \(address): \(rarely), or there was no room"
        case .target(.network(let prefix)):
            return "nothing is learnt of \(prefix): a group with measure: network and a baseline learns of networks"
        case .target(.group(let name, _)):
            return "nothing is learnt of \(name) as a whole: it has no baseline, or was not watched for long enough"
        case .members(_, let name):
            return "nothing is learnt in \(name): it has no baseline, or none had more than a 64th of the floor"
        case nil: return "nothing is learnt so far"
        }
    }

    // MARK: Thresholds

    func suggestions(_ request: ControlRequest) async throws -> SuggestionReport {
        let days = request.days ?? Self.rememberedDays
        guard (1...Self.rememberedDays).contains(days) else {
            throw OrderRefused(reason: "of the last 1 to \(Self.rememberedDays) days, not \(days)")
        }
        if let name = request.group, !configuration.detection.groups.contains(where: { $0.name == name }) {
            throw OrderRefused(reason: "there is no group \(name)")
        }
        let (time, detector) = try await detector()
        let since = time - .seconds(86_400 * Int64(days))
        // Of the hour under way the engine knows more than the store.
        let open = detector.openPeakHours
        let known = Set(open.map(\.hour))
        // What a clock that was wrong has put into the future is none of the past.
        let past = try store.peakHours(from: PeakHour.hour(of: since), through: PeakHour.hour(of: time))
            .filter { !known.contains($0.hour) }
        let attacks = try store.attacks(since: since, limit: Self.consideredAttacks)
        let advice = ThresholdAdvice.all(
            hours: past + open,
            attacks: attacks,
            configuration: configuration.detectionConfiguration,
            at: time
        ).filter { $0.isOf(request.group) }
        var remarks: [String] = []
        let hours = advice.map(\.hours).max() ?? 0
        remarks += Self.unseen(open)
        if hours < 7 * 24 { remarks.append(Self.onRecord(hours: hours)) }
        if attacks.count >= Self.consideredAttacks {
            remarks.append("only the latest \(Self.consideredAttacks) attacks are taken in")
        }
        return SuggestionReport(
            since: since.description,
            time: time.description,
            proposals: advice.map(proposal),
            configuration: ThresholdText.lines(advice),
            remarks: remarks
        )
    }

    /// Why more hours are worth waiting for.
    static func onRecord(hours: Int) -> String {
        let text =
            switch hours {
            case ..<1: "no hour is"
            case 1: "1 hour is"
            default: "\(hours) hours are"
            }
        return "\(text) on record; a week (168) shows what each day brings"
    }

    /// What flow records tell too late, as nobody has asked for it: said once for all subjects.
    private static func unseen(_ hours: [PeakHour]) -> [String] {
        let names = PeakAspect.all.filter { aspect in hours.contains { $0[aspect] == nil } }.map { aspect in
            "\(aspect.direction.rawValue) \(aspect.trafficClass.name) \(aspect.unit.rawValue)"
        }
        guard !names.isEmpty else { return [] }
        return [
            "at least in this hour nothing is recorded of \(names.joined(separator: ", ")): of flow records the rate by the "
                + "second is known only of a class and unit that some threshold is set for, however high"
        ]
    }

    /// Why there is no proposal.
    static func unknown(_ advice: ThresholdAdvice) -> String {
        "no peak above \(RateText.describe(advice.least, advice.aspect.unit)) is on record"
    }

    private func proposal(_ advice: ThresholdAdvice) -> SuggestionReport.Proposal {
        func alarm(_ alarm: ThresholdAdvice.Alarm) -> SuggestionReport.Alarm {
            var target = alarm.member.isHost ? alarm.member.address.description : alarm.member.description
            if case .group(let name) = advice.subject { target = name }
            return .init(
                target: target,
                began: alarm.began.description,
                minutes: alarm.minutes,
                peak: alarm.peak,
                attack: alarm.attack?.rawValue
            )
        }
        return .init(
            group: advice.subject.group,
            measure: advice.subject.measure.rawValue,
            direction: advice.aspect.direction.rawValue,
            traffic: advice.aspect.trafficClass.name,
            unit: advice.aspect.unit.rawValue,
            hours: advice.hours,
            present: advice.present,
            proposed: advice.proposed,
            unknown: advice.proposed == nil ? Self.unknown(advice) : nil,
            highest: advice.highest.map(alarm),
            presentAlarmCount: advice.presentAlarms.count,
            presentIsComplete: advice.isPresentComplete,
            alarmCount: advice.alarms.count,
            isComplete: advice.isComplete,
            alarms: advice.alarms.suffix(Self.listedAlarms).map(alarm),
            presentAlarms: advice.presentAlarms.suffix(Self.listedAlarms).map(alarm),
            missedAttacks: advice.missed.map(\.rawValue),
            isWorthSetting: advice.isWorthSetting
        )
    }
}

extension PeakSubject {
    var group: String? {
        switch self {
        case .hosts(let group), .networks(let group): group
        case .group(let name): name
        }
    }

    var measure: GroupMeasure {
        switch self {
        case .hosts: .host
        case .networks: .network
        case .group: .group
        }
    }
}

extension ThresholdAdvice {
    fileprivate func isOf(_ group: String?) -> Bool { group.map { subject.group == $0 } ?? true }
}

/// Which group hosts are in.
private struct HostGroups {
    private let table: PrefixTable<Int>
    private let names: [String]

    init(_ configuration: DetectionConfiguration) {
        names = configuration.groups.map(\.name)
        table = PrefixTable(
            configuration.groups.enumerated().flatMap { index, group in
                group.measure == .network ? [] : group.prefixes.map { ($0, index) }
            }
        )
    }

    func index(_ address: IPAddress) -> Int? { table.match(address)?.value }
    func name(of address: IPAddress) -> String? { index(address).map { names[$0] } }
}

/// What somebody asks about.
private enum Wanted {
    case target(AttackTarget)
    /// The hosts or networks that a group measures.
    case members(Int, String)

    init(_ text: String, _ configuration: DaemonConfiguration, _ groups: HostGroups) throws(OrderRefused) {
        if let index = configuration.detection.groups.firstIndex(where: { $0.name == text }) {
            let group = configuration.detection.groups[index]
            self = group.measure == .group ? .target(.group(name: text, prefixes: [])) : .members(index, text)
        } else if let address = IPAddress(text) {
            self = .target(.host(address))
        } else if let prefix = IPPrefix(text) {
            self = .target(prefix.isHost ? .host(prefix.address) : .network(prefix))
        } else {
            throw OrderRefused(reason: "\"\(text)\" is no address, no network and no group's name")
        }
    }

    /// - Parameter group: of a host, the index of its group.
    func includes(_ target: AttackTarget, _ group: Int?, _ configuration: DaemonConfiguration) -> Bool {
        switch (self, target) {
        // A host may be one of the networks as well.
        case (.target(.host(let address)), .network(let prefix)):
            return prefix.isHost && prefix.address == address
        case (.target(.group(let wanted, _)), .group(let name, _)): return wanted == name
        case (.target(let wanted), _): return wanted == target
        case (.members(let index, _), .host): return group == index
        case (.members(let index, _), .network(let prefix)):
            let own = configuration.detection.groups[index]
            return own.measure == .network && own.prefixes.contains { $0.contains(prefix) }
        case (.members, .group): return false
        }
    }
}
