import DaemonConfiguration
import FlowSpec
import Foundation
import NetworkTypes
import Simulation
import TestSupport
import Testing

@testable import Compatibility

/// What stands in an exabgp.conf, in the keys of floodgate.yaml.
struct ExaBGPFileTests {
    /// The model of a file, with the networks that an exabgp.conf cannot name.
    static func load(
        _ text: String,
        networks: String = "[198.51.100.0/24, 2001:db8:100::/48]"
    ) throws -> DaemonConfiguration {
        let read = ExaBGPFile.read(text, file: "/etc/exabgp/exabgp.conf")
        let errors = read.remarks.filter { $0.severity == .error }
        #expect(errors.isEmpty, "\(errors.map(\.description))")
        let own = try DaemonConfiguration.document(yaml: "networks: \(networks)", file: "floodgate.yaml")
        return try DaemonConfiguration.load(read.document.overlaid(by: own)) { _ in throw CocoaError(.fileNoSuchFile) }
    }

    static func remarks(_ text: String) -> [String] {
        ExaBGPFile.read(text, file: "exabgp.conf").remarks.map(\.description)
    }

    static let neighbor = """
        neighbor 192.0.2.1 {
            router-id 192.0.2.10;
            local-address 192.0.2.10;
            local-as 65001;
            peer-as 65002;
            $
        }
        """

    static func around(_ inner: String) -> String { neighbor.replacing("$", with: inner) }

    @Test(.enabled(if: SharedFiles.isPresent, Comment(rawValue: SharedFiles.absence)))
    func theGuidesFileIsTakenForWhatItMeant() throws {
        let text = String(decoding: try SharedFiles.data("guide/etc/exabgp/exabgp.conf"), as: UTF8.self)
        let configuration = try Self.load(text)
        #expect(configuration.exabgpPipes.map(\.path) == ["/var/run/exabgp.cmd"])
        #expect(configuration.processes.isEmpty)
        let neighbor = try #require(configuration.bgp.neighbors.first)
        #expect(configuration.bgp.neighbors.count == 1)
        #expect(configuration.bgp.routerID == IPAddress("192.0.2.10"))
        #expect(neighbor.address == IPAddress("192.0.2.1") && neighbor.localAddress == IPAddress("192.0.2.10"))
        #expect(neighbor.localAS == ASN(65001) && neighbor.remoteAS == ASN(65001))
        #expect(neighbor.families == ["ipv4-flowspec", "ipv6-flowspec"])
        #expect(neighbor.holdTime == 180)
        #expect(configuration.mitigation.enforces)
        let remarks = Self.remarks(text)
        #expect(
            remarks.count == 1 && remarks[0].hasPrefix("exabgp.conf:5: note: run: ExaBGP has no shell"),
            "\(remarks)"
        )
    }

    @Test func everyOptionOfANeighborHasItsPlace() throws {
        let configuration = try Self.load(
            Self.around(
                """
                description "edge router"; hold-time 30; connect 1790; passive; listen 1179; incoming-ttl 254;
                md5-password 'top secret'; md5-ip 192.0.2.10; host-name fg-1; group-updates false;
                family { ipv4 unicast; ipv4 flow; ipv4 mpls-vpn; l2vpn vpls; }
                capability { graceful-restart 5000; software-version; route-refresh; add-path send/receive; asn4 enable; }
                """
            )
        )
        let neighbor = try #require(configuration.bgp.neighbors.first)
        #expect(neighbor.description == "edge router")
        #expect(neighbor.holdTime == 30 && neighbor.port == 1790 && neighbor.isPassive)
        #expect(neighbor.ttlSecurityHops == 2 && neighbor.hopLimit == nil)
        #expect(neighbor.password == "top secret")
        #expect(neighbor.gracefulRestart?.restartTime == 4095)
        #expect(neighbor.families == ["ipv4-unicast", "ipv4-flowspec"])
        #expect(neighbor.addPath == "both" && !neighbor.extendedNextHop)
        #expect(configuration.bgp.listen.map(\.description) == ["192.0.2.10:1179"])
        #expect(configuration.bgp.hostName == "fg-1" && configuration.bgp.saysVersion)
    }

    @Test func neighborsMayDifferInWhatIsOursElsewhere() throws {
        let second = Self.around("")
            .replacing("neighbor 192.0.2.1", with: "neighbor 192.0.2.2").replacing(
                "local-as 65001",
                with: "local-as 65009"
            )
            .replacing("router-id 192.0.2.10", with: "router-id 192.0.2.11")
        let configuration = try Self.load(Self.around("outgoing-ttl 3;") + second)
        #expect(configuration.bgp.neighbors.map(\.localAS) == [ASN(65001), ASN(65009)])
        #expect(configuration.bgp.routerID == IPAddress("192.0.2.10"))
        #expect(configuration.bgp.neighbors[1].routerID == IPAddress("192.0.2.11"))
        #expect(configuration.bgp.neighbors[0].hopLimit == 3)
    }

    @Test(arguments: [
        "template { neighbor t { $ } } neighbor 192.0.2.1 { inherit t; hold-time 60; }",
        "neighbor 192.0.2.1 { inherit [ t ]; hold-time 60; } template { neighbor t { $ } }",
        "template t { $ } neighbor 192.0.2.1 { hold-time 60; inherit t; }",
        "group g { $ neighbor 192.0.2.1 { hold-time 60; } }",
        "template { neighbor a { $ } neighbor t { inherit a; } } neighbor 192.0.2.1 { inherit t; hold-time 60; }",
    ])
    func whatIsSharedStandsBehindWhatIsOwn(form: String) throws {
        let shared = """
            local-address 192.0.2.10; local-as 65001; peer-as 65002; hold-time 30; family { ipv4 flow; }
            flow { route x { match { destination 198.51.100.7/32; protocol udp; } then { discard; } } }
            """
        let configuration = try Self.load(form.replacing("$", with: shared))
        let neighbor = try #require(configuration.bgp.neighbors.first)
        #expect(neighbor.holdTime == 60 && neighbor.remoteAS == ASN(65002))
        #expect(configuration.bgp.routerID == IPAddress("192.0.2.10"), "as ExaBGP does, the local address")
        #expect(configuration.announcements.count == 1 && configuration.announcements[0].neighbors == nil)
    }

    @Test func routesOfAllFormsAreAnnounced() throws {
        let other = Self.around("").replacing("neighbor 192.0.2.1", with: "neighbor 192.0.2.2")
        let configuration = try Self.load(
            Self.around(
                """
                static { route 198.51.100.1/32 next-hop self community [65001:666 no-export];
                         route 198.51.100.2 { next-hop 192.0.2.9; med 7; } }
                flow { route a { match { destination 198.51.100.3/32; destination-port [ =80
                                          =443 ]; protocol tcp; } then { rate-limit 9600; } } }
                announce { ipv4 { unicast 198.51.100.4/32 next-hop self; flow destination 198.51.100.5/32 discard; }
                           ipv6 { flow destination 2001:db8:100::1/128 discard; } }
                """
            ) + other
        )
        let texts = configuration.announcements.map(\.description)
        #expect(
            texts == [
                "route 198.51.100.1/32 next-hop self community [ 65001:666 65535:65281 ]",
                "route 198.51.100.2/32 next-hop 192.0.2.9 med 7",
                "flow route destination 198.51.100.3/32 protocol =tcp destination-port [ =80 =443 ] rate-limit 9600",
                "route 198.51.100.4/32 next-hop self", "flow route destination 198.51.100.5/32 discard",
                "flow route destination 2001:db8:100::1/128 discard",
            ],
            "\(texts)"
        )
        #expect(configuration.announcements.allSatisfy { $0.neighbors == [IPAddress(192, 0, 2, 1)] })
    }

    @Test func processesKeepTheirNeighbors() throws {
        let text = """
            process watch { run ./bin/watch.py --fast "a b"; encoder json; respawn false; }
            process feed { run /usr/bin/feeder; }
            """
        let second = Self.around("api { processes [ feed ]; }").replacing(
            "neighbor 192.0.2.1",
            with: "neighbor 192.0.2.2"
        )
        let configuration = try Self.load(
            text + Self.around("api x { processes [ watch, feed ]; neighbor-changes; receive { parsed; update; } }")
                + second
        )
        #expect(configuration.processes.map(\.name) == ["watch", "feed"])
        let watch = configuration.processes[0]
        #expect(watch.run == ["/etc/exabgp/./bin/watch.py", "--fast", "a b"])
        #expect(watch.usesJSON && !watch.respawns && watch.tellsChanges)
        #expect(watch.neighbors == [IPAddress(192, 0, 2, 1)])
        #expect(configuration.processes[1].neighbors == nil && !configuration.processes[1].usesJSON)
    }

    @Test(arguments: [
        "/usr/bin/mkfifo /run/x.cmd && /bin/cat /run/x.cmd", "/bin/cat /run/x.cmd", "/usr/bin/tail -f /run/x.cmd",
        "/usr/bin/socat stdout pipe:/run/x.cmd", "/usr/bin/socat -u PIPE:/run/x.cmd,mode=660 stdout",
        "/bin/sh -c \"rm -f /run/x.cmd && mkfifo /run/x.cmd && exec tail -f /run/x.cmd\"",
        "/bin/bash -c 'while true; do cat /run/x.cmd; done'",
        "/usr/bin/python3 -c \"import sys; [sys.stdout.write(l) for l in open('/run/x.cmd')]\"",
    ])
    func whatOnlyReadsAPipeIsOurs(run: String) throws {
        let configuration = try Self.load("process p { run \(run); }" + Self.around("api { processes [ p ]; }"))
        #expect(configuration.exabgpPipes.map(\.path) == ["/run/x.cmd"] && configuration.processes.isEmpty)
    }

    @Test(arguments: [
        "/bin/cat /dev/stdin", "/bin/sh -c \"cat /run/x.cmd | /usr/bin/filter\"", "/usr/bin/tail -f /a /b",
        "/usr/bin/python3 /opt/x.py /run/x.cmd", "/bin/sh -c 'rm -rf /srv; cat /run/x.cmd'",
        "/usr/bin/socat stdout tcp:192.0.2.1:80",
    ])
    func whatMayDoMoreStaysAProgram(run: String) throws {
        let configuration = try Self.load("process p { run \(run); }" + Self.around("api { processes [ p ]; }"))
        #expect(configuration.exabgpPipes.isEmpty && configuration.processes.count == 1)
    }

    @Test(arguments: [
        (
            "neighbour 192.0.2.1 { }",
            "exabgp.conf:1: error: neighbour: the file has no such key; did you mean neighbor?"
        ),
        (around("\nholdtime 3;"), "exabgp.conf:7: error: holdtime: neighbor has no such key; did you mean hold-time?"),
        (around("family { ipv4 flows; }"), "exabgp.conf:6: error: ipv4: there is no family flows; did you mean flow?"),
        (around("capability { asn5; }"), "exabgp.conf:6: error: asn5: capability has no such key; did you mean asn4?"),
        (around("inherit tmplate;"), "exabgp.conf:1: error: neighbor: there is no template tmplate"),
        (around("api { processes [ x ]; }"), "exabgp.conf:6: error: processes: there is no process x"),
        (around("hold-time ten;"), "exabgp.conf:6: error: hold-time: \"ten\" is no whole number from 0 to 65535"),
        (around("local-as auto;"), "exabgp.conf:6: error: local-as: \"auto\" takes the number that the neighbor says"),
        (around("family { bgp-ls bgp-ls; }"), "exabgp.conf:1: error: family: 192.0.2.1 has none of the families"),
        (around("md5-password a; md5-base64 auto;"), "exabgp.conf:6: error: md5-password: md5-base64 auto guesses"),
        (around("}"), "exabgp.conf:7: error: this } closes no {"),
        (around("hold-time 3"), "exabgp.conf:6: error: hold-time: a ; is missing behind \"3\""),
        (
            around("hold-time 30\nfamly { ipv4 flow; }"),
            "exabgp.conf:6: error: hold-time: it takes no block: a ; is missing behind one of its values, or famly is no key"
        ),
        ("neighbor 192.0.2.1 {", "exabgp.conf:1: error: neighbor: its { is closed by no }"),
        (
            "process x { run \"/bin/a; }",
            "exabgp.conf:1: error: column 17: a quote that closes this was expected on its line"
        ),
        (
            around("flow { route a {\nmatch {\ndestination 198.51.100.1/33; } then { discard; } } }"),
            "exabgp.conf:8: error: route: a prefix length from 0 to 32 was expected"
        ),
        (
            around("static { route 198.51.100.1/32 label 3 next-hop self; }"),
            "exabgp.conf:6: warning: label: this route is left out: labelled routes are not announced"
        ),
        (around("rate-limit 10;"), "exabgp.conf:6: warning: rate-limit: routes are sent in full messages"),
        (around("operational { }"), "exabgp.conf:6: warning: operational: operational messages are ExaBGP's own"),
    ])
    func mistakesAreToldInTheFilesOwnLines(text: String, beginning: String) {
        let remarks = Self.remarks(text)
        #expect(remarks.contains { $0.hasPrefix(beginning) }, "\(remarks)")
    }

    @Test func withoutNetworksItIsSaidHowToGetThem() throws {
        let read = ExaBGPFile.read(Self.around(""), file: "exabgp.conf")
        let errors = #expect(throws: ConfigurationErrors.self) {
            try DaemonConfiguration.load(read.document) { _ in throw CocoaError(.fileNoSuchFile) }
        }
        let lines = errors?.errors.map(\.description) ?? []
        #expect(lines.count == 1 && lines[0].contains("--config"), "\(lines)")
    }

    @Test func templatesThatInheritEachOtherEnd() {
        let text =
            "template { neighbor a { inherit [ b b ]; } neighbor b { inherit [ a a ]; } }" + Self.around("inherit a;")
        #expect(Self.remarks(text).contains { $0.contains("templates inherit each other") })
        // Ten to the sixteenth, if nobody counted.
        let often = "template { neighbor a { inherit [ a a a a a a a a a a ]; } }" + Self.around("inherit a;")
        #expect(Self.remarks(often).contains { $0.contains("too large once templates are put in") })
    }

    @Test func base64IsDecodedAsItsStandardSays() {
        let vectors = ["": "", "Zg==": "f", "Zm8=": "fo", "Zm9v": "foo", "Zm9vYg": "foob", "Zm9vYmE=": "fooba"]
        for (text, plain) in vectors {
            #expect(Base64.decode(text).map { String(decoding: $0, as: UTF8.self) } == plain)
        }
        #expect(Base64.decode("Z") == nil && Base64.decode("Zg$=") == nil)
    }

    // MARK: Documentation

    @Test func everyKeyStandsInTheDocumentation() throws {
        let file = URL(filePath: #filePath).appending(path: "../../../docs/migrating-from-exabgp.md")
            .standardizedFileURL
        let text = try String(contentsOf: file, encoding: .utf8)
        let rows = Set(text.split(separator: "\n").map(String.init))
        for section in ExaBGPKey.Section.allCases {
            for key in ExaBGPKey.all(in: section) {
                #expect(rows.contains(key.row), "\(section.rawValue): \(key.row)")
            }
        }
        let known = Set(ExaBGPKey.Section.allCases.flatMap { ExaBGPKey.all(in: $0) }.map(\.row))
        for row in rows where row.hasPrefix("| `") { #expect(known.contains(row), "no such key: \(row)") }
    }

    // MARK: Hostile text

    @Test func editedFilesNeverTrap() {
        var generator = SeededGenerator(seed: 5)
        let original = Array(
            (Self.around(
                """
                inherit t; family { ipv4 flow; } capability { graceful-restart 5; } api { processes [ p ]; }
                static { route 198.51.100.1/32 next-hop self; }
                flow { route a { match { destination 198.51.100.3/32; port [ =80 ]; } then { discard; } } }
                """
            ) + "template { neighbor t { hold-time 30; } } process p { run /bin/cat /run/x; encoder text; }").utf8
        )
        let spice = Array("{}[];#\"'\\\n\t 09azAZ:./,&=-\u{7F}é".utf8)
        var sound = 0
        for _ in 0..<3000 {
            var octets = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<octets.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: octets.remove(at: place)
                case 1: octets.insert(spice[Int.random(in: 0..<spice.count, using: &generator)], at: place)
                case 2: octets.removeSubrange(place..<min(octets.count, place + 20))
                default: octets.insert(contentsOf: octets[place..<min(octets.count, place + 20)], at: place)
                }
            }
            let read = ExaBGPFile.read(String(decoding: octets, as: UTF8.self), file: "x")
            if !read.remarks.contains(where: { $0.severity == .error }) { sound += 1 }
            _ = try? DaemonConfiguration.load(read.document) { _ in throw CocoaError(.fileNoSuchFile) }
        }
        #expect(sound > 30 && sound < 2900, "\(sound)")
    }

    @Test func sharedTextDoesNotMultiplyBeyondBounds() {
        let routes = (0..<2000).map { "route 198.51.100.\($0 % 256)/32 next-hop self;" }.joined()
        let neighbors = (0..<2000).map { "neighbor 192.0.2.\($0 % 256) { inherit t; }" }.joined()
        let read = ExaBGPFile.read("template { neighbor t { static { \(routes) } } }" + neighbors, file: "x")
        #expect(read.remarks.contains { $0.message.contains("too large") })
    }
}
