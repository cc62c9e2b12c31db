import Foundation
import NetworkTypes

/// What the command line asks for.
struct Options {
    var scenarios = 1000
    var seed: UInt64 = 1
    /// Attacks of this kind alone.
    var only: AttackKind?
    /// This scenario alone, told in full.
    var number: Int?
    /// These alone, if any.
    var numbers: [Int] = []
    var isJSON = false
    var checks = false
    /// Where captures of a few scenarios go, for another program to be held against the same.
    var export: String?

    static let usage = """
        usage: scenarios [--scenarios N] [--seed S] [--only KIND] [--number N] [--numbers N,M] [--json] [--check] [--export FOLDER]
          --only KIND      attacks of one kind: \(AttackKind.allCases.map(\.rawValue).joined(separator: ", "))
          --number N       one scenario of the series, told in full
          --numbers N,M    these of the series alone
          --check          exit code 1 where a goal is missed
          --export FOLDER  writes captures of some scenarios side by side, and what is true of them
        """

    init(_ words: [String]) {
        var words = ArraySlice(words)
        func refuse() -> Never {
            print(Self.usage)
            exit(64)
        }
        func number(_ text: String?) -> Int {
            guard let number = text.flatMap({ Int($0) }), number >= 0 else { refuse() }
            return number
        }
        while let word = words.popFirst() {
            switch word {
            case "--scenarios": scenarios = number(words.popFirst())
            case "--seed": seed = UInt64(number(words.popFirst()))
            case "--number": self.number = number(words.popFirst())
            case "--numbers":
                numbers = (words.popFirst() ?? "").split(separator: ",").map { number(String($0)) }
            case "--only":
                guard let kind = words.popFirst().flatMap({ AttackKind(rawValue: $0) }) else { refuse() }
                only = kind
            case "--json": isJSON = true
            case "--check": checks = true
            case "--export": export = words.popFirst()
            default: refuse()
            }
        }
    }
}
