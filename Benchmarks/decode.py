#!/usr/bin/env python3
"""What decoding costs by itself, without a socket: nanoseconds, instructions and allocations for each record, decoded
alone and counted by host. 20,000 hosts, from the load generator of ../shared/lab/blast (FLOODGATE_SHARED names another
place). Instructions are valgrind's, the difference of two runs of different length, so they say the same on any machine."""
import os, re, subprocess, sys, tempfile
import common

LAB = os.path.join(os.environ.get("FLOODGATE_SHARED", os.path.join(common.HERE, "../../shared")), "lab/blast")
PACKAGE = os.path.join(common.HERE, "Decode")
FORMATS = {"sflow": "sFlow", "nf5": "NetFlow v5", "nf9": "NetFlow v9", "ipfix": "IPFIX"}


def run(program, file, mode, passes):
    out = subprocess.run([program, file, mode, str(passes)], capture_output=True, text=True, check=True).stdout.split()
    return int(out[0]), float(out[1]), int(out[2])


def instructions(program, file, mode, passes):
    with tempfile.NamedTemporaryFile() as out:
        words = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}", program, file, mode, str(passes)]
        text = subprocess.run(words, capture_output=True, text=True)
        return int(re.search(r"Collected : (\d+)", text.stderr)[1]), int(text.stdout.split()[0])


def main():
    build = ["swift", "build", "-c", "release", "--package-path", PACKAGE]
    subprocess.run(build, check=True, stdout=sys.stderr)
    path = subprocess.run(build + ["--show-bin-path"], capture_output=True, text=True, check=True).stdout.strip()
    program = os.path.join(path, "decode-bench")
    folder = tempfile.mkdtemp()
    # valgrind cannot read what the compiler says for debuggers.
    plain = os.path.join(folder, "decode-bench")
    subprocess.run(["strip", "-o", plain, program], check=True)
    print(f"{'format':11} {'':7} {'ns/record':>10} {'M records/s':>12} {'instructions/record':>20} {'allocations':>12}")
    for kind, title in FORMATS.items():
        def generate(count):
            file = os.path.join(folder, f"{kind}-{count}.dg")
            words = ["-F", kind, "-n", str(count), "-H", "20000", "--dst-net", "10.0.0.0/16", "--sampling", "1000", "-o", file]
            subprocess.run([sys.executable, os.path.join(LAB, "gen_flows.py"), *words], check=True, capture_output=True)
            return file
        large, small = generate(20_000), generate(2000)
        for mode in ("decode", "count"):
            records, nanoseconds, allocations = min((run(program, large, mode, 6) for _ in range(3)), key=lambda r: r[1])
            first, fewer = instructions(plain, small, mode, 2)
            second, more = instructions(plain, small, mode, 4)
            each = (second - first) / (more - fewer)
            print(f"{title:11} {mode:7} {nanoseconds:10.1f} {1e3 / nanoseconds:12.1f} {each:20.0f} {allocations:12}", flush=True)


main()
