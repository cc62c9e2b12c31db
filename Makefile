# Two commands for a new user: `make run` and `make test`.

.PHONY: run build test lint check bench clean

# What the release build needs beside Swift.
BUILD_PACKAGES = libsqlite3-dev zlib1g-dev
# The real peers and exporters that the tests start on loopback or in network namespaces of their own.
TEST_PACKAGES = gobgpd bird2 exabgp frr openbgpd fastnetmon softflowd fprobe pmacct nfdump nfdump-sflow tshark tcpreplay python3-venv \
	iproute2 tcpdump hping3

run: build
	@.build/release/floodgate demo

build:
	@scripts/install-packages $(BUILD_PACKAGES)
	swift build -c release --product floodgate

# At most so many tests at once: with all of them on two processors, what waits for a router waits for what computes.
TEST_WIDTH = 8

test:
	@scripts/install-packages $(BUILD_PACKAGES) $(TEST_PACKAGES)
	@scripts/install-exabgp5 .build/exabgp5
	SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=$${SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH:-$(TEST_WIDTH)} \
	FLOODGATE_EXABGP5=$${FLOODGATE_EXABGP5:-$(CURDIR)/.build/exabgp5} swift test

lint:
	swift format lint --strict --recursive Sources Tests Benchmarks Fuzz Package.swift

clean:
	rm -rf .build
