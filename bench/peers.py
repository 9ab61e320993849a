#!/usr/bin/env python3
"""voice-assistant beside faster-whisper int8 and whisper.cpp, in one run on this machine, from the same weights.

Every engine is a resident process (bench/engines.py) that got its model before the clock starts; the clips are decoded beforehand. English
forced, greedy, temperature 0. A pass is one engine over all clips of a part; a round is one pass of each engine, in turn. A figure is
the median of the rounds; the spread is (largest - smallest) / median of a pass's time. A pass during which other programs took more than
--others of the machine is repeated up to twice and the quietest is kept; its share is shown. bench/prepare_peers.py makes the peers ready. Tables go to standard error, one JSON line a
figure to standard output; a ratio above 1 means that ours is better.

Parts:
  commands    smart-home commands of 1 to 4 s: wall and CPU time per clip, word errors
  coffee      coffee commands of about 8 s: the same, and in how many every labelled slot is in the text
  acceptance  the slots of all coffee commands, one pass
  long        readings of about a minute with timestamps, one thread: CPU time per audio second, word errors
  workers     a batch of commands by two workers on one model and by one; the encoder alone
  memory      the server with its model loaded, with two workers busy, and after that; the peers' processes
  start       from exec of the server to its first answer; the peers until their model is loaded
"""
import argparse
import hashlib
import http.client
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time

import common
from common import accepted, busy_s, load_clips, rounded, say, word_errors

PARTS = ["commands", "coffee", "acceptance", "long", "workers", "memory", "start"]
REPEATS = 3  # of a pass that others disturb


class Engine:
    """A resident process of bench/engines.py; a context manager, so that it ends with its part."""

    def __init__(self, options, name, kind, model, threads=1, workers=1):
        self.name = name
        command = [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "engines.py"), kind, "--model", model,
                   "--library", options.library, "--threads", str(threads), "--workers", str(workers)]
        environment = {k: v for k, v in os.environ.items() if not re.match("(OMP|OPENBLAS|MKL|CT2)_", k)}
        if kind == "whisper.cpp":  # a pywhispercpp built from source leaves its libraries beside its package
            environment["LD_LIBRARY_PATH"] = sysconfig.get_paths()["platlib"]
        start = time.perf_counter()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        env=environment)
        self.note = self.answer()["note"]
        self.load_s = time.perf_counter() - start

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"bench: {self.name} ended early: run `{' '.join(self.process.args)}` to see why")
        return json.loads(line)

    def once(self, clips, timestamps=False, workers=1):
        busy, start = busy_s(), time.perf_counter()
        request = {"clips": [c.raw for c in clips], "timestamps": timestamps, "workers": workers}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        result = self.answer()
        machine_s = (time.perf_counter() - start) * os.cpu_count()
        result["others"] = max(0.0, busy_s() - busy - result["cpu_s"]) / machine_s
        return result

    def quiet(self, options, clips, **more):
        """The first pass with the machine to itself, else the quietest of REPEATS."""
        passes = []
        while len(passes) < REPEATS and (not passes or passes[-1]["others"] > options.others):
            passes.append(self.once(clips, **more))
        return min(passes, key=lambda r: r["others"])

    def memory_mb(self):
        return memory_mb(self.process.pid)


def memory_mb(pid):
    """{"private": anonymous and shared memory, "rss": with mapped files, "peak_rss"} in MB"""
    with open(f"/proc/{pid}/status") as f:
        kb = {k: int(v.split()[0]) for k, v in (line.split(":") for line in f if line.startswith(("Rss", "VmRSS", "VmHWM")))}
    return {"private": (kb["RssAnon"] + kb["RssShmem"]) / 1024, "rss": kb["VmRSS"] / 1024, "peak_rss": kb["VmHWM"] / 1024}


def engines(options, threads, peers=None):
    """Ours and the peers, loaded."""
    chosen = [("ours", "ours", options.model_file)]
    chosen += [p for p in options.peer_list if peers is None or p[1] in peers]
    return [Engine(options, name, kind, model, threads) for name, kind, model in chosen]


# ---- the parts ----

def report(name, ours, peer, peer_name, unit, less_is_better=True, **more):
    """Prints one figure as a JSON line."""
    over, under = (peer, ours) if less_is_better else (ours, peer)
    ratio = round(over / under, 3) if over is not None and under else None
    print(json.dumps({"name": name, "ours": rounded(ours), "peer": rounded(peer), "peer_name": peer_name, "ratio": ratio, "unit": unit, **more}),
          flush=True)


def spread(values):
    return (max(values) - min(values)) / statistics.median(values)


def compare(options, part, clips, threads, timestamps=False, peers=None):
    """Alternating passes of all engines -> [{engine, figures}]; ours first."""
    running = engines(options, threads, peers)
    passes = {e.name: [] for e in running}
    for engine in running:
        engine.once(clips[:1], timestamps=timestamps)  # the first touch of the weights is not counted
    for i in range(options.rounds):
        for engine in running if i % 2 == 0 else running[::-1]:
            passes[engine.name].append(engine.quiet(options, clips, timestamps=timestamps))
    audio_s = sum(c.seconds for c in clips)
    rows = []
    for engine in running:
        runs = passes[engine.name]
        per_clip = [statistics.median(walls) for walls in zip(*(r["walls"] for r in runs))]
        cpu = statistics.median(r["cpu_s"] for r in runs)
        errors, words = word_errors(clips, runs[0]["texts"], options.normalise)
        rows.append({"engine": engine.name, "wall_median": statistics.median(per_clip), "wall_mean": statistics.mean(per_clip),
                     "cpu": cpu / len(clips), "cpu_audio": cpu / audio_s, "errors": errors, "words": words,
                     "accepted": accepted(clips, runs[0]["texts"], options.normalise), "spread": spread([r["total_s"] for r in runs]),
                     "cpu_spread": spread([r["cpu_s"] for r in runs]), "others": max(r["others"] for r in runs), "texts": runs[0]["texts"]})
        engine.close()
    show_comparison(options, part, clips, threads, rows)
    report_comparison(options, part, clips, threads, rows)
    return rows


def show_comparison(options, part, clips, threads, rows):
    audio_s = sum(c.seconds for c in clips)
    say(f"\n{part}: {len(clips)} clips, mean {audio_s / len(clips):.1f} s, {threads} thread(s), {options.rounds} rounds")
    say(f"  {'engine':22} {'wall median':>11} {'mean, s':>8} {'CPU s':>7} {'per audio s':>11} {'CPU ratio':>9} {'errors':>9} {'accepted':>9}"
        f" {'spread':>7} {'CPU spread':>10} {'others':>7}")
    for row in rows:
        errors = f"{row['errors']}/{row['words']}" if row["words"] else "-"
        right = f"{row['accepted']}/{len(clips)}" if clips[0].slots else "-"
        say(f"  {row['engine']:22} {row['wall_median']:11.3f} {row['wall_mean']:8.3f} {row['cpu']:7.3f} {row['cpu_audio']:11.4f}"
            f" {row['cpu'] / rows[0]['cpu']:9.2f} {errors:>9} {right:>9} {row['spread']:7.0%} {row['cpu_spread']:10.0%} {row['others']:7.1%}")
    if options.verbose:
        for i, clip in enumerate(clips):
            say(f"  {os.path.basename(clip.source)}: {clip.text or clip.slots}")
            for row in rows:
                say(f"    {row['engine']:22} {row['texts'][i]}")


def report_comparison(options, part, clips, threads, rows):
    ours = rows[0]
    for peer in rows[1:]:
        about = {"threads": threads, "clips": len(clips), "rounds": options.rounds, "others": round(max(ours["others"], peer["others"]), 3)}
        for key, by, unit in (("wall_median", "spread", "s per clip"), ("wall_mean", "spread", "s per clip"),
                              ("cpu", "cpu_spread", "CPU s per clip"), ("cpu_audio", "cpu_spread", "CPU s per audio s")):
            report(f"{part}.{key}", ours[key], peer[key], peer["engine"], unit, **about, spread_ours=round(ours[by], 3),
                   spread_peer=round(peer[by], 3))
        if ours["words"]:
            report(f"{part}.word_errors", ours["errors"], peer["errors"], peer["engine"], f"errors in {ours['words']} words", threads=threads)
        if clips[0].slots:
            report(f"{part}.accepted", ours["accepted"], peer["accepted"], peer["engine"], f"of {len(clips)} commands", less_is_better=False,
                   threads=threads)


def command_clips(options, folder):
    return load_clips(options, "smarthome_ohf", folder, 1.0, 4.0, 6 if options.quick else options.clips)


def part_commands(options, folder):
    for threads in options.threads:
        compare(options, "commands", command_clips(options, folder), threads)


def part_coffee(options, folder):
    for threads in options.threads:
        compare(options, "coffee", load_clips(options, "picovoice", folder, n=4 if options.quick else options.clips), threads)


def part_acceptance(options, folder):
    clips = load_clips(options, "picovoice", folder, n=20 if options.quick else 0)
    found = []
    for engine in engines(options, 2, ["faster-whisper"]):
        with engine:
            found.append(accepted(clips, engine.once(clips)["texts"], options.normalise))
            say(f"{'' if len(found) > 1 else chr(10)}acceptance: {engine.name}: {found[-1]} of {len(clips)} coffee commands with every slot in the text")
    report("acceptance.accepted", *found, options.peer_list[0][0], f"of {len(clips)} commands", less_is_better=False)


def part_long(options, folder):
    clips = load_clips(options, "longform", folder, n=1 if options.quick else 0)
    compare(options, "long", clips, 1, timestamps=True, peers=["faster-whisper"])


def part_workers(options, folder):
    clips = command_clips(options, folder)
    runs = {1: [], 2: []}
    with Engine(options, "ours", "ours", options.model_file, threads=1, workers=2) as engine:
        engine.once(clips[:2], workers=2)
        for _ in range(options.rounds):
            for workers, passes in runs.items():
                passes.append(engine.quiet(options, clips, workers=workers))
    rate = {w: statistics.median(len(clips) / r["total_s"] for r in passes) for w, passes in runs.items()}
    encode = {w: statistics.median(w / statistics.mean(r["encodes"]) for r in passes) for w, passes in runs.items()}
    cpu = {w: statistics.median(r["cpu_s"] / len(clips) for r in passes) for w, passes in runs.items()}
    others = max(r["others"] for passes in runs.values() for r in passes)
    same = runs[1][0]["texts"] == runs[2][0]["texts"]
    say(f"\nworkers: {len(clips)} commands, one thread each, {options.rounds} rounds; texts {'the same' if same else 'DIFFERENT'}; others {others:.1%}")
    say(f"  {'workers':>7} {'clips a s':>9} {'encoder runs a s':>16} {'CPU s a clip':>12} {'spread':>7}")
    for w, passes in runs.items():
        say(f"  {w:7} {rate[w]:9.2f} {encode[w]:16.2f} {cpu[w]:12.3f} {spread([r['total_s'] for r in passes]):7.0%}")
    say(f"  {'gain':>7} {rate[2] / rate[1]:9.2f} {encode[2] / encode[1]:16.2f}")
    about = {"clips": len(clips), "rounds": options.rounds, "others": round(others, 3), "same_texts": same}
    report("workers.throughput", rate[2], rate[1], "ours, 1 worker", "clips per s", less_is_better=False, **about)
    report("workers.encode", encode[2], encode[1], "ours, 1 worker", "encoder runs per s", less_is_better=False, **about)
    report("workers.cpu", cpu[2], cpu[1], "ours, 1 worker", "CPU s per clip", **about)


class Server:
    """`serve` with two workers of one thread, without a microphone and without the user's settings."""

    def __init__(self, options):
        self.folder = tempfile.TemporaryDirectory()
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        command = [options.program, "serve", "--port", str(self.port), "--model", options.model_file, "--microphone", "none", "--workers", "2",
                   "--threads", "1", "--set", "server.tls=no", "--set", f"data.folder={self.folder.name}", "--set", "log.file=none"]
        environment = {**os.environ, "XDG_CONFIG_HOME": self.folder.name, "XDG_STATE_HOME": self.folder.name}
        start = time.perf_counter()
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        while self.request("GET", "/health") != 200:
            if self.process.poll() is not None or time.perf_counter() - start > 30:
                self.process.kill()
                sys.exit(f"bench: the server does not start: {' '.join(command)}")
            time.sleep(0.0005)
        self.start_s = time.perf_counter() - start

    def request(self, method, path, body=None, headers=None):
        """-> status of the answer, 0 when there is no server yet"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except ConnectionError:
            return 0
        finally:
            connection.close()

    def transcribe(self, path):
        with open(path, "rb") as f:
            body = b'--b\r\nContent-Disposition: form-data; name="audio"; filename="a"\r\n\r\n' + f.read() + b"\r\n--b--\r\n"
        return self.request("POST", "/transcribe", body, {"Content-Type": "multipart/form-data; boundary=b"})

    def memory_mb(self):
        return memory_mb(self.process.pid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def server_memory(options, clips):
    """-> memory of the server with its model loaded, the largest while two clients send the clips, and a second after that"""
    statuses = []
    with Server(options) as server:
        time.sleep(1)
        idle = server.memory_mb()
        clients = [threading.Thread(target=lambda half=half: statuses.extend(server.transcribe(c.source) for c in half))
                   for half in (clips[::2], clips[1::2])]
        for client in clients:
            client.start()
        busy = dict(idle)
        while any(client.is_alive() for client in clients):
            busy = {k: max(busy[k], v) for k, v in server.memory_mb().items()}
            time.sleep(0.01)
        time.sleep(1)
        rest = server.memory_mb()
    if statuses != [200] * len(clips):
        sys.exit(f"bench: the server answered {statuses} to {len(clips)} recordings")
    return idle, busy, rest


def part_memory(options, folder):
    clips = command_clips(options, folder) + load_clips(options, "longform", folder, n=2)
    rows = [("ours", *server_memory(options, clips))]
    for name, kind, model in options.peer_list:
        with Engine(options, name, kind, model) as engine:
            idle = engine.memory_mb()
            engine.once(clips)
            rest = engine.memory_mb()
        rows.append((name, idle, {"private": max(idle["private"], rest["private"]), "rss": rest["peak_rss"]}, rest))
    say("\nmemory, MB: ours is the server with two workers, peers a Python process with one thread; the work is commands and two long readings")
    say("  private is RssAnon + RssShmem, all is RSS with mapped files; a peer's busy private memory is that after the work")
    say(f"  {'':22} {'idle: private':>14} {'all':>6} {'busy: private':>14} {'all':>6} {'after: private':>15} {'all':>6}")
    for name, idle, busy, rest in rows:
        say(f"  {name:22} {idle['private']:14.1f} {idle['rss']:6.0f} {busy['private']:14.1f} {busy['rss']:6.0f} {rest['private']:15.1f}"
            f" {rest['rss']:6.0f}")
    for name, *peer in rows[1:]:
        for state, mine, other in zip(("idle", "busy", "after"), rows[0][1:], peer):
            report(f"memory.{state}", mine["private"], other["rss"], name, "MB; ours RssAnon + RssShmem, peer RSS", ours_rss=rounded(mine["rss"]))


def part_start(options, _):
    starts = []
    for _ in range(3 if options.quick else 9):
        with Server(options) as server:
            starts.append(server.start_s)
    ours = statistics.median(starts)
    say(f"\nstart, s: median {ours:.4f} of {len(starts)} from exec to the first answer of /health ({min(starts):.4f} to {max(starts):.4f})")
    for name, kind, model in options.peer_list:
        loads = []
        for _ in range(1 if options.quick else 3):
            with Engine(options, name, kind, model) as engine:
                loads.append(engine.load_s)
        say(f"  {name}: {statistics.median(loads):.3f} from exec of Python to the loaded model")
        report("start", ours, statistics.median(loads), name, "s; ours from exec to a 200 of /health, peer from exec to the loaded model",
               n=len(starts), spread_ours=round(spread(starts), 3))


# ---- what is needed ----

def check_needs(options):
    """Ends with one line about what is missing; fills options.model_file, .peer_list, .normalise."""
    for path, need in ((options.program, "build it: make build"), (options.library, "build it: make build"),
                       (options.data, "name the folder of the recorded sets: --data or VA_SHARED_DATA")):
        if not os.path.exists(path):
            sys.exit(f"bench: {path} is absent; {need}")
    weights = os.path.join(options.peer_model, "model.bin")
    if not os.path.exists(weights):
        sys.exit(f"bench: {weights} is absent; bench/prepare_peers.py makes it, or name a CTranslate2 folder of the same weights as ours")
    info = subprocess.run([options.program, "model", "info", options.model], stdout=subprocess.PIPE, text=True, check=False)
    if info.returncode != 0:
        sys.exit(f"bench: our model {options.model} is not prepared; import the same weights: voice-assistant model import {options.peer_model}")
    facts = {key.strip(): value.strip() for key, value in (line.split("  ", 1) for line in info.stdout.splitlines() if "  " in line)}
    options.model_file = facts["file"]
    with open(weights, "rb") as f:
        if hashlib.file_digest(f, "sha256").hexdigest() not in info.stdout:
            sys.exit(f"bench: {options.model} was not made from {weights}; compare the same weights")
    options.peer_list = [("faster-whisper int8", "faster-whisper", options.peer_model)]
    if options.peer_ggml:
        try:
            __import__("pywhispercpp")
        except ImportError:
            sys.exit("bench: whisper.cpp is not built; bench/prepare_peers.py does it, --peer-ggml none leaves it out")
    for path in filter(None, options.peer_ggml.split(",")):
        if not os.path.exists(path):
            sys.exit(f"bench: {path} is absent; --peer-ggml names ggml files of the same weights")
        options.peer_list.append((f"whisper.cpp {os.path.basename(path).removesuffix('.bin')}", "whisper.cpp", path))
    from whisper_normalizer.english import EnglishTextNormalizer
    options.normalise = EnglishTextNormalizer()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    build = os.path.join(common.SOURCE, "build", "src")
    p.add_argument("--program", default=os.path.join(build, "daemon", "voice-assistant"), help="our program")
    p.add_argument("--library", default=os.path.join(build, "library", "libvoice_assistant.so"), help="our shared library")
    p.add_argument("--model", default="base", help="our prepared model: a name or a path")
    cache = common.cache_folder()
    p.add_argument("--peer-model", default=os.path.join(cache, "base"), help="CTranslate2 folder of the same weights")
    p.add_argument("--peer-ggml", default="", help="ggml files of the same weights, separated by commas; 'none' leaves whisper.cpp out")
    p.add_argument("--venv", default=common.peers_folder(), help="virtual environment with the peers")
    p.add_argument("--data", default=common.default_data(), help="folder of the recorded sets")
    p.add_argument("--only", default=",".join(PARTS), help="parts to run, separated by commas")
    p.add_argument("--threads", default="1,2", help="numbers of threads for commands and coffee")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--clips", type=int, default=20, help="most clips of commands and of coffee")
    p.add_argument("--others", type=float, default=0.05, help="share of the machine that other programs may take")
    p.add_argument("--quick", action="store_true", help="two rounds of a few clips: shows that it works")
    p.add_argument("--verbose", action="store_true", help="print every text")
    options = p.parse_args()
    options.threads = [int(t) for t in options.threads.split(",")]
    ggml = os.path.join(cache, "ggml-base-f16.bin")
    if not options.peer_ggml and os.path.exists(ggml):
        options.peer_ggml = ggml
    elif options.peer_ggml in ("", "none"):
        options.peer_ggml = ""
        say("bench: without whisper.cpp")
    options.rounds = 2 if options.quick else options.rounds
    parts = options.only.split(",")
    if not set(parts) <= set(PARTS):
        p.error(f"--only takes {', '.join(PARTS)}")
    common.enter_peers(os.path.abspath(options.venv))
    check_needs(options)
    with tempfile.TemporaryDirectory() as folder:
        for part in parts:
            globals()[f"part_{part}"](options, folder)


if __name__ == "__main__":
    main()
