#!/usr/bin/env python3
"""Flow records per CPU-second and datagrams lost, from datagram to counter, kernel receive included: Floodgate beside
FastNetMon, nfcapd and sfcapd (which write files) and nfacctd and sfacctd (which sum by destination in memory). Of Floodgate
the whole process, and the threads that receive, decode and count alone: the rest is the thread that judges all hosts.

All receive the same datagrams of 20,000 hosts from the load generator of ../shared/lab/blast (FLOODGATE_SHARED names
another place), which runs on the first processor; the collector runs on the second. Three loads: paced (40,000
datagrams/s, sFlow 60,000), flat out one by one, and flat out in bursts of 40 as one send (UDP_SEGMENT), as a router sends
them. With --quick: shorter runs; --only FORMAT: sflow, nf5, nf9 or ipfix; --load
LOAD: paced, "paced bursts", "flat out" or "in bursts"; --warm SECONDS: how long it is sent before it counts (1), as hosts
whose flows have told enough of them are followed second by second, and cost more."""
import json, os, re, shutil, subprocess, sys, tempfile, time
import common

SECONDS = 3 if "--quick" in sys.argv else 8
WARM = int(sys.argv[sys.argv.index("--warm") + 1]) if "--warm" in sys.argv else 1
FORMATS = {"sflow": "sFlow", "nf5": "NetFlow v5", "nf9": "NetFlow v9", "ipfix": "IPFIX"}
LOADS = {"paced": [], "paced bursts": ["-g", "40"], "flat out": [], "in bursts": ["-g", "40"]}
if "--load" in sys.argv:
    LOADS = {name: LOADS[name] for name in [sys.argv[sys.argv.index("--load") + 1]]}
if "--only" in sys.argv:
    FORMATS = {sys.argv[sys.argv.index("--only") + 1]: FORMATS[sys.argv[sys.argv.index("--only") + 1]]}
LAB = os.path.join(os.environ.get("FLOODGATE_SHARED", os.path.join(common.HERE, "../../shared")), "lab/blast")


def pinned(words, folder):
    return common.Program(["taskset", "-c", "1", *words], folder)


def nfcapd(kind, port):
    program = shutil.which("sfcapd" if kind == "sflow" else "nfcapd")
    if not program:
        return None
    folder = tempfile.mkdtemp(prefix="nfcapd-bench-")
    # A receive buffer as large as ours, as far as the system lets it.
    return pinned([program, "-w", folder, "-p", str(port), "-b", "127.0.0.1", "-B", "67108864"], folder)


def nfacctd(kind, port):
    name = "sfacctd" if kind == "sflow" else "nfacctd"
    program = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if not program:
        return None
    folder = tempfile.mkdtemp(prefix="nfacctd-bench-")
    with open(f"{folder}/config", "w") as file:
        file.write(f"daemonize: false\n{name}_ip: 127.0.0.1\n{name}_port: {port}\nplugins: memory\n"
                   f"aggregate: dst_host, proto\nimt_path: {folder}/pipe\nimt_mem_pools_number: 0\n"
                   f"plugin_pipe_size: 67108864\nplugin_buffer_size: 65536\n{name}_pipe_size: 67108864\n")
    return pinned([program, "-f", f"{folder}/config"], folder)


def fastnetmon(kind, port):
    ports = {"sflow_port": port} if kind == "sflow" else {"netflow_port": port}
    return common.fastnetmon("10.0.0.0/16", {}, **ports)


def floodgate(kind, port):
    ports = {"sflow_port": port} if kind == "sflow" else {"netflow_port": port}
    return common.floodgate("10.0.0.0/16", ["thresholds: {total: {bits: 900 Gbit/s}}"], **ports)


def taken(program):
    """Datagrams that Floodgate has had; None of the others."""
    if not hasattr(program, "control"):
        return None
    words = [common.FLOODGATE, "status", "--json", "--socket", program.control]
    return json.loads(subprocess.run(words, capture_output=True, text=True).stdout)["datagrams"]


def measure(start, kind, file, blast, load):
    port = common.free_port()
    program = start(kind, port)
    if program is None:
        return None
    try:
        if not common.wait_for_port(port):
            return None
        for task in os.listdir(f"/proc/{program.process.pid}/task"):
            subprocess.run(["taskset", "-cp", "1", task], capture_output=True)
        time.sleep(2)
        rate = ["-r", "60000" if kind == "sflow" else "40000"] if load.startswith("paced") else []
        # sFlow datagrams differ in length; those of one can be sent as one.
        grouped = ["-O"] if kind == "sflow" and "bursts" in load else []

        def send(seconds):
            words = [blast, "-Q", "-f", file, "-d", f"127.0.0.1:{port}", "-t", str(seconds), "-c", "0", "-q"]
            # The first datagram has the templates.
            words += ["-p", "1"] if kind in ("nf9", "ipfix") else []
            out = subprocess.run(words + rate + grouped + LOADS[load], capture_output=True, text=True).stdout
            return [int(number) for number in re.search(r"sent (\d+) datagrams (\d+) records", out).groups()]

        send(WARM)
        time.sleep(0.5)
        cpu, drops, before = program.family_cpu_seconds(), common.kernel_drops(port), taken(program)
        counting = program.thread_cpu_seconds("capture-")
        datagrams, records = send(SECONDS)
        time.sleep(1)
        used, lost = program.family_cpu_seconds() - cpu, common.kernel_drops(port) - drops
        # The kernel counts a burst that it dropped as one; we say ourselves how many datagrams we had.
        got = taken(program) - before if before is not None else max(0, datagrams - lost)
        counting = program.thread_cpu_seconds("capture-") - counting
        rate = lambda seconds: records * got / datagrams / seconds / 1e6 if seconds > 0 else 0
        return rate(used), max(0, 1 - got / datagrams), rate(counting)
    finally:
        program.stop()


def main():
    folder = tempfile.mkdtemp()
    blast = os.path.join(folder, "blast")
    subprocess.run(["cc", "-O2", "-o", blast, os.path.join(LAB, "blast.c")], check=True)
    names = {"Floodgate": floodgate, "FastNetMon": fastnetmon, "nfcapd": nfcapd, "nfacctd": nfacctd}
    print("million records per CPU-second (lost on the way)\n" + " " * 24 + " receiving and counting"
          + "".join(f"{name:>18}" for name in names))
    for kind, title in FORMATS.items():
        file = os.path.join(folder, f"{kind}.dg")
        words = ["-F", kind, "-n", "20000", "-H", "20000", "--dst-net", "10.0.0.0/16", "--sampling", "1000", "-o", file]
        subprocess.run([sys.executable, os.path.join(LAB, "gen_flows.py"), *words], check=True, capture_output=True)
        for load in LOADS:
            results = [measure(start, kind, file, blast, load) for start in names.values()]
            line = f"{title:11} {load:12}" + (f"{results[0][2]:23.2f}" if results[0] else " " * 23)
            for result in results:
                line += f"{result[0]:9.2f} ({result[1]:5.1%})".rjust(18) if result else "not installed".rjust(18)
            print(line, flush=True)
    shutil.rmtree(folder)


main()
