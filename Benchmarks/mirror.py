#!/usr/bin/env python3
"""Mirrored packets per CPU-second: Floodgate's AF_PACKET rings beside FastNetMon's `mirror_afpacket`, on a cable (veth)
in a network namespace of its own, which tcpreplay fills with UDP packets to 20,000 hosts. Needs root and tcpreplay.
--rate PACKETS_PER_SECOND (100,000), --seconds SECONDS (8)."""
import json, os, random, struct, subprocess, sys, tempfile, time
import common

RATE = int(sys.argv[sys.argv.index("--rate") + 1]) if "--rate" in sys.argv else 100_000
SECONDS = int(sys.argv[sys.argv.index("--seconds") + 1]) if "--seconds" in sys.argv else 8
NAME = f"floodgate-bench-{os.getpid()}"


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def capture(path):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for index in range(200_000):
            header = common.packet_header(0xC6120000 + random.getrandbits(16), 0x0A000000 + index % 20_000, 500)
            packet = header + b"\0" * (514 - len(header))
            file.write(struct.pack("<IIII", 0, index, len(packet), len(packet)) + packet)


def inside(words):
    return ["ip", "netns", "exec", NAME, *words]


def received():
    out = subprocess.run(["ip", "-n", NAME, "-j", "-s", "link", "show", "far"], capture_output=True, text=True, check=True)
    return json.loads(out.stdout)[0]["stats64"]["rx"]["packets"]


def measure(program, path):
    time.sleep(3)
    replay = ["tcpreplay", "-q", "-K", "-p", str(RATE), "-l", "0", "--duration", str(SECONDS + 2), "-i", "near", path]
    sender = subprocess.Popen(["taskset", "-c", "0", *inside(replay)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1)
    cpu, packets, start = program.family_cpu_seconds(), received(), time.monotonic()
    time.sleep(SECONDS)
    used, count, elapsed = program.family_cpu_seconds() - cpu, received() - packets, time.monotonic() - start
    sender.wait()
    return count / used if used else 0, count / elapsed


def floodgate():
    folder = tempfile.mkdtemp(prefix="floodgate-bench-")
    with open(f"{folder}/floodgate.yaml", "w") as file:
        file.write("networks: [10.0.0.0/16]\ntelemetry: {workers: 1, mirror: {interfaces: [far]}}\n"
                   "detection: {thresholds: {total: {bits: 900 Gbit/s}}}\n"
                   f"store: {folder}/floodgate.db\ncontrol_socket: {folder}/control.sock\n")
    words = [common.FLOODGATE, "run", "--config", f"{folder}/floodgate.yaml"]
    program = common.Program(inside(["taskset", "-c", "1", *words]), folder)
    program.control = f"{folder}/control.sock"
    return program


def main():
    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "packets.pcap")
    capture(path)
    ip("netns", "add", NAME)
    try:
        for words in (["link", "add", "near", "type", "veth", "peer", "name", "far"], ["link", "set", "near", "up"],
                      ["link", "set", "far", "up"], ["link", "set", "lo", "up"]):
            ip("-n", NAME, *words)
        program = floodgate()
        rate, offered = measure(program, path)
        out = subprocess.run([common.FLOODGATE, "status", "--json", "--socket", program.control], capture_output=True, text=True)
        mirror = json.loads(out.stdout)["mirrors"][0]
        program.stop()
        print(f"Floodgate   {rate:12,.0f} packets per CPU-second at {offered:,.0f} packets/s, {mirror['dropped']} dropped")
        settings = {"mirror_afpacket": "on", "interfaces": "far"}
        program = common.fastnetmon("10.0.0.0/16", settings, wrap=lambda words: inside(["taskset", "-c", "1", *words]))
        if program:
            rate, offered = measure(program, path)
            program.stop()
            print(f"FastNetMon  {rate:12,.0f} packets per CPU-second at {offered:,.0f} packets/s")
    finally:
        ip("netns", "del", NAME)


main()
