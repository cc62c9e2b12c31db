/// What a decoder remembers of all its exporters together, in octets. Shared by the states of its exporters, so that forged
/// ones cannot fill memory by their number.
final class KnowledgeAccount {
    /// An estimate that rather says too much.
    var octets = 0
    var limit: Int
    /// Whether an exporter has told something that is to be kept.
    var hasNews = false
    /// Templates that went for want of room.
    var forgottenTemplates: UInt64 = 0

    init(limit: Int) { self.limit = limit }

    /// What each piece takes, its place in the tables of those who look at it included.
    enum Cost {
        static let exporter = 4096
        static let domain = 1024
        static let template = 384
        static let field = 24
        static let rate = 64
        static let dropSource = 64
        static let interface = 256
        static let withdrawal = 64
    }
}
