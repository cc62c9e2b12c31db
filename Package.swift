// swift-tools-version: 6.2
import PackageDescription

/// The same strictness in every room: Swift 6 mode, warnings are errors, unsafe code is marked where it stands.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// `~Escapable` readers over wire bytes need lifetime annotations, which Swift 6.3 still calls experimental.
let wireSettings = settings + [.enableExperimentalFeature("Lifetimes")]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")

let package = Package(
    name: "floodgate",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "floodgate", targets: ["floodgate"]),
        // For the programs in Benchmarks/, which are a package of their own.
        .library(
            name: "FloodgateRooms",
            targets: [
                "BGP", "CFloodgate", "Capture", "Compatibility", "DaemonConfiguration", "Detection", "FlowSpec",
                "Mitigation", "NetworkTypes", "Simulation", "Speaker", "Store", "Telemetry", "Traffic",
            ]
        ),
        // From datagram to counter.
        .library(name: "FloodgateCounting", targets: ["CProcessor", "NetworkTypes", "Telemetry", "Traffic"]),
        // The pure rooms and scenarios with known truth, which need none of what the shell is built on.
        .library(
            name: "FloodgateScenarios",
            targets: ["Capture", "Detection", "NetworkTypes", "ScenarioSupport", "Simulation", "Traffic"]
        ),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.80.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.0.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
    ],
    targets: [
        // The core: pure, synchronous, deterministic. No clock, socket, file, logger or Foundation.
        .target(name: "NetworkTypes", swiftSettings: wireSettings),
        .target(name: "Telemetry", dependencies: ["NetworkTypes"], swiftSettings: wireSettings),
        // Hints to the processor, no more.
        .target(name: "CProcessor"),
        .target(
            name: "Traffic",
            dependencies: ["CProcessor", "NetworkTypes", "Telemetry"],
            swiftSettings: wireSettings
        ),
        .target(name: "Detection", dependencies: ["NetworkTypes", "Traffic"], swiftSettings: wireSettings),
        .target(name: "FlowSpec", dependencies: ["NetworkTypes"], swiftSettings: wireSettings),
        .target(
            name: "Mitigation",
            dependencies: ["Detection", "FlowSpec", "NetworkTypes", "Traffic"],
            swiftSettings: settings
        ),
        .target(name: "BGP", dependencies: ["FlowSpec", "NetworkTypes"], swiftSettings: wireSettings),
        .target(name: "Simulation", dependencies: ["NetworkTypes"], swiftSettings: settings),
        .target(
            name: "Rehearsal",
            dependencies: ["Detection", "Mitigation", "NetworkTypes", "Telemetry", "Traffic"],
            swiftSettings: wireSettings
        ),

        // The shell: files, sockets, threads, the database, the clock.
        .target(name: "CFloodgate", cSettings: [.define("_GNU_SOURCE")]),
        // The system's zlib, for captures that gzip has compressed. Its header and library are where the compiler looks
        // anyway; a `pkgConfig` would only have SwiftPM warn where there is no pkg-config.
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "DaemonConfiguration",
            dependencies: ["FlowSpec", "NetworkTypes", .product(name: "Yams", package: "Yams")],
            swiftSettings: settings
        ),
        .target(
            name: "Compatibility",
            dependencies: ["BGP", "DaemonConfiguration", "Detection", "FlowSpec", "NetworkTypes", "Traffic"],
            swiftSettings: settings
        ),
        .target(
            name: "Capture",
            dependencies: ["CFloodgate", "CZlib", "NetworkTypes", "Telemetry"],
            swiftSettings: wireSettings
        ),
        .target(
            name: "Speaker",
            dependencies: ["BGP", "FlowSpec", "NetworkTypes", logging, nioCore, nioPosix],
            swiftSettings: settings
        ),
        .target(
            name: "Store",
            dependencies: [
                "Detection", "FlowSpec", "Mitigation", "NetworkTypes", "Traffic",
                .product(name: "GRDB", package: "GRDB.swift"), .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: settings
        ),
        .target(name: "Control", dependencies: [logging, nioCore, nioPosix], swiftSettings: settings),
        .target(
            name: "Daemon",
            dependencies: [
                "BGP", "CFloodgate", "Capture", "Compatibility", "Control", "DaemonConfiguration", "Detection",
                "FlowSpec", "Mitigation",
                "NetworkTypes", "Rehearsal", "Simulation", "Speaker", "Store", "Telemetry", "Traffic", lifecycle,
                logging, nioCore, nioPosix,
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "floodgate",
            dependencies: [
                "BGP", "Capture", "Compatibility", "Control", "Daemon", "DaemonConfiguration", "Detection", "FlowSpec",
                "Mitigation",
                "NetworkTypes", "Telemetry", argumentParser, lifecycle, logging,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),

        // Tests. TestSupport starts real peers (gobgpd, BIRD, ExaBGP, softflowd) on loopback and stops them.
        .target(
            name: "TestSupport",
            dependencies: ["FlowSpec", "NetworkTypes", "Simulation"],
            path: "Tests/TestSupport",
            swiftSettings: settings
        ),
        // Runs scenarios with known truth, for the tests and Benchmarks/Scenarios.
        .target(
            name: "ScenarioSupport",
            dependencies: [
                "Detection", "FlowSpec", "Mitigation", "NetworkTypes", "Rehearsal", "Simulation", "Telemetry",
                "Traffic",
            ],
            path: "Tests/ScenarioSupport",
            swiftSettings: wireSettings
        ),
        .testTarget(
            name: "ScenarioTests",
            dependencies: ["NetworkTypes", "ScenarioSupport", "Simulation"],
            swiftSettings: settings
        ),
        .testTarget(name: "NetworkTypesTests", dependencies: ["NetworkTypes", "Simulation"], swiftSettings: settings),
        .testTarget(
            name: "TelemetryTests",
            dependencies: ["Capture", "NetworkTypes", "Simulation", "Telemetry", "TestSupport"],
            swiftSettings: wireSettings
        ),
        .testTarget(
            name: "TrafficTests",
            dependencies: ["NetworkTypes", "Simulation", "Telemetry", "Traffic"],
            swiftSettings: wireSettings
        ),
        .testTarget(
            name: "DetectionTests",
            dependencies: ["Detection", "NetworkTypes", "Simulation", "Telemetry", "Traffic"],
            swiftSettings: wireSettings
        ),
        .testTarget(
            name: "FlowSpecTests",
            dependencies: ["FlowSpec", "NetworkTypes", "Simulation", "TestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "MitigationTests",
            dependencies: ["Detection", "FlowSpec", "Mitigation", "NetworkTypes", "Simulation", "Traffic"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "BGPTests",
            dependencies: ["BGP", "FlowSpec", "NetworkTypes", "Simulation", "TestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "SimulationTests",
            dependencies: ["NetworkTypes", "Simulation", "Telemetry"],
            swiftSettings: wireSettings
        ),
        .testTarget(
            name: "DaemonConfigurationTests",
            dependencies: ["DaemonConfiguration", "FlowSpec", "NetworkTypes", "Simulation"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "CompatibilityTests",
            dependencies: [
                "BGP", "Compatibility", "DaemonConfiguration", "Detection", "FlowSpec", "NetworkTypes", "Simulation",
                "TestSupport", "Traffic",
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "CaptureTests",
            dependencies: ["Capture", "NetworkTypes", "Simulation", "Telemetry", "TestSupport"],
            swiftSettings: wireSettings
        ),
        .testTarget(
            name: "SpeakerTests",
            dependencies: ["BGP", "FlowSpec", "NetworkTypes", "Speaker", "TestSupport", logging, nioCore, nioPosix],
            swiftSettings: settings
        ),
        .testTarget(
            name: "StoreTests",
            dependencies: [
                "Detection", "FlowSpec", "Mitigation", "NetworkTypes", "Store", "Traffic",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: settings
        ),
        .testTarget(name: "ControlTests", dependencies: ["Control", logging], swiftSettings: settings),
        .testTarget(
            name: "DaemonTests",
            dependencies: [
                "BGP", "Capture", "Compatibility", "Control", "Daemon", "DaemonConfiguration", "Detection", "FlowSpec",
                "Mitigation",
                "NetworkTypes", "Simulation", "Speaker", "Store", "Telemetry", "TestSupport", "Traffic", "floodgate",
                logging,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "SystemTests",
            dependencies: [
                "Daemon", "Detection", "FlowSpec", "Mitigation", "NetworkTypes", "Simulation", "Store", "Telemetry",
                "Traffic",
            ],
            swiftSettings: wireSettings
        ),
    ]
)
