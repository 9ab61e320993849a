"""The live WebSocket, by the websockets package: real speech as it is spoken, several clients, and everything that can go wrong."""
import concurrent.futures
import io
import json
import os
import random
import re
import socket
import time
import wave

import pytest

from conftest import prepared
from test_server import Server, WAV

connect = pytest.importorskip("websockets.sync.client").connect
closed_errors = pytest.importorskip("websockets.exceptions")

SENTENCE = {"young", "man"}
TIMEOUT_S = 120


@pytest.fixture(scope="module")
def server(program, run, model, source, tmp_path_factory):
    running = Server(program, "--model", model, "--commands", os.path.join(source, "deploy", "commands"), "--microphone", "none",
                     "--set", f"listen.vad={prepared(run, 'vad')}", "--set", "speech.enabled=false", folder=tmp_path_factory.mktemp("live"))
    yield running
    assert running.stop() == 0


def pcm_of(recordings):
    with wave.open(os.path.join(recordings, WAV)) as f:
        assert f.getframerate() == 16000 and f.getnchannels() == 1
        return f.readframes(f.getnframes())


@pytest.fixture(scope="module")
def command(shared_data):
    """PCM of a spoken command, and of its silence behind."""
    soundfile = pytest.importorskip("soundfile")
    pcm, rate = soundfile.read(os.path.join(shared_data, "smarthome_ohf", "real_set_a_timer_for_5_minutes.flac"), dtype="int16")
    assert rate == 16000
    return pcm.tobytes()


def open_line(server, query=""):
    return connect(server.url.replace("http", "ws") + "/api/v1/live" + query, max_size=1 << 20, open_timeout=TIMEOUT_S, close_timeout=2)


def send_audio(line, data, size=3200):
    for at in range(0, len(data), size):
        line.send(data[at:at + size])


def receive(line):
    """All messages until the connection is closed."""
    messages = []
    try:
        while True:
            messages.append(json.loads(line.recv(timeout=TIMEOUT_S)))
    except closed_errors.ConnectionClosed:
        return messages


def of(messages, kind):
    return [m for m in messages if m["type"] == kind]


def words(text):
    return re.findall(r"[a-z]+", text.lower())


def start_soon(server, **start):
    """Others may still be ending."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        line = open_line(server)
        line.send(json.dumps({"type": "start", **start}))
        answer = json.loads(line.recv(timeout=TIMEOUT_S))
        if answer["type"] == "ready":
            return line
        assert answer["code"] == "busy"
        line.close()
        time.sleep(0.05)
    raise AssertionError("none of the others ends")


def talk(server, data, size=3200, **start):
    with start_soon(server, **start) as line:
        try:
            send_audio(line, data, size)
            line.send('{"type":"stop"}')
        except closed_errors.ConnectionClosed:
            pass  # what was wrong is told already, and is received below
        return receive(line)


def check_speech(messages):
    assert messages[-1] == {"type": "closed"}
    final, = of(messages, "final")
    assert SENTENCE <= set(words(final["text"])) and 0 < final["confidence"] <= 1 and final["language"] == "en" and final["id"]
    return final


def test_speech_as_it_is_spoken(server, recordings):
    with open_line(server) as line:
        line.send(json.dumps({"type": "start", "format": "pcm16", "rate": 16000, "language": "en", "commands": False}))
        data, partials = pcm_of(recordings), []
        for at in range(0, len(data), 3200):
            line.send(data[at:at + 3200])
            try:
                while True:  # as it comes: 100 ms of audio take 100 ms
                    partials.append(json.loads(line.recv(timeout=0.1)))
            except TimeoutError:
                pass
        while not of(partials, "partial") and not of(partials, "final"):  # on a machine slower than speech
            partials.append(json.loads(line.recv(timeout=TIMEOUT_S)))
        line.send('{"type":"stop"}')
        messages = partials + receive(line)
    assert messages[0]["type"] == "ready"
    check_speech(messages)
    for partial in of(messages, "partial"):
        assert partial["text"].startswith(partial["stable"]) and 0 < partial["heard"] < 4
    assert of(partials, "partial"), "texts come while it is spoken"
    assert [m["state"] for m in of(messages, "speech")] == ["start", "end"]
    levels = of(messages, "level")
    assert levels and all(-120 <= m["rms"] <= m["peak"] <= 0 for m in levels) and max(m["peak"] for m in levels) > -30


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_other_rates(server, recordings, rate):
    numpy = pytest.importorskip("numpy")
    pcm = numpy.frombuffer(pcm_of(recordings), dtype="<i2").astype(float)
    at = numpy.arange(0, len(pcm) - 1, 16000 / rate)
    data = numpy.interp(at, numpy.arange(len(pcm)), pcm).astype("<i2").tobytes()
    check_speech(talk(server, data, rate=rate, commands=False, partials=False))


def test_frames_may_be_cut_anywhere(server, recordings):
    messages = talk(server, pcm_of(recordings), size=1001, commands=False, endpoint=False)
    check_speech(messages)


def opus_of(recordings):
    soundfile, numpy = pytest.importorskip("soundfile"), pytest.importorskip("numpy")
    file = io.BytesIO()
    soundfile.write(file, numpy.frombuffer(pcm_of(recordings), dtype="<i2"), 16000, format="OGG", subtype="OPUS")
    return file.getvalue()


def test_opus(server, recordings):
    data = opus_of(recordings)
    final = check_speech(talk(server, data, size=777, format="opus", commands=False))
    assert final["duration"] > 2
    damaged = bytearray(data)
    damaged[len(data) // 2] ^= 0x55
    error, = of(talk(server, bytes(damaged), size=777, format="opus"), "error")
    assert error["code"] == "damaged" and "page" in error["message"]
    error, = of(talk(server, pcm_of(recordings), format="opus"), "error")
    assert error["code"] == "damaged" and "Ogg" in error["message"]


def test_a_command_is_carried_out(server, command):
    for endpoint in (True, False):
        messages = talk(server, command + bytes(32000), execute=True, endpoint=endpoint)
        final, = of(messages, "final")
        assert final["intent"] and final["slots"] and final["command_confidence"] > 0.5
        result, = of(messages, "result")
        assert result["success"] is True and result["intent"] == final["intent"] and result["response"]
        assert messages.index(result) > messages.index(final)
    messages = talk(server, command, execute=False, endpoint=False)
    assert of(messages, "final")[0]["intent"] and not of(messages, "result")


def test_query_parameters_instead_of_a_start(server, recordings):
    with open_line(server, "?format=pcm16&rate=16000&commands=false&partials=false&endpoint=false") as line:
        send_audio(line, pcm_of(recordings), 32768)
        line.send('{"type":"stop"}')
        messages = receive(line)
    assert messages[0]["type"] == "ready"
    check_speech(messages)
    assert not of(messages, "partial")
    for query in ("?rate=1", "?format=mp3", "?execute=yes", "?commands=false&execute=true"):
        with pytest.raises(closed_errors.InvalidStatus) as refused:
            open_line(server, query)
        assert refused.value.response.status_code == 400


def test_four_at_once(server, recordings):
    data = pcm_of(recordings)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for messages in pool.map(lambda _: talk(server, data, commands=False), range(4)):
            check_speech(messages)


def test_one_too_many(server):
    lines = [start_soon(server) for _ in range(4)]
    with open_line(server) as refused:
        refused.send('{"type":"start"}')
        messages = receive(refused)
    assert [m["type"] for m in messages] == ["error", "closed"] and messages[0]["code"] == "busy"
    for line in lines:
        line.send('{"type":"cancel"}')
        assert receive(line) == [{"type": "closed"}]


def test_cancelled_in_the_midst(server, recordings):
    data = pcm_of(recordings)
    line = start_soon(server)
    send_audio(line, data[:len(data) // 2])
    line.send('{"type":"cancel"}')
    messages = receive(line)
    assert not of(messages, "final") and messages[-1] == {"type": "closed"}
    line = start_soon(server)  # gone without a word
    send_audio(line, data)
    line.socket.shutdown(socket.SHUT_RDWR)
    check_speech(talk(server, data, commands=False))


@pytest.mark.parametrize("messages, code", [
    ([b"\0\0"], "invalid"),
    (['{"type":"stop"}'], "invalid"),
    (["{"], "invalid_json"),
    (["[]"], "invalid_json"),
    (["null"], "invalid_json"),
    (['{"type":"begin"}'], "invalid"),
    (['{"type":"start","rate":"16000"}'], "invalid"),
    (['{"type":"start","rate":96000}'], "invalid"),
    (['{"type":"start","format":7}'], "invalid"),
    (['{"type":"start","colour":"red"}'], "invalid"),
    (['{"type":"start","commands":false,"execute":true}'], "invalid"),
    (['{"type":"start","language":"' + "x" * 40 + '"}'], "invalid"),
    (["[" * 60000], "invalid_json"),
])
def test_wrong_messages(server, messages, code):
    with open_line(server) as line:
        for message in messages:
            line.send(message)
        answers = receive(line)
    assert [a["type"] for a in answers] == ["error", "closed"] and answers[0]["code"] == code and answers[0]["message"]


def test_out_of_order(server):
    for more in ('{"type":"start"}', "{"):
        line = start_soon(server)
        line.send(more)
        answers = receive(line)
        assert [a["type"] for a in answers] == ["error", "closed"]
    line = start_soon(server)
    line.send('{"type":"stop"}')
    line.send(b"\0\0")
    assert receive(line)[-1]["type"] == "closed"


def test_random_messages_harm_nobody(server, recordings):
    dice = random.Random(1)
    kinds = ['{"type":"start"}', '{"type":"start","format":"opus"}', '{"type":"stop"}', '{"type":"cancel"}', "{}", "", bytes(3), bytes(5000),
             opus_of(recordings)[:3000]]
    for _ in range(12):
        try:
            with open_line(server) as line:
                for _ in range(dice.randrange(1, 8)):
                    line.send(dice.choice(kinds))
                if dice.random() < 0.5:
                    line.socket.shutdown(socket.SHUT_RDWR)
        except (closed_errors.ConnectionClosed, OSError):
            pass
    check_speech(talk(server, pcm_of(recordings), commands=False))


def test_privacy_mode_ends_it(server, recordings):
    line = start_soon(server)
    send_audio(line, pcm_of(recordings)[:32000])
    assert server.post("/privacy/enable").status_code == 200
    error = of(receive(line), "error")[0]
    assert error["code"] == "privacy"
    with open_line(server) as other:
        other.send('{"type":"start"}')
        assert of(receive(other), "error")[0]["code"] == "privacy"
    assert server.post("/privacy/disable").status_code == 200
    check_speech(talk(server, pcm_of(recordings), commands=False))


def test_it_is_no_ordinary_page(server):
    assert server.get("/api/v1/live").status_code in (400, 426)
