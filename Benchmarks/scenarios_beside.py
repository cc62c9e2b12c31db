#!/usr/bin/env python3
"""Scenarios with known truth, played in real time to Floodgate and Debian's FastNetMon at the same thresholds: what each
finds, after how long, and what each takes for an attack that is none. The scenarios run side by side, each in a network
of its own with thresholds of its own; sFlow first, then NetFlow v9 with time-outs of 60 and 15 s. Takes five minutes.

usage: scenarios_beside.py SCENARIOS-PROGRAM [--seed N]   (the program that Benchmarks/Scenarios builds)"""
import json, os, socket, struct, subprocess, sys, tempfile, time
import common

PROGRAM = sys.argv[1]
SEED = sys.argv[sys.argv.index("--seed") + 1] if "--seed" in sys.argv else "1"


def datagrams(path):
    """The time and payload of each datagram of a capture that the program wrote."""
    with open(path, "rb") as file:
        file.read(24)
        while header := file.read(16):
            seconds, nanoseconds, length, _ = struct.unpack("<IIII", header)
            yield seconds + nanoseconds / 1e9, file.read(length)[42:]


def settings_of_fastnetmon(truths, folder):
    settings = {"enable_ban": "on", "ban_for_bandwidth": "on", "notify_script_path": f"{folder}/notify",
                "netflow_sampling_ratio": "1000", "process_outgoing_traffic": "off", "ban_details_records_count": "20",
                "threshold_pps": "100000000", "threshold_mbps": "100000000"}
    groups = []
    for number, truth in enumerate(truths):
        groups.append(("hostgroup", f"g{number}:{truth['network']}"))
        groups += [(f"g{number}_{key}", value) for key, value in [
            ("enable_ban", "on"), ("ban_for_pps", "on"), ("ban_for_bandwidth", "on"), ("ban_for_flows", "off"),
            ("threshold_pps", str(round(truth["packetsPerSecond"]))),
            ("threshold_mbps", str(round(truth["bitsPerSecond"] / 1e6)))]]
    return settings, groups


def start(truths, folder, is_sflow):
    """Both programs, and the ports they listen on."""
    port, other = common.free_port(), common.free_port()
    detection = ["thresholds: {total: {packets: 100M packets/s}}", "groups:"]
    for number, truth in enumerate(truths):
        detection.append(f"  - {{name: g{number}, prefixes: [{truth['network']}], thresholds: {{total: {{"
                         f"packets: {round(truth['packetsPerSecond'])} packets/s, "
                         f"bits: {round(truth['bitsPerSecond'])} bit/s}}}}}}")
    networks = [truth["network"] for truth in truths]
    ours = common.floodgate(", ".join(networks), detection, **{"sflow_port" if is_sflow else "netflow_port": port})
    with open(f"{folder}/notify", "w") as file:
        file.write("#!/bin/sh\ncase $4 in ban) [ -e " + folder + "/$1 ] || "
                   f"python3 -c 'import time; print(time.time())' > {folder}/$1.new && mv {folder}/$1.new {folder}/$1;; esac\n"
                   "cat >/dev/null\n")
    os.chmod(f"{folder}/notify", 0o755)
    settings, groups = settings_of_fastnetmon(truths, folder)

    def with_groups(words):
        with open(words[2], "a") as file:
            file.write("".join(f"{key} = {value}\n" for key, value in groups))
        return words

    theirs = common.fastnetmon("\n".join(networks), settings, wrap=with_groups,
                               **{"sflow_port" if is_sflow else "netflow_port": other})
    assert common.wait_for_port(port), "Floodgate does not listen"
    ports = [port]
    if theirs and common.wait_for_port(other):
        ports.append(other)
    return ours, theirs, ports


def play(path, ports):
    """Sends the capture as it was timed; when its clock was zero."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    begin = first = None
    for at, payload in datagrams(path):
        if first is None:
            # Scenarios begin at a whole second, and so does what is played.
            first, begin = float(int(at)), time.time() + 1
        while (wait := begin + at - first - time.time()) > 0:
            time.sleep(min(wait, 0.05))
        for port in ports:
            sock.sendto(payload, ("127.0.0.1", port))
    return begin


def alarms_of_floodgate(program):
    out = subprocess.run([common.FLOODGATE, "attacks", "--all", "--json", "--socket", program.control],
                         capture_output=True, text=True, check=True).stdout
    found = {}
    for attack in json.loads(out):
        stamp = attack["began"].rstrip("Z").split(".")
        began = __import__("calendar").timegm(time.strptime(stamp[0], "%Y-%m-%dT%H:%M:%S")) + float(f"0.{stamp[1]}")
        found[attack["target"]] = min(found.get(attack["target"], began), began)
    return found


def alarms_of_fastnetmon(folder):
    return {name: float(open(f"{folder}/{name}").read()) for name in os.listdir(folder) if name[0].isdigit() and name[-1] != "w"}


def compare(name, path):
    truths = json.load(open(f"{path}.json"))
    folder = tempfile.mkdtemp(prefix="beside-")
    ours, theirs, ports = start(truths, folder, name == "sFlow")
    time.sleep(3)
    begin = play(f"{path}.pcap", ports)
    time.sleep(3)
    results = [("Floodgate", alarms_of_floodgate(ours))]
    if len(ports) > 1:
        results.append(("FastNetMon", alarms_of_fastnetmon(folder)))
    print(f"\n{name}\n{'scenario':42} {'provable':>9} " + " ".join(f"{program:>11}" for program, _ in results), flush=True)
    for truth in truths:
        text = f"{truth['kind']} {truth['form']} {truth['factor']:.2f}x"
        cells = []
        for _, alarms in results:
            at = alarms.get(truth.get("victim"))
            if at is not None and at - begin < truth["begins"] - 0.2:
                cells.append("before it")
            elif at is not None:
                cells.append(f"{at - begin - truth['begins']:.1f}")
            else:
                cells.append("missed" if truth.get("victim") else "-")
        provable = f"{truth['provable']:.1f}" if truth.get("provable") is not None else "-"
        print(f"{text:42} {provable:>9} " + " ".join(f"{cell:>11}" for cell in cells))
    victims = {truth.get("victim") for truth in truths}
    hosts = sum(truth["hosts"] for truth in truths)
    for program, alarms in results:
        wrong = sorted(set(alarms) - victims)
        print(f"{program}: {len(wrong)} of {hosts - len(victims - {None})} other hosts taken for attacked {' '.join(wrong)}")
    ours.stop()
    if theirs:
        theirs.stop()


def main():
    folder = tempfile.mkdtemp(prefix="scenarios-")
    subprocess.run([PROGRAM, "--export", folder, "--seed", SEED], check=True)
    compare("sFlow", f"{folder}/sflow")
    compare("NetFlow v9", f"{folder}/netflow")


main()
