internal import DaemonConfiguration
internal import NetworkTypes

/// A neighbor while its statements, its group's and those that it inherits are gone through.
struct ExaBGPNeighbor {
    /// What stands behind `neighbor`: an address, a range, or in 5.0 any name.
    var name: String
    var line: Int
    /// Keys of `bgp.neighbors[]`.
    var values: [String: ConfigurationNode] = [:]
    var routerID: ConfigurationNode?
    var localAS: ConfigurationNode?
    var hostName: ConfigurationNode?
    var saysVersion = false
    /// The port that `listen` names.
    var listenPort: ConfigurationNode?
    var holdTime = 180
    /// Nil: restarts are not graceful; 0: as long as the hold time.
    var restartTime: Int?
    var restartLine = 0
    var families: [ConfigurationNode] = []
    /// A `family` section stands there.
    var namesFamilies = false
    /// What `nexthop` in `capability` says; nil where nothing does.
    var nextHopFlag: ConfigurationNode?
    /// The line of its section `nexthop`; nil where there is none.
    var nextHopLine: Int?
    /// It names IPv4 prefixes with a next hop of IPv6.
    var hasIPv6NextHops = false
    var password: (text: String, statement: ExaBGPStatement)?
    /// `md5-base64`; nil: `auto`.
    var passwordIsBase64: Bool? = false
    var apis: [ExaBGPAPI] = []
    var routes: [ExaBGPRoute] = []

    /// Those that Floodgate speaks, which is what `all` and no section at all mean.
    static let allFamilies = [
        "ipv4-unicast", "ipv6-unicast", "ipv4-flowspec", "ipv6-flowspec", "ipv4-flowspec-vpn", "ipv6-flowspec-vpn",
    ]

    init(_ name: String, line: Int) {
        self.name = name
        self.line = line
    }

    var address: String { values["address"]?.scalar ?? name }
    var localAddress: String? { values["local_address"]?.scalar }
    var isPassive: Bool { values["passive"]?.scalar == "true" }
    var isRange: Bool { address.contains("/") }
}

/// What a neighbor's `api` asks for.
struct ExaBGPAPI {
    /// Names, with the lines that they stand in.
    var processes: [(name: String, line: Int)] = []
    /// Regular expressions.
    var patterns: [(text: String, line: Int)] = []
    /// The processes are told when the session comes up and goes.
    var tellsChanges = false
}

/// A route or rule of the file.
struct ExaBGPRoute {
    /// As a command without its verb.
    var command: ExaBGPSyntax.Command
    var statement: ExaBGPStatement
}
