#!/bin/sh
# Fuzzes one target with the address sanitizer: Fuzz/run.sh TARGET SECONDS. What crashes it stays in Fuzz/findings/.
set -eu
cd "$(dirname "$0")"
target=${1:?"usage: run.sh TARGET SECONDS; targets are listed in Sources/fuzz/FuzzTarget.swift"}
seconds=${2:?"usage: run.sh TARGET SECONDS"}
scratch=${FUZZ_SCRATCH:-.build}
# -Ounchecked is what must not be used here: the traps are the findings.
swift build --scratch-path "$scratch" -c release \
    -Xswiftc -sanitize=fuzzer,address -Xswiftc -use-ld=lld -Xcc -fsanitize=address >&2
program=$scratch/release/fuzz
corpus=$scratch/corpus/$target
mkdir -p "$corpus" findings
SWIFT_BACKTRACE=enable=no "$program" "$target" --seeds "$scratch/seeds/$target" \
    "${FLOODGATE_SHARED:-../../shared}/captures"
SWIFT_BACKTRACE=enable=no exec "$program" "$target" "$corpus" "$scratch/seeds/$target" \
    -max_total_time="$seconds" -max_len=16384 -timeout=5 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="findings/$target-"
