#!/usr/bin/env python3
"""The service under load, by HTTP from outside: how fast it answers, and its transcriptions beside faster-whisper's behind a Python server.

Parts:
  http    wrk -t1 -c16 on /status and /health, plain and over TLS, while one worker transcribes uploads without a pause
  peers   the same clips from 1, 4, 8 and 16 clients at once: ours, and faster-whisper (int8, greedy, the same weights, so many threads) behind
          the FastAPI server of the package faster-whisper-server; in turn, the round's order changing, medians of the rounds. A client
          sends its next clip when the last was answered. Peak memory is the resident set of all of a server's processes

--first puts the whole run before the other programs of a machine that is shared (root, kernels with autogroups): servers, clients and wrk among
themselves are as they would be alone. Tables go to standard error, one JSON line a figure to standard output.
"""
import argparse
import glob
import http.client
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import common
import prepare_peers
from common import rounded, say

PARTS = ["http", "peers"]
SERVER = "faster-whisper-server==0.0.3"
BOUNDARY = "bench-boundary"
CLIPS = "/usr/share/pocketsphinx/test/data/librivox"
CLIENTS = [1, 4, 8, 16]
GOALS = {"requests_per_s": 5000, "p99_ms": 5}


def figure(name, value, **more):
    print(json.dumps({"name": f"service.{name}", "value": rounded(value), **more}), flush=True)


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def form(path, name, **fields):
    with open(path, "rb") as f:
        data = f.read()
    text = "".join(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items())
    head = f'{text}--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{os.path.basename(path)}"\r\n\r\n'
    return head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


class Server:
    """A process that serves HTTP on this machine; a context manager."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def post(self, body):
        """-> text"""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            line.request("POST", self.path, body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})
            answer = line.getresponse()
            data = answer.read()
        finally:
            line.close()
        if answer.status != 200:
            raise OSError(f"{answer.status} {data[:200]}")
        return json.loads(data)["text"]

    def processes(self):
        """It and its children."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as f:
            return [self.process.pid, *map(int, f.read().split())]

    def peak_mb(self):
        total = 0
        for pid in self.processes():
            with open(f"/proc/{pid}/status", encoding="ascii") as f:
                total += sum(int(line.split()[1]) for line in f if line.startswith("VmHWM"))
        return total / 1024


class Ours(Server):
    name, field, path, more = "voice-assistant", "audio", "/transcribe", {"language": "en"}

    def __init__(self, options, folder, workers, threads):
        self.folder = folder
        self.settings = [word for option in ("server.tls_port=0", "metrics.enabled=no", "wyoming.enabled=no", f"data.folder={folder}",
                                             f"log.file={folder}/app.log", f"model.threads={threads}") for word in ("--set", option)]
        environment = {**os.environ, "XDG_CONFIG_HOME": folder, "XDG_STATE_HOME": folder}
        self.program = options.program
        super().__init__([options.program, "serve", "--port", "0", "--model", options.model_file, "--microphone", "none",
                          "--workers", str(workers), *self.settings], environment)
        self.port, self.tls_port = (int(re.search(r"https?://.*:(\d+)", self.process.stdout.readline())[1]) for _ in range(2))

    def token(self):
        answer = subprocess.run([self.program, "token", "add", "--set", f"data.folder={self.folder}", "--scopes", "status", "bench"],
                                capture_output=True, text=True, check=True)
        return next(word for word in answer.stdout.split() if word.startswith("va_"))


class Peer(Server):
    name, field, path, more = "faster-whisper-server", "file", "/v1/audio/transcriptions", {"language": "en", "model_name": "base"}

    def __init__(self, options, folder, threads):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        config = os.path.join(folder, "models.yaml")
        with open(config, "w", encoding="utf-8") as f:
            json.dump({"models": [{"name": "base", "path": options.weights,
                                   "model_options": {"device": "cpu", "compute_type": "int8", "cpu_threads": threads},
                                   "transcribe_options": {"beam_size": 1, "temperature": 0.0}}]}, f)  # JSON is YAML
        python = os.path.join(options.venv, "bin", "python")
        super().__init__([python, "-m", "faster_whisper_server", "--config", config, "--host", "127.0.0.1", "--port", str(self.port)],
                         {**os.environ, "HF_HUB_OFFLINE": "1"})
        while True:
            try:
                line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                line.request("GET", "/health")
                line.getresponse().read()
                return
            except OSError:
                if self.process.poll() is not None:
                    sys.exit(f"bench: {' '.join(self.process.args)} ended")
                time.sleep(0.1)
            finally:
                line.close()


# ---- http ----

def wrk(url, seconds, *more):
    """-> requests a second, 99th percentile in ms, answers that were none or errors"""
    text = subprocess.run(["wrk", "-t1", "-c16", f"-d{seconds}", "--latency", *more, url], stdout=subprocess.PIPE, text=True, check=True).stdout
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    bad = sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", text))) + sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", text)))
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), float(number) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit], bad


def part_http(options, folder):
    if shutil.which("wrk") is None:
        sys.exit("bench: the package wrk is not installed")
    body, ended, done = form(options.clips[0], Ours.field, **Ours.more), threading.Event(), [0]
    with Ours(options, folder, workers=1, threads=0) as server:

        def upload():
            while not ended.is_set():
                server.post(body)
                done[0] += 1

        thread = threading.Thread(target=upload)
        thread.start()
        time.sleep(1)
        places = {"plain": (f"http://127.0.0.1:{server.port}", []),
                  "TLS": (f"https://localhost:{server.tls_port}", ["-H", f"Authorization: Bearer {server.token()}"])}
        runs = {(way, path): [] for way in places for path in ("/status", "/health")}
        before = done[0], time.monotonic()
        for _ in range(options.rounds):
            for (way, path), found in runs.items():
                found.append((*wrk(places[way][0] + path, options.seconds, *places[way][1]), os.getloadavg()[0]))
        rate = (done[0] - before[0]) / (time.monotonic() - before[1])
        ended.set()
        thread.join()
    say(f"\nhttp: wrk -t1 -c16, {options.rounds} times {options.seconds} s each, while one worker transcribes ({rate:.1f} uploads of the shortest clip a second)")
    for (way, path), found in runs.items():
        per_s, p99, bad, load = (statistics.median(values) for values in zip(*found))
        spread = " ".join(f"{run[1]:.1f}" for run in found)
        say(f"  {way:6} {path:8} {per_s:8.0f} requests/s   99 % below {p99:6.2f} ms ({spread})   bad {bad:.0f}   load average {load:.1f}")
        figure(f"http.{way.lower()}{path.replace('/', '.')}.requests_per_s", per_s, goal=GOALS["requests_per_s"], bad=bad, load=round(load, 1))
        figure(f"http.{way.lower()}{path.replace('/', '.')}.p99_ms", p99, goal=GOALS["p99_ms"], runs=[round(run[1], 2) for run in found])


# ---- beside a peer ----

def passes(server, bodies, clients, n):
    """n clips by so many clients -> {"rate", "seconds" (sorted), "failures", "texts"}"""
    lock, left, seconds, failures, texts = threading.Lock(), list(range(n))[::-1], [], [], {}

    def client():
        while True:
            with lock:
                if not left:
                    return
                i = left.pop()
            start = time.perf_counter()
            try:
                text = server.post(bodies[i % len(bodies)])
            except (OSError, http.client.HTTPException) as error:
                failures.append(repr(error))
                continue
            seconds.append(time.perf_counter() - start)
            texts[i % len(bodies)] = text

    threads = [threading.Thread(target=client) for _ in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"rate": len(seconds) / (time.perf_counter() - start), "seconds": seconds, "failures": failures, "texts": texts}


def words(text):
    return re.sub("[^a-z' ]", " ", text.lower()).split()


def word_errors(options, texts):
    """{number of the clip: text} -> errors, words"""
    with open(os.path.join(CLIPS, "transcription"), encoding="utf-8") as f:
        said = {name: words(text) for text, name in re.findall(r"^<s>(.*)</s> [(](.*)[)]$", f.read(), re.MULTILINE)}
    pairs = [(said[os.path.basename(options.clips[i])[:-4]], words(text)) for i, text in texts.items()]
    return sum(common.align(*pair)[0] for pair in pairs), sum(len(reference) for reference, _ in pairs)


def part_peers(options, folder):
    folders = [os.path.join(folder, name) for name in ("ours", "peer")]
    for path in folders:
        os.makedirs(path)
    with Ours(options, folders[0], workers=2, threads=1) as ours, Peer(options, folders[1], options.threads) as peer:
        servers = (ours, peer)
        bodies = {s.name: [form(path, s.field, **s.more) for path in options.clips] for s in servers}
        errors = {}
        for server in servers:  # loads the model, touches the weights
            errors[server.name] = word_errors(options, passes(server, bodies[server.name], 2, len(options.clips))["texts"])
        runs = {(s.name, clients): [] for s in servers for clients in CLIENTS}
        for i in range(options.rounds):
            for clients in CLIENTS:
                for server in servers if i % 2 == 0 else servers[::-1]:
                    runs[server.name, clients].append(passes(server, bodies[server.name], clients, options.requests))
        peaks = {s.name: s.peak_mb() for s in servers}
    say(f"\npeers: {options.requests} uploads of {len(options.clips)} clips, {options.rounds} rounds; load average {os.getloadavg()[0]:.1f}")
    say(f"  {'clients':>7} {'server':22} {'a second':>9} {'median':>8} {'95 %':>8}  failures")
    for clients in CLIENTS:
        rates = {}
        for server in servers:
            found = runs[server.name, clients]
            rates[server.name] = statistics.median(run["rate"] for run in found)
            p50, p95 = (statistics.median(percentile(run["seconds"], share) for run in found) for share in (0.5, 0.95))
            failures = [failure for run in found for failure in run["failures"]]
            say(f"  {clients:7} {server.name:22} {rates[server.name]:9.2f} {p50:7.2f}s {p95:7.2f}s  {len(failures)} {failures[:1] or ''}")
            figure(f"peers.{server.name}.{clients}_clients.per_s", rates[server.name], p50_s=rounded(p50), p95_s=rounded(p95),
                   failures=len(failures), runs=[round(run["rate"], 2) for run in found])
        say(f"          ours is {rates[ours.name] / rates[peer.name]:.2f} times as fast")
    for server in servers:
        say(f"  {server.name}: peak {peaks[server.name]:.0f} MB resident, {errors[server.name][0]} of {errors[server.name][1]} words wrong")
        figure(f"peers.{server.name}.word_errors", errors[server.name][0], words=errors[server.name][1])
        figure(f"peers.{server.name}.peak_mb", peaks[server.name])


def prepare(options):
    """faster-whisper's server in an environment of its own, the weights as it reads them."""
    options.venv = os.path.join(options.cache, "service")
    stamp = os.path.join(options.venv, SERVER)
    if not os.path.exists(stamp):
        say(f"making a virtual environment in {options.venv}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", options.venv], check=True)
        subprocess.run([os.path.join(options.venv, "bin", "python"), "-m", "pip", "install", "--quiet", *common.PACKAGES[:1], SERVER], check=True)
        open(stamp, "w", encoding="utf-8").close()
    options.weights = options.peer_model or os.path.join(options.cache, "base")
    if not options.peer_model:
        prepare_peers.make_weights(options.weights)


def go_first():
    os.setsid()
    with open("/proc/self/autogroup", "w", encoding="ascii") as f:
        f.write("-20")


def main():
    p = common.parser(__doc__)
    p.add_argument("--only", default=",".join(PARTS), help="parts to run, separated by commas")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=int, default=5, help="of wrk on one path")
    p.add_argument("--requests", type=int, default=32, help="uploads of one pass")
    p.add_argument("--models", default=os.path.join(common.SOURCE, "build-models"), help="folder of our prepared models")
    p.add_argument("--first", action="store_true", help="before the other programs of this machine")
    options = p.parse_args()
    parts = options.only.split(",")
    if not set(parts) <= set(PARTS):
        p.error(f"--only takes {', '.join(PARTS)}")
    options.model_file = options.model if "/" in options.model else os.path.join(options.models, f"{options.model}.vam")
    options.clips = sorted(glob.glob(os.path.join(CLIPS, "*.wav")), key=os.path.getsize)
    if not options.clips:
        sys.exit("bench: the package pocketsphinx-testdata is not installed")
    if "peers" in parts:
        prepare(options)
    if options.first:
        if os.getpid() == os.getpgid(0):  # a leader of a group cannot begin a session
            os.execvp("setsid", ["setsid", "--wait", sys.executable, *sys.argv])
        go_first()
    for part in parts:
        with tempfile.TemporaryDirectory() as folder:
            globals()[f"part_{part}"](options, folder)


if __name__ == "__main__":
    main()
