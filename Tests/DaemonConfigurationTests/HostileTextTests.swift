import DaemonConfiguration
import Simulation
import Testing

/// Whatever stands in the file, the answer is a configuration or a list of mistakes.
struct HostileTextTests {
    @Test(arguments: [
        String(repeating: "[", count: 100_000), String(repeating: "{a: ", count: 10_000),
        String(repeating: "- ", count: 50_000) + "x", String(repeating: "? ", count: 50_000),
        (0..<2000).map { String(repeating: " ", count: $0) + "a:" }.joined(separator: "\n"),
    ])
    func nestingIsBounded(yaml: String) {
        let mistakes = ConfigurationText.mistakes(yaml)
        #expect(mistakes.count == 1 && mistakes[0].contains("expected less nesting"), "\(mistakes.first ?? "")")
    }

    @Test func aliasBombsAreRefused() {
        let levels = (1...20).map { "a\($0): &a\($0) [*a\($0 - 1), *a\($0 - 1)]" }
        let yaml = "a0: &a0 [x]\n" + levels.joined(separator: "\n") + "\n? *a20\n: 1\n"
        #expect(ConfigurationText.mistakes(yaml) == ["f.yaml:10:10: expected at most 16 aliases"])
    }

    @Test func smallBombsUnderTheLimitAreHarmless() {
        let levels = (1...8).map { "a\($0): &a\($0) [*a\($0 - 1), *a\($0 - 1)]" }
        let yaml = "a0: &a0 [x]\n" + levels.joined(separator: "\n") + "\n"
        #expect(ConfigurationText.mistakes(yaml).count == 10)
    }

    @Test func hugeFilesAreRefused() {
        let yaml = String(repeating: "# filler\n", count: 600_000)
        #expect(ConfigurationText.mistakes(yaml) == ["f.yaml: expected a file of at most 4 MiB"])
    }

    @Test func commentsAndTextMayHoldWhatLooksLikeAliases() throws {
        let comments = String(repeating: "# *bold [ { *\n", count: 100)
        _ = try ConfigurationText.load(comments + ConfigurationText.minimal)
    }

    /// Random edits of a valid text: characters cut, doubled, replaced, lines moved.
    @Test func editedConfigurationsNeverTrap() {
        var generator = SeededGenerator(seed: 11)
        let original = Array(ConfigurationText.complete.unicodeScalars)
        let spice = Array("[]{}:,-#&*!|>'\"%@`?~ \t\n\r\u{0}\u{FEFF}\u{85}\u{2028}é😀0159akMGs/.$+".unicodeScalars)
        var accepted = 0
        for _ in 0..<3000 {
            var text = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<text.count, using: &generator)
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: text.remove(at: place)
                case 1: text.insert(spice[Int.random(in: 0..<spice.count, using: &generator)], at: place)
                case 2: text[place] = spice[Int.random(in: 0..<spice.count, using: &generator)]
                case 3: text.removeSubrange(place..<min(text.count, place + 20))
                default: text.insert(contentsOf: text[place..<min(text.count, place + 20)], at: place)
                }
            }
            var yaml = ""
            yaml.unicodeScalars.append(contentsOf: text)
            if ConfigurationText.mistakes(yaml).isEmpty { accepted += 1 }
        }
        // Some edits only change a value; if none or all were accepted the test would say nothing.
        #expect(accepted > 30 && accepted < 2900, "\(accepted)")
    }
}
