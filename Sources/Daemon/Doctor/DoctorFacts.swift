import Control
import NetworkTypes

/// What is known of a daemon and its machine, as plain values: what `Doctor` judges. What was not or cannot be looked at
/// is nil or empty.
struct DoctorFacts: Sendable {
    /// A named pipe that commands are read from.
    struct Pipe: Sendable {
        var path: String
        /// What stands at the path.
        var kind: FileKind
        var owner = ""
        var group = ""
        /// Permissions.
        var mode: UInt16 = 0
        /// As configured.
        var wantedMode: UInt16 = 0o660
        /// Why the daemon does not read it; nil while it does, or where none runs.
        var problem: String?
        var commands: UInt64 = 0
        var refused: UInt64 = 0
    }

    enum FileKind: Sendable { case missing, pipe, file, folder, socket, other }

    /// A file or socket of the daemon's.
    struct File: Sendable {
        /// `store`, `log file`, `control socket`.
        var role: String
        var key: String
        var path: String
        var kind: FileKind
        /// Whether the daemon's user may write it; of a file that is missing, its folder.
        var isWritable: Bool
        var mode: UInt16 = 0
        var freeBytes: UInt64?
    }

    /// An address that telemetry is listened for on, where no daemon runs.
    struct Port: Sendable {
        var transport: String
        var place: String
        /// Who has it: a program with its number, or `another program`; nil: nobody.
        var holder: String?
        /// Why it could not be had though nobody has it.
        var problem: String?
    }

    struct Telemetry: Sendable {
        var listens: [String]
        var exporters: [ExporterReport]
        var refusedDatagrams: UInt64 = 0
        var mirrors: [StatusReport.Mirror] = []
        /// Since the daemon started, in seconds.
        var uptime: Double = 3600
    }

    struct Network: Sendable {
        var prefix: String
        var incoming: Double
        var outgoing: Double
        /// Its traffic is in that of another, too.
        var isWithinAnother = false
    }

    /// Packets per second.
    struct Traffic: Sendable {
        var networks: [Network]
        var other: Double
    }

    struct Session: Sendable {
        var report: NeighborReport
        var wantedFamilies: [String]
        var localAS: UInt32 = 0
        /// Ours, as its router has to name it.
        var localAddress: String?
        var isPassive = false
    }

    struct Rule: Sendable {
        var id: String
        var route: String
        var glass: LookingGlass
        /// Neighbors that are to have it by their families, and those that it was sent to.
        var wanted: [String]
        var holders: [String]
    }

    /// The busiest host, or a group as a whole, and what it is held against.
    struct Threshold: Sendable {
        /// `198.51.100.5` or `group web`.
        var subject: String
        var direction: TrafficDirection
        var trafficClass = TrafficClass.total
        var unit: TrafficUnit
        var limit: Double
        /// Per second.
        var rate: Double
        /// It is being attacked: of course the rate is high.
        var isUnderAttack = false
    }

    struct Clock: Sendable {
        var isSynchronized: Bool
        /// The greatest error that the kernel reckons with.
        var errorSeconds: Double
    }

    struct Kernel: Sendable {
        /// `net.core.rmem_max`, in octets.
        var largestBuffer: UInt64?
        /// What is asked for, and the least that a socket has been given; nil where none is open.
        var wantedBuffer: UInt64
        var grantedBuffer: UInt64?
        var droppedDatagrams: UInt64 = 0
    }

    var isRunning = true
    /// Whether rules are announced; else they are only noted.
    var enforces = true
    var pipes: [Pipe] = []
    var files: [File] = []
    var ports: [Port] = []
    var telemetry: Telemetry?
    var traffic: Traffic?
    var sessions: [Session] = []
    var rules: [Rule] = []
    /// Whether any threshold is set.
    var hasThresholds = true
    var thresholds: [Threshold] = []
    var clock: Clock?
    var kernel: Kernel?
    /// What of these could not be looked at, in words.
    var unknown: [String] = []
}
