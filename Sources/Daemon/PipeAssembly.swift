import Compatibility

/// The octets of one pipe, as commands.
///
/// They are read by one task and looked at by another, which takes what is complete though its line was not ended once
/// nothing has come for a while. Octets that were read and not yet taken count as having come: what they go on with is
/// not finished without them, nor carried out after them.
struct PipeAssembly: Sendable {
    private var octets = CommandAssembler()
    private var isIdle = false
    private var waiting = 0

    /// Notes that octets were read, which `take` will be given.
    mutating func noteArrival() { waiting += 1 }

    mutating func take(_ arrived: some Sequence<UInt8>) -> [APIReading] {
        waiting = max(0, waiting - 1)
        isIdle = false
        return octets.take(arrived).flatMap { APIReading.read($0) }
    }

    /// What is complete, once nothing has come between two calls.
    mutating func takeIdle() -> [APIReading] {
        guard waiting == 0 else { return [] }
        defer { isIdle = true }
        return isIdle ? takeRest() : []
    }

    /// What is complete, as nobody goes on with it.
    mutating func takeRest() -> [APIReading] { octets.finishIdle().flatMap { APIReading.read($0) } }
}
