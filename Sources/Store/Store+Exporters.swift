internal import Foundation
internal import GRDB
public import NetworkTypes

/// What exporters told and will not soon tell again, as octets that only the telemetry decoders understand.
extension Store {
    public struct ExporterMemory: Sendable, Hashable {
        public var exporter: IPAddress
        public var body: [UInt8]

        public init(exporter: IPAddress, body: [UInt8]) {
            self.exporter = exporter
            self.body = body
        }
    }

    /// More exporters than a daemon follows; of more the ones that told something last are remembered.
    static let rememberedExporters = 4096

    /// - Parameter gone: exporters of which nothing is to be remembered any more.
    public func write(
        _ memories: [ExporterMemory],
        forgetting gone: [IPAddress] = [],
        at time: Timestamp
    ) throws(Failure) {
        guard !memories.isEmpty || !gone.isEmpty else { return }
        do {
            try database.write { database in
                for memory in memories {
                    try database.execute(
                        sql: "INSERT OR REPLACE INTO exporter (address, time, body) VALUES (?, ?, ?)",
                        arguments: [memory.exporter.description, time.nanoseconds, Data(memory.body)]
                    )
                }
                for exporter in gone {
                    try database.execute(
                        sql: "DELETE FROM exporter WHERE address = ?",
                        arguments: [exporter.description]
                    )
                }
                // In the order in which they were written, which needs no clock.
                try database.execute(
                    sql: """
                        DELETE FROM exporter WHERE rowid NOT IN
                            (SELECT rowid FROM exporter ORDER BY rowid DESC LIMIT ?)
                        """,
                    arguments: [Self.rememberedExporters]
                )
            }
        } catch {
            throw failure(error)
        }
    }

    public func exporterMemories() throws(Failure) -> [ExporterMemory] {
        try read { database in
            try Row.fetchAll(database, sql: "SELECT address, body FROM exporter ORDER BY rowid DESC").compactMap {
                row in
                guard let exporter = IPAddress(row["address"] as String) else { return nil }
                return ExporterMemory(exporter: exporter, body: [UInt8](row["body"] as Data))
            }
        }
    }
}
