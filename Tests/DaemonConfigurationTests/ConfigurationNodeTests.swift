import DaemonConfiguration
import NetworkTypes
import Testing

struct ConfigurationNodeTests {
    private func document(_ yaml: String, _ file: String = "floodgate.yaml") throws -> ConfigurationNode {
        try DaemonConfiguration.document(yaml: yaml, file: file)
    }

    @Test func onTopOfAnotherKeysArePutTogetherAndValuesReplaced() throws {
        let legacy = try document(
            """
            networks: [198.51.100.0/24, 203.0.113.0/24]
            detection: {window: 5s, thresholds: {total: {packets: 20k packets/s, bits: 1 Gbit/s}}}
            """,
            "legacy"
        )
        let own = try document(
            """
            networks: [192.0.2.0/24]
            detection: {thresholds: {total: {packets: 50k packets/s}}}
            store: /tmp/f.db
            """
        )
        let merged = try DaemonConfiguration.load(legacy.overlaid(by: own)) { _ in "" }
        #expect(merged.networks.map(\.description) == ["192.0.2.0/24"])
        #expect(merged.detection.window == .seconds(5))
        #expect(merged.detection.thresholds[.total, .packets] == 50_000)
        #expect(merged.detection.thresholds[.total, .bits] == 1_000_000_000)
        #expect(merged.store == "/tmp/f.db")
    }

    @Test func mistakesAreToldInTheFileTheyWereWrittenIn() throws {
        let legacy = try document("\nnetworks: [198.51.100.0/33]", "networks_list")
        let own = try document("detection: {window: 7 apples}")
        let errors = #expect(throws: ConfigurationErrors.self) {
            try DaemonConfiguration.load(legacy.overlaid(by: own)) { _ in "" }
        }
        #expect(Set(errors?.errors.map { "\($0.file):\($0.line)" } ?? []) == ["networks_list:2", "floodgate.yaml:1"])
    }

    @Test func aliasesDoNotMultiplyAFileWithoutBound() {
        let items = [String](repeating: "a", count: 20_000).joined(separator: ", ")
        var yaml = "x0: &x0 [\(items)]\n"
        for index in 1...7 { yaml += "x\(index): &x\(index) [*x\(index - 1), *x\(index - 1)]\n" }
        let errors = #expect(throws: ConfigurationErrors.self) { try document(yaml) }
        #expect(errors?.description.contains("aliases") == true)
    }
}
