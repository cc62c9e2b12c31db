internal import DaemonConfiguration

extension FastNetMonReader {
    /// Programs that are told of attacks.
    mutating func readScripts() {
        let (notify, unban) = (text("notify_script_path"), text("unban_script_path"))
        if let notify { tree.set("scripts.notify", node(notify, "notify_script_path")) }
        if let unban { tree.set("scripts.unban", node(unban, "unban_script_path")) }
        guard notify != nil || unban != nil else {
            for key in ["notify_script_arguments", "notify_script_format"] where settings[key] != nil {
                remark(.warning, at: place(key), key, "no effect: no notify_script_path is given")
            }
            return
        }
        if let arguments = text("notify_script_arguments") {
            tree.set("scripts.arguments", node(arguments, "notify_script_arguments"))
        }
        if let notify, text("notify_script_arguments") != "guide" {
            remarkOnGuides(notify, isLetGo: unban != nil)
        }
        if let format = text("notify_script_format") {
            tree.set("scripts.format", node(format, "notify_script_format"))
        }
        if let count = number("ban_details_records_count") {
            tree.set("scripts.details", node("\(min(count, 128))", "ban_details_records_count"))
        }
    }

    /// Scripts that guides have, and that were not written for FastNetMon's arguments.
    private mutating func remarkOnGuides(_ notify: String, isLetGo: Bool) {
        let name = LegacyPath.name(of: notify)
        guard name.hasPrefix("exabgp-integration") else { return }
        let key = "notify_script_path"
        if name.hasSuffix(".sh") {
            let message =
                "the script that guides have by this name wants the kind of attack where FastNetMon gives the direction, "
                + "and drops all traffic of the host then: say notify_script_arguments = guide"
            remark(.warning, at: place(key), key, message)
        } else if !isLetGo {
            let message =
                "is called when a host is let go too, as by FastNetMon, and the script that guides have by this name "
                + "would announce once more: give unban_script_path, or say notify_script_arguments = guide"
            remark(.warning, at: place(key), key, message)
        }
    }
}
