/// A write to InfluxDB over HTTP/1.1, as octets.
public struct InfluxRequest: Sendable, Hashable {
    /// Whom the write is for.
    public enum Place: Sendable, Hashable {
        /// Version 1, and what version 2 offers for those who know that only.
        case database(String, user: String?, password: String?)
        /// Version 2 and later.
        case bucket(String, organization: String, token: String)
    }

    public var host: String
    public var port: UInt16
    public var place: Place

    public init(host: String, port: UInt16, place: Place) {
        self.host = host
        self.port = port
        self.place = place
    }

    /// The request with its body. The connection is closed after it.
    public func octets(writing lines: String) -> [UInt8] {
        var head = "POST \(target) HTTP/1.1\r\nHost: \(host.contains(":") ? "[\(host)]" : host):\(port)\r\n"
        if case .bucket(_, _, let token) = place { head += "Authorization: Token \(token)\r\n" }
        head += "User-Agent: floodgate\r\nContent-Type: text/plain; charset=utf-8\r\n"
        head += "Content-Length: \(lines.utf8.count)\r\nConnection: close\r\n\r\n"
        return Array(head.utf8) + Array(lines.utf8)
    }

    private var target: String {
        switch place {
        case .database(let name, let user, let password):
            let login = [("u", user), ("p", password)].compactMap { key, value in
                value.map { "&\(key)=\(Self.escaped($0))" }
            }
            return "/write?db=\(Self.escaped(name))\(login.joined())"
        case .bucket(let name, let organization, _):
            return "/api/v2/write?org=\(Self.escaped(organization))&bucket=\(Self.escaped(name))&precision=ns"
        }
    }

    /// RFC 3986: all but the unreserved in percent.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for octet in text.utf8 {
            switch octet {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                escaped.unicodeScalars.append(Unicode.Scalar(octet))
            default:
                let digits = String(octet, radix: 16, uppercase: true)
                escaped += "%" + (digits.utf8.count < 2 ? "0" : "") + digits
            }
        }
        return escaped
    }

    /// What its answer says against it, by the first line; nil where it was taken.
    public static func objection(in answer: String) -> String? {
        let line = String(answer.prefix { $0 != "\r\n" && $0 != "\n" && $0 != "\r" })
        let parts = line.split(separator: " ", maxSplits: 2)
        guard parts.count >= 2, parts[0].hasPrefix("HTTP/1."), let status = Int(parts[1]) else {
            return line.isEmpty ? "it said nothing" : "it does not speak HTTP"
        }
        return (200..<300).contains(status) ? nil : "it answered \(parts.dropFirst().joined(separator: " "))"
    }
}
