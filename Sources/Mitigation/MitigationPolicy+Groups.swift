internal import Detection
public import FlowSpec
public import NetworkTypes

extension MitigationPolicy {
    /// What is done otherwise for some of the targets.
    public struct Group: Sendable, Hashable {
        /// The group's name in the detection, whose attacks on the whole of it are meant too.
        public var name: String
        public var prefixes: [IPPrefix]
        /// Nil: as for all. The stricter counts: where all is observed, so is this.
        public var mode: Mode?
        /// Bits per second of the link to it.
        public var capacity: Double?
        /// In place of that for all; one without steps: none.
        public var ladder: EscalationLadder?

        public init(
            name: String,
            prefixes: [IPPrefix],
            mode: Mode? = nil,
            capacity: Double? = nil,
            ladder: EscalationLadder? = nil
        ) {
            self.name = name
            self.prefixes = prefixes
            self.mode = mode
            self.capacity = capacity
            self.ladder = ladder
        }
    }

    /// The groups by what lies in them.
    struct GroupTable: Sendable {
        let groups: [Group]
        private let byPrefix: PrefixTable<Int>
        private let byName: [String: Int]
        /// Prefixes for which rules are only observed.
        private let observed: [IPPrefix]
        private let observedTable: PrefixTable<Bool>

        init(_ groups: [Group]) {
            self.groups = groups
            byPrefix = PrefixTable(groups.enumerated().flatMap { index, group in group.prefixes.map { ($0, index) } })
            byName = Dictionary(groups.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
            observed = groups.filter { $0.mode == .observe }.flatMap(\.prefixes)
            observedTable = PrefixTable(observed.map { ($0, true) })
        }

        func group(of target: AttackTarget) -> Group? {
            guard !groups.isEmpty else { return nil }
            switch target {
            case .host(let address): return byPrefix.match(address).map { groups[$0.value] }
            case .network(let prefix): return byPrefix.match(prefix).map { groups[$0.value] }
            case .group(let name, _): return byName[name].map { groups[$0] }
            }
        }

        /// Whether a rule for the prefix would do something to what is only observed, whatever groups lie within.
        func observes(_ target: IPPrefix) -> Bool {
            guard !observed.isEmpty else { return false }
            if target.isHost { return observedTable.contains(target.address) }
            return observedTable.match(target) != nil || observed.contains { target.contains($0) }
        }

        func observes(_ route: AnnouncedRoute) -> Bool { observed.contains { route.names($0) } }
    }

    /// What is done with a rule for a target: announced only where neither the policy nor a group says otherwise, be it the
    /// target's or that of what the rule names as the other end.
    public func mode(for target: IPPrefix, _ route: AnnouncedRoute) -> Mode {
        mode == .enforce && !groupTable.observes(target) && !groupTable.observes(route) ? .enforce : .observe
    }

    /// The ladder for attacks on a target; nil where templates alone say what is done.
    func ladder(for target: AttackTarget) -> EscalationLadder? {
        let own = groupTable.group(of: target)?.ladder ?? ladder
        return own?.steps.isEmpty == true ? nil : own
    }

    /// Bits per second of the link to a target.
    func capacity(for target: AttackTarget) -> Double? { groupTable.group(of: target)?.capacity ?? capacity }
}
