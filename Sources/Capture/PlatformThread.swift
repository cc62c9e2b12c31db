internal import CFloodgate

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

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

    /// Lets the calling thread sleep, at least about as long.
    public static func sleep(nanoseconds: Int64) {
        var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        unsafe nanosleep(&time, nil)
    }

    /// Waits for the thread's end. To be called once.
    public func join() { floodgate_thread_join(handle) }
}
