import Foundation
import Synchronization

/// A real BGP daemon on a loopback address, which takes FlowSpec and unicast routes of both families, as far as it can.
public final class RouterPeer: Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        case gobgpd
        case bird
        case frr
        case openbgpd
        case exabgp
        /// ExaBGP 5, out of the virtual environment that `FLOODGATE_EXABGP5` names.
        case exabgp5

        /// Where the daemon lies; nil where it is not installed.
        public var program: String? {
            switch self {
            case .gobgpd, .bird, .exabgp: return ChildProcess.find(rawValue)
            case .frr: return Self.executable("/usr/lib/frr/bgpd")
            case .openbgpd: return ChildProcess.find("bgpctl").flatMap { _ in Self.executable("/usr/sbin/bgpd") }
            case .exabgp5:
                let folder = ProcessInfo.processInfo.environment["FLOODGATE_EXABGP5"]
                return folder.flatMap { Self.executable("\($0)/bin/exabgp") }
            }
        }

        private static func executable(_ path: String) -> String? {
            FileManager.default.isExecutableFile(atPath: path) ? path : nil
        }

        public var isInstalled: Bool { program != nil }
        public var speaksFlowSpec: Bool { self != .openbgpd }
        public var isExaBGP: Bool { self == .exabgp || self == .exabgp5 }
    }

    /// How the peer is to speak with us.
    public struct Settings: Sendable {
        /// Our AS; the peer's own is 65001.
        public var neighborAS: UInt32 = 65001
        /// Our port, when the peer is to connect rather than to accept.
        public var connectsTo: UInt16?
        /// TCP MD5.
        public var password: String?
        /// Takes packets only from a neighbor that is next to it.
        public var hasTTLSecurity = false
        /// Keeps our routes while we are away.
        public var hasGracefulRestart = false
        /// Takes rules with a route distinguisher too, where it can.
        public var hasVPN = false
        /// Takes path identifiers.
        public var hasAddPath = false
        /// Takes an IPv6 next hop for IPv4.
        public var hasExtendedNextHop = false
        /// What the peer is to us (RFC 9234), in the words of BIRD, FRR and OpenBGPD, which are the same.
        public var role: String?
        /// Both sides at ::1.
        public var usesIPv6 = false

        public init(_ change: (inout Settings) -> Void = { _ in }) { change(&self) }
    }

    public let kind: Kind
    public let settings: Settings
    public let address: String
    public let port: UInt16
    /// Where we are.
    public var neighborAddress: String { settings.usesIPv6 ? "::1" : "127.0.0.1" }
    let folder: ScratchFolder
    let apiPort: UInt16
    /// Where the API of gobgpd listens.
    let apiAddress: String
    private let process: Mutex<ChildProcess?>

    /// Starts the daemon with one neighbor, or leaves that to `start`.
    public init(_ kind: Kind, _ settings: Settings = Settings(), isStarted: Bool = true) async throws {
        self.kind = kind
        self.settings = settings
        folder = try ScratchFolder()
        // Every daemon has an address of its own, so that tests can run beside each other.
        let own = "127.0.\(UInt8.random(in: 10...250)).\(UInt8.random(in: 2...250))"
        address = settings.usesIPv6 ? "::1" : own
        apiAddress = own
        port = FreePort.tcp()
        apiPort = FreePort.tcp()
        process = Mutex(nil)
        if isStarted { try await start() }
    }

    public convenience init(_ kind: Kind, neighborAS: UInt32, connectsTo: UInt16? = nil) async throws {
        try await self.init(
            kind,
            Settings {
                $0.neighborAS = neighborAS
                $0.connectsTo = connectsTo
            }
        )
    }

    /// Starts the daemon, again after `kill`; waits until it answers.
    public func start() async throws {
        let log = folder.url.appending(path: "log")
        let program = kind.program ?? ""
        let started: ChildProcess
        switch kind {
        case .gobgpd:
            let file = try folder.write(gobgpdConfiguration, to: "gobgpd.toml")
            started = try ChildProcess(
                program,
                ["-f", file, "--log-plain", "--pprof-disable", "--api-hosts=\(apiAddress):\(apiPort)"],
                log: log
            )
        case .bird:
            let file = try folder.write(birdConfiguration, to: "bird.conf")
            started = try ChildProcess(
                program,
                ["-f", "-c", file, "-s", folder.path("bird.ctl"), "-P", folder.path("bird.pid")],
                log: log
            )
        case .frr:
            let file = try folder.write(frrConfiguration, to: "bgpd.conf")
            started = try ChildProcess(
                program,
                [
                    "-S", "-Z", "-f", file, "-i", folder.path("pid"), "--vty_socket", folder.url.path(), "-A",
                    "127.0.0.1", "-P", "0", "-p", "\(port)", "-l", address,
                ],
                log: log
            )
        case .openbgpd:
            try FileManager.default.createDirectory(atPath: "/run/openbgpd", withIntermediateDirectories: true)
            let file = try folder.write(openBGPDConfiguration, to: "bgpd.conf")
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
            started = try ChildProcess(program, ["-d", "-v", "-f", file], log: log)
        case .exabgp, .exabgp5:
            let received = folder.path("received")
            _ = FileManager.default.createFile(atPath: received, contents: nil)
            let script = try folder.write("#!/bin/sh\ncat >> \(received)\n", to: "dump.sh")
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
            let file = try folder.write(exabgpConfiguration(script), to: "exabgp.conf")
            started = try ChildProcess(
                program,
                (kind == .exabgp5 ? ["server"] : []) + [file],
                environment: [
                    "exabgp_daemon_user": "root", "exabgp_daemon_daemonize": "false",
                    "exabgp_log_destination": "stdout", "exabgp_api_cli": "false", "exabgp_tcp_bind": address,
                    "exabgp_tcp_port": "\(port)", "exabgp_api_ack": "false",
                ],
                log: log
            )
        }
        process.withLock { $0 = started }
        _ = await eventually { self.isUp }
    }

    private var isUp: Bool {
        switch kind {
        case .gobgpd: (try? gobgp("global"))?.contains("AS:") == true
        case .bird: (try? birdc("show", "status"))?.contains("up and running") == true
        case .frr, .openbgpd, .exabgp, .exabgp5:
            (try? ChildProcess.output("/usr/bin/ss", ["-ltn"]))?.contains(":\(port) ") == true
        }
    }

    /// Ends the daemon as a power cut would.
    public func kill() { process.withLock { $0?.kill() } }

    public func stop() {
        process.withLock { $0?.stop() }
        folder.remove()
    }

    /// What the daemon logged, for a test that failed.
    public var log: String {
        (try? String(contentsOf: folder.url.appending(path: "log"), encoding: .utf8)) ?? ""
    }

    // MARK: Questions

    /// All routes that the daemon holds, as it shows them. ExaBGP holds none: what it received, line by line.
    public func routes() throws -> String {
        switch kind {
        case .gobgpd:
            let ofVPN = settings.hasVPN ? ["ipv4-l3vpn-flowspec", "ipv6-l3vpn-flowspec"] : []
            return try (["ipv4-flowspec", "ipv6-flowspec", "ipv4", "ipv6"] + ofVPN)
                .map { try gobgp("global", "rib", "-a", $0) }.joined(separator: "\n")
        case .bird:
            return try ["flow4tab", "flow6tab", "master4", "master6"]
                .map { try birdc("show", "route", "table", $0, "all", "protocol", "peer") }.joined(separator: "\n")
        case .frr:
            return try vtysh(
                ["ipv4 flowspec detail", "ipv6 flowspec detail", "ipv4 unicast", "ipv6 unicast"].map {
                    "show bgp \($0)"
                }
            )
        case .openbgpd: return try bgpctl("show", "rib", "detail")
        case .exabgp, .exabgp5:
            return try String(contentsOfFile: folder.path("received"), encoding: .utf8)
        }
    }

    /// How many FlowSpec rules of IPv4 the daemon holds; nil where it does not count them.
    public func ruleCount() throws -> Int? {
        func number(after text: String, in output: String) -> Int? {
            guard let range = output.range(of: text) else { return nil }
            return Int(output[range.upperBound...].prefix { $0.isNumber })
        }
        switch kind {
        case .bird:
            let output = try birdc("show", "route", "table", "flow4tab", "count")
            return Int(output.split(separator: "\n").last { $0.contains(" of ") }?.prefix { $0.isNumber } ?? "0")
        case .gobgpd: return number(after: "Path: ", in: try gobgp("global", "rib", "summary", "-a", "ipv4-flowspec"))
        case .frr:
            let output = try vtysh(["show bgp ipv4 flowspec summary json"])
            return number(after: "\"pfxRcd\":", in: output)
        case .openbgpd, .exabgp, .exabgp5: return nil
        }
    }

    /// Has the daemon ask for all routes again; false where it cannot.
    public func askForRefresh() throws -> Bool {
        switch kind {
        case .bird: _ = try birdc("reload", "in", "peer")
        case .frr: _ = try vtysh(["clear bgp * soft in"])
        case .openbgpd: _ = try bgpctl("neighbor", neighborAddress, "refresh")
        case .gobgpd, .exabgp, .exabgp5: return false
        }
        return true
    }

    func gobgp(_ arguments: String...) throws -> String {
        try ChildProcess.output(ChildProcess.find("gobgp") ?? "", ["-u", apiAddress, "-p", "\(apiPort)"] + arguments)
    }

    public func birdc(_ arguments: String...) throws -> String {
        try ChildProcess.output(ChildProcess.find("birdc") ?? "", ["-s", folder.path("bird.ctl")] + arguments)
    }

    /// All that the daemon knows of one prefix of IPv4; nil where its listing of all routes says as much.
    public func details(of prefix: String) throws -> String? {
        kind == .frr ? try vtysh(["show bgp ipv4 unicast \(prefix)"]) : nil
    }

    func vtysh(_ commands: [String]) throws -> String {
        try ChildProcess.output(
            ChildProcess.find("vtysh") ?? "",
            ["--vty_socket", folder.url.path(), "-d", "bgpd"] + commands.flatMap { ["-c", $0] }
        )
    }

    func bgpctl(_ arguments: String...) throws -> String {
        try ChildProcess.output(ChildProcess.find("bgpctl") ?? "", ["-s", folder.path("bgpd.sock")] + arguments)
    }
}
