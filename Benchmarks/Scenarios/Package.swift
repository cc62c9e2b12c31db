// swift-tools-version: 6.2
import PackageDescription

/// Detection and rules over many scenarios with known truth: see `README.md` of the folder above.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "scenarios",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "floodgate", path: "../..")],
    targets: [
        .executableTarget(
            name: "scenarios",
            dependencies: [.product(name: "FloodgateScenarios", package: "floodgate")],
            swiftSettings: settings
        )
    ]
)
