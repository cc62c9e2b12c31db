internal import FlowSpec
internal import NetworkTypes

/// What one neighbor is to have, and what of it has yet to be sent. The only queue there is towards a neighbor.
///
/// Changes to the same route before it was sent become one: a rule that came and went in between is never mentioned.
struct AdjRIBOut: Sendable {
    /// What is to be said in its turn.
    enum Mark: Sendable, Hashable {
        case endOfRIB(BGPFamily), beginRefresh(BGPFamily), endRefresh(BGPFamily)
    }

    /// What comes next: routes, or one mark between them.
    enum Batch: Sendable {
        case routes(announce: [Announcement], withdraw: [AnnouncedRoute])
        case mark(Mark)
    }

    /// Why a route that the neighbor is to have is not sent.
    enum Hold: UInt8, Sendable {
        case none
        /// The neighbor has as many as it may.
        case overLimit
        /// One of those that the neighbor may have complained of; its turn to be tried comes.
        case suspected
        /// The one that the neighbor complained of.
        case quarantined
        /// Its next hop cannot be said on the session that stands.
        case withoutNextHop
        /// It cannot be said at all on the session that stands; `refusals` has the reason.
        case refused
    }

    /// There is one for each route and neighbor, so it is kept small.
    struct Slot: Sendable {
        /// What was announced last, though it may be withdrawn since; nil while the slot waits for a route.
        fileprivate(set) var last: Announcement?
        fileprivate(set) var hash: UInt64
        /// When it was last announced, or let go on by the limit or the search for a bad rule; a withdrawal leaves it.
        fileprivate(set) var queuedAt: Timestamp
        /// Its place in the queue; 0 when it stands in none.
        fileprivate(set) var ticket: UInt64 = 0
        /// When the neighbor was last sent it; nil unless it holds it.
        fileprivate(set) var sentAt: Timestamp?
        /// The neighbor is to have it.
        fileprivate(set) var isWanted = true
        fileprivate(set) var hold = Hold.none
        /// The neighbor has had it for a while without complaint: others are likelier to be what it complains of.
        fileprivate(set) var isProven = false
        fileprivate(set) var family: BGPFamily

        fileprivate var isUsed: Bool { last != nil }
        var route: AnnouncedRoute? { last?.route }
        /// Nil: the neighbor is to have it no more.
        var announcement: Announcement? { isWanted ? last : nil }
    }

    private enum Item: Sendable {
        case slot(Int, ticket: UInt64)
        case mark(Mark)
    }

    private(set) var slots: [Slot] = []
    private var index = RouteIndex()
    private var free: [Int] = []
    private var queue: [Item] = []
    private var head = 0
    private var tickets: UInt64 = 0
    /// Routes and marks that wait; what stands in the queue beside them was overtaken.
    private(set) var waiting = 0
    /// The families of the session that stands; nil without one.
    private(set) var families: Set<BGPFamily>?
    private(set) var sentCount = 0
    /// Routes that count towards the limit.
    private var admitted = 0
    private var overLimit = WaitingLine()
    let maximum: Int
    /// What was withdrawn last, for those who want to know when.
    private(set) var withdrawn: [(route: AnnouncedRoute, queuedAt: Timestamp, sentAt: Timestamp?, at: Timestamp)] = []
    var quarantine = Quarantine()
    /// Families that are being said from the start: the mark that ends it waits.
    private var underWay: [BGPFamily: Run] = [:]
    /// Families that are to be said from the start once more when that is done.
    private var again: Set<BGPFamily> = []
    /// By place: why a route cannot be said on the session that stands.
    private(set) var refusals: [Int: CompatibilityProfile.Refusal] = [:]

    private enum Run: Sendable {
        /// The mark that begins it waits, and with it all routes.
        case toBegin
        case begun
    }

    static let rememberedWithdrawals = 1000

    init(maximum: Int = .max) { self.maximum = maximum }

    var hasPending: Bool { waiting > 0 }
    /// Routes that the neighbor is to have.
    var count: Int { index.count }

    subscript(route: AnnouncedRoute) -> Slot? { place(of: route, RouteIndex.hash(route)).map { slots[$0] } }

    private func place(of route: AnnouncedRoute, _ hash: UInt64) -> Int? {
        index.place(hash) { slots[$0].last?.route == route }
    }

    /// Makes room for many.
    mutating func reserve(_ more: Int) {
        index.reserve(more)
        slots.reserveCapacity(slots.count + more)
    }

    /// The places of all routes, in no order.
    var places: LazyFilterSequence<Range<Int>> { slots.indices.lazy.filter { slots[$0].isUsed } }

    // MARK: What the neighbor is to have

    mutating func announce(_ announcement: Announcement, at time: Timestamp) {
        let route = announcement.route
        let hash = RouteIndex.hash(route)
        if let known = place(of: route, hash) {
            let returns = !slots[known].isWanted
            guard returns || slots[known].last != announcement else { return }
            slots[known].last = announcement
            slots[known].isWanted = true
            // Another action may be what the neighbor can bear.
            if [.quarantined, .withoutNextHop, .refused].contains(slots[known].hold) { slots[known].hold = .none }
            refusals[known] = nil
            quarantine.forget(route)
            if returns { admit(known) }
            slots[known].isProven = false
            enqueue(known, at: time)
            return
        }
        let slot = Slot(last: announcement, hash: hash, queuedAt: time, family: route.bgpFamily)
        let place: Int
        // A search knows rules by their places: another's must not be taken for one that was tried.
        if !quarantine.isSearching, let reused = free.popLast() {
            place = reused
            slots[place] = slot
        } else {
            place = slots.count
            slots.append(slot)
        }
        index.insert(hash, at: place)
        admit(place)
        enqueue(place, at: time)
    }

    private mutating func admit(_ place: Int) {
        if admitted < maximum {
            admitted += 1
        } else {
            slots[place].hold = .overLimit
            overLimit.append(place)
        }
    }

    mutating func withdraw(_ route: AnnouncedRoute, at time: Timestamp) {
        guard let place = place(of: route, RouteIndex.hash(route)), slots[place].isWanted else { return }
        slots[place].isWanted = false
        slots[place].isProven = false
        if slots[place].hold == .overLimit { overLimit.remove(place) } else { admitted -= 1 }
        slots[place].hold = .none
        refusals[place] = nil
        quarantine.forget(route)
        if slots[place].sentAt != nil { enqueue(place, at: time) } else { forget(place) }
        while admitted < maximum, let next = overLimit.popFirst() {
            admitted += 1
            slots[next].hold = .none
            enqueue(next, at: time)
        }
    }

    private mutating func forget(_ place: Int) {
        index.remove(slots[place].hash, at: place)
        if slots[place].ticket != 0 { waiting -= 1 }
        slots[place].ticket = 0
        slots[place].last = nil
        free.append(place)
    }

    // MARK: The queue

    /// Without a session there is nothing to queue: the next one begins with all routes.
    private mutating func enqueue(_ place: Int, at time: Timestamp) {
        if slots[place].isWanted { slots[place].queuedAt = time }
        guard slots[place].hold == .none, families?.contains(slots[place].family) == true else { return }
        guard slots[place].ticket == 0 else { return }
        take(place)
    }

    private mutating func take(_ place: Int) {
        if slots[place].ticket == 0 { waiting += 1 }
        tickets &+= 1
        slots[place].ticket = tickets
        queue.append(.slot(place, ticket: tickets))
    }

    private mutating func enqueue(_ mark: Mark) {
        waiting += 1
        queue.append(.mark(mark))
    }

    /// The neighbor knows nothing: all routes of the families that were agreed have to be said, and then that it was all.
    mutating func beginSession(_ agreed: [BGPFamily], at time: Timestamp) {
        forgetSession(at: time)
        families = Set(agreed)
        for place in slots.indices where slots[place].isUsed { enqueue(place, at: time) }
        for family in agreed {
            underWay[family] = .begun
            enqueue(.endOfRIB(family))
        }
    }

    /// The neighbor asked for a family again.
    ///
    /// While the family is being said from the start, another time waits for the end of it: no BoRR may come before the
    /// End-of-RIB (RFC 7313 section 4), and a second one before the EoRR would make stale what was said after the first.
    ///
    /// - Parameter marked: say where it begins and ends (RFC 7313).
    mutating func resend(_ family: BGPFamily, marked: Bool) {
        guard families?.contains(family) == true else { return }
        guard marked else {
            // What waits is still to be said, in its place: before an End-of-RIB.
            for place in slots.indices where isToBeSaid(place, family) && slots[place].ticket == 0 { take(place) }
            return
        }
        switch underWay[family] {
        case .toBegin?: break
        case .begun?: again.insert(family)
        case nil: refresh(family)
        }
    }

    private func isToBeSaid(_ place: Int, _ family: BGPFamily) -> Bool {
        slots[place].isUsed && slots[place].family == family && slots[place].isWanted && slots[place].hold == .none
    }

    private mutating func refresh(_ family: BGPFamily) {
        underWay[family] = .toBegin
        enqueue(.beginRefresh(family))
        // Those that wait already move behind the mark: what came before it would count as gone. Withdrawals come first,
        // so that they need not wait for all routes; they move too, as they may become announcements yet.
        for place in slots.indices
        where slots[place].ticket != 0 && slots[place].family == family && !isToBeSaid(place, family) { take(place) }
        for place in slots.indices where isToBeSaid(place, family) { take(place) }
        enqueue(.endRefresh(family))
    }

    /// A mark has left the queue.
    private mutating func pass(_ mark: Mark) {
        switch mark {
        case .beginRefresh(let family): underWay[family] = .begun
        case .endOfRIB(let family), .endRefresh(let family):
            underWay[family] = nil
            if again.remove(family) != nil { refresh(family) }
        }
    }

    /// Whether a route waits that the neighbor was not told on this session. It may have it from the one before, and
    /// would let it go at the End-of-RIB (RFC 4724 section 4.2).
    private func awaitsFirst(_ family: BGPFamily) -> Bool {
        queue[head...].contains { item in
            guard case .slot(let place, let ticket) = item else { return false }
            return slots[place].ticket == ticket && slots[place].sentAt == nil && isToBeSaid(place, family)
        }
    }

    /// The session is gone, and with it what the neighbor knew.
    mutating func forgetSession(at time: Timestamp) {
        families = nil
        queue.removeAll()
        head = 0
        waiting = 0
        sentCount = 0
        underWay.removeAll()
        again.removeAll()
        refusals.removeAll()
        for place in slots.indices where slots[place].isUsed {
            // What the neighbor was to lose is lost with the session.
            if !isDue(place) { remember(place, at: time) }
            slots[place].ticket = 0
            slots[place].sentAt = nil
            if [.withoutNextHop, .refused].contains(slots[place].hold) { slots[place].hold = .none }
            if !slots[place].isWanted { forget(place) }
        }
    }

    /// The neighbor is to have it now.
    private func isDue(_ place: Int) -> Bool { slots[place].isWanted && slots[place].hold != .overLimit }

    private mutating func remember(_ place: Int, at time: Timestamp) {
        guard let route = slots[place].route, slots[place].sentAt != nil else { return }
        withdrawn.append((route, slots[place].queuedAt, slots[place].sentAt, time))
        if withdrawn.count > 2 * Self.rememberedWithdrawals {
            withdrawn.removeFirst(withdrawn.count - Self.rememberedWithdrawals)
        }
    }

    /// What comes next, taken off the queue: at most `limit` routes, and not beyond a mark. Nil when nothing waits.
    ///
    /// - Parameter obstacle: why an announcement cannot be said on this session. It is kept back then.
    mutating func next(
        _ limit: Int,
        at time: Timestamp,
        obstacle: (Announcement) -> UpdatePacker.Obstacle? = { _ in nil }
    ) -> Batch? {
        var announce: [Announcement] = []
        var withdraw: [AnnouncedRoute] = []
        loop: while head < queue.count, announce.count + withdraw.count < limit {
            switch queue[head] {
            case .mark(let mark):
                guard announce.isEmpty, withdraw.isEmpty else { break loop }
                head += 1
                if case .endOfRIB(let family) = mark, awaitsFirst(family) {
                    queue.append(.mark(mark))
                    continue
                }
                waiting -= 1
                pass(mark)
                shrink()
                return .mark(mark)
            case .slot(let place, let ticket):
                head += 1
                guard slots[place].ticket == ticket, let last = slots[place].last else { continue }
                slots[place].ticket = 0
                waiting -= 1
                let isDue = isDue(place)
                if isDue, slots[place].hold == .none {
                    if let found = obstacle(last) {
                        keepBack(place, found)
                    } else if slots[place].sentAt == nil, sentCount >= maximum {
                        // What makes room for it is said first; that waits further behind.
                        take(place)
                        continue
                    } else {
                        announce.append(last)
                        if slots[place].sentAt == nil { sentCount += 1 }
                        slots[place].sentAt = time
                        continue
                    }
                }
                // The neighbor may have had one that is kept back with something else.
                if slots[place].sentAt != nil {
                    withdraw.append(last.route)
                    sentCount -= 1
                    if !isDue { remember(place, at: time) }
                    slots[place].sentAt = nil
                }
                if !slots[place].isWanted { forget(place) }
            }
        }
        shrink()
        return announce.isEmpty && withdraw.isEmpty ? nil : .routes(announce: announce, withdraw: withdraw)
    }

    private mutating func keepBack(_ place: Int, _ obstacle: UpdatePacker.Obstacle) {
        switch obstacle {
        case .nextHop: slots[place].hold = .withoutNextHop
        case .refusal(let refusal):
            slots[place].hold = .refused
            refusals[place] = refusal
        }
    }

    // MARK: Holding back

    mutating func hold(_ places: some Sequence<Int>, _ hold: Hold) {
        for place in places { slots[place].hold = hold }
    }

    mutating func release(_ places: [Int], at time: Timestamp) {
        for place in places {
            slots[place].hold = .none
            enqueue(place, at: time)
        }
    }

    mutating func setProven(_ place: Int, _ isProven: Bool) { slots[place].isProven = isProven }

    /// Where a route stands that is held back like this.
    func heldPlace(of route: AnnouncedRoute, _ hold: Hold) -> Int? {
        place(of: route, RouteIndex.hash(route)).flatMap { slots[$0].hold == hold ? $0 : nil }
    }

    private mutating func shrink() {
        if head == queue.count {
            queue.removeAll(keepingCapacity: queue.count < 4096)
            head = 0
        } else if head > 4096, head > queue.count / 2 {
            queue.removeFirst(head)
            head = 0
        }
    }
}
