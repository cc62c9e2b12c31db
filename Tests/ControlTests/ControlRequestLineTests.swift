import Foundation
import Testing

@testable import Control

/// The quick way to read a request never reads another than `JSONDecoder` does.
struct ControlRequestLineTests {
    private static let requests: [ControlRequest] = {
        var all = ControlRequest.Command.allCases.map { ControlRequest($0) }
        all.append(ControlRequest(.ban, target: "198.51.100.5/32", durationSeconds: 600, reason: "by hand"))
        all.append(ControlRequest(.attacks, includePast: true, id: "7"))
        all.append(ControlRequest(.rules, includePast: false, neighbor: "2001:db8::1"))
        all.append(ControlRequest(.events, limit: 100, sort: "bits", direction: "incoming"))
        all.append(ControlRequest(.announce, template: "", text: "flow route { match { } }"))
        var suggestions = ControlRequest(.suggestions)
        (suggestions.group, suggestions.days) = ("web", 7)
        return all + [suggestions]
    }()

    private func decoded(_ line: [UInt8]) -> ControlRequest? {
        try? ControlCoding.decoder().decode(ControlRequest.self, from: Data(line))
    }

    @Test(arguments: requests) func readsWhatOurClientWrites(_ request: ControlRequest) throws {
        let line = Array(try ControlCoding.encoder().encode(request))
        #expect(ControlRequest(plain: line) == request)
    }

    @Test func leavesToTheDecoderWhatIsNotPlain() throws {
        let lines = [
            #"{"command": "ban", "target": "192.0.2.1", "duration_seconds": 0.5}"#,
            #"{"command": "ban", "target": "192.0.2.1", "duration_seconds": 6e2}"#,
            #"{"command": "ban", "target": "192.0.2.1", "reason": "\u0041 \"quoted\" word"}"#,
            #"{"command": "ban", "target": "192.0.2.1", "reason": "größer"}"#,
            #"{"command": "ban", "target": null}"#,
            #"{"command": "ban", "unknown": [1, {"a": 2}]}"#,
        ]
        for line in lines {
            #expect(ControlRequest(plain: Array(line.utf8)) == nil, "\(line)")
            #expect(try ControlRequest(line: Array(line.utf8)) == decoded(Array(line.utf8)), "\(line)")
        }
    }

    /// Every request with each of its octets taken out, doubled or made another, and cut short everywhere.
    @Test func neverReadsAnythingElse() throws {
        var plain = 0
        for request in Self.requests {
            let line = Array(try ControlCoding.encoder().encode(request))
            for place in line.indices {
                var variants = [Array(line[..<place]), line, line]
                variants[1].remove(at: place)
                variants[2].insert(line[place], at: place)
                for octet in "\"\\{}:,0e.-n \r\u{1}é".utf8 {
                    var changed = line
                    changed[place] = octet
                    variants.append(changed)
                    variants.append(Array(line[..<place]) + [octet] + Array(line[place...]))
                }
                for variant in variants {
                    guard let read = ControlRequest(plain: variant) else { continue }
                    plain += 1
                    #expect(read == decoded(variant), "\(String(decoding: variant, as: UTF8.self))")
                }
            }
        }
        #expect(plain > 1000)
    }
}
