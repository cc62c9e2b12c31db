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
        if let format = text("notify_script_format") {
            tree.set("scripts.format", node(format, "notify_script_format"))
        }
        if let count = number("ban_details_records_count") {
            tree.set("scripts.details", node("\(min(count, 128))", "ban_details_records_count"))
        }
    }
}
