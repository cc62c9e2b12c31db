import Foundation

/// A real BGP daemon on a loopback address, which takes FlowSpec and unicast routes of both families.
public final class RouterPeer: Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        case gobgpd
        case bird
        case exabgp

        public var isInstalled: Bool { ChildProcess.find(rawValue) != nil }
    }

    public let kind: Kind
    public let address: String
    public let port: UInt16
    private let process: ChildProcess
    private let folder: ScratchFolder
    private let apiPort: UInt16

    /// Starts the daemon with one neighbor, at 127.0.0.1.
    ///
    /// - Parameters:
    ///   - neighborAS: our AS; the peer's own is 65001.
    ///   - connectsTo: our port, when the peer is to connect rather than to accept.
    public init(_ kind: Kind, neighborAS: UInt32, connectsTo: UInt16? = nil) async throws {
        self.kind = kind
        folder = try ScratchFolder()
        // Every daemon has an address of its own, so that tests can run beside each other.
        address = "127.0.\(UInt8.random(in: 10...250)).\(UInt8.random(in: 2...250))"
        port = FreePort.tcp()
        apiPort = FreePort.tcp()
        let log = folder.url.appending(path: "log")
        switch kind {
        case .gobgpd:
            let file = try folder.write(
                Self.gobgpd(address, port, neighborAS, connectsTo: connectsTo),
                to: "gobgpd.toml"
            )
            process = try ChildProcess(
                ChildProcess.find("gobgpd") ?? "",
                ["-f", file, "--log-plain", "--pprof-disable", "--api-hosts=\(address):\(apiPort)"],
                log: log
            )
        case .bird:
            let file = try folder.write(Self.bird(address, port, neighborAS, connectsTo: connectsTo), to: "bird.conf")
            process = try ChildProcess(
                ChildProcess.find("bird") ?? "",
                ["-f", "-c", file, "-s", folder.path("bird.ctl"), "-P", folder.path("bird.pid")],
                log: log
            )
        case .exabgp:
            let received = folder.path("received")
            _ = FileManager.default.createFile(atPath: received, contents: nil)
            let script = try folder.write("#!/bin/sh\ncat >> \(received)\n", to: "dump.sh")
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
            let file = try folder.write(Self.exabgp(address, port, neighborAS, script), to: "exabgp.conf")
            process = try ChildProcess(
                ChildProcess.find("exabgp") ?? "",
                [file],
                environment: [
                    "exabgp_daemon_user": "root", "exabgp_daemon_daemonize": "false",
                    "exabgp_log_destination": "stdout", "exabgp_api_cli": "false", "exabgp_tcp_bind": address,
                    "exabgp_tcp_port": "\(port)", "exabgp_api_ack": "false",
                ],
                log: log
            )
        }
        _ = await eventually { self.isUp }
    }

    private var isUp: Bool {
        switch kind {
        case .gobgpd: (try? gobgp("global"))?.contains("AS:") == true
        case .bird: FileManager.default.fileExists(atPath: folder.path("bird.ctl"))
        case .exabgp: (try? ChildProcess.output("/usr/bin/ss", ["-ltn"]))?.contains("\(address):\(port)") == true
        }
    }

    public func stop() {
        process.stop()
        folder.remove()
    }

    /// What the daemon logged, for a test that failed.
    public var log: String { (try? String(contentsOf: process.log, encoding: .utf8)) ?? "" }

    /// All routes that the daemon holds, as it shows them. ExaBGP holds none: what it received, line by line.
    public func routes() throws -> String {
        switch kind {
        case .gobgpd:
            return try ["ipv4-flowspec", "ipv6-flowspec", "ipv4", "ipv6"]
                .map { try gobgp("global", "rib", "-a", $0) }.joined(separator: "\n")
        case .bird:
            let birdc = ChildProcess.find("birdc") ?? ""
            return try ["flow4tab", "flow6tab", "master4", "master6"].map { table in
                try ChildProcess.output(
                    birdc,
                    ["-s", folder.path("bird.ctl"), "show", "route", "table", table, "all", "protocol", "peer"]
                )
            }.joined(separator: "\n")
        case .exabgp:
            return try String(contentsOfFile: folder.path("received"), encoding: .utf8)
        }
    }

    private func gobgp(_ arguments: String...) throws -> String {
        try ChildProcess.output(ChildProcess.find("gobgp") ?? "", ["-u", address, "-p", "\(apiPort)"] + arguments)
    }

    // MARK: Configurations

    private static func gobgpd(
        _ address: String,
        _ port: UInt16,
        _ neighborAS: UInt32,
        connectsTo: UInt16?
    ) -> String {
        let families = ["ipv4-unicast", "ipv6-unicast", "ipv4-flowspec", "ipv6-flowspec"].map {
            """
              [[neighbors.afi-safis]]
                [neighbors.afi-safis.config]
                  afi-safi-name = "\($0)"
            """
        }.joined(separator: "\n")
        let way = connectsTo.map { "remote-port = \($0)" } ?? "passive-mode = true"
        // Without ebgp-multihop an external session would send with a hop limit of 1, which loopback forgives.
        return """
            [global.config]
              as = 65001
              router-id = "10.255.0.11"
              port = \(port)
              local-address-list = ["\(address)"]
            [[neighbors]]
              [neighbors.config]
                neighbor-address = "127.0.0.1"
                peer-as = \(neighborAS)
              [neighbors.transport.config]
                local-address = "\(address)"
                \(way)
              [neighbors.timers.config]
                idle-hold-time-after-reset = 1
                connect-retry = 1
              [neighbors.ebgp-multihop.config]
                enabled = true
                multihop-ttl = 2
            \(families)
            """
    }

    private static func bird(_ address: String, _ port: UInt16, _ neighborAS: UInt32, connectsTo: UInt16?) -> String {
        """
        router id 10.255.0.12;
        log stderr all;
        ipv4 table master4 { trie; }; ipv6 table master6 { trie; };
        flow4 table flow4tab; flow6 table flow6tab;
        protocol device {}
        protocol static s4 { ipv4; route 0.0.0.0/0 unreachable; }
        protocol static s6 { ipv6; route ::/0 unreachable; }
        protocol bgp peer {
          multihop;
          local \(address) port \(port) as 65001;
          neighbor 127.0.0.1 \(connectsTo.map { "port \($0)" } ?? "") as \(neighborAS);
          \(connectsTo == nil ? "passive on;" : "")
          strict bind on;
          connect delay time 1; connect retry time 1; error wait time 1,2;
          ipv4 { table master4; import all; export none; };
          ipv6 { table master6; import all; export none; };
          flow4 { table flow4tab; import all; export none; validate off; };
          flow6 { table flow6tab; import all; export none; validate off; };
        }
        """
    }

    private static func exabgp(_ address: String, _ port: UInt16, _ neighborAS: UInt32, _ script: String) -> String {
        """
        process dump { run \(script); encoder json; }
        neighbor 127.0.0.1 {
          local-address \(address); local-as 65001; peer-as \(neighborAS); router-id 10.255.0.15;
          passive true; listen \(port); hold-time 90;
          family { ipv4 unicast; ipv6 unicast; ipv4 flow; ipv6 flow; }
          api { processes [ dump ]; neighbor-changes; receive { parsed; update; } }
        }
        """
    }
}
