"""Server-sent events, timers and the list of commands, by a real client that reads as events come."""
import http.client
import json
import os
import queue
import socket
import threading

import pytest

from test_server import Server, WAV, error_of

requests = pytest.importorskip("requests")
TIMEOUT_S = 60


class Reader:
    """Reads an event stream in a thread of its own, as the standard says it is to be read."""

    def __init__(self, server, last=None):
        self.line = http.client.HTTPConnection(*server.address, timeout=TIMEOUT_S)
        self.line.request("GET", "/api/v1/events", headers={"Last-Event-ID": last} if last is not None else {})
        self.socket = self.line.sock
        self.answer = self.line.getresponse()
        assert self.answer.status == 200, self.answer.read()
        assert self.answer.headers["Content-Type"].startswith("text/event-stream")
        assert self.answer.headers["Cache-Control"] == "no-store"
        self.events = queue.Queue()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        event = {}
        while line := self.answer.readline():
            line = line.decode().rstrip("\n")
            if line == "":
                if "data" in event:
                    self.events.put((int(event["id"]), event["event"], json.loads(event["data"])))
                event = {}
            elif not line.startswith(":"):
                name, value = line.split(": ", 1)
                event[name] = value
        self.events.put(None)

    def next(self):
        return self.events.get(timeout=TIMEOUT_S)

    def until(self, name, **fields):
        """All events up to and with the next one of that name with these fields."""
        seen = []
        while True:
            seen.append(self.next())
            assert seen[-1] is not None, seen
            if seen[-1][1] == name and all(seen[-1][2].get(k) == v for k, v in fields.items()):
                return seen

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()


@pytest.fixture(scope="module")
def server(program, small_model, source, recordings, tmp_path_factory):
    running = Server(program, "--model", small_model, "--commands", os.path.join(source, "deploy", "commands"),
                     "--microphone", "file:" + os.path.join(recordings, WAV), "--set", "speech.enabled=false",
                     folder=tmp_path_factory.mktemp("events"))
    yield running
    assert running.stop() == 0


def test_a_snapshot_first(server):
    reader = Reader(server)
    number, name, data = reader.next()
    assert name == "snapshot" and number > 0
    assert data["state"] == "off" and data["privacy"] is False and data["recording"] is False and data["microphone"]["state"] == "closed"
    reader.close()


def test_what_happens_is_told_to_all(server):
    readers = [Reader(server) for _ in range(3)]
    for reader in readers:
        assert reader.next()[1] == "snapshot"
    assert server.post("/audio/start").status_code == 200
    assert server.post("/audio/stop").status_code == 200
    answer = server.post("/command/execute", json={"text": "set a timer for five minutes"})
    assert answer.status_code == 200, answer.text
    told = []
    for reader in readers:
        events = reader.until("command_execution")
        names = [name for _, name, _ in events]
        for name in ("recording", "state", "microphone", "timer", "command_execution"):
            assert name in names, names
        assert [d["on"] for _, n, d in events if n == "recording"] == [True, False]
        timer = next(d for _, n, d in events if n == "timer")
        assert timer["change"] == "set" and timer["type"] == "timer" and timer["seconds"] == 300
        numbers = [number for number, _, _ in events]
        assert numbers == sorted(set(numbers))
        told.append(events)
        reader.close()
    assert told[0] == told[1] == told[2]


def test_a_transcription_is_told(server, recordings):
    reader = Reader(server)
    with open(os.path.join(recordings, WAV), "rb") as f:
        text = server.post("/transcribe", files={"audio": f}).json()["text"]
    event = reader.until("transcription", audio_path="upload")[-1]
    assert event[2]["text"] == text and event[2]["confidence"] > 0
    reader.close()


def test_who_comes_back_gets_what_it_missed(server):
    reader = Reader(server)
    first = reader.next()[0]
    reader.close()
    assert server.post("/command/execute", json={"text": "set a timer for nine minutes"}).status_code == 200
    again = Reader(server, last=str(first))
    missed = again.until("command_execution")
    assert all(number > first for number, _, _ in missed) and "timer" in [name for _, name, _ in missed]
    assert "snapshot" not in [name for _, name, _ in missed]
    again.close()
    for unknown in ("1", "18446744073709551615", "x", "-5", ""):
        other = Reader(server, last=unknown)
        assert other.next()[1] == "snapshot"
        other.close()


def test_privacy_mode_forgets(server, recordings):
    reader = Reader(server)
    first = reader.next()[0]
    assert server.post("/privacy/enable").status_code == 200
    reader.until("privacy", on=True)
    with open(os.path.join(recordings, WAV), "rb") as f:
        assert server.post("/transcribe", files={"audio": f}).json()["text"]
    told = reader.until("transcription")[-1][2]
    assert "text" not in told and told["confidence"] > 0
    other = Reader(server, last=str(first))
    name, data = other.next()[1:]
    assert name == "snapshot" and data["privacy"] is True and data["state"] == "privacy"
    assert server.post("/privacy/disable").status_code == 200
    other.until("privacy", on=False)
    other.close()
    reader.close()


def test_timers(server):
    for timer in server.get("/api/v1/timers").json()["timers"]:
        assert requests.delete(f"{server.url}/api/v1/timers/{timer['id']}", timeout=TIMEOUT_S).status_code == 200
    assert server.get("/api/v1/timers").json() == {"timers": []}
    assert server.post("/command/execute", json={"text": "set a timer for five minutes"}).status_code == 200
    timer, = server.get("/api/v1/timers").json()["timers"]
    assert timer["type"] == "timer" and timer["seconds"] == 300 and 290 < timer["left"] <= 300 and timer["ends_at"] > 1e9
    reader = Reader(server)
    assert requests.delete(f"{server.url}/api/v1/timers/{timer['id']}", timeout=TIMEOUT_S).json() == {"success": True}
    assert reader.until("timer")[-1][2]["change"] == "cancelled"
    reader.close()
    for wrong in (timer["id"], "x", "-1", "99999999999999999999999"):
        error_of(requests.delete(f"{server.url}/api/v1/timers/{wrong}", timeout=TIMEOUT_S), 404)


def test_what_can_be_said(server):
    commands = server.get("/api/v1/commands?language=en").json()["commands"]
    assert len(commands) > 10 and {c["language"] for c in commands} == {"en"}
    for command in commands:
        assert command["name"] and isinstance(command["confirm"], bool)
    said = next(c for c in commands if c["example"] and c["action"] == "time")
    answer = server.post("/command/execute", json={"text": said["example"], "dry_run": True})
    assert answer.status_code == 200 and answer.json()["intent"] == said["name"]


def test_not_too_many(server):
    readers = [Reader(server) for _ in range(32)]
    error_of(server.get("/api/v1/events"), 503)
    for reader in readers:
        assert reader.next()[1] == "snapshot"
        reader.close()
