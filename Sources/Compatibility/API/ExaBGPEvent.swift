public import NetworkTypes

/// What a process is told, in the forms of ExaBGP 4.2 and 5.0.
public struct ExaBGPEvent: Sendable, Hashable {
    /// Who speaks, and when.
    public struct Source: Sendable, Hashable {
        public var host: String
        public var process: Int32
        public var parent: Int32

        public init(host: String, process: Int32, parent: Int32) {
            self.host = host
            self.process = process
            self.parent = parent
        }
    }

    /// The neighbor that it is about.
    public struct Neighbor: Sendable, Hashable {
        public var local: IPAddress?
        public var peer: IPAddress
        public var localAS: ASN
        public var peerAS: ASN
        public var routerID: IPAddress?

        public init(local: IPAddress?, peer: IPAddress, localAS: ASN, peerAS: ASN, routerID: IPAddress?) {
            self.local = local
            self.peer = peer
            self.localAS = localAS
            self.peerAS = peerAS
            self.routerID = routerID
        }
    }

    public enum Change: Sendable, Hashable {
        case up
        case down(reason: String)
    }

    public var neighbor: Neighbor
    public var change: Change

    public init(_ change: Change, of neighbor: Neighbor) {
        self.change = change
        self.neighbor = neighbor
    }

    /// `neighbor 192.0.2.1 down - hold timer expired`, with the end of the line.
    public var text: String {
        switch change {
        case .up: "neighbor \(neighbor.peer) up\n"
        case .down(let reason): "neighbor \(neighbor.peer) down - \(JSONText.oneLine(reason))\n"
        }
    }

    /// One object on one line.
    ///
    /// - Parameters:
    ///   - time: seconds since 1970.
    ///   - counter: counts the events of a neighbor.
    public func json(at time: Double, from source: Source, counter: UInt64) -> String {
        let local = neighbor.local?.description ?? ""
        var inner =
            "\"address\": { \"local\": \"\(local)\", \"peer\": \"\(neighbor.peer)\" }, "
            + "\"asn\": { \"local\": \(neighbor.localAS.rawValue), \"peer\": \(neighbor.peerAS.rawValue) }, "
        if let routerID = neighbor.routerID { inner += "\"router-id\": \"\(routerID)\", " }
        switch change {
        case .up: inner += "\"state\": \"up\""
        case .down(let reason): inner += "\"state\": \"down\", \"reason\": \(JSONText.quoted(reason))"
        }
        return "{ \"exabgp\": \"5.0.0\", \"time\": \(time), \"host\" : \(JSONText.quoted(source.host)), "
            + "\"pid\" : \(source.process), \"ppid\" : \(source.parent), \"counter\": \(counter), "
            + "\"type\": \"state\", \"neighbor\": { \(inner) } }\n"
    }
}
