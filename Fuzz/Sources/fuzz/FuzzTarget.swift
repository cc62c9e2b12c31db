import CFuzzer
import Foundation
import NetworkTypes

/// Something that reads octets from outside.
struct FuzzTarget: Sendable {
    let name: String
    /// Takes what libFuzzer thought up. A trap is the finding.
    let take: @Sendable (RawSpan) -> Void
    /// What it may begin with, of our own making.
    let seeds: @Sendable () -> [[UInt8]]
    /// What a capture file has for it; nil for nothing.
    var seed: @Sendable (_ capture: [UInt8]) -> [UInt8]? = { _ in nil }

    func seed(from capture: [UInt8]) -> [UInt8]? { seed(capture) }

    static let all: [FuzzTarget] = [
        .telemetry("sflow", Seeds.sFlow), .telemetry("netflow-fixed", Seeds.netFlowFixed),
        .telemetry("netflow9", Seeds.netFlow9), .telemetry("ipfix", Seeds.ipfix), .packetHeader, .knowledge, .pcap,
        .gzip,
        .bgpMessage, .update, .flowSpecNLRI, .flowSpecText, .apiStream, .fastNetMon, .exabgpConfiguration,
    ]
}

/// The one that runs; set before libFuzzer starts, whose callback can carry nothing.
nonisolated(unsafe) private var current: FuzzTarget?  // Written once, before the only thread that reads it begins.

/// Hands over to libFuzzer, which never comes back.
func run(_ target: FuzzTarget) {
    unsafe current = target
    let arguments = [CommandLine.arguments[0]] + CommandLine.arguments.dropFirst(2)
    var pointers = unsafe arguments.map { unsafe strdup($0) }
    unsafe pointers.append(nil)
    var count = Int32(arguments.count)
    unsafe pointers.withUnsafeMutableBufferPointer { buffer in
        var start = buffer.baseAddress
        _ = unsafe LLVMFuzzerRunDriver(&count, &start) { data, size in
            let octets = unsafe UnsafeRawBufferPointer(start: data, count: size)
            unsafe current?.take(octets.bytes)
            return 0
        }
    }
}

/// Writes the seeds as files of a corpus: our own, and the captures of a folder as far as they are for the target.
func writeSeeds(of target: FuzzTarget, to folder: String, captures: String?) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (index, seed) in target.seeds().enumerated() {
        try Data(seed).write(to: URL(filePath: "\(folder)/seed-\(index)"))
    }
    guard let captures, let names = try? FileManager.default.contentsOfDirectory(atPath: captures) else { return }
    for name in names where name.hasSuffix(".pcap") {
        let octets = [UInt8](try Data(contentsOf: URL(filePath: "\(captures)/\(name)")))
        if let seed = target.seed(from: octets) { try Data(seed).write(to: URL(filePath: "\(folder)/\(name)")) }
    }
}

/// What must be true whatever comes; if it is not, that is the finding.
func check(_ condition: Bool, _ what: StaticString) {
    guard condition else {
        print("violated: \(what)")
        abort()
    }
}
