// swift-tools-version: 6.2
import PackageDescription

/// What decoding costs by itself: see `decode.py` beside this folder.
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
    name: "decode-bench",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "floodgate", path: "../..")],
    targets: [
        .target(name: "CAllocations"),
        .executableTarget(
            name: "decode-bench",
            dependencies: ["CAllocations", .product(name: "FloodgateCounting", package: "floodgate")],
            swiftSettings: settings
        ),
    ]
)
