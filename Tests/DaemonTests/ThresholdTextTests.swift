import Detection
import NetworkTypes
import Testing
import Traffic

@testable import Daemon

/// Proposals as lines of a configuration.
struct ThresholdTextTests {
    private func advice(_ trafficClass: TrafficClass, _ unit: TrafficUnit, proposed: Double?) -> ThresholdAdvice {
        ThresholdAdvice(
            subject: .hosts(group: "web"),
            aspect: PeakAspect(.incoming, trafficClass, unit),
            hours: 3,
            present: 30_000,
            proposed: proposed,
            least: 500
        )
    }

    @Test func whatIsNotKnownIsNoLine() {
        let unknown = [advice(.total, .packets, proposed: nil), advice(.udp, .packets, proposed: nil)]
        #expect(ThresholdText.lines(unknown).isEmpty)
        #expect(
            ThresholdText.lines(unknown + [advice(.total, .bits, proposed: 3e7)]) == [
                "detection:", "  groups:", "    - name: web", "      thresholds: {total: {bits: 30 Mbit/s}}",
            ]
        )
        #expect(DaemonResponder.unknown(unknown[0]) == "no peak above 500 packets/s is on record")
    }
}
