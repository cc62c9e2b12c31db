internal import Yams

extension ConfigurationNode {
    /// Aliases put in may multiply what stands in the file; beyond this it is no configuration.
    private static let maximumNodes = 1_000_000

    /// Parses YAML. What is not YAML is reported, and gives nil.
    init?(yaml: String, problems: Problems) {
        let place = Place(file: problems.file)
        if let excess = DocumentBounds.excess(of: yaml) {
            problems.report(
                Place(file: problems.file, line: excess.line, column: excess.column),
                expected: excess.expected
            )
            return nil
        }
        do {
            guard let node = try Yams.compose(yaml: yaml, .default, .default, .utf8) else {
                problems.report(place, expected: "a configuration; the file is empty")
                return nil
            }
            var room = Self.maximumNodes
            guard let converted = Self.convert(node, file: problems.file, room: &room) else {
                problems.report(place, expected: "at most \(Self.maximumNodes) values once aliases are put in")
                return nil
            }
            self = converted
        } catch let error as YamlError {
            let (place, problem) = Self.explain(error, in: problems.file)
            problems.report(place, expected: "YAML: \(problem)")
            return nil
        } catch {
            problems.report(place, expected: "YAML: \(error)")
            return nil
        }
    }

    /// Nil when there is no more room. The depth is bounded by `DocumentBounds`.
    private static func convert(_ node: Node, file: String, room: inout Int) -> ConfigurationNode? {
        guard room > 0 else { return nil }
        room -= 1
        let place = Place(file: file, line: node.mark?.line ?? 0, column: node.mark?.column ?? 0)
        if let mapping = node.mapping {
            var entries: [Entry] = []
            entries.reserveCapacity(mapping.count)
            for (key, value) in mapping {
                guard let key = convert(key, file: file, room: &room),
                    let value = convert(value, file: file, room: &room)
                else { return nil }
                entries.append(Entry(key: key, value: value))
            }
            return ConfigurationNode(.mapping(entries), place: place)
        }
        if let sequence = node.sequence {
            var nodes: [ConfigurationNode] = []
            nodes.reserveCapacity(sequence.count)
            for item in sequence {
                guard let item = convert(item, file: file, room: &room) else { return nil }
                nodes.append(item)
            }
            return ConfigurationNode(.list(nodes), place: place)
        }
        let scalar = node.scalar
        return ConfigurationNode(.scalar(scalar?.string ?? "", isQuoted: scalar?.style != .plain), place: place)
    }

    private static func explain(_ error: YamlError, in file: String) -> (Place, String) {
        func place(_ mark: Mark) -> Place { Place(file: file, line: mark.line, column: mark.column) }
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return (place(mark), problem)
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.map { "\($0)" }.sorted().joined(separator: ", ")
            return (place(context.mark), "each key once; twice there are \(names)")
        default:
            return (Place(file: file), "\(error)")
        }
    }
}
