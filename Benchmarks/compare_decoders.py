#!/usr/bin/env python3
"""The same captures through Floodgate, nfdump's nfcapd and sfcapd, and tshark: how many of the expected flow records each
has, and how many others, compared by addresses, protocol, ports, octets and packets (of sFlow without amounts). A table in
Markdown; --list names the captures in which somebody differs; --only FORMAT: netflow5, netflow9, ipfix, sflow5 .... Reads ../shared/captures (FLOODGATE_SHARED names another place).

Hostile captures are left out: what they hold is of no account. tshark is not asked about sFlow, where it dissects whole
packets and tells of no record, nor of records that it shows without an amount."""
import collections, json, os, shutil, socket, subprocess, sys, tempfile, time
import xml.etree.ElementTree as xml
import common

CAPTURES = os.path.join(os.environ.get("FLOODGATE_SHARED", os.path.join(common.HERE, "../../shared")), "captures")
NAMES = {"netflow1": "NetFlow v1", "netflow5": "NetFlow v5", "netflow9": "NetFlow v9", "ipfix": "IPFIX", "sflow5": "sFlow v5"}


def key(record):
    """What makes a record; ports of ICMP are type and code, which each tool shows in its own way."""
    icmp = record.get("proto") in (1, 58)
    ports = (0, 0) if icmp else (record.get("sport", 0), record.get("dport", 0))
    return (record["src"], record["dst"], record.get("proto", 0), *ports, record.get("bytes", 0), record.get("packets", 0))


def places(keys):
    """Without amounts: nfdump's of sFlow are those of frames, multiplied by the sampling rate."""
    return [each[:5] for each in keys]


def flows(records):
    return [record for record in records if record.get("kind", "flow") == "flow" and "src" in record and "dst" in record]


def floodgate(path, _):
    words = [common.FLOODGATE, "decode", "--telemetry", path]
    out = subprocess.run(words, capture_output=True, text=True, timeout=60).stdout
    return [key(record) for record in flows(json.loads(line) for line in out.splitlines())]


def datagrams(path):
    words = ["tshark", "-r", path, "-T", "fields", "-e", "udp.payload"]
    out = subprocess.run(words, capture_output=True, text=True, timeout=60).stdout
    return [bytes.fromhex(line.split(",")[0]) for line in out.split()]


def nfdump(path, case):
    is_sflow = case["format"] == "sflow5"
    folder, port = tempfile.mkdtemp(), common.free_port()
    words = ["sfcapd" if is_sflow else "nfcapd", "-w", folder, "-p", str(port), "-b", "127.0.0.1", "-B", "8000000"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    try:
        common.wait_for_port(port, 5)
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for datagram in datagrams(path):
            sender.sendto(datagram, ("127.0.0.1", port))
        time.sleep(0.3)
        if process.poll() is not None:
            return "crashed"
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            return "hung"
        if process.returncode < 0 and process.returncode != -15:
            return "crashed"
        words = ["nfdump", "-R", folder, "-q", "-6", "-o", "fmt:%sa|%da|%pr|%sp|%dp|%byt|%pkt", "-N"]
        out = subprocess.run(words, capture_output=True, text=True, timeout=60).stdout
        found = []
        for line in out.splitlines():
            parts = [part.strip() for part in line.split("|")]
            if len(parts) != 7:
                continue
            numbers = {"TCP": 6, "UDP": 17, "ICMP": 1, "ICMP6": 58}
            proto = numbers.get(parts[2]) or (int(parts[2]) if parts[2].isdigit() else PROTOCOLS.get(parts[2], 0))
            ports = (0, 0) if proto in (1, 58) else (int(float(parts[3])), int(float(parts[4])))
            found.append((parts[0], parts[1], proto, *ports, int(parts[5]), int(parts[6])))
        return found
    finally:
        if process.poll() is None:
            process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def protocols():
    with open("/etc/protocols") as file:
        rows = [line.split("#")[0].split() for line in file]
    return {name: int(row[1]) for row in rows if len(row) > 1 for name in (row[0], row[0].upper(), *row[2:])}


PROTOCOLS = protocols() if os.path.exists("/etc/protocols") else {}


def tshark(path, case):
    if case["format"] == "sflow5":
        return None
    ports = {str(port) for port in (2055, 4739, 9995, 9996, 2056, 6343, *destination_ports(path))}
    words = ["tshark", "-r", path, "-T", "pdml"] + [word for port in ports for word in ("-d", f"udp.port=={port},cflow")]
    try:
        out = subprocess.run(words, capture_output=True, timeout=120).stdout
        tree = xml.fromstring(out)
    except (subprocess.TimeoutExpired, xml.ParseError):
        return "failed"
    found = []
    for field in tree.iter("field"):
        name = field.get("show") or ""
        if not (name.startswith("Flow ") or name.startswith("pdu ")):
            continue
        shown = {}
        for inner in field.iter("field"):
            if inner.get("name"):
                shown.setdefault(inner.get("name"), inner.get("show"))
        source = shown.get("cflow.srcaddr") or shown.get("cflow.srcaddrv6")
        target = shown.get("cflow.dstaddr") or shown.get("cflow.dstaddrv6")
        if not source or not target:
            continue
        def number(*names):
            for each in names:
                if shown.get(each):
                    return int(shown[each], 0)
            return 0
        proto = number("cflow.protocol")
        two = (0, 0) if proto in (1, 58) else (number("cflow.srcport"), number("cflow.dstport"))
        amounts = (number("cflow.octets", "cflow.octets64"), number("cflow.packets", "cflow.packets64"))
        found.append((source, target, proto, *two, *amounts))
    return found


def destination_ports(path):
    words = ["tshark", "-r", path, "-T", "fields", "-e", "udp.dstport"]
    return set(subprocess.run(words, capture_output=True, text=True, timeout=60).stdout.split())


def main():
    with open(os.path.join(CAPTURES, "index.json")) as file:
        cases = [case for case in json.load(file)["cases"] if not {"must-survive", "malformed"} <= set(case["tags"])]
    if "--only" in sys.argv:
        cases = [case for case in cases if case["format"] == sys.argv[sys.argv.index("--only") + 1]]
    tools = {"Floodgate": floodgate, "nfdump": nfdump, "tshark": tshark}
    totals = {name: collections.defaultdict(lambda: [0, 0, 0]) for name in tools}
    expected, captures, notes = collections.Counter(), collections.Counter(), []
    for case in cases:
        path = os.path.join(CAPTURES, case["file"])
        with open(os.path.join(CAPTURES, case["expected"])) as file:
            keys = [key(record) for record in flows(json.load(file)["records"])]
        kind = case["format"]
        wanted = collections.Counter(places(keys) if kind == "sflow5" else keys)
        captures[kind] += 1
        expected[kind] += wanted.total()
        for name, tool in tools.items():
            found = tool(path, case)
            if found is None:
                totals[name][kind][2] = None
                continue
            if isinstance(found, str):
                notes.append(f"{case['name']}: {name} {found}")
                found = []
            found = collections.Counter(places(found) if kind == "sflow5" else found)
            same = (wanted & found).total()
            totals[name][kind][0] += same
            totals[name][kind][1] += (found - wanted).total()
            if same < wanted.total() or found.total() > same:
                notes.append(f"{case['name']}: {name} has {same} of {wanted.total()}, and {found.total() - same} others")
    print("| Format | captures | records | " + " | ".join(tools) + " |\n|---|---|---|" + "---|" * len(tools))
    for kind, title in NAMES.items():
        if not captures[kind]:
            continue
        cells = []
        for name in tools:
            same, other, asked = totals[name][kind]
            cells.append("not asked" if asked is None else f"{same}" + (f", {other} others" if other else ""))
        print(f"| {title} | {captures[kind]} | {expected[kind]} | " + " | ".join(cells) + " |")
    if "--list" in sys.argv:
        print("\n" + "\n".join(notes))


main()
