import CFloodgate
import Capture
import DaemonConfiguration
import Foundation
import NetworkTypes

/// Looks at files, ports, the clock and the kernel for `Doctor`, and changes nothing.
enum DoctorProbe {
    // MARK: Files

    private struct Attributes {
        var kind: DoctorFacts.FileKind
        var owner = ""
        var group = ""
        var mode: UInt16 = 0
    }

    /// Foundation's attributes are of one type of number or another.
    private static func number(_ value: Any?) -> UInt64? {
        (value as? any BinaryInteger).map { UInt64(clamping: $0) } ?? (value as? NSNumber)?.uint64Value
    }

    private static func attributes(_ path: String) -> Attributes {
        // Links are followed, as whoever opens the path does.
        let real = URL(filePath: path).resolvingSymlinksInPath().path(percentEncoded: false)
        guard let found = try? FileManager.default.attributesOfItem(atPath: real) else {
            return Attributes(kind: .missing)
        }
        var attributes = Attributes(kind: .other)
        switch found[.type] as? FileAttributeType {
        case .typeRegular?: attributes.kind = .file
        case .typeDirectory?: attributes.kind = .folder
        case .typeSocket?: attributes.kind = .socket
        // Foundation has no word for a named pipe.
        default: attributes.kind = unsafe floodgate_is_fifo(real) ? .pipe : .other
        }
        attributes.owner = found[.ownerAccountName] as? String ?? "\(found[.ownerAccountID] ?? "?")"
        attributes.group = found[.groupOwnerAccountName] as? String ?? "\(found[.groupOwnerAccountID] ?? "?")"
        attributes.mode = UInt16(truncatingIfNeeded: number(found[.posixPermissions]) ?? 0)
        return attributes
    }

    static func pipe(_ pipe: DaemonConfiguration.CommandPipe) -> DoctorFacts.Pipe {
        let found = attributes(pipe.path)
        return DoctorFacts.Pipe(
            path: pipe.path,
            kind: found.kind,
            owner: found.owner,
            group: found.group,
            mode: found.mode,
            wantedMode: pipe.mode
        )
    }

    static func files(_ configuration: DaemonConfiguration) -> [DoctorFacts.File] {
        var files = [
            file("store", "store", configuration.store),
            file("control socket", "control_socket", configuration.controlSocket),
        ]
        if let log = configuration.log.file { files.append(file("log file", "log.file", log)) }
        return files
    }

    private static func file(_ role: String, _ key: String, _ path: String) -> DoctorFacts.File {
        let found = attributes(path)
        var folder = URL(filePath: path).deletingLastPathComponent()
        // Folders are made on the way.
        while !FileManager.default.fileExists(atPath: folder.path(percentEncoded: false)), folder.path() != "/" {
            folder = folder.deletingLastPathComponent()
        }
        let target = found.kind == .missing ? folder.path(percentEncoded: false) : path
        let space = try? FileManager.default.attributesOfFileSystem(forPath: folder.path(percentEncoded: false))
        return DoctorFacts.File(
            role: role,
            key: key,
            path: path,
            kind: found.kind,
            isWritable: FileManager.default.isWritableFile(atPath: target),
            mode: found.mode,
            freeBytes: number(space?[.systemFreeSize])
        )
    }

    // MARK: Ports

    /// Who has the ports that a daemon would listen on.
    static func ports(_ configuration: DaemonConfiguration) -> [DoctorFacts.Port] {
        func table(_ names: String...) -> [SocketTable] {
            names.map { SocketTable((try? String(contentsOfFile: "/proc/net/\($0)", encoding: .utf8)) ?? "") }
        }
        let udp = table("udp", "udp6")
        let tcp = table("tcp", "tcp6")
        func port(_ listen: DaemonConfiguration.ListenAddress, _ transport: String) -> DoctorFacts.Port {
            let tables = transport == "udp" ? udp : tcp
            let holder = tables.lazy.compactMap { $0.holder(of: listen.address, port: listen.port) }.first
            return DoctorFacts.Port(
                transport: transport,
                place: listen.description,
                holder: holder.map { owner(ofInode: $0.inode) ?? "another program" }
            )
        }
        let telemetry = configuration.telemetry
        return (telemetry.sFlow + telemetry.netFlow).map { port($0, "udp") }
            + (telemetry.ipfixTCP + configuration.bgp.listen).map { port($0, "tcp") }
    }

    /// The process that has a socket open: `fastnetmon (process 812)`. Others' processes only root sees.
    private static func owner(ofInode inode: UInt64) -> String? {
        let wanted = "socket:[\(inode)]"
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        for process in processes where Int32(process) != nil {
            let folder = "/proc/\(process)/fd"
            for descriptor in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
                let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(descriptor)")
                guard target == wanted else { continue }
                let name = (try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)) ?? ""
                return "\(name.trimmingCharacters(in: .whitespacesAndNewlines)) (process \(process))"
            }
        }
        return nil
    }

    // MARK: The machine

    static var clock: DoctorFacts.Clock? {
        var microseconds: Int64 = 0
        let result = unsafe floodgate_clock(&microseconds)
        guard result >= 0 else { return nil }
        return DoctorFacts.Clock(isSynchronized: result == 1, errorSeconds: Double(microseconds) / 1e6)
    }

    /// - Parameter granted: the least that a socket has been given; nil where none is open.
    static func kernel(granted: Int?, dropped: UInt64) -> DoctorFacts.Kernel {
        let text = try? String(contentsOfFile: "/proc/sys/net/core/rmem_max", encoding: .utf8)
        return DoctorFacts.Kernel(
            largestBuffer: text.flatMap { UInt64($0.trimmingCharacters(in: .whitespacesAndNewlines)) },
            wantedBuffer: UInt64(UDPSocket.wantedReceiveBuffer),
            grantedBuffer: granted.map { UInt64(max(0, $0)) },
            droppedDatagrams: dropped
        )
    }
}
