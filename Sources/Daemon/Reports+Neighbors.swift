import BGP
import Control
import FlowSpec
import NetworkTypes
import Speaker

extension Reports {
    static func neighbor(_ status: NeighborStatus) -> NeighborReport {
        var report = NeighborReport(
            address: status.configuration.address.description,
            remoteAS: status.configuration.remoteAS.rawValue,
            state: status.state.rawValue
        )
        report.description = status.configuration.description
        report.isDynamic = status.isDynamic
        report.stateSeconds = status.inState.inSeconds
        report.families = status.parameters?.families.map(\.rawValue) ?? []
        report.capabilities = status.parameters?.features ?? []
        report.software = status.parameters?.remote.softwareVersion
        report.hostName = status.parameters?.remote.hostName
        report.holdTimeSeconds = status.parameters.map { $0.holdTime?.inSeconds ?? 0 }
        let profile = status.configuration.profile
        let redirects = profile.redirects == .asWritten ? "" : ", redirects \(profile.redirects.rawValue)"
        report.profile = (profile.maximumTerms == nil ? "unrestricted" : "compatible") + redirects
        report.refusedRules = status.refusedRoutes
        report.rules = status.routes
        report.announcedRoutes = status.announcedRoutes
        report.receivedRoutes = Dictionary(
            uniqueKeysWithValues: status.receivedRoutes.map { ($0.key.rawValue, $0.value) }
        )
        report.receivedBeyondLimit = status.receivedBeyondLimit
        report.messagesReceived = status.messagesReceived
        report.messagesSent = status.messagesSent
        report.unreadableRules = status.unreadableRules
        report.updateFaults = status.updateFaults
        report.lastFault = status.lastFault.map { "\($0)" }
        report.disabledFamilies = status.disabledFamilies.map(\.rawValue).sorted()
        report.quarantined = status.quarantined.map { entry in
            .init(match: "\(entry.route)", error: "\(entry.error)", since: "\(entry.since)")
        }
        report.isSearchingForFault = status.isSearchingForFault
        report.lastError = status.lastError
        report.hints = hints(status)
        return report
    }

    static func neighborRule(_ route: NeighborRoute, number: UInt64?, complaint: BGPError?) -> NeighborRuleReport {
        NeighborRuleReport(
            id: number,
            match: "\(route.route)",
            action: route.announcement?.actionText,
            state: route.state.rawValue,
            queued: route.queuedAt.map { "\($0)" },
            sent: route.sentAt.map { "\($0)" },
            withdrawn: route.withdrawnAt.map { "\($0)" },
            complaint: complaint.map { "\($0)" } ?? route.refusal.map { "cannot be said to it: \($0)" }
        )
    }

    static func received(_ route: AnnouncedRoute, _ attributes: PathAttributes) -> ReceivedRouteReport {
        let announcement = Announcement(
            route: route,
            actions: attributes.actions,
            communities: attributes.communities,
            extendedCommunities: attributes.extendedCommunities,
            largeCommunities: attributes.largeCommunities,
            nextHop: attributes.nextHop,
            origin: attributes.origin,
            metric: attributes.metric,
            localPreference: attributes.localPreference
        )
        return ReceivedRouteReport(
            family: route.bgpFamily.rawValue,
            route: "\(announcement)",
            asPath: attributes.asPath.description
        )
    }

    /// What is to be configured on a router that does not speak a family that it is to have.
    static func hints(_ status: NeighborStatus) -> [String] {
        guard let parameters = status.parameters else { return [] }
        let missing = status.configuration.families.filter { !parameters.families.contains($0) }
        var hints: [String] = []
        if !missing.isEmpty {
            hints.append("the neighbor does not offer \(missing.map(\.rawValue).joined(separator: ", "))")
        }
        let rules = missing.filter(\.isFlowSpec)
        guard !rules.isEmpty else { return hints }
        let isIPv4 = rules.contains(.ipv4FlowSpec)
        let afi = isIPv4 ? "ipv4" : "ipv6"
        hints += [
            "IOS XR: router bgp AS / neighbor ADDRESS / address-family \(afi) flowspec; flowspec / local-install interface-all",
            "Junos: set protocols bgp group GROUP family \(isIPv4 ? "inet" : "inet6") flow",
            "SR OS: configure router bgp group NAME family flow-\(afi)",
            "EOS: router bgp AS / address-family flow-spec \(afi) / neighbor ADDRESS activate",
            "FRR: router bgp AS / address-family \(afi) flowspec / neighbor ADDRESS activate",
            "BIRD: \(isIPv4 ? "flow4" : "flow6") { table \(isIPv4 ? "flowtab4" : "flowtab6"); import all; export none; };",
        ]
        return hints
    }
}
