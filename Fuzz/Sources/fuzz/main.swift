// fuzz: feeds a decoder with what libFuzzer thinks up. The first argument names the target; the rest is libFuzzer's.

import Foundation

let name = CommandLine.arguments.dropFirst().first ?? ""
guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
    print("usage: fuzz TARGET [libFuzzer's options]; targets: \(FuzzTarget.all.map(\.name).joined(separator: ", "))")
    exit(64)
}
if CommandLine.arguments.dropFirst(2).first == "--seeds" {
    try writeSeeds(of: target, to: CommandLine.arguments[3], captures: CommandLine.arguments.dropFirst(4).first)
    exit(0)
}
run(target)
