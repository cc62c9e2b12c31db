internal import CFloodgate
public import NetworkTypes
public import Synchronization

/// Sends the datagrams of exporters on to other collectors, octet for octet. Never waits: what the kernel does not take
/// at once is lost to the other collector, and counted.
// Safe: descriptors are set in init, closed in deinit, and sending on them is the kernel's to serialize.
@safe
public final class TelemetryForwarder: @unchecked Sendable {
    /// Another collector.
    public struct Collector: Sendable, Hashable {
        public var address: IPAddress
        public var port: UInt16
        /// Of which exporters; nil: of all.
        public var exporters: [IPPrefix]?
        /// Sent with the exporter's address and port as their source.
        public var keepsSource: Bool
        /// What comes to this port of this machine is read here: such a datagram sent on would come back for ever.
        public var isListenedTo: Bool

        public init(
            address: IPAddress,
            port: UInt16,
            exporters: [IPPrefix]?,
            keepsSource: Bool,
            isListenedTo: Bool = false
        ) {
            self.address = address
            self.port = port
            self.exporters = exporters
            self.keepsSource = keepsSource
            self.isListenedTo = isListenedTo
        }
    }

    /// Why a collector cannot be sent to.
    public struct OpenError: Error, Sendable, CustomStringConvertible {
        public var collector: Collector
        public var code: Int32

        public var description: String {
            let place = collector.address.isIPv4 ? "\(collector.address)" : "[\(collector.address)]"
            let reason =
                switch code {
                case 1: "keep_source needs root or CAP_NET_RAW"
                case 40: "that is this daemon itself; datagrams would go round for ever"
                case 101, 113: "there is no route to it"
                default: SystemError.text(code)
                }
            return "cannot forward to \(place):\(collector.port): \(reason)"
        }
    }

    /// What was sent to one collector.
    public final class Target: Sendable {
        public let collector: Collector
        /// Or the negative errno because of which there is none; opened once, and then left open.
        fileprivate let descriptor: Atomic<Int32>
        private let exporters: PrefixTable<Bool>?
        public let sent = Atomic<UInt64>(0)
        /// Not taken by the kernel, or of the other address family where the source is to be kept.
        public let failed = Atomic<UInt64>(0)
        /// Of the latter: of the other address family.
        public let otherFamily = Atomic<UInt64>(0)

        fileprivate init(_ collector: Collector, descriptor: Int32) {
            self.collector = collector
            self.descriptor = Atomic(descriptor)
            exporters = collector.exporters.map { PrefixTable($0.map { ($0, true) }) }
        }

        /// Why nothing can be sent to it at present.
        public var fault: OpenError? {
            let descriptor = descriptor.load(ordering: .relaxed)
            return descriptor < 0 ? OpenError(collector: collector, code: -descriptor) : nil
        }

        fileprivate func wants(_ exporter: IPAddress) -> Bool { exporters?.contains(exporter) ?? true }
    }

    public let targets: [Target]

    public init(_ collectors: [Collector]) throws(OpenError) {
        var targets: [Target] = []
        for collector in collectors {
            let descriptor = Self.open(collector)
            guard descriptor >= 0 || Self.isPassing(-descriptor) else {
                Self.close(targets)
                throw OpenError(collector: collector, code: -descriptor)
            }
            targets.append(Target(collector, descriptor: descriptor))
        }
        self.targets = targets
    }

    deinit { Self.close(targets) }

    private static func close(_ targets: [Target]) {
        for target in targets {
            let descriptor = target.descriptor.load(ordering: .relaxed)
            if descriptor >= 0 { floodgate_close(descriptor) }
        }
    }

    private static func open(_ collector: Collector) -> Int32 {
        let octets = collector.address.bytes
        return unsafe floodgate_forward_open(
            octets,
            Int32(octets.count),
            collector.port,
            collector.keepsSource,
            collector.isListenedTo
        )
    }

    /// No route, no network, no address of ours to send from: as it is while a network comes up.
    private static func isPassing(_ code: Int32) -> Bool { [99, 100, 101, 113].contains(code) }

    /// Tries those again that could not be reached; gives those that now can be. For one thread at a time.
    public func retry() -> [Target] {
        targets.filter { target in
            guard target.fault != nil else { return false }
            let descriptor = Self.open(target.collector)
            target.descriptor.store(descriptor, ordering: .relaxed)
            return descriptor >= 0
        }
    }

    public func forward(_ datagram: RawSpan, from source: IPAddress, port: UInt16) {
        for target in targets where target.wants(source) {
            let descriptor = target.descriptor.load(ordering: .relaxed)
            let isSent =
                descriptor >= 0
                && (target.collector.keepsSource
                    ? sendWithSource(datagram, from: source, port: port, to: target, descriptor)
                    : send(datagram, descriptor))
            if isSent {
                target.sent.wrappingAdd(1, ordering: .relaxed)
            } else {
                target.failed.wrappingAdd(1, ordering: .relaxed)
            }
        }
    }

    private func send(_ datagram: RawSpan, _ descriptor: Int32) -> Bool {
        unsafe datagram.withUnsafeBytes { bytes in
            unsafe floodgate_forward(descriptor, bytes.baseAddress, bytes.count) == 0
        }
    }

    private func sendWithSource(
        _ datagram: RawSpan,
        from source: IPAddress,
        port: UInt16,
        to target: Target,
        _ descriptor: Int32
    ) -> Bool {
        let collector = target.collector
        guard source.isIPv4 == collector.address.isIPv4 else {
            target.otherFamily.wrappingAdd(1, ordering: .relaxed)
            return false
        }
        let (from, to) = (source.bytes, collector.address.bytes)
        return unsafe datagram.withUnsafeBytes { bytes in
            unsafe floodgate_forward_from(
                descriptor,
                from,
                port,
                to,
                collector.port,
                Int32(from.count),
                bytes.baseAddress,
                bytes.count
            ) == 0
        }
    }
}
