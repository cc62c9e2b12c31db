// swift-tools-version: 6.2
import PackageDescription

/// What a tick costs with many hosts and many attacks: `swift run -c release --package-path Benchmarks/Judge`.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
]

let package = Package(
    name: "judge-bench",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "floodgate", path: "../..")],
    targets: [
        .executableTarget(
            name: "judge-bench",
            dependencies: [.product(name: "FloodgateRooms", package: "floodgate")],
            swiftSettings: settings
        )
    ]
)
