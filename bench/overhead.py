#!/usr/bin/env python3
"""What POST /transcribe takes beyond the engine: the time of a request over a kept connection, less the time that the engine says it took
for the same recording in the same process (the log's "elapsed"), and a GET /status beside it for what HTTP alone costs. Runs alternate
between the two; medians.

    bench/overhead.py PROGRAM MODEL RECORDING.wav [--runs N]
"""
import argparse
import http.client
import json
import os
import re
import statistics
import subprocess
import tempfile
import time


def serve(program, model, folder):
    log = os.path.join(folder, "app.log")
    environment = {**os.environ, "XDG_CONFIG_HOME": folder, "XDG_STATE_HOME": folder}
    process = subprocess.Popen([program, "serve", "--port", "0", "--model", model, "--microphone", "none", "--workers", "1",
                                "--set", f"data.folder={folder}", "--set", f"log.file={log}"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    found = re.search(r"http://([\d.]+):(\d+)", process.stdout.readline())
    return process, http.client.HTTPConnection(found[1], int(found[2])), log


def form(path):
    with open(path, "rb") as f:
        data = f.read()
    head = b'--part\r\nContent-Disposition: form-data; name="audio"; filename="a.wav"\r\n\r\n'
    return head + data + b"\r\n--part--\r\n", {"Content-Type": "multipart/form-data; boundary=part"}


def timed(connection, method, path, body=None, headers=None):
    start = time.perf_counter()
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    data = answer.read()
    took = (time.perf_counter() - start) * 1e3
    assert answer.status == 200, data
    return took


def elapsed_ms(log):
    times = []
    with open(log, encoding="utf-8") as f:
        for line in f:
            event = json.loads(line)
            if event.get("event") == "transcription":
                times.append(event["elapsed"] * 1e3)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("recording")
    parser.add_argument("--runs", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        process, connection, log = serve(options.program, options.model, folder)
        try:
            body, headers = form(options.recording)
            for _ in range(3):
                timed(connection, "POST", "/transcribe", body, headers)
            whole, status = [], []
            for _ in range(options.runs):
                whole.append(timed(connection, "POST", "/transcribe", body, headers))
                status.append(timed(connection, "GET", "/status"))
        finally:
            process.terminate()
            process.wait()
        engine = elapsed_ms(log)[3:]
    assert len(engine) == len(whole)
    beyond = [a - b for a, b in zip(whole, engine)]
    for name, times in (("request", whole), ("engine", engine), ("beyond", beyond), ("GET /status", status)):
        print(f"{name:12} median {statistics.median(times):8.3f} ms   90 % below {sorted(times)[len(times) * 9 // 10]:8.3f} ms")


if __name__ == "__main__":
    main()
