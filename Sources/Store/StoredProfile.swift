internal import Detection
internal import Foundation
internal import NetworkTypes

/// An attack's profile as it stands on disk: texts with their amounts.
struct StoredProfile: Codable {
    struct Amount: Codable {
        var value: String
        var amount: Double
    }

    var samples: UInt64
    var total: Double
    var peers: [Amount]
    var networks: [Amount]
    var sourcePorts: [Amount]
    var destinationPorts: [Amount]
    var lengths: [Amount]
    /// `exporter interface`.
    var entrances: [Amount]

    init(_ profile: AttackProfile) {
        func list<Value>(_ values: HeavyHitters<Value>, _ text: (Value) -> String) -> [Amount] {
            values.top.map { Amount(value: text($0.value), amount: $0.amount) }
        }
        samples = profile.samples
        total = profile.total
        peers = list(profile.peers, \.description)
        networks = list(profile.networks, \.description)
        sourcePorts = list(profile.sourcePorts, \.description)
        destinationPorts = list(profile.destinationPorts, \.description)
        lengths = list(profile.lengths, \.description)
        entrances = list(profile.entrances) { "\($0.exporter) \($0.interface)" }
    }

    func profile() -> AttackProfile {
        func pairs<Value>(_ list: [Amount], _ value: (String) -> Value?) -> [(value: Value, amount: Double)] {
            list.compactMap { amount in value(amount.value).map { (value: $0, amount: amount.amount) } }
        }
        return AttackProfile(
            samples: samples,
            total: total,
            peers: pairs(peers) { IPAddress($0) },
            networks: pairs(networks) { IPPrefix($0) },
            sourcePorts: pairs(sourcePorts) { UInt16($0) },
            destinationPorts: pairs(destinationPorts) { UInt16($0) },
            lengths: pairs(lengths) { UInt16($0) },
            entrances: pairs(entrances) { text in
                let parts = text.split(separator: " ")
                guard parts.count == 2, let exporter = IPAddress(String(parts[0])), let interface = UInt32(parts[1])
                else { return nil }
                return AttackProfile.Entrance(exporter: exporter, interface: interface)
            }
        )
    }
}
