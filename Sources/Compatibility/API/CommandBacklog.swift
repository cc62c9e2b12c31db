public import FlowSpec
internal import NetworkTypes

/// What an ExaBGP that reads commands is to announce, against what it was told: the difference as commands.
///
/// It is bounded by what there is to say rather than by what happened: a rule that came and went before it was its turn
/// is not mentioned.
public struct CommandBacklog: Sendable {
    private var wanted: [AnnouncedRoute: Announcement] = [:]
    /// What it was told since its reader came.
    private var told: [AnnouncedRoute: Announcement] = [:]
    /// What it may have and must not.
    private var gone = WithdrawnRoutes()
    /// Routes of which it must be told something, in order, and each once.
    private var queue: [AnnouncedRoute] = []
    private var head = 0
    private var queued: Set<AnnouncedRoute> = []
    /// Commands that `next` has given out.
    public private(set) var commands: UInt64 = 0

    public init() {}

    public var wantedCount: Int { wanted.count }
    public var toldCount: Int { told.count }
    public var isEmpty: Bool { head == queue.count }
    /// Whether it was told to announce the route as it stands.
    public func isTold(_ route: AnnouncedRoute) -> Bool { told[route] != nil && !queued.contains(route) }

    public mutating func announce(_ announcement: Announcement) {
        wanted[announcement.route] = announcement
        enqueue(announcement.route)
    }

    public mutating func withdraw(_ route: AnnouncedRoute) {
        let former = wanted.removeValue(forKey: route)
        gone.insert(told[route] ?? former ?? Announcement(route: route))
        enqueue(route)
    }

    public mutating func withdrawAll() { for route in Array(wanted.keys) { withdraw(route) } }

    /// It may still have this, which is not wanted unless it is announced again.
    public mutating func recall(_ announcement: Announcement) {
        guard wanted[announcement.route] == nil else { return }
        gone.insert(announcement)
        enqueue(announcement.route)
    }

    /// A reader has come of whom nothing is known: it may have forgotten everything, or nothing.
    public mutating func beginAnew() {
        queue = []
        head = 0
        queued = []
        told = [:]
        for announcement in gone.all where wanted[announcement.route] == nil { enqueue(announcement.route) }
        for route in wanted.keys { enqueue(route) }
    }

    private mutating func enqueue(_ route: AnnouncedRoute) {
        if queued.insert(route).inserted { queue.append(route) }
    }

    /// The next commands, each on a line: as many as fit into `limit` octets, or one that is longer. Empty when there is
    /// nothing to say.
    public mutating func next(upTo limit: Int) -> [UInt8] {
        var lines: [UInt8] = []
        while head < queue.count {
            let route = queue[head]
            let line = command(for: route)
            guard lines.isEmpty || lines.count + line.count <= limit else { break }
            lines += line
            if !line.isEmpty { commands &+= 1 }
            head += 1
            queued.remove(route)
            told[route] = wanted[route]
            // What was withdrawn stays in mind: who was to read it may be gone before he does.
            if wanted[route] != nil { gone.remove(route) }
        }
        if isEmpty {
            queue.removeAll(keepingCapacity: queue.count < 4096)
            head = 0
        } else if head > 4096, head > queue.count / 2 {
            queue.removeFirst(head)
            head = 0
        }
        return lines
    }

    private func command(for route: AnnouncedRoute) -> [UInt8] {
        if let announcement = wanted[route] {
            return told[route] == announcement ? [] : Array("announce \(announcement)\n".utf8)
        }
        guard let former = told[route] ?? gone[route] else { return [] }
        var text = TextCommand(.withdraw(route)).description
        // ExaBGP knows a unicast route by its next hop too.
        if case .unicast = route { text += " next-hop \(former.nextHop?.description ?? "self")" }
        return Array("\(text)\n".utf8)
    }
}

/// The routes that were withdrawn last, with what was said of them.
private struct WithdrawnRoutes: Sendable {
    private static let most = 4096
    private var byRoute: [AnnouncedRoute: Announcement] = [:]
    private var order: [AnnouncedRoute] = []

    subscript(route: AnnouncedRoute) -> Announcement? { byRoute[route] }
    var all: [Announcement] { order.compactMap { byRoute[$0] } }

    mutating func insert(_ announcement: Announcement) {
        if byRoute.updateValue(announcement, forKey: announcement.route) == nil { order.append(announcement.route) }
        guard order.count > 2 * Self.most else { return }
        // Some were announced again meanwhile, and may stand twice.
        var kept: Set<AnnouncedRoute> = []
        let latest = order.reversed().filter { byRoute[$0] != nil && kept.insert($0).inserted }.prefix(Self.most)
        order = latest.reversed()
        kept = Set(order)
        byRoute = byRoute.filter { kept.contains($0.key) }
    }

    mutating func remove(_ route: AnnouncedRoute) { byRoute[route] = nil }
}
