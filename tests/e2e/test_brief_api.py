"""The HTTP API as it was asked for, row by row, and the flow of a spoken command from its beginning to its end."""
import concurrent.futures
import io
import os
import time
import wave

import pytest

from conftest import wait_until
from pipe_microphone import PipeMicrophone
from test_server import Server, TIMEOUT_S, WAV

requests = pytest.importorskip("requests")

NUMBER = (int, float)
SENTENCE = "what time is it"


COMMANDS = """
language: en
commands:
  light_on:
    sentences: ["turn on the {room} light"]
    response: "The {room} light is on."
    action: {type: say}
  set_temperature:
    sentences: ["set the temperature to {value} degrees"]
    action: {type: set_temperature}
  clock:
    sentences: ["what time is it"]
    action: {type: time}
lists:
  room:
    values: [kitchen, bath]
  value:
    range: {from: 5, to: 30}
"""


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    folder = tmp_path_factory.mktemp("commands")
    (folder / "home.yaml").write_text(COMMANDS)
    return str(folder)


def say(server, kind):
    """The sentence of a command, spoken into a file."""
    answer = server.post("/v1/audio/speech", json={"model": "tts-1", "input": SENTENCE, "response_format": kind})
    if answer.status_code == 404:
        pytest.skip("no synthesiser is installed")
    assert answer.status_code == 200
    return answer.content


@pytest.fixture(scope="module")
def microphone(tmp_path_factory):
    made = PipeMicrophone(tmp_path_factory.mktemp("pipe") / "microphone", bytes(3200))
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(program, model, commands, microphone, tmp_path_factory):
    running = Server(program, "--model", model, "--commands", commands,
                     "--microphone", "file:" + microphone.path, folder=tmp_path_factory.mktemp("brief"))
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def deaf(program, model, commands, tmp_path_factory):
    """One without a device."""
    running = Server(program, "--model", model, "--commands", commands, "--microphone", "none",
                     folder=tmp_path_factory.mktemp("deaf"))
    yield running
    assert running.stop() == 0


def shape(answer, status, members):
    """The status, and the members with their types or values."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    for name, wanted in members.items():
        if isinstance(wanted, (type, tuple)):
            assert isinstance(body[name], wanted), (name, body)
        else:
            assert body[name] == wanted, (name, body)
    return body


def fails(answer, status):
    """Errors are JSON {"success":false,"error":{"code","message"}} with the right HTTP status."""
    body = shape(answer, status, {"success": False, "error": dict})
    assert isinstance(body["error"]["code"], str) and isinstance(body["error"]["message"], str)
    return body["error"]["code"]


def test_transcription_latest_is_404_when_there_is_none_yet(deaf):
    assert fails(deaf.get("/transcription/latest"), 404) == "no_transcription"


def test_audio_start_is_503_without_a_device(deaf):
    answer = deaf.post("/audio/start")
    assert fails(answer, 503) == "no_device" and int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("content", [None, b"", b"no sound", b"RIFF\x24\0\0\0WAVEfmt "])
def test_audio_start_is_503_with_a_microphone_that_cannot_be_opened(program, small_model, tmp_path, content):
    path = tmp_path / "microphone.wav"
    if content is not None:
        path.write_bytes(content)
    running = Server(program, "--model", small_model, "--microphone", f"file:{path}", folder=tmp_path)
    try:
        assert fails(running.post("/audio/start"), 503) == "no_device"
        assert running.get("/status").json()["recording"] is False
    finally:
        assert running.stop() == 0


def test_audio_start_and_stop(server):
    assert fails(server.post("/audio/stop"), 409) == "not_recording"
    shape(server.post("/audio/start"), 200, {"success": True, "recording": True})
    assert fails(server.post("/audio/start"), 409) == "already_recording"
    assert server.get("/status").json()["recording"] is True
    shape(server.post("/audio/stop"), 200, {"success": True, "recording": False, "duration": NUMBER, "transcription_id": str})
    assert fails(server.post("/audio/stop"), 409) == "not_recording"


def test_audio_start_is_403_in_privacy_mode(server):
    shape(server.post("/privacy/enable"), 200, {"success": True, "message": "Privacy mode enabled"})
    shape(server.get("/privacy"), 200, {"success": True, "privacy_mode": True, "message": str})
    assert fails(server.post("/audio/start"), 403) == "privacy_mode"
    assert server.get("/status").json()["privacy_mode"] is True
    shape(server.post("/privacy/disable"), 200, {"success": True, "message": "Privacy mode disabled"})
    shape(server.get("/privacy"), 200, {"success": True, "privacy_mode": False})


def test_clients_that_race(server):
    """Whoever comes first: each is told what is written down for it."""
    told = {"/audio/start": {(200, None), (409, "already_recording"), (403, "privacy_mode")},
            "/audio/stop": {(200, None), (409, "not_recording"), (503, "busy")},
            "/privacy/enable": {(200, None)}, "/privacy/disable": {(200, None)}}
    paths = ["/audio/start", "/audio/stop", "/privacy/enable", "/privacy/disable", "/audio/start", "/audio/stop"]

    def ask(path):
        answer = server.post(path)
        return path, (answer.status_code, answer.json().get("error", {}).get("code"))

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(ask, paths * 150))
    assert not {(path, answer) for path, answer in answers if answer not in told[path]}
    assert server.post("/privacy/disable").status_code == 200
    assert server.post("/audio/stop").status_code in (200, 409, 503)
    assert server.get("/status").json()["recording"] is False


def test_transcribe(server, recordings):
    with open(os.path.join(recordings, WAV), "rb") as f:
        wav = f.read()
    body = shape(server.post("/transcribe", files={"audio": wav}), 200,
                 {"text": str, "confidence": NUMBER, "language": "en", "duration": NUMBER, "segments": list})
    assert "young man" in body["text"] and 0 < body["confidence"] <= 1 and abs(body["duration"] - 3.0) < 0.2
    body = shape(server.post("/transcribe", files={"audio": wav}, data={"language": "en", "prompt": "a young man", "timestamps": "word"}), 200, {})
    assert body["segments"][0]["words"]
    assert fails(server.post("/transcribe", files={"other": wav}), 400)
    assert fails(server.post("/transcribe", files={"audio": b"no sound"}), 415)


@pytest.mark.parametrize("kind", ["flac", "opus", "mp3"])
def test_transcribe_other_formats(server, kind):
    body = shape(server.post("/transcribe", files={"audio": say(server, kind)}, data={"commands": "true"}), 200, {})
    assert body["command"]["intent"] == "clock"


def test_command_execute(server):
    shape(server.post("/command/execute", json={"text": "turn on the kitchen light"}), 200,
          {"success": True, "intent": "light_on", "slots": {"room": "kitchen"}, "response": "The kitchen light is on."})
    assert fails(server.post("/command/execute", json={"text": "the quick brown fox"}), 422) == "no_match"
    assert fails(server.post("/command/execute", data="{"), 400)


def test_command(server):
    shape(server.post("/command", json={"command": "set_temperature", "value": 22}), 200, {"success": True, "intent": "set_temperature"})
    assert fails(server.post("/command", json={"command": "no_such_command"}), 404)


def test_status(server):
    wait_until(lambda: server.get("/status").json()["transcribing"] == 0)  # the last answer is out before its worker is free
    shape(server.get("/status"), 200, {"state": "idle", "recording": False, "privacy_mode": False, "model": str, "queue_depth": 0,
                                       "confined": list, "power_mode": (str, type(None)), "version": str})


def test_health(server):
    shape(server.get("/health"), 200, {"status": "healthy", "cpu_percent": NUMBER, "memory_percent": NUMBER, "disk_percent": NUMBER,
                                       "uptime": NUMBER})


def test_metrics(server):
    body = shape(server.get("/metrics"), 200, {})
    assert set(body["cpu"]) == {"percent", "count", "freq"} and set(body["memory"]) == {"total", "available", "percent"}
    assert set(body["disk"]) == {"total", "used", "free", "percent"} and set(body["network"]) == {"sent", "recv"}


def test_errors_of_any_path(server):
    assert fails(server.get("/no/such/path"), 404) == "not_found"
    answer = server.get("/transcribe")
    assert fails(answer, 405) == "method_not_allowed" and answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("path", ["/status", "/health", "/metrics", "/privacy", "/transcription/latest"])
def test_a_versioned_prefix(server, path):
    assert server.get("/api/v1" + path).status_code == server.get(path).status_code


def test_start_three_seconds_stop_latest_execute(server, microphone):
    """What somebody says becomes a command that is carried out."""
    with wave.open(io.BytesIO(say(server, "wav")), "rb") as f:
        assert f.getframerate() == 16000
        spoken = f.readframes(f.getnframes())
    shape(server.post("/audio/start"), 200, {"success": True, "recording": True})
    microphone.say(bytes(16000) + spoken)
    time.sleep(3)
    stopped = shape(server.post("/audio/stop"), 200, {"success": True, "recording": False})
    assert 2.5 < stopped["duration"] < 6
    latest = shape(server.get("/transcription/latest"), 200, {"id": stopped["transcription_id"], "text": str, "confidence": NUMBER,
                                                              "language": "en", "duration": stopped["duration"], "timestamp": str})
    done = shape(server.post("/command/execute", json={"text": latest["text"]}), 200, {"success": True, "response": str})
    assert done["intent"] == "clock", (latest, done)
    assert latest["timestamp"].endswith("Z")


def test_two_requests_wait_for_one_recording(server, microphone):
    """GET /transcription/latest waits for what is in flight."""
    shape(server.post("/audio/start"), 200, {})
    time.sleep(0.3)
    stopped = shape(server.post("/audio/stop"), 200, {})
    assert [requests.get(server.url + "/transcription/latest", timeout=TIMEOUT_S).json()["id"] for _ in range(2)] == [stopped["transcription_id"]] * 2
