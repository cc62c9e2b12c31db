#!/usr/bin/env python3
"""Flow records per CPU-second, from datagram to counter, kernel receive included: Floodgate beside FastNetMon.

Both receive the same datagrams at the same rate, one after the other, each as a whole daemon; what they cost is the
user and system time of their process. With --quick: shorter runs."""
import json, os, random, struct, subprocess, sys, tempfile, time
import common

SECONDS = 4 if "--quick" in sys.argv else 8
FORMATS = {"sFlow": 7, "NetFlow v5": 30, "NetFlow v9": 28, "IPFIX": 28}


def datagrams(name, hosts, count):
    order = list(range(hosts))
    random.shuffle(order)
    out = []
    for index in range(count):
        chosen = [0x0A000000 + order[(index * FORMATS[name] + step) % hosts] for step in range(FORMATS[name])]
        if name == "sFlow":
            out.append(common.sflow(chosen, 1000, index + 1))
        elif name == "NetFlow v5":
            out.append(common.netflow5(chosen))
        else:
            out.append(common.templated(chosen, 9 if name == "NetFlow v9" else 10, index % 50 == 0))
    return out


def measure(program, port, sender, file, per_datagram, rate, hosts):
    if program is None or not common.wait_for_port(port):
        return None
    time.sleep(2)
    # Until every host has been seen: to make an entry costs more than to find it.
    warm_up = max(2, 1.3 * hosts / (rate * per_datagram) + 1)
    subprocess.run([sender, str(port), file, str(rate), str(warm_up)], stdout=subprocess.DEVNULL)
    cpu, drops = program.cpu_seconds(), common.kernel_drops(port)
    sent = int(subprocess.run([sender, str(port), file, str(rate), str(SECONDS)], capture_output=True, text=True).stdout)
    time.sleep(0.5)
    used, lost = program.cpu_seconds() - cpu, common.kernel_drops(port) - drops
    received = max(0, sent - lost)
    return received * per_datagram / used if used > 0 else 0, lost / sent, program


def tracked(program):
    out = subprocess.run([common.FLOODGATE, "status", "--json", "--socket", program.control], capture_output=True, text=True)
    status = json.loads(out.stdout)
    return status["tracked_hosts"], status["traffic_memory_bytes"], program.resident_bytes()


def main():
    random.seed(1)
    sender = os.path.join(tempfile.mkdtemp(), "sender")
    subprocess.run(["cc", "-O2", "-o", sender, os.path.join(common.HERE, "sender.c")], check=True)
    print(f"{'format':11} {'hosts':>9}  {'Floodgate':>12} {'lost':>6}  {'FastNetMon':>12} {'lost':>6}  {'ratio':>6}   records per CPU-second")
    for hosts in (20_000, 1_000_000):
        for name, per_datagram in FORMATS.items():
            rate = 40_000 if name == "sFlow" else 25_000
            file = tempfile.NamedTemporaryFile(delete=False)
            for datagram in datagrams(name, hosts, max(2000, hosts // per_datagram)):
                file.write(struct.pack("!I", len(datagram)) + datagram)
            file.close()
            results = []
            for kind in ("floodgate", "fastnetmon"):
                port = common.free_port()
                ports = {"sflow_port": port} if name == "sFlow" else {"netflow_port": port}
                if kind == "floodgate":
                    program = common.floodgate("10.0.0.0/12", ["max_hosts: 4000000", "thresholds: {total: {bits: 900 Gbit/s}}"], **ports)
                else:
                    program = common.fastnetmon("10.0.0.0/12", {}, **ports)
                result = measure(program, port, sender, file.name, per_datagram, rate, hosts)
                if kind == "floodgate" and result:
                    memory = tracked(program)
                results.append(result)
                if program:
                    program.stop()
            os.unlink(file.name)
            ours, theirs = results
            text = f"{name:11} {hosts:9}  {ours[0]:12,.0f} {ours[1]:6.1%}"
            text += f"  {theirs[0]:12,.0f} {theirs[1]:6.1%}  {ours[0] / theirs[0]:6.1f}" if theirs else "  not installed"
            print(text, f"  {memory[0]} hosts tracked in {memory[1] / max(1, memory[0]):.0f} octets each; resident {memory[2] >> 20} MiB", flush=True)


main()
