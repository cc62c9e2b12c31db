#!/usr/bin/env python3
"""Many FlowSpec rules from our ledger to a router's table: processor time from the ledger to the socket, time until the
router has them all, octets per rule; beside BIRD and ExaBGP as senders of as many. Then one rule at a time: to a router in
the same process, and by `ban` from the request on the control socket to the UPDATE at the peer. --count N (default 10000 and 100000),
--receiver bird|frr|gobgpd (default all that are installed), --senders for the others as senders too (minutes)."""
import json, os, re, shutil, socket, statistics, struct, subprocess, sys, tempfile, threading, time
import common

ANNOUNCER = os.environ.get("ANNOUNCER", os.path.join(common.HERE, "Announcer/.build/release/announcer"))
SENDER, BGPD = "127.0.0.41", "/usr/lib/frr/bgpd"


def option(name, default):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


def output(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def on_processor(pid):
    """Seconds of all threads, exact."""
    try:
        return sum(int(open(f"/proc/{pid}/task/{thread}/schedstat").read().split()[0])
                   for thread in os.listdir(f"/proc/{pid}/task")) / 1e9
    except OSError:
        return 0.0


def gobgpd(own, router_id, port, neighbor, more=""):
    return f"""[global.config]
as = 65001
router-id = "{router_id}"
port = {port}
local-address-list = ["{own}"]
[[neighbors]]
[neighbors.config]
neighbor-address = "{neighbor}"
peer-as = 65001
[neighbors.transport.config]
local-address = "{own}"
{more}
[[neighbors.afi-safis]]
[neighbors.afi-safis.config]
afi-safi-name = "ipv4-flowspec"
"""


class Receiver:
    """A router that waits for the sender, and counts."""

    def __init__(self, kind):
        self.kind, self.folder = kind, tempfile.mkdtemp(prefix="floodgate-bench-")
        self.address = {"bird": "127.0.0.32", "frr": "127.0.0.33", "gobgpd": "127.0.0.31"}[kind]
        self.port, self.api = common.free_port(socket.SOCK_STREAM), common.free_port(socket.SOCK_STREAM)
        path = f"{self.folder}/conf"
        if kind == "bird":
            text = f"""log stderr {{ error, fatal, bug }}; router id 10.0.0.1; flow4 table f4; protocol device {{}}
                protocol bgp peer {{ local {self.address} port {self.port} as 65001; neighbor {SENDER} as 65001; multihop;
                strict bind on; passive on; flow4 {{ table f4; import all; export none; }}; }}"""
            words = ["bird", "-f", "-c", path, "-s", f"{self.folder}/ctl", "-P", f"{self.folder}/pid"]
        elif kind == "frr":
            text = f"""router bgp 65001
 bgp router-id 10.0.0.1
 no bgp default ipv4-unicast
 neighbor {SENDER} remote-as 65001
 neighbor {SENDER} passive
 address-family ipv4 flowspec
  neighbor {SENDER} activate
 exit-address-family
"""
            words = [BGPD, "-S", "-Z", "-f", path, "-i", f"{self.folder}/pid", "--vty_socket", self.folder, "-A",
                     "127.0.0.1", "-P", "0", "-p", str(self.port), "-l", self.address]
        else:
            text = gobgpd(self.address, "10.0.0.1", self.port, SENDER, "passive-mode = true")
            words = ["gobgpd", "-t", "toml", "-f", path, "--pprof-disable", f"--api-hosts={self.address}:{self.api}",
                     "-l", "error"]
        with open(path, "w") as file:
            file.write(text)
        self.program = common.Program(words, self.folder)
        while f":{self.port} " not in output("ss", "-ltn"):
            time.sleep(0.05)

    def count(self):
        if self.kind == "bird":
            found = re.search(r"(\d+) imported", output("birdc", "-s", f"{self.folder}/ctl", "show", "protocols", "all",
                                                        "peer"))
        elif self.kind == "frr":
            found = re.search(r'"pfxRcd":(\d+)', output("vtysh", "--vty_socket", self.folder, "-d", "bgpd", "-c",
                                                        "show bgp ipv4 flowspec summary json"))
        else:
            found = re.search(r"Establ\s*\|\s*(\d+)", output("gobgp", "-u", self.address, "-p", str(self.api), "neighbor"))
        return int(found[1]) if found else 0

    def wait(self, count, seconds=300):
        """When it had them all; nil when it never had."""
        deadline = time.time() + seconds
        while time.time() < deadline:
            if self.count() >= count:
                return time.time()
            time.sleep(0.005)
        return None

    def stop(self):
        self.program.stop()


def ours(kind, count):
    receiver = Receiver(kind)
    words = [ANNOUNCER, receiver.address, str(receiver.port), SENDER, str(count)]
    sender = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    begins = json.loads(sender.stdout.readline())["begins"]
    arrived = receiver.wait(count)
    sent = json.loads(sender.stdout.readline())
    print(f"floodgate -> {kind:7} {count:7} rules: processor {sent['cpu_ledger'] + sent['cpu_speaker']:.3f} s "
          f"(ledger {sent['cpu_ledger']:.3f}, speaker {sent['cpu_speaker']:.3f}); the peer has them after "
          f"{arrived - begins if arrived else float('nan'):.3f} s; {sent['bytes_per_rule']} octets a rule", flush=True)
    sender.stdin.close()
    sender.wait(10)
    receiver.stop()


def address(index):
    return f"10.{1 + (index >> 16)}.{(index >> 8) & 255}.{index & 255}"


def bird_sends(kind, count):
    receiver, folder = Receiver(kind), tempfile.mkdtemp(prefix="floodgate-bench-")
    with open(f"{folder}/conf", "w") as file:
        file.write("""log stderr { error, fatal, bug }; router id 10.0.0.2; flow4 table f4; protocol device {}
            protocol static st { flow4 { table f4; import filter { bgp_community.add((65001,666));
            bgp_ext_community.add((generic, 0x80060000, 0x0)); accept; }; };\n""")
        for index in range(count):
            file.write(f"route flow4 {{ dst {address(index)}/32; proto = 17; dport = 53; }};\n")
        file.write(f"""}}\nprotocol bgp snd {{ disabled; local {SENDER} as 65001; neighbor {receiver.address}
            port {receiver.port} as 65001; multihop; strict bind on; connect delay time 1;
            flow4 {{ table f4; import none; export all; }}; }}\n""")
    sender = common.Program(["bird", "-f", "-c", f"{folder}/conf", "-s", f"{folder}/ctl", "-P", f"{folder}/pid"], folder)
    while "Daemon is up" not in output("birdc", "-s", f"{folder}/ctl", "show", "status"):
        time.sleep(0.1)
    time.sleep(1)
    before = on_processor(sender.process.pid)
    output("birdc", "-s", f"{folder}/ctl", "enable", "snd")
    arrived = receiver.wait(count)
    time.sleep(0.5)
    print(f"bird      -> {kind:7} {count:7} rules: processor {on_processor(sender.process.pid) - before:.3f} s; "
          f"{sender.resident_bytes() // count} octets a rule; complete: {arrived is not None}", flush=True)
    sender.stop()
    receiver.stop()


def exabgp_sends(kind, count):
    receiver, folder = Receiver(kind), tempfile.mkdtemp(prefix="floodgate-bench-")
    with open(f"{folder}/conf", "w") as file:
        file.write(f"neighbor {receiver.address} {{ router-id 10.0.0.2; local-address {SENDER}; local-as 65001; "
                   f"peer-as 65001; connect {receiver.port}; family {{ ipv4 flow; }} flow {{\n")
        for index in range(count):
            file.write(f"route r{index} {{ match {{ destination {address(index)}/32; protocol udp; destination-port =53; }} "
                       "then { discard; community [65001:666]; } }\n")
        file.write("} }\n")
    os.environ.update(exabgp_daemon_user="root", exabgp_daemon_daemonize="false", exabgp_log_destination="stdout",
                      exabgp_log_level="CRITICAL", exabgp_api_cli="false")
    sender = common.Program(["exabgp", f"{folder}/conf"], folder)
    arrived = receiver.wait(count)
    print(f"exabgp    -> {kind:7} {count:7} rules: processor {on_processor(sender.process.pid):.3f} s with its start; "
          f"{sender.resident_bytes() // count} octets a rule; complete: {arrived is not None}", flush=True)
    sender.stop()
    receiver.stop()


class Peer:
    """As little of a BGP speaker as a rule needs; notes when each UPDATE came."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.up, self.arrived = self.listener.getsockname()[1], threading.Event(), {}
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        connection, _ = self.listener.accept()
        capabilities = bytes([1, 4, 0, 1, 0, 133, 65, 4]) + struct.pack("!I", 65001)
        body = struct.pack("!BHH4sBBB", 4, 65001, 0, b"\x0a\xff\0\1", len(capabilities) + 2, 2, len(capabilities))
        message = lambda kind, body=b"": b"\xff" * 16 + struct.pack("!HB", 19 + len(body), kind) + body
        connection.sendall(message(1, body + capabilities) + message(4))
        while data := connection.recv(65536):
            now = time.perf_counter()
            if data[18] == 4 or b"\xff\0\x13\4" in data:
                self.up.set()
            place = data.find(bytes([1, 32, 198, 51]))
            if place >= 0:
                self.arrived[data[place + 4:place + 6]] = now


def one_at_a_time(rounds=200):
    peer = Peer()
    daemon = common.floodgate("198.51.0.0/16", ["thresholds: {total: {packets: 1M packets/s}}"], bgp_port=peer.port,
                              sflow_port=common.free_port())
    assert peer.up.wait(20)
    time.sleep(0.5)
    control = socket.socket(socket.AF_UNIX)
    control.connect(daemon.control)
    delays, answers = [], []
    for index in range(rounds):
        target = f"198.51.100.{index}"
        began = time.perf_counter()
        control.sendall(json.dumps({"command": "ban", "target": target, "duration_seconds": 600}).encode() + b"\n")
        answer = control.recv(65536)
        answers.append(time.perf_counter() - began)
        key = bytes([100, index])
        while key not in peer.arrived and time.perf_counter() - began < 2:
            time.sleep(0.00005)
        assert key in peer.arrived, answer
        delays.append(peer.arrived[key] - began)
        time.sleep(0.005)
    print(f"one rule by ban, request to UPDATE: p50 {statistics.median(delays) * 1e3:.2f} ms, max {max(delays) * 1e3:.2f} ms "
          f"({rounds} rules; written to disk first)", flush=True)
    daemon.stop()


if __name__ == "__main__":
    installed = [kind for kind, there in (("bird", shutil.which("bird")), ("frr", os.path.exists(BGPD)),
                                          ("gobgpd", shutil.which("gobgpd"))) if there]
    counts = [int(option("--count", 0))] if "--count" in sys.argv else [10_000, 100_000]
    for receiver in [option("--receiver", "")] if "--receiver" in sys.argv else installed:
        for count in counts:
            ours(receiver, count)
            if "--senders" in sys.argv:
                bird_sends(receiver, count)
                if shutil.which("exabgp"):
                    exabgp_sends(receiver, count)
    one = json.loads(output(ANNOUNCER, "--one-by-one"))
    print(f"one rule, speaker to decoded UPDATE: p50 {one['p50'] * 1e3:.3f} ms, max {one['max'] * 1e3:.3f} ms", flush=True)
    if os.path.exists(common.FLOODGATE):
        one_at_a_time()
    else:
        print("skipped: one rule at a time needs `make build`")
