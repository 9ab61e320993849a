#!/usr/bin/env python3
"""make bench-live [ARGS="--rounds 5"]: how soon the final text is there after the end of the audio, over the live WebSocket.

Real clips are sent as they are spoken, 100 ms at a time, by 1, 2 and 4 clients at once; each hears another clip. The clock starts when the last
piece has been sent and stops when the final text has come. Beside it `transcribe --stream` of the same clips, one at a time: from the last
sample to its final text. No pause is waited for in either: the audio ends. Prints medians and 95th percentiles in milliseconds, and in how
many clips both have the same text."""
import argparse
import glob
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import wave

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(SOURCE, "tests", "e2e"))
VENV = os.path.join(SOURCE, "build-venv", "bin", "python")
try:
    import soundfile
    from test_server import Server
    from websockets.sync.client import connect
except ImportError:
    if sys.executable != VENV and os.path.exists(VENV):
        os.execv(VENV, [VENV, *sys.argv])
    sys.exit("bench/live.py needs the packages of tests/requirements.txt: ./check pytest installs them")

RATE_HZ, PIECE_S = 16000, 0.1
READ = "/usr/share/pocketsphinx/test/data/librivox/*.wav"
LONGEST_S = 6.0
CLIENTS = [1, 2, 4]


def write_clips(options, folder):
    """[(path, PCM)] of WAV files in folder."""
    sources = sorted(glob.glob(READ))
    commands = sorted(glob.glob(os.path.join(options.data, "smarthome_ohf", "real_*.flac")))
    sources += commands[:: max(1, len(commands) // options.commands)][:options.commands]
    clips = []
    for i, source in enumerate(sources):
        pcm, rate = soundfile.read(source, dtype="int16")
        if rate != RATE_HZ or pcm.ndim > 1 or len(pcm) > LONGEST_S * RATE_HZ:
            continue
        clips.append((os.path.join(folder, f"{i}.wav"), pcm.tobytes()))
        with wave.open(clips[-1][0], "wb") as file:
            file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
            file.writeframes(clips[-1][1])
    return clips


def words(text):
    return re.findall(r"[a-z0-9']+", text.lower())


def over_websocket(url, pcm):
    """-> (milliseconds, text)"""
    with connect(url, max_size=1 << 20) as line:
        line.send(json.dumps({"type": "start", "rate": RATE_HZ, "language": "en", "commands": False, "endpoint": False}))
        while json.loads(line.recv())["type"] != "ready":
            pass
        size, start = int(PIECE_S * RATE_HZ) * 2, time.perf_counter()
        for at in range(0, len(pcm), size):
            line.send(pcm[at:at + size])
            time.sleep(max(0.0, start + (min(at + size, len(pcm)) / 2 / RATE_HZ) - time.perf_counter()))
        line.send('{"type":"stop"}')
        end = time.perf_counter()
        while (message := json.loads(line.recv()))["type"] != "final":
            if message["type"] in ("error", "closed"):
                return None, ""
        return (time.perf_counter() - end) * 1000, message["text"]


def measure_clients(url, clips, n):
    found = []

    def run(first):
        for path, pcm in clips[first:] + clips[:first]:
            found.append((path, *over_websocket(url, pcm)))
    threads = [threading.Thread(target=run, args=(i * len(clips) // n,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def measure_program(options, clips):
    found = []
    for path, pcm in clips:
        command = [options.program, "transcribe", "--stream", "--model", options.model, "--vad", options.vad, "--language", "en", "--format", "json", path]
        lines = [json.loads(line) for line in subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()]
        finals = [line for line in lines if line["event"] == "final"]
        late_ms = (finals[-1]["at"] - len(pcm) / 2 / RATE_HZ) * 1000 if finals else None
        found.append((path, late_ms, " ".join(line["text"] for line in finals)))
    return found


def report(name, found, texts):
    late = sorted(ms for _, ms, _ in found if ms is not None)
    same = sum(words(text) == words(texts[path]) for path, _, text in found)
    print(f"{name:24} median {statistics.median(late):7.1f} ms, 95 % {late[min(len(late) - 1, int(0.95 * len(late)))]:7.1f} ms, "
          f"{len(found) - len(late)} of {len(found)} without a text, the same text in {same}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=os.environ.get("VA_TEST_MODELS", os.path.join(SOURCE, "build-models")))
    parser.add_argument("--model", default="base")
    parser.add_argument("--data", default=os.environ.get("VA_SHARED_DATA", ""), help="folder of the recorded sets; without them the read clips only")
    parser.add_argument("--commands", type=int, default=8, help="spoken commands of the recorded sets (8)")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    options.program = os.environ.get("VA_PROGRAM") or os.path.join(SOURCE, "build", "src", "daemon", "voice-assistant")
    options.model, options.vad = (os.path.join(options.models, name + ".vam") for name in (options.model, "vad"))
    with tempfile.TemporaryDirectory() as folder:
        clips = write_clips(options, folder)
        print(f"{len(clips)} clips, mean {statistics.mean(len(pcm) for _, pcm in clips) / 2 / RATE_HZ:.1f} s, {options.rounds} rounds, "
              f"{os.cpu_count()} processors")
        alone = [row for _ in range(options.rounds) for row in measure_program(options, clips)]
        texts = {path: text for path, _, text in alone}
        report("transcribe --stream", alone, texts)
        server = Server(options.program, "--model", options.model, "--microphone", "none", "--set", f"listen.vad={options.vad}",
                        "--set", "speech.enabled=no", "--set", "history.enabled=no", "--set", "live.sessions=16", folder=folder)
        try:
            url = server.url.replace("http", "ws") + "/api/v1/live"
            for n in CLIENTS:
                report(f"WebSocket, {n} at once", [row for _ in range(options.rounds) for row in measure_clients(url, clips, n)], texts)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
