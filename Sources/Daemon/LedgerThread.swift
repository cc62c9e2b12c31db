import NIOCore
import NIOPosix

/// The thread on which orders are read, entered on the ledger and written to disk: one after another, and without another
/// thread that would have to be woken in between, which takes as long as the work itself.
///
/// It alone waits for the disk. The speaker is on another: keepalives leave on time however slow the disk is.
final class LedgerThread: TaskExecutor {
    private let group: MultiThreadedEventLoopGroup
    let loop: any EventLoop

    init() {
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        loop = group.next()
    }

    /// For actors.
    var serialExecutor: UnownedSerialExecutor { unsafe loop.executor.asUnownedSerialExecutor() }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { [self] in unsafe job.runSynchronously(on: asUnownedTaskExecutor()) }
    }

    /// To be called from elsewhere, when nothing runs on it any more.
    func stop() async { try? await group.shutdownGracefully() }
}
