internal import CFloodgate
internal import Synchronization

/// A network interface that mirrored packets are taken from: how it is, and new sockets on it when it was gone and is back.
/// Shared by its workers.
public final class MirrorPort: Sendable {
    public enum State: UInt8, Sendable, CaseIterable {
        case up
        case noCarrier
        case down
        /// There is no interface of that name.
        case absent
        /// It is there, and packets cannot be taken from it.
        case unusable

        /// For people and programs.
        public var name: String {
            switch self {
            case .up: "up"
            case .noCarrier: "no carrier"
            case .down: "down"
            case .absent: "absent"
            case .unusable: "unusable"
            }
        }
    }

    public let interface: String
    private let sampling: UInt32
    private let onChange: @Sendable (State) -> Void
    private let lastState = Atomic<UInt8>(State.up.rawValue)
    /// The group that its new sockets share, and the number of the interface that it is of.
    private let group = Mutex<(interface: Int32, number: Int32)>((0, -1))

    /// - Parameters:
    ///   - sampling: as its first sockets were opened with.
    ///   - onChange: told of every change, from a worker's thread.
    public init(interface: String, sampling: UInt32 = 1, onChange: @escaping @Sendable (State) -> Void = { _ in }) {
        self.interface = interface
        self.sampling = sampling
        self.onChange = onChange
    }

    public var state: State { State(rawValue: lastState.load(ordering: .relaxed)) ?? .up }

    /// Looks how the interface is; gives another socket where that in use is of an interface that was deleted.
    func look(after socket: PacketSocket) -> PacketSocket? {
        var (isUp, hasCarrier) = (false, false)
        let index = unsafe floodgate_interface(interface, &isUp, &hasCarrier)
        var state: State = index == 0 ? .absent : !isUp ? .down : hasCarrier ? .up : .noCarrier
        var fresh: PacketSocket?
        if index > 0, socket.interfaceIndex != index {
            fresh = reopen(index)
            if fresh == nil { state = .unusable }
        }
        if lastState.exchange(state.rawValue, ordering: .relaxed) != state.rawValue { onChange(state) }
        return fresh
    }

    private func reopen(_ index: Int32) -> PacketSocket? {
        group.withLock { group in
            if group.interface != index { group = (index, -1) }
            return try? PacketSocket(interface: interface, group: &group.number, sampling: sampling)
        }
    }
}
