extension FastNetMonKeys {
    /// Programs that are told of attacks.
    static let scripts: [FastNetMonKey] = [
        .init("notify_script_path", .path, .taken, "`scripts.notify`; run as FastNetMon 1.2.4 runs it."),
        .init(
            "unban_script_path",
            .path,
            .taken,
            "`scripts.unban`: run with `unban` in the place of `notify_script_path`. FastNetMon does not know the key."
        ),
        .init(
            "notify_script_arguments",
            .choice(["fastnetmon", "guide"]),
            .taken,
            "`scripts.arguments`: `guide` for scripts that want `IP type Mbps`. FastNetMon does not know the key."
        ),
        .init(
            "notify_script_format",
            .choice(["text", "json"]),
            .taken,
            "`scripts.format`: what the script reads. FastNetMon Community does not know the key."
        ),
    ]
}
