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
                default: "error \(code)"
                }
            return "cannot forward to \(place):\(collector.port): \(reason)"
        }
    }

    /// What was sent to one collector.
    public final class Target: Sendable {
        public let collector: Collector
        fileprivate let descriptor: Int32
        private let exporters: PrefixTable<Bool>?
        public let sent = Atomic<UInt64>(0)
        /// Not taken by the kernel, or of the other address family where the source is to be kept.
        public let failed = Atomic<UInt64>(0)

        fileprivate init(_ collector: Collector, descriptor: Int32) {
            self.collector = collector
            self.descriptor = descriptor
            exporters = collector.exporters.map { PrefixTable($0.map { ($0, true) }) }
        }

        fileprivate func wants(_ exporter: IPAddress) -> Bool { exporters?.contains(exporter) ?? true }
    }

    public let targets: [Target]

    public init(_ collectors: [Collector]) throws(OpenError) {
        var targets: [Target] = []
        for collector in collectors {
            let octets = collector.address.bytes
            let descriptor = unsafe floodgate_forward_open(
                octets,
                Int32(octets.count),
                collector.port,
                collector.keepsSource,
                collector.isListenedTo
            )
            guard descriptor >= 0 else {
                for target in targets { floodgate_close(target.descriptor) }
                throw OpenError(collector: collector, code: -descriptor)
            }
            targets.append(Target(collector, descriptor: descriptor))
        }
        self.targets = targets
    }

    deinit { for target in targets { floodgate_close(target.descriptor) } }

    public func forward(_ datagram: RawSpan, from source: IPAddress, port: UInt16) {
        for target in targets where target.wants(source) {
            let isSent =
                target.collector.keepsSource
                ? sendWithSource(datagram, from: source, port: port, to: target) : send(datagram, to: target)
            if isSent {
                target.sent.wrappingAdd(1, ordering: .relaxed)
            } else {
                target.failed.wrappingAdd(1, ordering: .relaxed)
            }
        }
    }

    private func send(_ datagram: RawSpan, to target: Target) -> Bool {
        unsafe datagram.withUnsafeBytes { bytes in
            unsafe floodgate_forward(target.descriptor, bytes.baseAddress, bytes.count) == 0
        }
    }

    private func sendWithSource(_ datagram: RawSpan, from source: IPAddress, port: UInt16, to target: Target) -> Bool {
        let collector = target.collector
        guard source.isIPv4 == collector.address.isIPv4 else { return false }
        let (from, to) = (source.bytes, collector.address.bytes)
        return unsafe datagram.withUnsafeBytes { bytes in
            unsafe floodgate_forward_from(
                target.descriptor,
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
