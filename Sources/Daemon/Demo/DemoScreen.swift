import NetworkTypes
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The lines of the demo: a time, who speaks, what happened. Colours on a terminal only.
final class DemoScreen: Sendable {
    /// Who speaks, with its colour.
    enum Speaker: String {
        case traffic
        case flood
        case exporter
        case floodgate
        case router
        case store

        fileprivate var colour: String {
            switch self {
            case .traffic, .exporter, .store: "\u{1B}[2m"
            case .flood: "\u{1B}[31;1m"
            case .floodgate: "\u{1B}[33;1m"
            case .router: "\u{1B}[36m"
            }
        }
    }

    private let colours: Bool
    private let clock = DaemonClock()
    private let output = Mutex(())
    private let start: Int64

    init() {
        let refused = unsafe getenv("NO_COLOR") != nil
        colours = isatty(STDOUT_FILENO) == 1 && !refused
        start = clock.now.nanoseconds
    }

    /// A line without time and speaker.
    func title(_ text: String) { write(colours ? "\u{1B}[1m\(text)\u{1B}[0m" : text) }

    func say(_ speaker: Speaker, _ text: String) {
        let tenths = (clock.now.nanoseconds - start) / 100_000_000
        let time = "\(tenths / 10).\(tenths % 10) s"
        let stamp = String(repeating: " ", count: max(0, 7 - time.count)) + time
        let name = speaker.rawValue + String(repeating: " ", count: 10 - speaker.rawValue.count)
        write(stamp + "  " + (colours ? speaker.colour + name + text + "\u{1B}[0m" : name + text))
    }

    /// More of what was said last, below it.
    func more(_ text: String) { write(String(repeating: " ", count: 19) + text) }

    private func write(_ line: String) {
        output.withLock { _ in
            print(line)
            fflush(nil)
        }
    }
}
