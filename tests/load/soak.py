#!/usr/bin/env python3
"""Mixed requests, right and wrong, over every interface: nothing fails undeclared, and memory and descriptors stay where they are.

Several clients send requests of all kinds in rounds. Behind each round, with everything closed and no work left, the server's anonymous and
shared memory and its descriptors are read. After the rounds of the warm-up a straight line through them tells by how much they grow.
Every kind says which answers it may get; any other is counted, and shown. make soak (REQUESTS=100000)
"""
import argparse
import collections
import contextlib
import http.client
import io
import json
import os
import random
import socket
import ssl
import sys
import tempfile
import threading
import time
import wave

from served import Loaded, RECORDINGS, SOURCE, model_path, program_path
from test_http2 import Client as Http2
from tls_client import add_token, connect as connect_tls
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect as connect_socket

TIMEOUT_S = 60
WARM_UP = 0.3          # part of the rounds
MAX_GROWTH_KB = 1024   # by the line, over the other rounds
BOUNDARY = "soak-boundary"
BUSY = (429, 503)      # declared: Retry-After says when to try again


def recording():
    with wave.open(os.path.join(RECORDINGS, "librivox", "sense_and_sensibility_01_austen_64kb-0880.wav")) as f:
        return f.readframes(f.getnframes())


def wav_of(pcm):
    out = io.BytesIO()
    with wave.open(out, "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(16000)
        f.writeframes(pcm)
    return out.getvalue()


def form(name, data, **fields):
    text = "".join(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items())
    head = f'{text}--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="a.wav"\r\n\r\n'
    return head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


PCM = recording()
WAV = wav_of(PCM)
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
JSON = {"Content-Type": "application/json"}

# weight, method, path, body, headers, answers that are right
REQUESTS = [
    (20, "GET", "/status", None, {}, (200,)),
    (20, "GET", "/health", None, {}, (200, 503)),
    (3, "GET", "/", None, {}, (200,)),
    (2, "HEAD", "/status", None, {}, (200,)),
    (4, "GET", "/metrics", None, {}, (200,)),
    (1, "GET", "/api/v1/openapi.json", None, {}, (200,)),
    (2, "GET", "/panel/", None, {}, (200,)),
    (2, "GET", "/panel/nothing", None, {}, (404,)),
    (1, "POST", "/audio/start", None, {}, (200, 403, 409)),
    (1, "POST", "/audio/stop", None, {}, (200, 403, 409)),
    (1, "POST", "/listen/start", None, {}, (200, 400, 403, 409)),
    (1, "POST", "/listen/stop", None, {}, (200, 400, 403, 409)),
    (1, "GET", "/transcription/latest", None, {}, (200, 404)),
    (3, "POST", "/transcribe", form("audio", WAV), FORM, (200,)),
    (1, "POST", "/transcribe", form("audio", WAV, timestamps="word", language="en"), FORM, (200,)),
    (3, "POST", "/transcribe", form("audio", WAV[:30]), FORM, (400, 415)),
    (3, "POST", "/transcribe", form("audio", os.urandom(5000)), FORM, (400, 415)),
    (3, "POST", "/transcribe", form("other", b"x"), FORM, (400,)),
    (2, "POST", "/transcribe", WAV, {"Content-Type": "audio/wav"}, (415,)),
    (2, "POST", "/transcribe", b"--" + BOUNDARY.encode() + b"\r\nno form", FORM, (400,)),
    (10, "POST", "/command", b'{"command":"set_temperature","value":22}', JSON, (200,)),
    (3, "POST", "/command", b'{"command":"set_temperature","value":1e9}', JSON, (422,)),
    (3, "POST", "/command", b'{"command":"nothing"}', JSON, (404,)),
    (10, "POST", "/command/execute", b'{"text":"what time is it"}', JSON, (200,)),
    (3, "POST", "/command/execute", b'{"text":"set a timer for two hours","dry_run":true}', JSON, (200,)),
    (5, "POST", "/command/execute", b'{"text":"nobody would say this"}', JSON, (422,)),
    (5, "POST", "/command/execute", b'{"text":', JSON, (400,)),
    (2, "POST", "/command/execute", b'{"text":"' + b"x" * 70000 + b'"}', JSON, (413,)),
    (1, "POST", "/privacy/enable", None, {}, (200,)),
    (1, "POST", "/privacy/disable", None, {}, (200,)),
    (2, "GET", "/privacy", None, {}, (200,)),
    (2, "GET", "/power", None, {}, (200,)),
    (2, "POST", "/power/mode", b'{"mode":"furious"}', JSON, (400, 501)),
    (2, "POST", "/power/sleep", b'{"seconds":0}', JSON, (400, 501)),
    (2, "GET", "/battery", None, {}, (200, 403)),
    (2, "GET", "/api/v1/timers", None, {}, (200,)),
    (2, "DELETE", "/api/v1/timers/99999", None, {}, (404,)),
    (2, "GET", "/api/v1/commands?language=en", None, {}, (200,)),
    (3, "GET", "/api/v1/history?limit=20&search=time", None, {}, (200,)),
    (1, "GET", "/api/v1/history/export?format=csv&since=2099-01-01", None, {}, (200,)),
    (2, "GET", "/api/v1/history?since=never", None, {}, (400,)),
    (2, "DELETE", "/api/v1/history", None, {}, (400,)),
    (2, "DELETE", "/api/v1/history/999999999", None, {}, (404,)),
    (2, "GET", "/api/v1/tokens", None, {}, (200,)),
    (2, "POST", "/api/v1/tokens", b'{"name":""}', JSON, (400,)),
    (2, "DELETE", "/api/v1/tokens/nobody", None, {}, (404,)),
    (1, "POST", "/api/v1/pairing", None, {}, (201,)),
    (1, "POST", "/api/v1/pairing/claim", b'{"code":"ABCD-EFGH-JKMN","name":"x"}', JSON, (403,)),
    (2, "GET", "/api/v1/ca?format=pem", None, {}, (200,)),
    (2, "GET", "/v1/models", None, {}, (200,)),
    (2, "GET", "/v1/models/nothing", None, {}, (404,)),
    (2, "POST", "/v1/audio/transcriptions", form("file", WAV, model="whisper-1", response_format="srt"), FORM, (200,)),
    (2, "POST", "/v1/audio/transcriptions", form("file", WAV, model="whisper-1", response_format="smoke"), FORM, (400,)),
    (1, "POST", "/v1/audio/speech", b'{"model":"tts-1","voice":"alloy","input":"yes","response_format":"wav"}', JSON, (200,)),
    (2, "POST", "/v1/audio/speech", b'{"input":5}', JSON, (400,)),
    (3, "GET", "/api/v1/live", None, {}, (400, 426)),
    (4, "GET", "/nothing", None, {}, (404,)),
    (4, "PUT", "/status", b"x", {}, (405,)),
    (2, "GET", "/" + "x" * 5000, None, {}, (414,)),
    (2, "GET", "/status", None, {"X-Large": "x" * 20000}, (431,)),
    (2, "GET", "/status", None, {"Origin": "http://elsewhere.example"}, (403,)),
    (2, "POST", "/command", b"{}", {"Transfer-Encoding": "gzip"}, (400, 501)),
]

# Bytes that are no request, and how an answer to them may begin (b"": none).
RAW = [
    (b"GET /status HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"HTTP/1.1 4"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100), b"HTTP/1.1 400"),
    (b"GET /status HTTP/9.9\r\n\r\n", b"HTTP/1.1 505"),
    (b"GET  /status\r\n\r\n", b"HTTP/1.1 400"),
    (b"GET /sta", b""),
    (b"POST /transcribe HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 90000\r\n\r\n--b\r\n", b""),
]


class Unexpected(Exception):
    pass


class Person:
    """One client: kept connections of each kind, and whatever it does next."""

    def __init__(self, server, seed):
        self.server, self.chance, self.kept = server, random.Random(seed), {}

    def line(self, kind):
        if kind not in self.kept:
            if kind == "plain":
                self.kept[kind] = http.client.HTTPConnection(*self.server.address, timeout=TIMEOUT_S)
            elif kind == "tls":
                self.kept[kind] = http.client.HTTPSConnection("localhost", self.server.tls_port, timeout=TIMEOUT_S,
                                                              context=ssl.create_default_context(cafile=self.server.ca))
            else:
                self.kept[kind] = Http2(self.server)
        return self.kept[kind]

    def drop(self, kind):
        line = self.kept.pop(kind, None)
        if line is not None:
            (line.socket if kind == "http2" else line).close()

    def close(self):
        for kind in list(self.kept):
            self.drop(kind)

    def ask(self, kind, method, path, body, headers):
        if kind == "http2":
            names = [(name.lower(), value) for name, value in headers.items()]
            status, head, _ = self.line(kind).ask(method, path, body or b"", names)
            return status, head.get("retry-after")
        more = {"Authorization": f"Bearer {self.server.token}"} if kind == "tls" else {}
        line = self.line(kind)
        line.request(method, path, body, {**headers, **more})
        answer = line.getresponse()
        answer.read()
        return answer.status, answer.headers.get("Retry-After")

    # ---- kinds ----

    def request(self):
        _, method, path, body, headers, right = self.chance.choices(REQUESTS, [row[0] for row in REQUESTS])[0]
        kind = self.chance.choice(["plain", "plain", "tls", "http2"])
        if kind == "http2" and right in ((431,), (414,)) or "Transfer-Encoding" in headers:
            kind = "plain"
        try:
            status, retry = self.ask(kind, method, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            self.drop(kind)
            if isinstance(error, (BrokenPipeError, ConnectionResetError)) and right[0] >= 400:
                return "closed"  # an answer to what was still being sent
            raise Unexpected(f"{kind} {method} {path}: {error!r}") from error
        if status >= 400:  # the server may end the connection behind it
            self.drop(kind)
        if status in BUSY and retry is not None:
            return str(status)
        if status not in right:
            raise Unexpected(f"{kind} {method} {path[:60]} {body[:60] if body else ''}: {status}, not {right}")
        return str(status)

    def raw(self):
        data, right = self.chance.choice(RAW)
        with socket.create_connection(self.server.address, timeout=TIMEOUT_S) as line:
            line.sendall(data)
            if not right:
                return "left"
            answer = line.recv(65536)
        if not answer.startswith(right):
            raise Unexpected(f"{data[:40]}: {answer[:80]}")
        return answer[9:12].decode()

    def left(self):
        """Sends an upload and does not wait."""
        with socket.create_connection(self.server.address, timeout=TIMEOUT_S) as line:
            body = form("audio", WAV)
            line.sendall(f"POST /transcribe HTTP/1.1\r\nHost: localhost\r\nContent-Type: {FORM['Content-Type']}\r\nContent-Length: {len(body)}\r\n\r\n"
                         .encode() + body[:self.chance.choice([100, 20000, len(body)])])
        return "left"

    def no_token(self):
        line = http.client.HTTPSConnection("localhost", self.server.tls_port, timeout=TIMEOUT_S, context=ssl.create_default_context(cafile=self.server.ca))
        line.request("GET", "/status", headers=self.chance.choice([{}, {"Authorization": "Bearer va_wrong"}]))
        status = line.getresponse().status
        line.close()
        if status not in (401, 429):
            raise Unexpected(f"no token: {status}")
        return str(status)

    def cut_tls(self):
        if self.chance.random() < 0.5:
            with socket.create_connection(("localhost", self.server.tls_port), timeout=TIMEOUT_S) as line:
                line.sendall(b"\x16\x03\x01" + os.urandom(50))
        else:
            connect_tls(self.server, self.chance.choice(["h2", "http/1.1"])).close()
        return "left"

    def websocket(self):
        with connect_socket(self.server.url.replace("http", "ws") + "/api/v1/live", open_timeout=TIMEOUT_S, close_timeout=5) as line:
            what = self.chance.randrange(5)
            if what == 0:
                line.send("no JSON")
            elif what == 1:
                line.send(b"audio before a start")
            else:
                line.send('{"type":"start","partials":false}')
            kind = json.loads(line.recv(timeout=TIMEOUT_S))["type"]
            if what == 2 and kind == "ready":
                line.send(PCM[:32000])
                line.send('{"type":"cancel"}')
            elif what == 3 and kind == "ready" and self.chance.random() < 0.3:
                for at in range(0, len(PCM), 6400):
                    line.send(PCM[at:at + 6400])
                line.send('{"type":"stop"}')
                while json.loads(line.recv(timeout=TIMEOUT_S))["type"] not in ("closed", "error"):
                    pass
            elif what == 4:
                with contextlib.suppress(OSError):  # it may be closed already
                    line.socket.shutdown(socket.SHUT_RDWR)
            if kind != "error" and what < 2:
                raise Unexpected(f"WebSocket: {kind}")
            return kind

    def events(self):
        line = http.client.HTTPConnection(*self.server.address, timeout=TIMEOUT_S)
        line.request("GET", "/api/v1/events")
        answer = line.getresponse()
        first = answer.readline() if answer.status == 200 else b""
        line.close()
        answer.close()
        if answer.status not in (200, 503) or (answer.status == 200 and first != b"retry: 2000\n"):
            raise Unexpected(f"events: {answer.status} {first}")
        return str(answer.status)

    def metrics(self):
        line = http.client.HTTPConnection("127.0.0.1", self.server.metrics_port, timeout=TIMEOUT_S)
        line.request("GET", "/metrics")
        answer = line.getresponse()
        answer.read()
        line.close()
        if answer.status != 200:
            raise Unexpected(f"Prometheus: {answer.status}")
        return "200"

    def wyoming(self):
        with socket.create_connection(("127.0.0.1", self.server.wyoming_port), timeout=TIMEOUT_S) as line:
            what = self.chance.randrange(5)
            if what == 0:
                line.sendall(b'{"type":"describe"}\n')
            elif what == 1:
                line.sendall(b'{"type":"ping","data":{"text":"x"}}\n')
            elif what == 2:
                line.sendall(self.chance.choice([b"no JSON\n", b'{"type":"audio-chunk","payload_length":999999999}\n', b"x" * 100000]))
                return "wrong"
            elif what == 3:
                line.sendall(b'{"type":"audio-chunk","data":{"rate":16000,"width":2,"channels":1},"payload_length":3200}\n' + bytes(1000))
                return "left"
            else:
                form_of_audio = b'"data":{"rate":16000,"width":2,"channels":1}'
                line.sendall(b'{"type":"transcribe","data":{"language":"en"}}\n{"type":"audio-start",' + form_of_audio + b"}\n"
                             + b'{"type":"audio-chunk",' + form_of_audio + b',"payload_length":%d}\n' % len(PCM) + PCM + b'{"type":"audio-stop"}\n')
            answer = line.makefile("rb").readline()
            if not answer.startswith(b"{"):
                raise Unexpected(f"Wyoming {what}: {answer[:80]}")
            return json.loads(answer)["type"]

    KINDS = [(90, request), (2, raw), (1, left), (1, no_token), (1, cut_tls), (2, websocket), (1, events), (1, metrics), (2, wyoming)]

    def act(self):
        act = self.chance.choices([k[1] for k in self.KINDS], [k[0] for k in self.KINDS])[0]
        try:
            return act.__name__, act(self)
        except (OSError, WebSocketException, http.client.HTTPException, TypeError, ValueError) as error:
            self.close()
            raise Unexpected(f"{act.__name__}: {error!r}") from error


def round_of(server, clients, n, seed, seen, wrong):
    """n requests by so many clients at a time."""
    left, lock = [n], threading.Lock()

    def live(number):
        person = Person(server, seed * 1000 + number)
        while True:
            with lock:
                left[0] -= 1
                if left[0] < 0:
                    break
            try:
                what = person.act()
                with lock:
                    seen[what] += 1
            except Unexpected as error:
                with lock:
                    wrong[str(error)] += 1
        person.close()

    threads = [threading.Thread(target=live, args=(i,)) for i in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def upload(server):
    line = http.client.HTTPConnection(*server.address, timeout=TIMEOUT_S)
    line.request("POST", "/transcribe", form("audio", WAV), FORM)
    line.getresponse().read()
    line.close()


def settle(server, descriptors):
    """Waits until nothing is left to do; descriptors: how many there are then (0: not known)."""
    line = http.client.HTTPConnection(*server.address, timeout=TIMEOUT_S)
    for path in ("/privacy/disable", "/audio/stop", "/listen/stop"):
        line.request("POST", path)
        line.getresponse().read()
    line.close()
    together = [threading.Thread(target=upload, args=(server,)) for _ in range(8)]  # each worker then holds what a transcription needs
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and descriptors and server.descriptors() > descriptors:
        time.sleep(0.05)


def growth(values):
    """Of the straight line through them, from the first to the last."""
    n = len(values)
    middle, mean = (n - 1) / 2, sum(values) / n
    return sum((i - middle) * (v - mean) for i, v in enumerate(values)) / sum((i - middle) ** 2 for i in range(n)) * (n - 1)


def soak(server, requests, rounds, clients=8, say=lambda line: None):
    """-> {"wrong": {what: how often}, "memory_kb": growth, "descriptors": growth, ...}"""
    seen, wrong, memory, descriptors = collections.Counter(), collections.Counter(), [], []
    for i in range(rounds):
        start = time.monotonic()
        round_of(server, clients, requests // rounds, i, seen, wrong)
        took_s = time.monotonic() - start
        settle(server, descriptors[0] if descriptors else 0)
        memory.append(server.memory_kb())
        descriptors.append(server.descriptors())
        say(f"{(i + 1) * (requests // rounds):7} requests, {requests // rounds / took_s:5.0f}/s: {memory[-1]} KB, {descriptors[-1]} descriptors, "
            f"{sum(wrong.values())} not as declared")
    kept = int(rounds * WARM_UP)
    return {"seen": seen, "wrong": wrong, "memory": memory[kept:], "memory_kb": growth(memory[kept:]), "descriptors": growth(descriptors[kept:])}


def serve(program, model, vad, folder):
    server = Loaded(program, "--model", model, "--commands", os.path.join(SOURCE, "deploy", "commands"),
                    "--microphone", "file:" + os.path.join(RECORDINGS, "librivox", "sense_and_sensibility_01_austen_64kb-0880.wav"),
                    "--set", f"listen.vad={vad}", folder=folder)
    server.token = add_token(program, folder, "soak", "all")
    return server


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--program", default=program_path())
    p.add_argument("--model", default=model_path("tiny.en"))
    p.add_argument("--vad", default=model_path("vad"))
    p.add_argument("--requests", type=int, default=100000)
    p.add_argument("--rounds", type=int, default=50)
    p.add_argument("--clients", type=int, default=8)
    options = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = serve(options.program, options.model, options.vad, folder)
        try:
            found = soak(server, options.requests, options.rounds, options.clients, lambda line: print(line, flush=True))
        finally:
            code = server.stop()
            with open(os.path.join(folder, "stderr.txt"), encoding="utf-8") as f:
                last = f.read()[-6000:]
            if code:
                print(f"exit status {code}; the server's last words:\n{last}", file=sys.stderr)
    print("\nanswers: " + ", ".join(f"{kind} {answer} {n}" for (kind, answer), n in sorted(found["seen"].items())))
    for what, n in found["wrong"].most_common(20):
        print(f"not as declared, {n} times: {what}")
    print(f"after the warm-up: memory {found['memory_kb']:+.0f} KB ({min(found['memory'])} to {max(found['memory'])}), "
          f"descriptors {found['descriptors']:+.1f} by the line; exit status {code}")
    sys.exit(1 if found["wrong"] or found["memory_kb"] > MAX_GROWTH_KB or found["descriptors"] >= 1 or code else 0)


if __name__ == "__main__":
    main()
