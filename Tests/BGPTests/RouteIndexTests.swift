import FlowSpec
import NetworkTypes
import Simulation
import Testing

@testable import BGP

/// Against a dictionary, through growth, removal and reuse.
@Test func theTableOfAnnouncementsIsADictionary() {
    var random = SeededGenerator(seed: 7)
    var table = AnnouncementTable()
    var model: [AnnouncedRoute: Announcement] = [:]
    for step in 0..<20_000 {
        let prefix = IPPrefix(host: IPAddress(v4: UInt32.random(in: 0..<(step < 10_000 ? 3000 : 50), using: &random)))
        var announcement = Announcement(route: .unicast(prefix))
        announcement.communities = [Community(rawValue: UInt32(step))]
        if Bool.random(using: &random) {
            table.insert(announcement)
            model[announcement.route] = announcement
        } else {
            table.remove(announcement.route)
            model[announcement.route] = nil
        }
        if step == 5000 { table.reserve(10_000) }
        #expect(table.count == model.count)
    }
    #expect(Set(table.all) == Set(model.values))
}
