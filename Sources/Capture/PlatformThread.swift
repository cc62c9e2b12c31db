internal import CFloodgate

/// A thread of its own for a loop that blocks, which the cooperative pool must not be used for.
public final class PlatformThread: Sendable {
    private let handle: UInt64

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts the thread; nil when the system has none left.
    public init?(name: String, _ body: @escaping @Sendable () -> Void) {
        let context = unsafe Unmanaged.passRetained(Body(body))
        var handle: UInt64 = 0
        let error = unsafe floodgate_thread_start(
            name,
            { context in
                if let context = unsafe context {
                    unsafe Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
                }
                return nil
            },
            context.toOpaque(),
            &handle
        )
        guard error == 0 else {
            unsafe context.release()
            return nil
        }
        self.handle = handle
    }

    /// Waits for the thread's end. To be called once.
    public func join() { floodgate_thread_join(handle) }
}
