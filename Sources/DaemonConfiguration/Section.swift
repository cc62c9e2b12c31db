internal import FlowSpec
internal import NetworkTypes

/// Collects mistakes while a configuration is read.
final class Problems {
    let file: String
    private(set) var errors: [ConfigurationError] = []
    private var seen: Set<ConfigurationError> = []
    /// The paths of all keys that were asked for, for the test that holds the documentation against them.
    var keys: Set<String> = []

    init(file: String) { self.file = file }

    func report(
        _ place: ConfigurationNode.Place,
        _ key: String = "",
        found value: String? = nil,
        expected: String
    ) {
        report(
            ConfigurationError(
                file: place.file,
                line: place.line,
                column: place.column,
                key: key,
                value: value,
                expected: expected
            )
        )
    }

    /// A part of the file may be read twice; its mistakes are said once.
    func report(_ error: ConfigurationError) {
        if seen.insert(error).inserted { errors.append(error) }
    }
}

/// A mapping of the file. Remembers which keys were asked for, so that the rest can be called unknown.
final class Section {
    let path: String
    let node: ConfigurationNode
    let problems: Problems
    private var entries: [String: ConfigurationNode.Entry] = [:]
    private var order: [String] = []
    private var asked: [String] = []

    /// Reads the mapping; anything else is reported and taken for an empty one.
    init(_ node: ConfigurationNode, path: String, problems: Problems) {
        self.node = node
        self.path = path
        self.problems = problems
        guard let mapping = node.mapping else {
            if !node.isNull {
                problems.report(node.place, path, found: Self.text(node), expected: "a mapping of keys to values")
            }
            return
        }
        for entry in mapping {
            guard let name = entry.key.scalar else {
                problems.report(entry.key.place, path, found: Self.text(entry.key), expected: "a plain key")
                continue
            }
            entries[name] = entry
            order.append(name)
        }
    }

    func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// The value of a key; nil when the key is absent or has no value.
    func value(_ key: String) -> ConfigurationNode? {
        if !asked.contains(key) {
            asked.append(key)
            problems.keys.insert(name(key))
        }
        guard let value = entries[key]?.value else { return nil }
        if value.isNull {
            // Taken for absent it would widen what it was to narrow: a match without its protocol.
            problems.report(value.place, name(key), expected: "a value; for the default leave the key out")
            return nil
        }
        return value
    }

    /// The keys that stand in the file, in its order.
    var keys: [String] { order }

    func isEmptyList(_ key: String) -> Bool { entries[key]?.value.list?.isEmpty == true }

    func has(_ key: String) -> Bool { value(key) != nil }

    func report(_ key: String, expected: String) {
        let node = entries[key]?.value
        problems.report((node ?? self.node).place, name(key), found: node.map(Self.text), expected: expected)
    }

    func section(_ key: String) -> Section? { value(key).map { Section($0, path: name(key), problems: problems) } }

    func sections(_ key: String) -> [Section] {
        guard let node = value(key) else { return [] }
        guard let items = node.list else {
            report(key, expected: "a list of mappings")
            return []
        }
        return items.enumerated().map { Section($1, path: "\(name(key))[\($0)]", problems: problems) }
    }

    /// A mapping, or a list of mappings.
    func oneOrMore(_ key: String) -> [Section] {
        value(key)?.list == nil ? section(key).map { [$0] } ?? [] : sections(key)
    }

    /// A scalar that `parse` understands; what it does not is reported.
    func scalar<Value>(_ key: String, expected: String, _ parse: (String) -> Value?) -> Value? {
        guard let node = value(key) else { return nil }
        guard let text = node.scalar, let value = parse(text) else {
            report(key, expected: expected)
            return nil
        }
        return value
    }

    /// A scalar as it stands in the file; nil for anything else.
    func scalarText(_ key: String) -> String? { value(key)?.scalar }

    /// One scalar or a list of them.
    func list<Value>(_ key: String, expected: String, _ parse: (String) -> Value?) -> [Value]? {
        guard let node = value(key) else { return nil }
        let items = node.list ?? [node]
        return items.enumerated().compactMap { index, item in
            if let text = item.scalar, let value = parse(text) { return value }
            let place = node.list == nil ? name(key) : "\(name(key))[\(index)]"
            problems.report(item.place, place, found: Self.text(item), expected: expected)
            return nil
        }
    }

    func string(_ key: String) -> String? {
        scalar(key, expected: "a text that is not empty") { $0.isEmpty ? nil : $0 }
    }

    func bool(_ key: String) -> Bool? {
        scalar(key, expected: "true or false") { ["true": true, "false": false][$0.lowercased()] }
    }

    func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
        scalar(key, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)") { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    func number(_ key: String, in range: ClosedRange<Double>) -> Double? {
        scalar(key, expected: "a number from \(range.lowerBound) to \(range.upperBound)") { text in
            Double(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    func duration(_ key: String, in range: ClosedRange<Duration>, _ limits: String) -> Duration? {
        scalar(key, expected: "\(Quantity.durationUnits), \(limits)") { text in
            Quantity.duration(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    func address(_ key: String) -> IPAddress? { scalar(key, expected: "an IP address") { IPAddress($0) } }

    func prefixes(_ key: String) -> [IPPrefix]? {
        list(key, expected: "a prefix such as 198.51.100.0/24, without host bits set") { IPPrefix($0) }
    }

    func communities(_ key: String) -> [Community] {
        list(key, expected: "a community such as 65001:666 or blackhole") { Community($0) } ?? []
    }

    func listenAddresses(_ key: String) -> [DaemonConfiguration.ListenAddress] {
        list(key, expected: "an address and port such as 0.0.0.0:6343 or [::]:6343") { text in
            guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0
            else { return nil }
            var host = String(text[..<colon])
            if host.hasPrefix("["), host.hasSuffix("]") {
                host = String(host.dropFirst().dropLast())
            } else if host.contains(":") {
                return nil
            }
            return IPAddress(host).map { .init(address: $0, port: port) }
        } ?? []
    }

    /// Reports the keys that nobody asked for. To be called when all of the section has been read.
    func finish() {
        for name in order where !asked.contains(name) {
            guard let entry = entries[name] else { continue }
            let hint = Spelling.nearest(to: name, among: asked).map { "; did you mean \($0)?" } ?? ""
            problems.report(
                entry.key.place,
                self.name(name),
                found: name,
                expected: "one of the known keys \(asked.sorted().joined(separator: ", "))\(hint)"
            )
        }
    }

    static func text(_ node: ConfigurationNode) -> String {
        if let scalar = node.scalar { return String(scalar.prefix(80)) }
        return node.mapping != nil ? "a mapping" : "a list"
    }
}
