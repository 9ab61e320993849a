#!/usr/bin/env python3
"""Locust's users beside somebody who speaks to the microphone: what the server answers, holds, and how soon a spoken command is carried out.

A server of its own with the model base listens to a pipe, into which a command is spoken over and over. Its latency, from the end of speech to
the event `result`, is measured without a load and then with each number of users. make load (USERS="16 32 64 96" SECONDS=30)
"""
import argparse
import array
import contextlib
import fcntl
import http.client
import json
import os
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

from served import Loaded, RECORDINGS, SOURCE, model_path, program_path
from pipe_microphone import PIECE, PipeMicrophone

COMMAND = "go forward ten meters"
PAUSE_S = 1.0  # between the result of a command and the next one
LOST_S = 10.0
BYTES_PER_S = 32000
PIPE_BYTES = 16384


def speech():
    """The recorded command, and the seconds of it behind its last loud piece, where speech ends."""
    with open(os.path.join(RECORDINGS, "goforward.raw"), "rb") as f:
        data = f.read()
    pieces = [data[at:at + PIECE] for at in range(0, len(data), PIECE)]
    power = [sum(s * s for s in array.array("h", piece)) for piece in pieces]
    loud, audible = (max(i for i, p in enumerate(power) if p > max(power) / part) for part in (100, 500))
    return b"".join(pieces[:audible + 1]), (audible - loud) * PIECE / BYTES_PER_S


def room():
    chance = random.Random(3)
    return array.array("h", (chance.randrange(-3, 4) for _ in range(16000))).tobytes()


class Microphone(PipeMicrophone):
    """Knows when the last piece of speech is heard: when it is taken out of the pipe, by a reader that keeps to the pace."""
    was_speaking, ended_s = False, 0.0

    def __init__(self, path, background):
        super().__init__(path, background)
        self.pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        fcntl.fcntl(self.pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def waiting_s(self):
        return struct.unpack("i", fcntl.ioctl(self.pipe, termios.FIONREAD, bytes(4)))[0] / BYTES_PER_S

    def next_piece(self):
        is_speaking = not self.pieces.empty()
        if self.was_speaking and not is_speaking:
            self.ended_s = time.monotonic() + self.waiting_s()
        self.was_speaking = is_speaking
        return super().next_piece()

    def close(self):
        super().close()
        os.close(self.pipe)


class Speaker:
    """Speaks to the server and waits for what comes of it."""

    def __init__(self, server, microphone):
        self.microphone, self.results, self.ended = microphone, [], threading.Event()
        self.heard = threading.Event()
        self.line = http.client.HTTPConnection(*server.address)
        self.line.request("GET", "/api/v1/events")
        self.answer = self.line.getresponse()
        self.latencies, self.lost = [], 0
        threading.Thread(target=self.read, daemon=True).start()
        self.thread = threading.Thread(target=self.speak)
        self.thread.start()

    def read(self):
        name = ""
        while line := self.answer.readline().decode():
            if line.startswith("event: "):
                name = line[7:].strip()
            elif line.startswith("data: ") and name == "result" and json.loads(line[6:])["command"] == "forward":
                self.at_s = time.monotonic()
                self.heard.set()

    def speak(self):
        said, tail_s = speech()
        while not self.ended.wait(PAUSE_S):
            self.heard.clear()
            self.microphone.say(said)
            if self.heard.wait(len(said) / BYTES_PER_S + LOST_S):
                self.latencies.append(self.at_s - self.microphone.ended_s + tail_s)
            else:
                self.lost += 1

    def take(self):
        taken, lost = self.latencies, self.lost
        self.latencies, self.lost = [], 0
        return taken, lost

    def close(self):
        self.ended.set()
        self.thread.join()


def percentile(times, share):
    """Of Locust's {milliseconds: how many}."""
    left = share * sum(times.values())
    for ms, n in sorted((float(ms), n) for ms, n in times.items()):
        left -= n
        if left <= 0:
            return ms
    return float("nan")


def run_locust(server, users, seconds):
    """-> {name: its statistics}"""
    command = [sys.executable, "-m", "locust", "-f", os.path.join(SOURCE, "tests", "load", "locustfile.py"), "--headless", "--json",
               "--skip-log", "--exit-code-on-error", "0", "-u", str(users), "-r", str(max(1, users // 5)), "-t", f"{seconds}s", "-s", "60", "--host", server.url]
    answer = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return {row["name"]: row for row in json.loads(answer.stdout)}


def show_live(taken, lost):
    if not taken:
        return f"no command heard, {lost} lost"
    return f"median {1e3 * statistics.median(taken):.0f}, most {1e3 * max(taken):.0f} ms of {len(taken)}, {lost} lost"


def step(server, speaker, users, seconds):
    """One number of users. -> failures"""
    speaker.take()
    before = server.memory_kb(), server.descriptors()
    rows = run_locust(server, users, seconds)
    live = speaker.take()
    declared = sum(row["num_requests"] for name, row in rows.items() if name.endswith(" 503"))
    failures = sum(row["num_failures"] for row in rows.values())
    print(f"\n{users} users for {seconds} s: {sum(row['num_requests'] for row in rows.values())} requests, {failures} failures, {declared} declared 503; "
          f"load average {os.getloadavg()[0]:.1f}")
    for name in ("/transcribe", "/status", "/command"):
        if name in rows:
            times = rows[name]["response_times"]
            print(f"  {name:12} {rows[name]['num_requests']:5} ({rows[name]['num_requests'] / seconds:5.2f}/s)  median {percentile(times, 0.5):6.0f}  "
                  f"95 % {percentile(times, 0.95):6.0f}  99 % {percentile(times, 0.99):6.0f} ms")
    print(f"  microphone   {show_live(*live)}")
    print(f"  holds        {before[0]} -> {server.memory_kb()} KB, {before[1]} -> {server.descriptors()} descriptors", flush=True)
    return failures + live[1]


def write_commands(folder):
    os.makedirs(folder)
    with open(os.path.join(folder, "load.yaml"), "w", encoding="utf-8") as f:
        f.write(f"language: en\ncommands:\n  forward:\n    sentences: ['{COMMAND}']\n    response: Going.\n    action: {{type: time}}\n")
    with open(os.path.join(SOURCE, "deploy", "commands", "temperature.yaml"), encoding="utf-8") as source:
        with open(os.path.join(folder, "temperature.yaml"), "w", encoding="utf-8") as f:
            f.write(source.read())
    return folder


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--program", default=program_path())
    p.add_argument("--model", default=model_path("base"))
    p.add_argument("--vad", default=model_path("vad"))
    p.add_argument("--users", default="16 32 64 96", help="numbers of users, one after another")
    p.add_argument("--seconds", type=int, default=30, help="of each")
    options = p.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Microphone(os.path.join(folder, "microphone"), room())) as microphone:
        server = Loaded(options.program, "--model", options.model, "--commands", write_commands(os.path.join(folder, "commands")), "--microphone",
                        f"file:{microphone.path}", "--set", f"listen.vad={options.vad}", "--set", "listen.mode=always", folder=folder)
        speaker = Speaker(server, microphone)
        failures = 0
        try:
            time.sleep(5)  # the first decoding is slower
            speaker.take()
            time.sleep(options.seconds)
            print(f"no users: microphone {show_live(*speaker.take())}; {server.memory_kb()} KB, {server.descriptors()} descriptors", flush=True)
            for users in options.users.split():
                failures += step(server, speaker, int(users), options.seconds)
            time.sleep(2)
            print(f"\nafter: {server.memory_kb()} KB, {server.descriptors()} descriptors")
        finally:
            speaker.close()
            code = server.stop()
    sys.exit(1 if failures or code else 0)


if __name__ == "__main__":
    main()
