// DaemonConfiguration: what the operator wants, as values. Reads floodgate.yaml into the model and says of each mistake
// in which file, line and key it stands, what was found and what was expected. All of them at once.

public import FlowSpec
public import NetworkTypes

/// A whole configuration, validated.
public struct DaemonConfiguration: Sendable, Equatable {
    /// An address and port to listen on.
    public struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
        public var address: IPAddress
        public var port: UInt16

        public init(address: IPAddress, port: UInt16) {
            self.address = address
            self.port = port
        }

        public var description: String { address.isIPv4 ? "\(address):\(port)" : "[\(address)]:\(port)" }

        /// Whether it listens on all addresses of this machine's.
        public var isAny: Bool { address.isIPv4 ? address.v4 == 0 : address == .unspecified }

        /// Whether a datagram could be for both, so that only one can be listened on.
        func collides(with other: ListenAddress) -> Bool {
            guard port == other.port, address.isIPv4 == other.address.isIPv4 else { return false }
            return address == other.address || port != 0 && (isAny || other.isAny)
        }

        /// Whether what is sent to a target comes here, as far as the addresses tell: one that listens on all of this
        /// machine's gets what is for its loopback addresses.
        func receives(what target: ListenAddress) -> Bool {
            guard target.port == port, target.address.isIPv4 == address.isIPv4 else { return false }
            if target.address == address { return true }
            let isHere =
                target.address.isIPv4
                ? target.address.v4 >> 24 == 127 || target.address.v4 == 0
                : target.address == .unspecified || target.address == IPAddress(high: 0, low: 1)
            return isAny && isHere
        }
    }

    /// What is said of the exporters within a prefix.
    public struct Exporter: Sendable, Hashable {
        public var prefix: IPPrefix
        public var samplingRate: UInt32?
        /// The rate above counts whatever the exporter announces.
        public var overridesSampling = false
        /// The longest time that a record's counters are of, where they do not say so themselves.
        public var activeTimeout: Duration?
        /// Templates and rates belong to the source port as well as the address.
        public var isScopedByPort = false
        /// Elements 85 and 86 are what has flowed since the flow began, not since the last report.
        public var hasRunningTotals = false
        /// Records of packets on their way out do not count.
        public var countsIngressOnly = false
        /// Whether its telemetry is of before what rules do, or after; nil: nobody knows.
        public var samplesBeforeFilter: Bool?
    }

    /// Another collector that gets the datagrams of some exporters as they came.
    public struct Forward: Sendable, Hashable {
        public var collector: ListenAddress
        /// Nil: of all exporters.
        public var exporters: [IPPrefix]?
        /// Sent with the exporter's address as their source, which needs a raw socket.
        public var keepsSource = false
    }

    /// Traffic itself, from the ports of this machine that a switch or an optical tap mirrors it to.
    public struct Mirror: Sendable, Hashable {
        /// Names of network interfaces.
        public var interfaces: [String] = []
        /// Packets for each one that the switch mirrors.
        public var samplingRate: UInt32 = 1
        /// Packets for each one that the kernel hands on.
        public var kernelSampling: UInt32 = 1
    }

    public struct Telemetry: Sendable, Equatable {
        public var sFlow: [ListenAddress] = []
        public var netFlow: [ListenAddress] = []
        public var ipfixTCP: [ListenAddress] = []
        public var mirror = Mirror()
        /// Nil: any exporter.
        public var allowedExporters: [IPPrefix]?
        /// For exporters that do not say how they sample; nil: taken for unsampled, with a warning.
        public var defaultSamplingRate: UInt32?
        public var exporters: [Exporter] = []
        /// Tunnels whose inner packet counts, by name.
        public var decapsulates: [String] = []
        public var forwards: [Forward] = []
        /// Nil: as many as there are processors.
        public var workers: Int?
    }

    public struct Group: Sendable, Equatable {
        public var name: String
        public var prefixes: [IPPrefix]
        public var measure: GroupMeasure
        public var thresholds: Thresholds
        public var outgoingThresholds: Thresholds
        /// That of `detection` where a group of hosts says nothing; nil for none.
        public var baseline: Baseline?
    }

    /// How traffic is held against what is normal.
    public struct Baseline: Sendable, Equatable {
        public var factor = 5.0
        public var packetsFloor = 5_000.0
        public var bitsFloor = 50e6
        public var learningTime: Duration = .seconds(86_400)
    }

    public struct Detection: Sendable, Equatable {
        public var tick: Duration = .milliseconds(100)
        public var window: Duration = .seconds(1)
        /// The time constant of the moving average that is judged; nil: averages over the window are.
        public var smoothing: Duration?
        public var thresholds = Thresholds()
        public var outgoingThresholds = Thresholds()
        /// For each of `networks` as a whole.
        public var networkThresholds = Thresholds()
        public var outgoingNetworkThresholds = Thresholds()
        /// Nil: nothing is held against what is normal.
        public var baseline: Baseline?
        public var groups: [Group] = []
        public var endsBelow = 0.8
        public var quietPeriod: Duration = .seconds(10)
        public var maximumHosts = 1_000_000
    }

    /// Routes that have a router drop all traffic to a prefix.
    public struct Blackholes: Sendable, Equatable {
        public var hosts: Set<AddressFamily> = []
        public var networks: Set<AddressFamily> = []
        public var communities: [Community] = []
        public var networkCommunities: [Community] = []
        /// Nil: the session's own address.
        public var nextHop: IPAddress?
        public var nextHopIPv6: IPAddress?

        var isAny: Bool { !hosts.isEmpty || !networks.isEmpty }
    }

    public struct Mitigation: Sendable, Equatable {
        /// True: announce; false: observe.
        public var enforces = false
        /// Observing was asked for, and is not for want of somebody to announce to.
        public var onlyWatches = false
        public var banTime: Duration = .seconds(1900)
        public var unbanOnlyIfAttackFinished = true
        public var communities: [Community] = []
        /// In the names of `AttackKind`; nil: all kinds are acted on.
        public var kinds: [String]?
        public var announcesRules = true
        public var blackholes = Blackholes()
        /// The built-in templates, with those of the file in their place.
        public var templates: [String: RuleTemplate] = RuleTemplate.builtIn
        /// Those of them whose match is written in the file.
        public var fixedTemplates: Set<String> = []
        /// The match against an attack is looked for in its samples.
        public var synthesizes = true
        /// Share of an attack, 0.5...1.
        public var coverage = 0.95
        public var maximumRulesPerAttack = 4
        /// From mild to hard; empty: templates alone say what is done.
        public var escalation: [EscalationStep] = []
        public var stepStay: Duration = .seconds(60)
        public var stepDownBelow = 0.8
        /// Bits per second of the link by which traffic comes in.
        public var capacity: Double?
        public var groups: [MitigationGroup] = []
        public var probe: Probe?
        public var banBackoff: BanBackoff?
        public var maximumRules = 1000
        public var maximumChangesPerMinute = 600
        public var shortestIPv4Length = 24
        public var shortestIPv6Length = 48
    }

    public struct Log: Sendable, Equatable {
        public var level = "info"
        /// Nil: standard error.
        public var file: String?
        /// Files in the form of FastNetMon's log and of ExaBGP's, for the scripts that look into those.
        public var fastnetmonFile: String?
        public var exabgpFile: String?
    }

    public var networks: [IPPrefix] = []
    public var whitelistedDestinations: [IPPrefix] = []
    public var whitelistedSources: [IPPrefix] = []
    public var telemetry = Telemetry()
    public var detection = Detection()
    public var mitigation = Mitigation()
    public var bgp = BGP()
    public var exabgpPipes: [CommandPipe] = []
    /// Paths of pipes by which an ExaBGP is told what to announce.
    public var exabgpWriters: [String] = []
    public var processes: [CommandProcess] = []
    public var scripts: [Scripts] = []
    public var metrics = Metrics()
    /// What is announced as long as it stands here.
    public var announcements: [Announcement] = []
    public var store = "/var/lib/floodgate/floodgate.db"
    public var controlSocket = "/run/floodgate/control.sock"
    public var log = Log()

    public init() {}
}
