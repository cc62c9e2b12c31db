import Compatibility
import DaemonConfiguration
import Testing

struct LegacyRemarkTests {
    @Test func namesFileLineAndKey() {
        let place = ConfigurationNode.Place(file: "fastnetmon.conf", line: 12, column: 1)
        #expect(
            LegacyRemark(.error, at: place, key: "threshold_pps", "no number").description
                == "fastnetmon.conf:12: error: threshold_pps: no number"
        )
        #expect(
            LegacyRemark(.note, at: .init(file: "exabgp.conf"), key: "", "empty").description
                == "exabgp.conf: note: empty"
        )
    }
}
