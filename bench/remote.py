#!/usr/bin/env python3
"""Throughput of a front end against the number of workers on other machines.

Each worker lives in a network namespace of its own and is held to a share of a core by its cgroup, as a small computer far away would be; the
front's own worker is held to the same share, so that what the others add shows. Everything is on this machine: a bridge, three namespaces, a
nats-server with TLS and a token. Needs root, iproute2, nats-server, openssl. Prints transcriptions a second for 0 to 3 workers, medians of
--rounds.
"""
import argparse
import concurrent.futures
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import requests

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.path.join(SOURCE, "build", "src", "daemon", "voice-assistant")
RECORDINGS = "/usr/share/pocketsphinx/test/data/cards"
NETWORK = "10.211.57"  # of the bridge that is made here
PERIOD_US = 20000
CLIENTS = 12


def call(*arguments):
    subprocess.run(arguments, check=True, capture_output=True)


class Share:
    """A cgroup with so much of a core; version 1 or 2."""

    def __init__(self, name, share):
        unified = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
        self.path = os.path.join("/sys/fs/cgroup" if unified else "/sys/fs/cgroup/cpu", name)
        os.makedirs(self.path, exist_ok=True)
        quota = int(PERIOD_US * share)
        if unified:
            self.write("cpu.max", f"{quota} {PERIOD_US}")
        else:
            self.write("cpu.cfs_period_us", PERIOD_US)
            self.write("cpu.cfs_quota_us", quota)

    def write(self, name, value):
        with open(os.path.join(self.path, name), "w", encoding="ascii") as file:
            file.write(str(value))

    def start(self, *arguments, **more):
        """A program that is in the group from its first moment on."""
        return subprocess.Popen(arguments, preexec_fn=lambda: self.write("cgroup.procs", os.getpid()), **more)

    def remove(self):
        if os.path.isdir(self.path):
            os.rmdir(self.path)


class Net:
    """A bridge of this machine, and namespaces that reach it."""

    def __init__(self):
        self.names = []
        call("ip", "link", "add", "vabench", "type", "bridge")
        call("ip", "addr", "add", f"{NETWORK}.1/24", "dev", "vabench")
        call("ip", "link", "set", "vabench", "up")

    def add(self, i):
        name = f"vabench{i}"
        call("ip", "netns", "add", name)
        self.names.append(name)
        call("ip", "link", "add", f"vab{i}", "type", "veth", "peer", "name", "eth0", "netns", name)
        call("ip", "link", "set", f"vab{i}", "master", "vabench", "up")
        call("ip", "-n", name, "addr", "add", f"{NETWORK}.{10 + i}/24", "dev", "eth0")
        call("ip", "-n", name, "link", "set", "eth0", "up")
        return name

    def remove(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False)
        subprocess.run(["ip", "link", "del", "vabench"], check=False)


def make_certificate(folder):
    key, certificate = os.path.join(folder, "key.pem"), os.path.join(folder, "certificate.pem")
    call("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=nats",
         "-addext", f"subjectAltName=IP:{NETWORK}.1", "-keyout", key, "-out", certificate)
    return key, certificate


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit("it does not come up")
        time.sleep(0.1)


class Bench:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.net = Net()
        self.shares = [Share(f"vabench-{i}", arguments.share) for i in range(4)]
        key, self.certificate = make_certificate(folder)
        self.token_file = os.path.join(folder, "token")
        token = secrets.token_hex(16)
        with open(os.open(self.token_file, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(token)
        settings = os.path.join(folder, "nats.conf")
        with open(os.open(settings, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(f'listen: "{NETWORK}.1:4222"\nauthorization {{ token: "{token}" }}\ntls {{ cert_file: "{self.certificate}", key_file: "{key}" }}\n')
        self.nats = subprocess.Popen([shutil.which("nats-server") or "/usr/sbin/nats-server", "-c", settings], stderr=subprocess.DEVNULL)
        self.remote = ["--set", f"remote.url=tls://{NETWORK}.1:4222", "--set", f"remote.token_file={self.token_file}", "--set",
                       f"remote.ca_file={self.certificate}", "--model", arguments.model, "--workers", "1", "--threads", "1"]
        self.workers = []
        self.front, self.url = self.start_front()

    def start_front(self):
        folder = os.path.join(self.folder, "front")
        os.mkdir(folder)
        front = self.shares[0].start(PROGRAM, "serve", "--port", "0", "--microphone", "none", "--set", "server.tls=no", "--set", f"data.folder={folder}", "--set",
                                     "log.file=none", "--set", "model.queue=256", *self.arguments.front, *self.remote, stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL, text=True)
        return front, front.stdout.readline().split()[-1]

    def status(self):
        return requests.get(self.url + "/status", timeout=60).json()

    def add_worker(self):
        i = len(self.workers) + 1
        name, folder = self.net.add(i), os.path.join(self.folder, f"worker{i}")
        os.mkdir(folder)
        self.workers.append(self.shares[i].start("ip", "netns", "exec", name, PROGRAM, "worker", "--set", f"data.folder={folder}", *self.remote,
                                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        wait_until(lambda: self.status()["remote"]["workers"] == i)

    def throughput(self):
        """Transcriptions a second while CLIENTS ask one after the other for --seconds, and those that failed."""
        names = sorted(name for name in os.listdir(RECORDINGS) if name.endswith(".wav"))
        clips = [open(os.path.join(RECORDINGS, name), "rb").read() for name in names]
        end, lock = time.monotonic() + self.arguments.seconds, threading.Lock()
        counts = {"done": 0, "failed": 0}

        def ask(which):
            while time.monotonic() < end:
                answer = requests.post(self.url + "/transcribe", files={"audio": clips[which % len(clips)]}, timeout=300)
                with lock:
                    counts["done" if answer.status_code == 200 else "failed"] += 1
                which += 1
        start = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(ask, range(CLIENTS)))
        return counts["done"] / (time.monotonic() - start), counts["failed"]

    def close(self):
        for process in [*self.workers, self.front, self.nats]:
            process.kill()
            process.wait()
        self.net.remove()
        for share in self.shares:
            share.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="base")
    parser.add_argument("--share", type=float, default=0.2, help="of a core, for each machine")
    parser.add_argument("--seconds", type=float, default=15, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--front", nargs=argparse.REMAINDER, default=[], help="more options of the front")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("network namespaces and cgroups need root")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments, folder)
        try:
            for n in range(4):
                if n > 0:
                    bench.add_worker()
                rounds = [bench.throughput() for _ in range(arguments.rounds)]
                done, remote = statistics.median(r[0] for r in rounds), bench.status()["remote"]
                print(f"{n} workers: {done:6.2f} transcriptions/s (rounds {', '.join(f'{r[0]:.2f}' for r in rounds)}), "
                      f"{sum(r[1] for r in rounds)} failed; remote: {remote}", flush=True)
        finally:
            bench.close()


if __name__ == "__main__":
    main()
