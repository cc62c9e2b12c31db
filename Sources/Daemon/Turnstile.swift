/// Lets one through after another, in the order in which they came, where an actor would let the next in at each
/// suspension of the first.
actor Turnstile {
    private(set) var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func pass(_ body: @Sendable () async -> Void) async {
        await enter()
        await body()
        leave()
    }

    private func enter() async {
        guard isTaken else {
            isTaken = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func leave() {
        guard !waiting.isEmpty else {
            isTaken = false
            return
        }
        // It stays taken: by the next.
        waiting.removeFirst().resume()
    }
}
