"""What the benchmarks share: datagrams, the programs under test, and what they cost."""
import os, random, shutil, socket, struct, subprocess, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
FLOODGATE = os.environ.get("FLOODGATE", os.path.join(HERE, "../.build/release/floodgate"))
FASTNETMON = shutil.which("fastnetmon")


def free_port(kind=socket.SOCK_DGRAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def packet_header(source, destination, length):
    """Ethernet, IPv4 and UDP headers of a packet of `length` octets of IP."""
    ip = struct.pack("!BBHHHBBHII", 0x45, 0, length, 1, 0, 60, 17, 0, source, destination)
    return b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0" + ip + struct.pack("!HHHH", 4000, 53, length - 20, 0)


def sflow(destinations, rate, sequence=1):
    """An sFlow v5 datagram with one sampled packet for each destination."""
    out = struct.pack("!II4sIIII", 5, 1, socket.inet_aton("192.0.2.1"), 0, sequence, 100000, len(destinations))
    for destination in destinations:
        header = packet_header(0xC6120000 + random.getrandbits(16), destination, 1000)
        raw = struct.pack("!IIII", 1, 1018, 4, len(header)) + header + b"\0" * (-len(header) % 4)
        body = struct.pack("!IIIIIIII", sequence, 1, rate, sequence * rate & 0xFFFFFFFF, 0, 1, 2, 1)
        body += struct.pack("!II", 1, len(raw)) + raw
        out += struct.pack("!II", 1, len(body)) + body
    return out


def netflow5(destinations):
    out = struct.pack("!HHIIIIBBH", 5, len(destinations), 100000, int(time.time()), 0, 1, 0, 0, 0)
    for destination in destinations:
        source = 0xC6120000 + random.getrandbits(16)
        out += struct.pack("!IIIHHIIIIHHBBBBHHBBH", source, destination, 0, 1, 2, 10, 5000, 99500, 99900, 4000, 53, 0, 0,
                           17, 0, 0, 0, 0, 0, 0)
    return out


FIELDS = [(8, 4), (12, 4), (1, 4), (2, 4), (22, 4), (21, 4), (7, 2), (11, 2), (4, 1), (6, 1), (10, 2), (14, 2)]


def templated(destinations, version, with_template):
    """NetFlow v9 or IPFIX."""
    records = b"".join(
        struct.pack("!IIIIIIHHBBHH", 0xC6120000 + random.getrandbits(16), destination, 5000, 10, 99500, 99900, 4000, 53,
                    17, 0, 1, 2) for destination in destinations)
    template = struct.pack("!HH", 256, len(FIELDS)) + b"".join(struct.pack("!HH", *field) for field in FIELDS)
    sets = b""
    if with_template:
        sets += struct.pack("!HH", 0 if version == 9 else 2, 4 + len(template)) + template
    sets += struct.pack("!HH", 256, 4 + len(records)) + records
    if version == 9:
        return struct.pack("!HHIIII", 9, len(destinations), 100000, int(time.time()), 1, 1) + sets
    return struct.pack("!HHIII", 10, 16 + len(sets), int(time.time()), 1, 1) + sets


class Program:
    """A program under test with a folder of its own; ended by its process id."""

    def __init__(self, words, folder):
        self.folder = folder
        self.log = open(os.path.join(folder, "log"), "w")
        self.process = subprocess.Popen(words, stdout=self.log, stderr=self.log, cwd=folder)

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def family_cpu_seconds(self):
        """Of the process and its children: pmacct's plugins are processes of their own."""
        def children(pid):
            found = [pid]
            for task in os.listdir(f"/proc/{pid}/task"):
                try:
                    with open(f"/proc/{pid}/task/{task}/children") as file:
                        found += [each for child in file.read().split() for each in children(int(child))]
                except OSError:
                    pass
            return found

        total = 0
        for pid in children(self.process.pid):
            try:
                with open(f"/proc/{pid}/stat") as file:
                    fields = file.read().rsplit(")", 1)[1].split()
                total += int(fields[11]) + int(fields[12])
            except OSError:
                pass
        return total / os.sysconf("SC_CLK_TCK")

    def thread_cpu_seconds(self, prefix):
        """Of the threads whose names begin so."""
        total = 0
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            try:
                with open(f"/proc/{self.process.pid}/task/{task}/stat") as file:
                    name, fields = file.read().split("(", 1)[1].rsplit(")", 1)
            except OSError:
                continue
            if name.startswith(prefix):
                total += sum(int(ticks) for ticks in fields.split()[11:13])
        return total / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def floodgate(networks, detection, sflow_port=None, netflow_port=None, bgp_port=None, workers=1, more=()):
    folder = tempfile.mkdtemp(prefix="floodgate-bench-")
    lines = [f"networks: [{networks}]", "telemetry:", f"  workers: {workers}"]
    if sflow_port:
        lines.append(f'  sflow: {{listen: "127.0.0.1:{sflow_port}"}}')
    if netflow_port:
        lines.append(f'  netflow: {{listen: "127.0.0.1:{netflow_port}"}}')
    lines += ["detection:"] + [f"  {line}" for line in detection]
    if bgp_port:
        lines += ["bgp:", "  router_id: 192.0.2.10", "  local_as: 65001", "  neighbors:",
                  f"    - {{address: 127.0.0.1, port: {bgp_port}, remote_as: 65001, families: [ipv4-flowspec]}}"]
    lines += more
    lines += [f"store: {folder}/floodgate.db", f"control_socket: {folder}/control.sock"]
    with open(f"{folder}/floodgate.yaml", "w") as file:
        file.write("\n".join(lines) + "\n")
    program = Program([FLOODGATE, "run", "--config", f"{folder}/floodgate.yaml"], folder)
    program.control = f"{folder}/control.sock"
    return program


def fastnetmon(networks, settings, sflow_port=None, netflow_port=None, wrap=lambda words: words):
    """Debian's FastNetMon with a configuration of its own; None where it is not installed."""
    if not FASTNETMON:
        return None
    folder = tempfile.mkdtemp(prefix="fastnetmon-bench-")
    with open(f"{folder}/networks", "w") as file:
        file.write(networks + "\n")
    open(f"{folder}/whitelist", "w").close()
    all_settings = {
        "networks_list_path": f"{folder}/networks", "white_list_path": f"{folder}/whitelist",
        "pid_path": f"{folder}/pid", "cli_stats_file_path": f"{folder}/stats", "cli_stats_ipv6_file_path": f"{folder}/stats6",
        "disable_usage_report": "on", "logging_level": "info", "process_incoming_traffic": "on",
        "process_outgoing_traffic": "on", "enable_ban": "off", "average_calculation_time": "5", "ban_time": "1900",
        "ban_for_pps": "on", "ban_for_bandwidth": "off", "ban_for_flows": "off", "threshold_pps": "20000",
        "threshold_mbps": "100000", "threshold_flows": "100000", "netflow_sampling_ratio": "1",
        "sflow": "on" if sflow_port else "off", "netflow": "on" if netflow_port else "off",
        "sflow_port": str(sflow_port or 1), "sflow_host": "127.0.0.1", "netflow_port": str(netflow_port or 1),
        "netflow_host": "127.0.0.1", **settings,
    }
    with open(f"{folder}/fastnetmon.conf", "w") as file:
        file.write("".join(f"{key} = {value}\n" for key, value in all_settings.items()))
    return Program(wrap([FASTNETMON, "--configuration_file", f"{folder}/fastnetmon.conf", "--disable_pid_logic",
                         "--log_file", f"{folder}/fastnetmon.log"]), folder)


def wait_for_port(port, seconds=30):
    """Until something listens on the UDP port."""
    deadline = time.time() + seconds
    while time.time() < deadline:
        with open("/proc/net/udp") as file:
            if any(line.split()[1].endswith(f":{port:04X}") for line in file.readlines()[1:]):
                return True
        time.sleep(0.05)
    return False


def kernel_drops(port):
    with open("/proc/net/udp") as file:
        return sum(int(line.split()[-1]) for line in file.readlines()[1:] if line.split()[1].endswith(f":{port:04X}"))
