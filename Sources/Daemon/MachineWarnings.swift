public import DaemonConfiguration
import Foundation

extension DaemonConfiguration {
    /// What this machine lacks of what the configuration names. None of it keeps the daemon from running.
    public var machineWarnings: [String] {
        scripts.flatMap(\.paths).compactMap { path in
            var isFolder: ObjCBool = false
            let what: String
            if unsafe !FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
                what = "is not there"
            } else if isFolder.boolValue {
                what = "is a folder"
            } else if !FileManager.default.isExecutableFile(atPath: path) {
                what = "may not be executed: chmod +x \(path)"
            } else {
                return nil
            }
            return "scripts: \(path) \(what)"
        }
    }
}
