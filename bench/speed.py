#!/usr/bin/env python3
"""Wall and CPU time of one 30 s window: voice-assistant beside faster-whisper int8, on the same threads.

Windows are cut from the longform set. Each round runs ours over all windows, then the peer; both load their model once a round, and that
is not counted in the wall time (in ours it is in the CPU time: some milliseconds). English, greedy, temperature 0, timestamps on.
"""
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import wave

import common

RATE_HZ = 16000
WINDOW_S = 30


def cut_windows(data, folder, n):
    """Writes n WAV files of 30 s and returns their paths."""
    import numpy as np
    from faster_whisper import decode_audio
    paths = []
    for _, source, _ in common.load_sets(data, ["longform"]):
        pcm = (np.clip(decode_audio(source), -1, 1) * 32767).astype("<i2")
        for start in range(0, len(pcm) - WINDOW_S * RATE_HZ + 1, WINDOW_S * RATE_HZ):
            path = os.path.join(folder, f"window{len(paths):02}.wav")
            with wave.open(path, "wb") as f:
                f.setnchannels(1)
                f.setsampwidth(2)
                f.setframerate(RATE_HZ)
                f.writeframes(pcm[start:start + WINDOW_S * RATE_HZ].tobytes())
            paths.append(path)
            if len(paths) == n:
                return paths
    return paths


def children_cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_ours(options, threads, windows):
    """-> (wall ms of each window, CPU seconds of all)"""
    command = [options.program, "transcribe", "--model", options.model, "--language", "en", "--beam", "1", "--timestamps", "segment", "--no-fallback",
               "--threads", str(threads), "--format", "json", *options.ours_args.split(), *windows]
    before = children_cpu_s()
    out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    walls = [json.loads(line)["timing"]["total_ms"] for line in out.stdout.splitlines()]
    return walls, children_cpu_s() - before


def run_peer(options, threads, windows):
    """The same for faster-whisper int8, in a process of its own."""
    command = [sys.executable, os.path.abspath(__file__), "--cache", options.cache, "--peer-model", options.peer_model, "--peer-run", str(threads), *windows]
    environment = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    answer = json.loads(out.stdout)
    return answer["walls"], answer["cpu_s"]


def peer_process(options, threads):
    from faster_whisper import WhisperModel
    model = WhisperModel(options.peer_model, device="cpu", compute_type="int8", cpu_threads=threads)
    walls, cpu = [], time.process_time()
    for window in options.windows:
        start = time.perf_counter()
        segments, _ = model.transcribe(window, language="en", beam_size=1, temperature=0.0, condition_on_previous_text=False)
        list(segments)
        walls.append(1000 * (time.perf_counter() - start))
    print(json.dumps({"walls": walls, "cpu_s": time.process_time() - cpu}))


def measure(options, windows):
    for threads in [int(t) for t in options.thread_counts.split(",")]:
        walls = {"ours": [], "peer": []}
        cpus = {"ours": [], "peer": []}
        for _ in range(options.rounds):
            for engine, run in (("ours", run_ours), ("peer", run_peer)):
                wall, cpu = run(options, threads, windows)
                walls[engine] += wall
                cpus[engine].append(cpu / len(windows))
        yield {"threads": threads, "windows": len(windows), "rounds": options.rounds,
               **{f"{e}_wall_ms": round(statistics.median(walls[e]), 1) for e in walls},
               **{f"{e}_cpu_s": round(statistics.median(cpus[e]), 3) for e in cpus}}


def main():
    p = common.parser(__doc__)
    p.add_argument("--thread-counts", default="1,2", help="numbers of threads to compare at")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--n-windows", type=int, default=6)
    p.add_argument("--ours-args", default="", help="more arguments for our transcribe")
    p.add_argument("--peer-run", type=int, default=0, help="used by the script itself")
    p.add_argument("windows", nargs="*", help="used by the script itself")
    options = p.parse_args()
    if not options.peer_model:
        p.error("--peer-model is needed: a CTranslate2 folder")
    common.enter_venv(options.cache)
    if options.peer_run:
        peer_process(options, options.peer_run)
        return
    with tempfile.TemporaryDirectory() as folder:
        windows = cut_windows(options.data, folder, options.n_windows)
        if not options.json:
            print(f"30 s windows, greedy: {len(windows)} windows, {options.rounds} alternating rounds, medians")
            print(f"  {'threads':>7} {'ours wall ms':>13} {'peer wall ms':>13} {'ratio':>6} {'ours CPU s':>11} {'peer CPU s':>11} {'ratio':>6}")
        for row in measure(options, windows):
            if options.json:
                print(json.dumps(row), flush=True)
            else:
                print(f"  {row['threads']:7} {row['ours_wall_ms']:13} {row['peer_wall_ms']:13} {row['peer_wall_ms'] / row['ours_wall_ms']:6.2f}"
                      f" {row['ours_cpu_s']:11} {row['peer_cpu_s']:11} {row['peer_cpu_s'] / row['ours_cpu_s']:6.2f}", flush=True)


if __name__ == "__main__":
    main()
