import Control
import NetworkTypes

/// Judges what is known of a daemon, as a troubleshooting list would: each finding with what settles it. Pure.
enum Doctor {
    typealias Finding = DoctorReport.Finding

    static func diagnose(_ facts: DoctorFacts) -> [Finding] {
        var findings: [Finding] = []
        if !facts.isRunning {
            findings.append(
                Finding(
                    .warn,
                    "daemon",
                    "no daemon answers; what needs one is not looked at",
                    remedies: ["systemctl start floodgate", "journalctl -u floodgate -n 50"]
                )
            )
        }
        findings += facts.pipes.map(pipe)
        findings += facts.files.map(file)
        findings += facts.ports.map(port)
        if let telemetry = facts.telemetry { findings += self.telemetry(telemetry) }
        if let traffic = facts.traffic, let telemetry = facts.telemetry { findings += networks(traffic, telemetry) }
        findings += facts.sessions.flatMap(session)
        findings += rules(facts)
        findings += thresholds(facts)
        if let clock = facts.clock { findings.append(self.clock(clock)) }
        if let kernel = facts.kernel { findings += self.kernel(kernel) }
        findings += facts.unknown.map { Finding(.warn, "daemon", $0) }
        return findings
    }

    // MARK: Pipes and files

    private static func octal(_ mode: UInt16) -> String {
        let digits = String(mode & 0o7777, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    static func pipe(_ pipe: DoctorFacts.Pipe) -> Finding {
        let path = pipe.path
        func fail(_ text: String, _ remedies: String...) -> Finding {
            Finding(.fail, "pipe", "\(path): \(text)", remedies: remedies)
        }
        switch pipe.kind {
        case .missing:
            return fail("there is nothing", "the daemon makes it when it starts: systemctl restart floodgate")
        case .pipe: break
        default:
            return fail(
                "it is no named pipe; a script has written to it while no daemon was there",
                "mv \(path) \(path).old && systemctl restart floodgate"
            )
        }
        if let problem = pipe.problem { return fail(problem, "systemctl restart floodgate") }
        let facts = "owner \(pipe.owner), group \(pipe.group), mode \(octal(pipe.mode))"
        if pipe.mode & 0o777 != pipe.wantedMode {
            return Finding(
                .warn,
                "pipe",
                "\(path): \(facts), and not the configured mode \(octal(pipe.wantedMode))",
                remedies: ["chmod \(octal(pipe.wantedMode)) \(path)"]
            )
        }
        let writers =
            pipe.mode & 0o002 != 0
            ? "everybody may write, and so announce"
            : pipe.mode & 0o020 != 0
                ? "\(pipe.owner) and the group \(pipe.group) may write" : "\(pipe.owner) alone may write"
        let told = "\(pipe.commands) commands, \(pipe.refused) refused"
        if pipe.mode & 0o002 != 0 {
            return Finding(
                .warn,
                "pipe",
                "\(path): \(facts): \(writers)",
                remedies: ["set exabgp_pipe.group to the group of the scripts, and exabgp_pipe.mode to 0660"]
            )
        }
        if pipe.commands > 0, pipe.refused * 2 > pipe.commands {
            return Finding(
                .warn,
                "pipe",
                "\(path): \(facts): \(told)",
                remedies: ["floodgate events says of each why it was refused"]
            )
        }
        return Finding(.ok, "pipe", "\(path): \(facts): \(writers); \(told)")
    }

    static func file(_ file: DoctorFacts.File) -> Finding {
        let what = "\(file.role) \(file.path)"
        guard file.isWritable else {
            let folder = file.path.lastIndex(of: "/").map { String(file.path[..<$0]) } ?? "."
            return Finding(
                .fail,
                "files",
                "\(what): the daemon's user may not write \(file.kind == .missing ? "its folder" : "it")",
                remedies: [
                    "chown floodgate: \(file.kind == .missing ? folder : file.path)",
                    "or set \(file.key) to a path below /var/lib/floodgate, /var/log/floodgate or /run/floodgate",
                ]
            )
        }
        if let free = file.freeBytes, free < 64 << 20 {
            return Finding(
                free < 1 << 20 ? .fail : .warn,
                "files",
                "\(what): \(free >> 20) MiB are free; with a full disk nothing new is announced",
                remedies: ["make room, or set \(file.key) to another disk"]
            )
        }
        if file.mode & 0o002 != 0 {
            return Finding(
                .fail,
                "files",
                "\(what): everybody may write it (mode \(octal(file.mode)))",
                remedies: ["chmod o-w \(file.path)"]
            )
        }
        return Finding(.ok, "files", file.kind == .missing ? "\(what): it can be made" : "\(what): it can be written")
    }

    static func port(_ port: DoctorFacts.Port) -> Finding {
        let place = "\(port.place)/\(port.transport)"
        if let holder = port.holder {
            return Finding(
                .fail,
                "ports",
                "\(place) is taken by \(holder)",
                remedies: ["stop it (systemctl disable --now fastnetmon exabgp), or listen on another port"]
            )
        }
        if let problem = port.problem { return Finding(.fail, "ports", "\(place): \(problem)") }
        return Finding(.ok, "ports", "\(place) is free")
    }

    // MARK: Thresholds

    static func thresholds(_ facts: DoctorFacts) -> [Finding] {
        guard facts.hasThresholds else {
            return [
                Finding(
                    .fail,
                    "thresholds",
                    "no threshold is set, so no attack will be detected",
                    remedies: ["detection: {thresholds: {total: {packets: 200k packets/s, bits: 2 Gbit/s}}}"]
                )
            ]
        }
        return facts.thresholds.map { threshold in
            let share = threshold.limit > 0 ? threshold.rate / threshold.limit : 1
            let percent = Int((min(share, 100) * 100).rounded())
            let trafficClass = threshold.trafficClass == .total ? "" : " of \(threshold.trafficClass.name)"
            let text =
                "\(threshold.subject) has \(RateText.describe(threshold.rate, threshold.unit)) "
                + "\(threshold.direction.rawValue)\(trafficClass), \(percent) % of its threshold of "
                + RateText.describe(threshold.limit, threshold.unit)
            if threshold.isUnderAttack { return Finding(.ok, "thresholds", "\(text); it is under attack") }
            guard share > 0.5 else { return Finding(.ok, "thresholds", text) }
            let better = RateText.describe(threshold.rate * 3, threshold.unit)
            let isHost = threshold.subject.first { $0 == " " } == nil
            let other = isHost ? ", or give the host a group of its own with detection.groups" : ""
            return Finding(
                .warn,
                "thresholds",
                "\(text): usual traffic may soon be taken for an attack",
                remedies: [
                    "raise the threshold (three times the present peak are \(better))\(other)"
                ]
            )
        }
    }

    // MARK: The machine

    static func clock(_ clock: DoctorFacts.Clock) -> Finding {
        guard clock.isSynchronized else {
            return Finding(
                .warn,
                "clock",
                "the kernel's clock is not synchronized: times in the log and in events may be wrong",
                remedies: ["timedatectl set-ntp true, or apt-get install chrony"]
            )
        }
        let error = Int((clock.errorSeconds * 1000).rounded())
        return Finding(.ok, "clock", "the clock is synchronized, to within \(error) ms")
    }

    static func kernel(_ kernel: DoctorFacts.Kernel) -> [Finding] {
        var findings: [Finding] = []
        let wanted = kernel.wantedBuffer
        let sysctl = "sysctl -w net.core.rmem_max=\(wanted), and the line in /etc/sysctl.d/60-floodgate.conf"
        // The kernel reckons with overhead of its own, and tells the double of what it gives.
        let had = kernel.grantedBuffer.map { $0 / 2 } ?? kernel.largestBuffer
        if let had, had < wanted {
            let limit = kernel.largestBuffer.map { "; net.core.rmem_max is \($0)" } ?? ""
            let whose = kernel.grantedBuffer == nil ? "sockets will have" : "sockets have"
            let text = "\(whose) \(had >> 10) KiB of receive buffer of the \(wanted >> 10) KiB wanted\(limit)"
            findings.append(Finding(.warn, "kernel", text, remedies: [sysctl, "systemctl restart floodgate"]))
        } else if had != nil {
            findings.append(Finding(.ok, "kernel", "receive buffers of \(wanted >> 20) MiB can be had"))
        }
        if kernel.droppedDatagrams > 0 {
            findings.append(
                Finding(
                    .warn,
                    "kernel",
                    "the kernel has dropped \(kernel.droppedDatagrams) datagrams for want of receive buffer",
                    remedies: [sysctl, "raise telemetry.workers, or have exporters sample less"]
                )
            )
        } else if kernel.grantedBuffer != nil {
            findings.append(Finding(.ok, "kernel", "the kernel has dropped no datagrams"))
        }
        return findings
    }
}
