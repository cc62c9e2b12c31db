import Compatibility
import DaemonConfiguration

extension FuzzTarget {
    /// An exabgp.conf, through to the model.
    static let exabgpConfiguration = FuzzTarget(
        name: "exabgp-conf",
        take: { input in
            let text = String(decoding: octets(input), as: UTF8.self)
            let read = ExaBGPFile.read(text, file: "exabgp.conf")
            check(read.document.mapping != nil, "there is a document whatever comes")
            check(read.remarks.allSatisfy { $0.place.line >= 0 }, "each remark has its place")
            struct Missing: Error {}
            _ = try? DaemonConfiguration.load(read.document) { _ in throw Missing() }
        },
        seeds: {
            [
                "process p { run /usr/bin/mkfifo /run/x && /bin/cat /run/x; encoder text; }\n",
                "template { neighbor t { local-as 1; peer-as 1; static { route 198.51.100.1/32 next-hop self; } } }\n"
                    + "neighbor 192.0.2.1 { inherit t; router-id 192.0.2.9; api { processes [ p ]; neighbor-changes; } }\n",
                "neighbor 192.0.2.1 { family { ipv4 flow; } capability { graceful-restart 60; }\n"
                    + "flow { route a { match { destination 198.51.100.3/32; port [ =80 ]; } then { discard; } } } }\n",
                "group g { hold-time 30; neighbor 192.0.2.1 { md5-password 'x y'; announce { ipv4 { unicast 198.51.100.4/32 next-hop self; } } } }\n",
            ].map { Array($0.utf8) }
        }
    )
}
