/// Lines that wait until a process reads them, within bounds: of too many the oldest go.
public struct OutboundLines: Sendable {
    private var lines: [[UInt8]] = []
    private var head = 0
    /// How much of the first has been written: it must be finished, whatever comes.
    private var written = 0
    private var octets = 0
    /// Lines that were let go unread.
    public private(set) var dropped: UInt64 = 0
    /// Octets that may wait.
    public let limit: Int

    public init(limit: Int = 1 << 20) { self.limit = limit }

    public var isEmpty: Bool { head == lines.count }

    public mutating func append(_ text: String) {
        let line = Array(text.utf8)
        guard line.count <= limit else {
            dropped &+= 1
            return
        }
        lines.append(line)
        octets += line.count
        while octets > limit, lines.count - head > 1 {
            // The first may be half written.
            let oldest = written > 0 ? head + 1 : head
            guard oldest < lines.count - 1 else { break }
            octets -= lines[oldest].count
            if oldest > head { lines[oldest] = lines[head] }
            head += 1
            dropped &+= 1
        }
        compact()
    }

    /// Hands the octets that come next to `write` until it takes no more.
    ///
    /// - Parameter write: how many it took.
    public mutating func drain(_ write: ([UInt8]) -> Int) {
        while head < lines.count {
            let rest = written == 0 ? lines[head] : Array(lines[head][written...])
            let count = min(max(write(rest), 0), rest.count)
            written += count
            guard written == lines[head].count else { return }
            octets -= lines[head].count
            written = 0
            head += 1
        }
        compact()
    }

    private mutating func compact() {
        if head == lines.count {
            lines.removeAll(keepingCapacity: lines.count < 1024)
            head = 0
        } else if head > 1024, head > lines.count / 2 {
            lines.removeFirst(head)
            head = 0
        }
    }
}
