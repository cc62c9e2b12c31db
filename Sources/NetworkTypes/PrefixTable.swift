/// A longest-prefix-match table over both address families.
///
/// The prefixes are flattened once into disjoint address ranges, so a lookup is a binary search over plain integers
/// that allocates nothing: three comparisons for an operator with a handful of networks.
public struct PrefixTable<Value: Sendable>: Sendable {
    /// The first address of each range, ascending.
    @usableFromInline let starts: [IPAddress]
    /// Where the longest match of each range stands in `entries`; negative where none matches.
    @usableFromInline let matches: [Int32]
    /// What was put in, by ascending prefix.
    public let entries: [(prefix: IPPrefix, value: Value)]

    /// Builds the table. Of equal prefixes the last one wins.
    public init(_ prefixes: some Sequence<(IPPrefix, Value)>) {
        var unique: [IPPrefix: Value] = [:]
        for (prefix, value) in prefixes { unique[prefix] = value }
        let entries = unique.sorted { $0.key < $1.key }.map { (prefix: $0.key, value: $0.value) }
        var starts: [IPAddress] = []
        var matches: [Int32] = []
        func begin(at address: IPAddress, match: Int32) {
            if starts.last == address {
                matches[matches.count - 1] = match
            } else if matches.last ?? -1 != match {
                starts.append(address)
                matches.append(match)
            }
        }
        // Sorted by address and then length, an enclosing prefix comes before what it encloses: a stack of open
        // prefixes tells which one each range belongs to.
        var open: [(last: IPAddress, match: Int32)] = []
        func close(before address: IPAddress?) {
            while let top = open.last {
                if let address, top.last >= address { return }
                open.removeLast()
                if let next = top.last.successor { begin(at: next, match: open.last?.match ?? -1) }
            }
        }
        func enter(_ prefix: IPPrefix, match: Int32) {
            close(before: prefix.address)
            begin(at: prefix.address, match: match)
            open.append((prefix.lastAddress, match))
        }
        // IPv4 lies within IPv6 as far as the bits go: an IPv6 prefix that reaches around it must not match it.
        var wall = IPPrefix(IPAddress(v4: 0), length: 0)
        for (index, entry) in entries.enumerated() {
            if let all = wall, entry.prefix.address >= all.address {
                enter(all, match: -1)
                wall = nil
            }
            enter(entry.prefix, match: Int32(index))
        }
        if let all = wall { enter(all, match: -1) }
        close(before: nil)
        self.starts = starts
        self.matches = matches
        self.entries = entries
    }

    public var isEmpty: Bool { entries.isEmpty }
    public var count: Int { entries.count }

    /// Where the longest prefix that contains the address stands in `entries`, or -1.
    @inlinable
    public func index(of address: IPAddress) -> Int {
        var low = 0
        var high = starts.count
        while low < high {
            let middle = (low &+ high) >> 1
            if address < starts[middle] { high = middle } else { low = middle &+ 1 }
        }
        return low == 0 ? -1 : Int(matches[low &- 1])
    }

    @inlinable
    public func contains(_ address: IPAddress) -> Bool { index(of: address) >= 0 }

    /// The longest prefix that contains the address, with its value.
    public func match(_ address: IPAddress) -> (prefix: IPPrefix, value: Value)? {
        let index = index(of: address)
        return index < 0 ? nil : entries[index]
    }

    /// The longest prefix that contains the whole of `prefix`, with its value.
    public func match(_ prefix: IPPrefix) -> (prefix: IPPrefix, value: Value)? {
        entries.last { $0.prefix.contains(prefix) }
    }
}

extension IPAddress {
    /// The next higher address of 128 bits; nil after the last.
    fileprivate var successor: IPAddress? {
        if low != .max { return IPAddress(high: high, low: low + 1) }
        return high == .max ? nil : IPAddress(high: high + 1, low: 0)
    }
}
