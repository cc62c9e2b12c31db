import Detection
import NetworkTypes
import Synchronization

/// Where the engine leaves its detector for those who ask what it has learnt, as long as somebody does.
final class LearningBoard: Sendable {
    private struct State {
        var isWanted = false
        var view: (time: Timestamp, detector: Detector)?
    }

    private let state = Mutex(State())

    /// What the detector knows as of the next tick; nil when none came within five seconds.
    func look() async -> (time: Timestamp, detector: Detector)? {
        state.withLock { $0.isWanted = true }
        for _ in 0..<250 {
            guard (try? await Task.sleep(for: .milliseconds(20))) != nil else { return nil }
            let view = state.withLock { state in
                defer { if !state.isWanted { state.view = nil } }
                return state.isWanted ? nil : state.view
            }
            if let view { return view }
            // Another who asked at the same time has taken it.
            state.withLock { if $0.view == nil { $0.isWanted = true } }
        }
        return nil
    }

    /// From the engine's thread: a copy, of which little is copied before the next tick changes it.
    func answer(_ detector: Detector, at time: Timestamp) {
        state.withLock { state in
            guard state.isWanted else { return }
            state = State(isWanted: false, view: (time, detector))
        }
    }
}
