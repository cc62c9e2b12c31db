internal import DaemonConfiguration

/// Makes configuration of ours of the settings of a `fastnetmon.conf`, one subject after the other.
struct FastNetMonReader {
    let file: String
    let hasNeighbors: Bool
    /// By key; of several the last. Only those whose value is of the key's kind.
    private(set) var settings: [String: FastNetMonSetting] = [:]
    /// In the order of the file.
    private(set) var hostGroups: [FastNetMonSetting] = []
    /// Keys of groups, by group.
    private(set) var groupSettings: [String: [String: FastNetMonSetting]] = [:]
    /// Keys that have a value, be it one that cannot be taken.
    private(set) var present: Set<String> = []
    /// What the file's own networks are, as soon as they are known.
    var networks: [FastNetMonPrefix] = []
    /// Prefixes that no rule is to touch.
    var untouched: [FastNetMonPrefix] = []
    var tree: LegacyTree
    private(set) var remarks: [LegacyRemark] = []

    init(_ text: String, file: String, hasNeighbors: Bool) {
        self.file = file
        self.hasNeighbors = hasNeighbors
        tree = LegacyTree(file: file)
        let lines = FastNetMonLines.read(text, file: file)
        remarks = lines.remarks
        for setting in lines.settings { take(setting) }
    }

    /// Those of the file itself in its order, then those of files beside it.
    var sortedRemarks: [LegacyRemark] {
        remarks.enumerated().sorted { left, right in
            func key(_ remark: LegacyRemark) -> (Int, String, Int) {
                (remark.place.file == file ? 0 : 1, remark.place.file, remark.place.line)
            }
            let (first, second) = (key(left.element), key(right.element))
            return first == second ? left.offset < right.offset : first < second
        }.map(\.element)
    }

    // MARK: Settings

    private mutating func take(_ setting: FastNetMonSetting) {
        if let known = FastNetMonKeys.byName[setting.key] {
            guard known.kind != .hostGroup else {
                hostGroups.append(setting)
                return
            }
            remarkOnDuplicate(of: settings[setting.key], setting)
            present.insert(setting.key)
            settings[setting.key] = sound(setting, known.kind) ? setting : nil
        } else if let (group, known) = FastNetMonKeys.ofGroup(setting.key) {
            remarkOnDuplicate(of: groupSettings[group]?[known.name], setting)
            present.insert(setting.key)
            if sound(setting, known.kind) { groupSettings[group, default: [:]][known.name] = setting }
        } else {
            let near = Spelling.nearest(to: setting.key, among: FastNetMonKeys.all.map(\.name))
            let hint = near.map { "; did you mean \($0)?" } ?? ": take the line out, or make it a comment with #"
            remark(.error, setting, "FastNetMon has no such key, and passes over it without a word\(hint)")
        }
    }

    private mutating func sound(_ setting: FastNetMonSetting, _ kind: FastNetMonKey.Kind) -> Bool {
        // The one switch that FastNetMon takes for on in two ways.
        if setting.key == "redis_enabled", setting.value == "yes" { return true }
        guard let objection = kind.objection(to: setting.value) else { return true }
        remark(.error, setting, objection)
        return false
    }

    private mutating func remarkOnDuplicate(of former: FastNetMonSetting?, _ setting: FastNetMonSetting) {
        guard let former, former.value != setting.value else { return }
        remark(.warning, setting, "stands in line \(former.place.line) as well, with another value; this one counts")
    }

    mutating func remark(_ severity: LegacyRemark.Severity, _ setting: FastNetMonSetting, _ message: String) {
        remark(severity, at: setting.place, setting.key, message)
    }

    mutating func remark(
        _ severity: LegacyRemark.Severity,
        at place: ConfigurationNode.Place,
        _ key: String,
        _ message: String
    ) {
        remarks.append(LegacyRemark(severity, at: place, key: key, message))
    }

    // MARK: Values

    /// The whole file, for what stands nowhere in it.
    var wholeFile: ConfigurationNode.Place { .init(file: file) }

    func place(_ key: String) -> ConfigurationNode.Place { settings[key]?.place ?? wholeFile }

    /// Nil where the key is absent.
    func toggle(_ key: String) -> Bool? { settings[key].map { $0.value == "on" } }

    func isOn(_ key: String) -> Bool { toggle(key) == true }

    func number(_ key: String) -> Int? { settings[key].flatMap { Int($0.value) } }

    func text(_ key: String) -> String? { settings[key]?.value }

    func node(_ text: String, _ key: String) -> ConfigurationNode { .text(text, at: place(key)) }

    func list(_ texts: [String], _ key: String) -> ConfigurationNode {
        .list(texts.map { node($0, key) }, at: place(key))
    }

    // MARK: Keys without effect

    mutating func remarkOnTheRest() {
        let known = settings.values.sorted { $0.place.line < $1.place.line }
        for setting in known {
            guard let key = FastNetMonKeys.byName[setting.key], key.fate != .taken else { continue }
            // What is off has no effect in FastNetMon either.
            if key.kind == .toggle, setting.value == "off" { continue }
            if let switchedBy = key.switchedBy, settings[switchedBy]?.value ?? "off" == "off" { continue }
            // What is missed is said at the switch.
            if let switchedBy = key.switchedBy, FastNetMonKeys.byName[switchedBy]?.fate == .missed { continue }
            remark(key.fate == .missed ? .warning : .note, setting, Self.message(key.words))
        }
    }

    /// The words of the table as those of a message.
    private static func message(_ words: String) -> String {
        let plain = words.replacing("`", with: "")
        return plain.prefix(1).lowercased() + plain.dropFirst().reversed().drop { $0 == "." }.reversed()
    }

    mutating func readLog() {
        guard let level = text("logging_level") else { return }
        tree.set("log.level", node(level == "warn" ? "warning" : level, "logging_level"))
    }
}
