internal import NetworkTypes

/// A prefix as other programs take it: with host bits, which they clear.
struct LegacyPrefix {
    var prefix: IPPrefix
    /// Host bits stood there.
    var isMasked: Bool
    /// No length stood there: one host.
    var isBare: Bool

    /// Nil for what is no prefix.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2, let address = IPAddress(String(first)) else { return nil }
        guard parts.count == 2 else {
            (prefix, isMasked, isBare) = (IPPrefix(host: address), false, true)
            return
        }
        guard (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ (48...57).contains($0) }),
            let length = Int(parts[1]), let prefix = IPPrefix(address, length: length)
        else { return nil }
        self.prefix = prefix
        isMasked = prefix.address != address
        isBare = false
    }
}
