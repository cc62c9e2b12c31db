internal import FlowSpec
internal import NetworkTypes

extension DaemonConfiguration {
    /// Reads a configuration from its text.
    ///
    /// - Parameters:
    ///   - file: its name in errors.
    ///   - readFile: gives the text of files that it names; throws what is to be said when it cannot.
    public static func load(
        yaml: String,
        file: String,
        readFile: (String) throws -> String
    ) throws(ConfigurationErrors) -> DaemonConfiguration {
        try load(document(yaml: yaml, file: file), readFile: readFile)
    }

    /// Parses YAML; what it means is not looked at.
    ///
    /// - Parameter file: its name in errors.
    public static func document(yaml: String, file: String) throws(ConfigurationErrors) -> ConfigurationNode {
        let problems = Problems(file: file)
        guard let root = ConfigurationNode(yaml: yaml, problems: problems) else {
            throw ConfigurationErrors(errors: problems.errors)
        }
        return root
    }

    /// Makes the model of what was read, and tells every mistake at the place that it was written in.
    ///
    /// - Parameter readFile: gives the text of files that it names; throws what is to be said when it cannot.
    public static func load(
        _ root: ConfigurationNode,
        readFile: (String) throws -> String
    ) throws(ConfigurationErrors) -> DaemonConfiguration {
        let file = root.place.file
        let problems = Problems(file: file)
        var configuration = DaemonConfiguration()
        let section = Section(root, path: "", problems: problems)
        configuration.readNetworks(section, readFile)
        section.section("whitelist").map { configuration.readWhitelist($0) }
        section.section("telemetry").map { configuration.readTelemetry($0) }
        section.section("detection").map { configuration.readDetection($0) }
        section.section("bgp").map { configuration.readBGP($0) }
        configuration.readPipes(section)
        configuration.mitigation.enforces = configuration.hasReceivers
        section.section("mitigation").map { configuration.readMitigation($0) }
        configuration.readProcesses(section)
        configuration.readScripts(section)
        section.section("metrics").map { configuration.readMetrics($0) }
        configuration.readAnnouncements(section)
        configuration.store = section.string("store") ?? configuration.store
        configuration.controlSocket = section.string("control_socket") ?? configuration.controlSocket
        section.section("log").map { configuration.readLog($0) }
        section.finish()
        configuration.check(section)
        // Those of the file itself in its order, then those of files it names.
        let errors = problems.errors.sorted {
            ($0.file == file ? 0 : 1, $0.file, $0.line, $0.column) < (
                $1.file == file ? 0 : 1, $1.file, $1.line, $1.column
            )
        }
        guard errors.isEmpty else { throw ConfigurationErrors(errors: errors) }
        return configuration
    }

    // MARK: Sections

    private static let ownPrefix =
        "a prefix of the operator's own such as 198.51.100.0/24, without host bits set, of at least 8 bits (IPv6: 16)"

    private mutating func readNetworks(_ root: Section, _ readFile: (String) throws -> String) {
        guard let node = root.value("networks") else { return }
        guard node.mapping != nil else {
            networks = root.list("networks", expected: Self.ownPrefix) { IPPrefix(own: $0) } ?? []
            return
        }
        let section = Section(node, path: "networks", problems: root.problems)
        if let file = section.string("file") {
            do {
                networks = readNetworkList(try readFile(file), file: file, problems: root.problems)
            } catch {
                section.report("file", expected: "a file that can be read: \(error)")
            }
        } else {
            section.report("file", expected: "the path of a file with one prefix a line")
        }
        section.finish()
    }

    /// One prefix a line; `#` begins a comment.
    private func readNetworkList(_ text: String, file: String, problems: Problems) -> [IPPrefix] {
        // CR LF is one character to Swift, and a newline.
        let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
        return lines.enumerated().compactMap { index, line in
            let content = String(line.prefix { $0 != "#" }.map { $0 == "\t" ? " " : $0 }).trimmingSpaces
            if content.isEmpty { return nil }
            if let prefix = IPPrefix(own: content) { return prefix }
            let column = 1 + line.prefix { $0 == " " || $0 == "\t" }.count
            problems.report(
                ConfigurationNode.Place(file: file, line: index + 1, column: column),
                "networks",
                found: content,
                expected: Self.ownPrefix
            )
            return nil
        }
    }

    private mutating func readWhitelist(_ section: Section) {
        whitelistedDestinations = section.prefixes("destinations") ?? []
        whitelistedSources = section.prefixes("sources") ?? []
        section.finish()
    }

    private mutating func readTelemetry(_ section: Section) {
        func listen(_ key: String) -> [ListenAddress] {
            guard let inner = section.section(key) else { return [] }
            defer { inner.finish() }
            let addresses = inner.listenAddresses("listen")
            if !inner.has("listen") { inner.report("listen", expected: "an address and port such as 0.0.0.0:6343") }
            return addresses
        }
        telemetry.sFlow = listen("sflow")
        telemetry.netFlow = listen("netflow")
        telemetry.ipfixTCP = listen("ipfix_tcp")
        if let mirror = section.section("mirror") { telemetry.mirror = Self.readMirror(mirror) }
        if let exporters = section.section("exporters") {
            telemetry.allowedExporters = exporters.prefixes("allow")
            var prefixes: Set<IPPrefix> = []
            for settings in exporters.sections("settings") {
                guard let exporter = Self.readExporter(settings) else { continue }
                if !prefixes.insert(exporter.prefix).inserted {
                    settings.report("prefix", expected: "a prefix that no other settings have")
                }
                telemetry.exporters.append(exporter)
            }
            exporters.finish()
        }
        telemetry.defaultSamplingRate =
            section.integer("default_sampling_rate", in: Self.samplingRates).map(UInt32.init)
        let tunnels = ["gre", "ipip", "6in4", "vxlan", "gtp"]
        telemetry.decapsulates =
            section.list("decapsulate", expected: "one or more of \(tunnels.joined(separator: ", "))") { text in
                tunnels.contains(text) ? text : nil
            } ?? []
        telemetry.forwards = section.sections("forward").compactMap(Self.readForward)
        if section.value("workers")?.scalar != "auto" {
            telemetry.workers = section.scalar("workers", expected: "auto, or a whole number from 1 to 64") { text in
                Int(text).flatMap { (1...64).contains($0) ? $0 : nil }
            }
        }
        section.finish()
    }

    private static let samplingRates = 1...10_000_000

    private static func readMirror(_ section: Section) -> Mirror {
        defer { section.finish() }
        let name = "names of network interfaces, such as [eth3]"
        let interfaces =
            section.list("interfaces", expected: name) { text in
                // As the kernel has them (`dev_valid_name`).
                (1...15).contains(text.utf8.count) && !text.contains { $0 == "/" || $0 == ":" || $0.isWhitespace }
                    ? text : nil
            } ?? []
        if !section.has("interfaces") || section.isEmptyList("interfaces") {
            section.report("interfaces", expected: name)
        }
        if Set(interfaces).count < interfaces.count { section.report("interfaces", expected: "each interface once") }
        return Mirror(
            interfaces: interfaces,
            samplingRate: section.integer("sampling_rate", in: samplingRates).map(UInt32.init) ?? 1,
            kernelSampling: section.integer("kernel_sampling", in: 1...65_535).map(UInt32.init) ?? 1
        )
    }

    private static func readExporter(_ section: Section) -> Exporter? {
        defer { section.finish() }
        let prefix = section.scalar("prefix", expected: "an address or a prefix such as 192.0.2.1 or 192.0.2.0/24") {
            IPPrefix($0)
        }
        if !section.has("prefix") { section.report("prefix", expected: "the exporter's address or prefix") }
        let rate = section.integer("sampling_rate", in: samplingRates).map(UInt32.init)
        let overrides = section.bool("override_sampling") ?? false
        if overrides, rate == nil {
            section.report("override_sampling", expected: "a sampling_rate beside it, which is to count")
        }
        let activeTimeout = section.duration("active_timeout", in: .seconds(1)...(.seconds(86_400)), "from 1s to 1d")
        let scope = section.scalar("template_scope", expected: "address or port") { text in
            ["address": false, "port": true][text]
        }
        let totals = section.scalar("total_counters", expected: "deltas or running") { text in
            ["deltas": false, "running": true][text]
        }
        let countsIngressOnly = section.bool("ingress_only") ?? false
        let samplesBeforeFilter = section.scalar("samples", expected: "before_filter or after_filter") { text in
            ["before_filter": true, "after_filter": false][text]
        }
        return prefix.map {
            Exporter(
                prefix: $0,
                samplingRate: rate,
                overridesSampling: overrides,
                activeTimeout: activeTimeout,
                isScopedByPort: scope ?? false,
                hasRunningTotals: totals ?? false,
                countsIngressOnly: countsIngressOnly,
                samplesBeforeFilter: samplesBeforeFilter
            )
        }
    }

    private static func readForward(_ section: Section) -> Forward? {
        defer { section.finish() }
        let collectors = section.listenAddresses("to")
        if collectors.count != 1 { section.report("to", expected: "one address and port such as 192.0.2.200:2055") }
        let exporters = section.prefixes("exporters")
        let keepsSource = section.bool("keep_source") ?? false
        return collectors.first.map { Forward(collector: $0, exporters: exporters, keepsSource: keepsSource) }
    }

    private mutating func readMitigation(_ section: Section) {
        let mode = section.scalar("mode", expected: "enforce or observe") { ["enforce": true, "observe": false][$0] }
        mitigation.enforces = mode ?? mitigation.enforces
        mitigation.onlyWatches = mode == false
        mitigation.banTime =
            section.duration("ban_time", in: .seconds(1)...(.seconds(30 * 86_400)), "from 1s to 30d")
            ?? mitigation.banTime
        mitigation.unbanOnlyIfAttackFinished = section.bool("unban_only_if_attack_finished") ?? true
        mitigation.communities = section.communities("communities")
        readAnswer(section)
        readSynthesis(section)
        readEscalation(section)
        mitigation.maximumRules = section.integer("max_rules", in: 1...1_000_000) ?? mitigation.maximumRules
        mitigation.maximumChangesPerMinute =
            section.integer("max_changes_per_minute", in: 1...10_000_000) ?? mitigation.maximumChangesPerMinute
        mitigation.shortestIPv4Length =
            section.integer("shortest_ipv4_prefix", in: 1...32) ?? mitigation.shortestIPv4Length
        mitigation.shortestIPv6Length =
            section.integer("shortest_ipv6_prefix", in: 1...128) ?? mitigation.shortestIPv6Length
        if let templates = section.section("templates") {
            var own: [String: RuleTemplate] = [:]
            // The kinds of attack there are: a template of another name could never serve.
            for kind in Self.attackKinds + ["default"] {
                guard let inner = templates.section(kind) else { continue }
                if inner.has("match") { mitigation.fixedTemplates.insert(kind) }
                own[kind] = TemplateReader.read(inner)
            }
            mitigation.templates = RuleTemplate.builtIn(replacedBy: own)
            templates.finish()
        }
        section.finish()
    }

    private mutating func readLog(_ section: Section) {
        let levels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]
        log.level =
            section.scalar("level", expected: "one of \(levels.joined(separator: ", "))") {
                levels.contains($0) ? $0 : nil
            } ?? log.level
        log.file = section.string("file")
        log.fastnetmonFile = section.absolutePath("fastnetmon_file", such: "/var/log/fastnetmon.log")
        log.exabgpFile = section.absolutePath("exabgp_file", such: "/var/log/exabgp/exabgp.log")
        let files = [log.file, log.fastnetmonFile, log.exabgpFile].compactMap { $0 }
        if Set(files).count < files.count { section.report("fastnetmon_file", expected: "another file for each log") }
        section.finish()
    }

    /// Whether anybody gets rules: a neighbor, or an ExaBGP.
    var hasReceivers: Bool { !bgp.neighbors.isEmpty || !exabgpWriters.isEmpty }

    // MARK: What must hold together

    private func check(_ root: Section) {
        if !root.has("networks") || networks.isEmpty && root.problems.errors.isEmpty {
            let isOurs = [".yaml", ".yml"].contains { root.node.place.file.hasSuffix($0) }
            // Other programs' files may have no place for them.
            let remedy = isOurs ? "" : "; name them in a file for --config beside this one: networks: [198.51.100.0/24]"
            let why = "the operator's own prefixes: without them there is nothing to protect"
            root.report("networks", expected: why + remedy)
        }
        checkDetection(root)
        let sockets = telemetry.sFlow + telemetry.netFlow
        for (index, socket) in sockets.enumerated() {
            guard let former = sockets[..<index].first(where: { $0.collides(with: socket) }) else { continue }
            let key = index < telemetry.sFlow.count ? "sflow" : "netflow"
            let found =
                former == socket ? "\(socket) stands there twice" : "\(socket) and \(former) are the same in part"
            root.section("telemetry")?
                .report(key, expected: "each address and port to be listened on once; \(found)")
            break
        }
        if Set(telemetry.ipfixTCP).count != telemetry.ipfixTCP.count {
            root.section("telemetry")?.report("ipfix_tcp", expected: "each address and port to be listened on once")
        }
        for (index, forward) in telemetry.forwards.enumerated()
        where sockets.contains(where: { $0.receives(what: forward.collector) }) {
            root.section("telemetry")?.sections("forward")[index]
                .report("to", expected: "another collector; datagrams sent to itself would go round for ever")
        }
        if mitigation.enforces, !hasReceivers {
            root.section("mitigation")?.report("mode", expected: "observe, as there is no neighbor to announce to")
        }
    }
}

extension IPPrefix {
    /// Reads a prefix that somebody can own: neither the whole address space nor a half of it. Nobody was ever given more
    /// than a /8, or of IPv6 a /16.
    fileprivate init?(own text: String) {
        guard let prefix = IPPrefix(text), prefix.length >= (prefix.family == .ipv4 ? 8 : 16) else { return nil }
        self = prefix
    }
}
