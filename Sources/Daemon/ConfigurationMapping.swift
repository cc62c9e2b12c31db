import BGP
import DaemonConfiguration
import Detection
import Mitigation
import NetworkTypes
import Speaker
import Telemetry
import Traffic

/// The configuration as each room wants it.
extension DaemonConfiguration {
    var trafficConfiguration: TrafficConfiguration {
        var configuration = TrafficConfiguration(
            networks: networks,
            groups: trafficGroups,
            ignoredSources: whitelistedSources,
            tick: detection.tick,
            window: detection.window,
            maximumHosts: detection.maximumHosts
        )
        configuration.smoothing = detection.smoothing.map { ExponentialSmoothing(timeConstant: $0) }
        return configuration
    }

    var telemetryConfiguration: TelemetryConfiguration {
        TelemetryConfiguration(
            exporters: telemetry.exporters.map { exporter in
                .init(
                    prefix: exporter.prefix,
                    samplingRate: exporter.samplingRate,
                    overridesSampling: exporter.overridesSampling,
                    activeTimeout: exporter.activeTimeout,
                    isScopedByPort: exporter.isScopedByPort,
                    totalCounters: exporter.hasRunningTotals ? .running : .deltas,
                    countsIngressOnly: exporter.countsIngressOnly
                )
            },
            defaultSamplingRate: telemetry.defaultSamplingRate,
            decapsulates: tunnels
        )
    }

    private var tunnels: Tunnels {
        Tunnels.named.reduce(into: []) { tunnels, known in
            if telemetry.decapsulates.contains(known.name) { tunnels.insert(known.tunnel) }
        }
    }

    /// Of the traffic itself.
    ///
    /// - Parameter isThinned: whether the kernel has thinned it out, as on a mirror port; a capture file has all of it.
    func packetDecoder(isThinned: Bool) -> PacketDecoder {
        let mirror = telemetry.mirror
        let rate = UInt64(mirror.samplingRate) * UInt64(isThinned ? mirror.kernelSampling : 1)
        return PacketDecoder(samplingRate: UInt32(clamping: rate), decapsulating: tunnels)
    }

    var mitigationPolicy: MitigationPolicy {
        var policy = MitigationPolicy(
            mode: mitigation.enforces ? .enforce : .observe,
            networks: networks,
            whitelist: whitelistedDestinations,
            banTime: mitigation.banTime,
            unbanOnlyIfAttackFinished: mitigation.unbanOnlyIfAttackFinished,
            communities: mitigation.communities,
            templates: mitigation.templates,
            maximumRules: mitigation.maximumRules,
            maximumChangesPerMinute: mitigation.maximumChangesPerMinute,
            shortestIPv4Length: mitigation.shortestIPv4Length,
            shortestIPv6Length: mitigation.shortestIPv6Length
        )
        policy.kinds = mitigation.kinds.map { Set($0.compactMap { AttackKind(rawValue: $0) }) } ?? policy.kinds
        policy.announcesRules = mitigation.announcesRules
        policy.synthesizes = mitigation.synthesizes
        policy.coverage = mitigation.coverage
        policy.maximumRulesPerAttack = mitigation.maximumRulesPerAttack
        policy.fixedTemplates = mitigation.fixedTemplates
        // A rule goes to all neighbors: it must be one that each of them takes.
        policy.lacks = bgp.neighbors.reduce(into: []) { $0.formUnion($1.lacks) }
        let blackholes = mitigation.blackholes
        policy.blackholes.hosts = blackholes.hosts
        policy.blackholes.networks = blackholes.networks
        policy.blackholes.communities = blackholes.communities
        policy.blackholes.networkCommunities = blackholes.networkCommunities
        policy.blackholes.nextHop = blackholes.nextHop
        policy.blackholes.nextHopIPv6 = blackholes.nextHopIPv6
        addEscalation(to: &policy)
        return policy
    }

    var neighborConfigurations: [NeighborConfiguration] {
        bgp.neighbors.map { neighbor in
            var configuration = NeighborConfiguration(
                address: neighbor.address,
                port: neighbor.port,
                localAddress: neighbor.localAddress,
                remoteAS: neighbor.remoteAS,
                localAS: neighbor.localAS,
                routerID: (neighbor.routerID ?? bgp.routerID)?.v4 ?? 0,
                holdTime: neighbor.holdTime,
                families: neighbor.families.compactMap { BGPFamily(rawValue: $0) },
                isPassive: neighbor.isPassive,
                communities: neighbor.communities,
                description: neighbor.description,
                password: neighbor.password,
                ttlSecurityHops: neighbor.ttlSecurityHops
            )
            configuration.range = neighbor.range
            configuration.maximumNeighbors = neighbor.maximumNeighbors
            configuration.sendHoldTime = neighbor.sendHoldTime
            configuration.delayOpen = neighbor.delayOpen
            configuration.authentication = neighbor.authentication.flatMap { keys in
                TCPAuthentication.Algorithm(rawValue: keys.algorithm).map { algorithm in
                    TCPAuthentication(
                        key: keys.key,
                        sendID: keys.sendID,
                        receiveID: keys.receiveID,
                        algorithm: algorithm
                    )
                }
            }
            configuration.hopLimit = neighbor.hopLimit
            configuration.gracefulRestart = neighbor.gracefulRestart.map { restart in
                GracefulRestartPolicy(restartTime: restart.restartTime, longLivedTime: restart.longLivedTime)
            }
            configuration.role = SpeakerRole.allCases.first { $0.name == neighbor.role }
            configuration.requiresRole = neighbor.requiresRole
            configuration.addPath = neighbor.addPath.flatMap { Capabilities.AddPathMode(name: $0) }
            configuration.extendedNextHop = neighbor.extendedNextHop
            configuration.profile = neighbor.takesAllRules ? .unrestricted : .compatible
            configuration.profile.redirects = RedirectEncoding(rawValue: neighbor.redirects) ?? .asWritten
            configuration.profile.vpn = neighbor.vpn.map { .init($0.distinguisher, targets: $0.targets) }
            configuration.filter = OutboundFilter(
                prefixes: neighbor.announcedPrefixes,
                communities: neighbor.announcedCommunities
            )
            configuration.maximumRoutes = neighbor.maximumRules ?? .max
            configuration.maximumReceived = neighbor.maximumReceived
            configuration.endsSessionAtLimit = neighbor.endsSessionAtLimit
            configuration.shutdownText = bgp.shutdownMessage
            configuration.hostName = bgp.hostName
            configuration.softwareVersion = bgp.saysVersion ? "floodgate/\(Version.text)" : nil
            return configuration
        }
    }

    var speakerListenAddresses: [Speaker.ListenAddress] {
        bgp.listen.map { .init(address: $0.address, port: $0.port) }
    }
}
