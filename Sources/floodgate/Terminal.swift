import Foundation

/// What is printed for people: colours where a terminal shows them, plain lines otherwise.
enum Terminal {
    static func complain(_ message: String) {
        FileHandle.standardError.write(Data("floodgate: \(message)\n".utf8))
    }
}
