internal import DaemonConfiguration

extension FastNetMonReader {
    private static let longestBan = 30 * 86_400

    mutating func readMitigation() {
        if let isOn = toggle("enable_ban") {
            if !isOn { tree.set("mitigation.mode", node("observe", "enable_ban")) }
            if !isOn, let group = groupSettings.first(where: { $0.value["enable_ban"]?.value == "on" }) {
                let message = "is off for all: the group \(group.key), which has it on, is not acted on either"
                remark(.warning, at: place("enable_ban"), "enable_ban", message)
            }
        } else if !present.contains("enable_ban") {
            let message =
                "left out, which FastNetMon takes for off; the file would not be there if attacks were not to be acted "
                + "on, so they are. Say enable_ban = off to watch only"
            remark(.note, at: wholeFile, "enable_ban", message)
        }
        if let seconds = number("ban_time") {
            let isBounded = seconds > 0 && seconds <= Self.longestBan
            tree.set("mitigation.ban_time", node("\(isBounded ? seconds : Self.longestBan)s", "ban_time"))
            if !isBounded {
                let said = seconds == 0 ? "0 is for ever in FastNetMon" : "\(seconds) s is long"
                remark(.warning, at: place("ban_time"), "ban_time", "\(said); 30 days, the longest there is, are taken")
            }
        }
        if let finished = toggle("unban_only_if_attack_finished") {
            let text = finished ? "true" : "false"
            tree.set("mitigation.unban_only_if_attack_finished", node(text, "unban_only_if_attack_finished"))
        }
        if let first = untouched.first {
            var unique: Set<String> = []
            let nodes = untouched.map(\.node).filter { unique.insert($0.scalar ?? "").inserted }
            tree.set("whitelist.destinations", .list(nodes, at: first.place))
        }
    }
}
