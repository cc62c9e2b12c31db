// swift-tools-version: 6.2
import PackageDescription

/// Announces many rules from a ledger over our own speaker; started by `announce.py`.
let package = Package(
    name: "announcer",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "floodgate", path: "../.."),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    ],
    targets: [
        .executableTarget(
            name: "announcer",
            dependencies: [
                .product(name: "FloodgateRooms", package: "floodgate"), .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]
        )
    ]
)
