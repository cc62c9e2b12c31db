#!/usr/bin/env python3
"""Many FlowSpec rules from our ledger to a router's table: processor time from the ledger to the socket, time until the
router has them all, octets per rule; beside BIRD, gobgpd and ExaBGP as senders of as many. Then commands as text, and one
rule at a time: to a router in the same process, and by `ban` from the request on the control socket to the UPDATE at the
peer. --count N (default 10000 and 100000), --receiver bird|frr|gobgpd (default all that are installed), --senders for the
others as senders too (half an hour), --one for commands and single rules only."""
import json, os, re, shutil, socket, statistics, struct, subprocess, sys, tempfile, threading, time
import common

ANNOUNCER = os.environ.get("ANNOUNCER", os.path.join(common.HERE, "Announcer/.build/release/announcer"))
SENDER, FEEDER, BGPD = "127.0.0.41", "127.0.0.42", "/usr/lib/frr/bgpd"


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


def switches(pid):
    """How often its threads have gone to sleep, which is how often they were woken."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status") as file:
            total += sum(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches"))
    return total


def gobgpd(own, router_id, port, *neighbors):
    """A configuration; each neighbor is its address, its AS, and what else is said of it and of its transport."""
    text = f"""[global.config]
as = 65001
router-id = "{router_id}"
port = {port}
local-address-list = ["{own}"]
"""
    for neighbor, asn, more, transport in neighbors:
        text += f"""[[neighbors]]
[neighbors.config]
neighbor-address = "{neighbor}"
peer-as = {asn}
{more}
[neighbors.transport.config]
local-address = "{own}"
{transport}
[[neighbors.afi-safis]]
[neighbors.afi-safis.config]
afi-safi-name = "ipv4-flowspec"
"""
    return text


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
            text = gobgpd(self.address, "10.0.0.1", self.port, (SENDER, 65001, "", "passive-mode = true"))
            words = ["gobgpd", "-t", "toml", "-f", path, "--pprof-disable", f"--api-hosts={self.address}:{self.api}",
                     "-l", "error"]
        with open(path, "w") as file:
            file.write(text)
        self.program = common.Program(words, self.folder)
        while f":{self.port} " not in output("ss", "-ltn"):
            time.sleep(0.05)

    def look(self):
        """Whether the session stands, and how many rules have come."""
        if self.kind == "bird":
            text = output("birdc", "-s", f"{self.folder}/ctl", "show", "protocols", "all", "peer")
            found = re.search(r"(\d+) imported", text)
        elif self.kind == "frr":
            text = output("vtysh", "--vty_socket", self.folder, "-d", "bgpd", "-c", "show bgp ipv4 flowspec summary json")
            found = re.search(r'"pfxRcd":(\d+)', text)
        else:
            text = output("gobgp", "-u", self.address, "-p", str(self.api), "neighbor")
            found = re.search(r"Establ\s*\|\s*(\d+)", text)
        return "Establ" in text, int(found[1]) if found else 0

    def wait(self, count, seconds=400):
        """When it had `count` rules; None when it never had."""
        deadline = time.time() + seconds
        while time.time() < deadline:
            if self.look()[1] >= count:
                return time.time()
            time.sleep(0.005)
        return None

    def wait_for_session(self, seconds=400):
        deadline = time.time() + seconds
        while not self.look()[0] and time.time() < deadline:
            time.sleep(0.005)
        return time.time()

    def stop(self):
        self.program.stop()


rows = []


def row(sender, receiver, count, processor, seconds, octets):
    """Prints what came of one run, and keeps it for the table."""
    took = f"{seconds:.2f} s" if seconds is not None else "never complete"
    rows.append((receiver, f"{count:,}", sender, f"{processor:.2f} s", took, f"{octets:,}"))
    print(f"{sender} -> {receiver}, {count} rules: processor {processor:.3f} s; the router has them after {took}; "
          f"{octets} octets a rule", flush=True)


def table():
    print("\n| Receiver | Rules | Sender | processor | until the receiver has them | octets a rule |\n|---|---|---|---|---|---|")
    for cells in rows:
        print("| " + " | ".join(cells) + " |")


def ours(kind, count):
    receiver = Receiver(kind)
    words = [ANNOUNCER, receiver.address, str(receiver.port), SENDER, str(count)]
    sender = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    begins = json.loads(sender.stdout.readline())["begins"]
    arrived = receiver.wait(count)
    sent = json.loads(sender.stdout.readline())
    row("floodgate", kind, count, sent["cpu_ledger"] + sent["cpu_speaker"], arrived and arrived - begins,
        sent["bytes_per_rule"])
    sender.stdin.close()
    sender.wait(10)
    receiver.stop()


def address(index):
    return f"10.{1 + (index >> 16)}.{(index >> 8) & 255}.{index & 255}"


def settled(program):
    """Waits until a program that has taken in what it was given is at rest."""
    before = -1.0
    while on_processor(program.process.pid) - before > 0.02:
        before = on_processor(program.process.pid)
        time.sleep(0.5)


def race(name, sender, receiver, count, empty, before=None):
    """From the session to the last rule. `empty`: what the program took without rules; `before`: the processor time it had
    used, where that was to be asked before the session."""
    began = receiver.wait_for_session()
    before = on_processor(sender.process.pid) if before is None else before
    arrived = receiver.wait(count)
    took = arrived and arrived - began
    time.sleep(0.5)
    row(name, receiver.kind, count, on_processor(sender.process.pid) - before, took,
        (sender.resident_bytes() - empty) // count)
    sender.stop()
    receiver.stop()


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
    settled(sender)
    before = on_processor(sender.process.pid)
    output("birdc", "-s", f"{folder}/ctl", "enable", "snd")
    race("BIRD", sender, receiver, count, 0, before)


def gobgpd_sends(kind, count):
    """gobgpd has the rules from a neighbor of another AS, which is we, and hands them on."""
    receiver, folder = Receiver(kind), tempfile.mkdtemp(prefix="floodgate-bench-")
    port, api = common.free_port(socket.SOCK_STREAM), common.free_port(socket.SOCK_STREAM)
    text = gobgpd(SENDER, "10.0.0.2", port,
                  (receiver.address, 65001, "admin-down = true", f"remote-port = {receiver.port}"),
                  (FEEDER, 65010, "", "passive-mode = true"))
    with open(f"{folder}/conf", "w") as file:
        file.write(text)
    sender = common.Program(["gobgpd", "-t", "toml", "-f", f"{folder}/conf", "--pprof-disable",
                             f"--api-hosts={SENDER}:{api}", "-l", "error"], folder)
    while f":{port} " not in output("ss", "-ltn"):
        time.sleep(0.05)
    empty = sender.resident_bytes()
    feeder = subprocess.Popen([ANNOUNCER, SENDER, str(port), FEEDER, str(count), "65010"], stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL)
    command = ("gobgp", "-u", SENDER, "-p", str(api), "neighbor")
    while not re.search(rf"{FEEDER}.*Establ\s*\|\s*{count}\b", output(*command)):
        time.sleep(0.2)
    settled(sender)
    before = on_processor(sender.process.pid)
    output(*command, receiver.address, "enable")
    race("gobgpd", sender, receiver, count, empty, before)
    feeder.stdin.close()
    feeder.wait(10)


def exabgps():
    """Debian's ExaBGP, and the latest one from PyPI in an environment of its own: name, command, what it calls its log's
    highest level."""
    found = [("ExaBGP 4.2", ["exabgp"], "CRIT")] if shutil.which("exabgp") else []
    place = os.path.join(tempfile.gettempdir(), "floodgate-bench-exabgp5")
    if not os.path.exists(f"{place}/bin/exabgp"):
        output(sys.executable, "-m", "venv", place)
        output(f"{place}/bin/pip", "install", "-q", "exabgp==5.0.15")
    if os.path.exists(f"{place}/bin/exabgp"):
        found.append(("ExaBGP 5.0", [f"{place}/bin/exabgp", "server"], "CRITICAL"))
    return found


def exabgp(words, level, folder):
    os.environ.update(exabgp_daemon_user="root", exabgp_daemon_daemonize="false", exabgp_log_destination="stdout",
                      exabgp_log_level=level, exabgp_api_cli="false")
    return common.Program(words + [f"{folder}/conf"], folder)


def exabgp_sends(name, words, level, kind, count):
    receiver, folder = Receiver(kind), tempfile.mkdtemp(prefix="floodgate-bench-")
    with open(f"{folder}/conf", "w") as file:
        file.write(f"neighbor {receiver.address} {{ router-id 10.0.0.2; local-address {SENDER}; local-as 65001; "
                   f"peer-as 65001; connect {receiver.port}; family {{ ipv4 flow; }} flow {{\n")
        for index in range(count):
            file.write(f"route r{index} {{ match {{ destination {address(index)}/32; protocol udp; destination-port =53; }} "
                       "then { discard; community [65001:666]; } }\n")
        file.write("} }\n")
    # With reading its configuration, as it prepares there what it sends.
    race(name, exabgp(words, level, folder), receiver, count, 0, 0)


def exabgp_one_at_a_time(name, words, level, rounds=100):
    """One rule after another by the process API: from the write to the UPDATE."""
    peer, folder = Peer(), tempfile.mkdtemp(prefix="floodgate-bench-")
    os.mkfifo(f"{folder}/pipe")
    with open(f"{folder}/helper", "w") as file:
        file.write(f"#!/bin/sh\nexec cat <> {folder}/pipe\n")
    os.chmod(f"{folder}/helper", 0o755)
    with open(f"{folder}/conf", "w") as file:
        file.write(f"process feed {{ run {folder}/helper; encoder text; }}\nneighbor 127.0.0.1 {{ router-id 10.0.0.2; "
                   f"local-address {SENDER}; local-as 65001; peer-as 65001; connect {peer.port}; family {{ ipv4 flow; }} "
                   "api { processes [feed]; } }\n")
    program = exabgp(words, level, folder)
    assert peer.up.wait(30), open(f"{folder}/log").read()[-2000:]
    time.sleep(1)
    delays = []
    pipe = os.open(f"{folder}/pipe", os.O_RDWR)
    for index in range(rounds):
        began = time.perf_counter()
        os.write(pipe, f"announce flow route {{ match {{ destination 198.51.100.{index}/32; protocol udp; }} "
                 "then { discard; } }\n".encode())
        delays.append(peer.wait(index, began))
        time.sleep(0.02)
    tell(f"{name}, process API to UPDATE", delays)
    program.stop()


def tell(what, delays):
    print(f"one rule, {what}: p50 {statistics.median(delays) * 1e3:.2f} ms, max {max(delays) * 1e3:.2f} ms", flush=True)


class Peer:
    """As little of a BGP speaker as a rule needs; notes when each UPDATE came."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.up, self.arrived = self.listener.getsockname()[1], threading.Event(), {}
        # Rules for UDP to port 53.
        self.rules = 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        connection, _ = self.listener.accept()
        capabilities = bytes([1, 4, 0, 1, 0, 133, 65, 4]) + struct.pack("!I", 65001)
        body = struct.pack("!BHH4sBBB", 4, 65001, 0, b"\x0a\xff\0\1", len(capabilities) + 2, 2, len(capabilities))
        message = lambda kind, body=b"": b"\xff" * 16 + struct.pack("!HB", 19 + len(body), kind) + body
        connection.sendall(message(1, body + capabilities) + message(4))
        rest, end = b"", b"\3\x81\x11\5\x81\x35"
        while data := connection.recv(65536):
            now = time.perf_counter()
            self.rules += (rest + data).count(end)
            rest = data[1 - len(end):]
            if data[18] == 4 or b"\xff\0\x13\4" in data:
                self.up.set()
            place = data.find(bytes([1, 32, 198, 51]))
            if place >= 0:
                self.arrived[data[place + 4:place + 6]] = now

    def wait(self, index, began):
        """How long after `began` the rule for 198.51.100.`index` came."""
        key = bytes([100, index])
        while key not in self.arrived and time.perf_counter() - began < 5:
            time.sleep(0.00005)
        return self.arrived[key] - began


def flush_delays(folder, rounds=200):
    """What the disk takes to flush as much as a rule adds to the write-ahead log."""
    delays = []
    with open(os.path.join(folder, "flush"), "wb", buffering=0) as file:
        for _ in range(rounds):
            file.write(b"x" * 4 * 4120)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            delays.append(time.perf_counter() - began)
            time.sleep(0.005)
    return delays


def by_control(daemon):
    """`ban` on the control socket."""
    control = socket.socket(socket.AF_UNIX)
    control.connect(daemon.control)

    def send(index):
        request = {"command": "ban", "target": f"198.51.100.{index}", "duration_seconds": 600}
        control.sendall(json.dumps(request).encode() + b"\n")
        control.recv(65536)

    return send


def by_pipe(path):
    """A command as ExaBGP's clients write it."""
    pipe = os.open(path, os.O_RDWR)

    def send(index):
        os.write(pipe, f"announce flow route {{ match {{ destination 198.51.100.{index}/32; protocol udp; }} "
                 "then { discard; } }\n".encode())

    return send


def one_at_a_time(by, folder=None, rounds=120):
    """One rule after another, by the control socket, the named pipe or a process that hands on what a pipe gets: with
    pauses in which others fill the processor's caches, and hard upon each other."""
    peer = Peer()
    with tempfile.TemporaryDirectory(prefix="floodgate-bench-", dir=folder) as place:
        for name in ("api", "feed"):
            os.mkfifo(f"{place}/{name}")
        former, tempfile.tempdir = tempfile.tempdir, folder
        daemon = common.floodgate("198.51.0.0/16", ["thresholds: {total: {packets: 1M packets/s}}"], bgp_port=peer.port,
                                  sflow_port=common.free_port(),
                                  more=["mitigation: {max_rules: 100000, max_changes_per_minute: 1000000}",
                                        f"exabgp_pipe: {{path: {place}/api}}",
                                        f"processes: {{name: feed, run: [sh, -c, exec cat <> {place}/feed]}}"])
        tempfile.tempdir = former
        assert peer.up.wait(20)
        time.sleep(0.5)
        send = {"ban": lambda: by_control(daemon), "pipe": lambda: by_pipe(f"{place}/api"),
                "process": lambda: by_pipe(f"{place}/feed")}[by]()
        for first, pause in ((0, 0.005), (rounds, 0.0002)):
            delays = []
            before, woken = on_processor(daemon.process.pid), switches(daemon.process.pid)
            for index in range(first, first + rounds):
                began = time.perf_counter()
                send(index)
                delays.append(peer.wait(index, began))
                time.sleep(pause)
            used = on_processor(daemon.process.pid) - before
            woken = switches(daemon.process.pid) - woken
            place = "store in memory" if folder else "written to disk first"
            tell(f"floodgate, {by} to UPDATE, {place}, one in {pause * 1e3:g} ms", delays)
            print(f"  processor of the daemon meanwhile, for each rule: {used / rounds * 1e3:.2f} ms; its threads woke "
                  f"{woken / rounds:.1f} times", flush=True)
        if not folder:
            tell("the flush to disk alone, of as many octets", flush_delays(daemon.folder))
        daemon.stop()


def many_by_pipe(count=10_000):
    """So many commands on the named pipe: processor time of the whole daemon until the peer has them all."""
    peer = Peer()
    with tempfile.TemporaryDirectory(prefix="floodgate-bench-") as place:
        os.mkfifo(f"{place}/api")
        daemon = common.floodgate("10.0.0.0/8", ["thresholds: {total: {packets: 1M packets/s}}"], bgp_port=peer.port,
                                  more=["mitigation: {max_rules: 1000000, max_changes_per_minute: 1000000}",
                                        f"exabgp_pipe: {{path: {place}/api}}"])
        assert peer.up.wait(20)
        time.sleep(0.5)
        before, began = on_processor(daemon.process.pid), time.perf_counter()
        with open(f"{place}/api", "w") as pipe:
            for index in range(count):
                pipe.write(f"announce flow route {{ match {{ destination {address(index)}; protocol udp; destination-port "
                           "=53; } then { discard; community [65001:666]; } }\n")
        while peer.rules < count and time.perf_counter() - began < 60:
            time.sleep(0.002)
        took, used = time.perf_counter() - began, on_processor(daemon.process.pid) - before
        print(f"{count} commands on the named pipe: processor {used:.3f} s, until the peer has all {peer.rules}: "
              f"{took:.2f} s", flush=True)
        daemon.stop()


if __name__ == "__main__":
    installed = [kind for kind, there in (("bird", shutil.which("bird")), ("frr", os.path.exists(BGPD)),
                                          ("gobgpd", shutil.which("gobgpd"))) if there]
    counts = [int(option("--count", 0))] if "--count" in sys.argv else [10_000, 100_000]
    others = exabgps() if "--senders" in sys.argv else []
    if "--one" not in sys.argv:
        for receiver in [option("--receiver", "")] if "--receiver" in sys.argv else installed:
            for count in counts:
                ours(receiver, count)
                if "--senders" in sys.argv:
                    bird_sends(receiver, count)
                    if "gobgpd" in installed:
                        gobgpd_sends(receiver, count)
                    for other in others:
                        exabgp_sends(*other, receiver, count)
        table()
    with tempfile.TemporaryDirectory(prefix="floodgate-bench-") as folder:
        text = json.loads(output(ANNOUNCER, "--text", "10000", f"{folder}/store.db"))
    print(f"10000 commands: processor {sum(text[part] for part in ('parse', 'ledger', 'disk', 'rib')):.3f} s {text}", flush=True)
    if os.path.exists(common.FLOODGATE):
        many_by_pipe()
    one = json.loads(output(ANNOUNCER, "--one-by-one"))
    print(f"one rule, speaker to decoded UPDATE: p50 {one['p50'] * 1e3:.3f} ms, max {one['max'] * 1e3:.3f} ms", flush=True)
    for other in others:
        exabgp_one_at_a_time(*other)
    if os.path.exists(common.FLOODGATE):
        for by in ("ban", "pipe", "process"):
            one_at_a_time(by)
            if os.path.isdir("/dev/shm"):
                one_at_a_time(by, "/dev/shm")
    else:
        print("skipped: one rule at a time needs `make build`")
