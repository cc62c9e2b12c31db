#!/usr/bin/env python3
"""From the first attack datagram's sendto to the rule: Floodgate to the UPDATE read by its BGP peer, FastNetMon to its
notify script, on the same stream. sFlow, one packet in 100 sampled, threshold 100,000 packets/s. Median and maximum of
10 runs (--runs N) for each factor of the threshold (--factor F for one)."""
import os, random, socket, statistics, struct, sys, tempfile, threading, time
import common

RUNS = int(sys.argv[sys.argv.index("--runs") + 1]) if "--runs" in sys.argv else 10
FACTORS = [float(sys.argv[sys.argv.index("--factor") + 1])] if "--factor" in sys.argv else (10, 5, 2, 1.2)
THRESHOLD, SAMPLING, PER_DATAGRAM = 100_000, 100, 7


class Peer:
    """As little of a BGP speaker as a rule needs: accepts, says OPEN and KEEPALIVE, notes when each prefix came."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(1)
        self.port = self.listener.getsockname()[1]
        self.up, self.seen = threading.Event(), {}
        threading.Thread(target=self.run, daemon=True).start()

    @staticmethod
    def message(kind, body=b""):
        return b"\xff" * 16 + struct.pack("!HB", 19 + len(body), kind) + body

    def keep_alive(self, connection):
        while True:
            time.sleep(20)
            connection.sendall(self.message(4))

    def run(self):
        connection, _ = self.listener.accept()
        capabilities = bytes([1, 4, 0, 1, 0, 133, 65, 4]) + struct.pack("!I", 65001)
        body = struct.pack("!BHH4sB", 4, 65001, 240, b"\x0a\xff\0\1", len(capabilities) + 2)
        connection.sendall(self.message(1, body + bytes([2, len(capabilities)]) + capabilities) + self.message(4))
        threading.Thread(target=self.keep_alive, args=(connection,), daemon=True).start()
        buffer = b""
        while data := connection.recv(65536):
            now = time.monotonic()
            buffer += data
            while len(buffer) >= 19 and len(buffer) >= (length := struct.unpack("!H", buffer[16:18])[0]):
                one, buffer = buffer[:length], buffer[length:]
                if one[18] == 4:
                    self.up.set()
                elif one[18] == 2:
                    at = one.find(bytes([1, 32, 198, 51, 100]))
                    if at >= 0 and b"\x80\x06" in one:
                        self.seen.setdefault(one[at + 5], now)


def attack(host, factor, ports, done):
    """Sends until `done()` or 20 s; when the first datagram went out."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    target = 0xC6336400 + host
    ready = [common.sflow([target] * PER_DATAGRAM, SAMPLING, index) for index in range(200)]
    per_second = THRESHOLD * factor / SAMPLING / PER_DATAGRAM
    time.sleep(random.random() / 5)
    start, sent = time.monotonic(), 0
    while time.monotonic() - start < 20 and not done():
        while sent < (time.monotonic() - start) * per_second + 1:
            for port in ports:
                sock.sendto(ready[sent % len(ready)], ("127.0.0.1", port))
            sent += 1
        time.sleep(0.001)
    return start


def main():
    peer, port, other = Peer(), common.free_port(), common.free_port()
    ours = common.floodgate("198.51.100.0/24", ["thresholds: {total: {packets: 100k packets/s}}"], sflow_port=port, bgp_port=peer.port)
    folder = tempfile.mkdtemp()
    script = os.path.join(folder, "notify")
    with open(script, "w") as file:
        file.write(f"#!/bin/sh\ncase $4 in ban) python3 -c 'import time; print(time.monotonic())' > {folder}/$1.new; mv {folder}/$1.new {folder}/$1;; esac\ncat >/dev/null\n")
    os.chmod(script, 0o755)
    theirs = common.fastnetmon("198.51.100.0/24", {"enable_ban": "on", "threshold_pps": str(THRESHOLD), "notify_script_path": script}, sflow_port=other)
    assert peer.up.wait(20), "no BGP session"
    ports = [port] + ([other] if theirs and common.wait_for_port(other) else [])
    time.sleep(3)
    print(f"{'factor':>6}  {'Floodgate median':>16} {'max':>8}  {'FastNetMon median':>17} {'max':>8}   seconds, {RUNS} runs")
    host = 0
    for factor in FACTORS:
        a, b = [], []
        for _ in range(RUNS):
            host += 1
            mark = os.path.join(folder, f"198.51.100.{host}")
            start = attack(host, factor, ports, lambda: host in peer.seen and (len(ports) == 1 or os.path.exists(mark)))
            if host in peer.seen:
                a.append(peer.seen[host] - start)
            if os.path.exists(mark):
                b.append(float(open(mark).read()) - start)
            time.sleep(1.5)
        def text(values):
            return f"{statistics.median(values):.2f} {max(values):8.2f}" if values else "none -"
        print(f"{factor:6}  {text(a):>25}  {text(b):>26}   seen {len(a)} and {len(b)} of {RUNS}", flush=True)
    ours.stop()
    if theirs:
        theirs.stop()


main()
