"""voice-assistant serve, by a real HTTP client: the API and its refusals."""
import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from fault_device import allowed

requests = pytest.importorskip("requests")

WAV = "librivox/sense_and_sensibility_01_austen_64kb-0880.wav"
TIMEOUT_S = 120


class Server:
    """A running `serve` on a port of its own; its microphone is a recording."""

    def __init__(self, program, *arguments, folder, stderr=None):
        # The user's own settings stay out; the models stay where they are.
        environment = {**os.environ, "XDG_CONFIG_HOME": str(folder), "XDG_STATE_HOME": str(folder)}
        self.log = open(os.path.join(folder, "stderr.txt"), "w+")
        self.folder = str(folder)
        options = ["server.tls_port=0", "metrics.port=0", "wyoming.port=0", f"data.folder={folder}", "log.file=none",
                   f"confine.allow={allowed(program)}"]
        self.process = subprocess.Popen([program, "serve", "--port", "0", *(word for option in options for word in ("--set", option)), *arguments],
                                        stdout=subprocess.PIPE, stderr=self.log if stderr is None else stderr, text=True, env=environment)
        line = self.process.stdout.readline()
        found = re.search(r"http://([\d.]+):(\d+)", line)
        assert found, f"no address in {line!r}"
        self.address = (found[1], int(found[2]))
        self.url = found[0]
        if "server.tls=no" not in arguments:
            self.tls_port = int(re.search(r"https://.*:(\d+)", self.process.stdout.readline())[1])
            self.tls_url = f"https://localhost:{self.tls_port}"
            self.ca = os.path.join(self.folder, "tls", "ca.pem")

    def get(self, path, **more):
        return requests.get(self.url + path, timeout=TIMEOUT_S, **more)

    def post(self, path, **more):
        return requests.post(self.url + path, timeout=TIMEOUT_S, **more)

    def raw(self, data, stop_writing=False):
        """Bytes over a socket -> the bytes of the answer ("" when the server just closes)."""
        with socket.create_connection(self.address, timeout=TIMEOUT_S) as s:
            s.sendall(data)
            if stop_writing:
                s.shutdown(socket.SHUT_WR)
            answer = b""
            try:
                while piece := s.recv(65536):
                    answer += piece
            except ConnectionResetError:
                pass
            return answer

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        self.log.close()
        return code


@pytest.fixture(scope="module")
def server(program, model, source, recordings, tmp_path_factory):
    running = Server(program, "--model", model, "--commands", os.path.join(source, "deploy", "commands"),
                     "--microphone", "file:" + os.path.join(recordings, WAV), "--set", "server.max_upload=2",
                     folder=tmp_path_factory.mktemp("serve"))
    yield running
    assert running.stop() == 0


def error_of(answer, status):
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["success"] is False and body["error"]["code"] and body["error"]["message"]
    return body["error"]


def test_health_and_status(server):
    health = server.get("/health")
    assert health.status_code == 200 and health.json()["status"] == "healthy"
    for name in ("cpu_percent", "memory_percent", "disk_percent", "uptime"):
        assert isinstance(health.json()[name], (int, float))
    status = server.get("/status").json()
    assert status["recording"] is False and status["version"]


def test_transcribe_an_upload(server, recordings):
    with open(os.path.join(recordings, WAV), "rb") as f:
        answer = server.post("/transcribe", files={"audio": f}, data={"language": "en"})
    assert answer.status_code == 200
    body = answer.json()
    assert "ill" in body["text"] and "young man" in body["text"]
    assert 0 < body["confidence"] <= 1 and body["language"] == "en"
    assert abs(body["duration"] - 3.0) < 0.2 and body["segments"]


def test_chunked_upload(server, recordings):
    boundary = "part"
    with open(os.path.join(recordings, WAV), "rb") as f:
        wav = f.read()
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="audio"; filename="a.wav"\r\n\r\n'.encode()
    whole = head + wav + f"\r\n--{boundary}--\r\n".encode()
    pieces = (whole[i:i + 5000] for i in range(0, len(whole), 5000))
    answer = server.post("/transcribe", data=pieces, headers={"Content-Type": f"multipart/form-data; boundary={boundary}"})
    assert answer.status_code in (200, 411)
    if answer.status_code == 200:
        assert "young man" in answer.json()["text"]


def test_a_sentence_is_executed(server):
    answer = server.post("/command/execute", json={"text": "set the temperature to 21 degrees"})
    assert answer.status_code == 200
    body = answer.json()
    assert body["success"] is True and body["intent"] == "set_temperature" and body["slots"] == {"value": "21"}
    assert "21" in body["response"]


def test_a_lamp_is_understood_and_not_claimed(server):
    body = server.post("/command/execute", json={"text": "turn on the kitchen light"}).json()
    assert body["success"] is True and body["intent"] == "light_on" and body["slots"] == {"room": "kitchen"}
    assert "no lamp" in body["response"]


def test_a_command_by_name(server):
    answer = server.post("/command", json={"command": "set_temperature", "value": 22})
    assert answer.status_code == 200 and answer.json()["success"] is True


FORM_TYPE = {"Content-Type": "application/x-www-form-urlencoded"}


def test_a_json_body_may_come_as_curl_sends_it(server):
    answer = server.post("/command/execute", data='{"text":"what time is it"}', headers=FORM_TYPE)
    assert answer.status_code == 200 and answer.json()["success"] is True
    error_of(server.post("/command/execute", data="text=what+time+is+it", headers=FORM_TYPE), 400)


@pytest.mark.parametrize("header,status", [
    ({"Origin": "https://example.org"}, 403), ({"Origin": "null"}, 403), ({"Origin": "http://localhost:1"}, 415),
    ({"Sec-Fetch-Site": "cross-site"}, 415), ({"Sec-Fetch-Site": "same-site"}, 415)])
def test_a_form_of_another_page_is_refused(server, header, status):
    answer = server.post("/command/execute", data='{"text":"what time is it"}', headers={**FORM_TYPE, **header})
    error_of(answer, status)


def test_a_foreign_host_name_is_refused(server):
    assert server.get("/status", headers={"Host": "example.org"}).status_code == 421


def test_what_no_command_fits_is_422(server):
    assert server.post("/command/execute", json={"text": "the quick brown fox"}).status_code == 422
    assert server.post("/command/execute", json={"text": "the quick brown fox"}).json()["success"] is False


def test_recording_from_start_to_command(server):
    assert server.post("/audio/start").json()["recording"] is True
    error_of(server.post("/audio/start"), 409)
    assert server.get("/status").json()["recording"] is True
    time.sleep(3)
    stopped = server.post("/audio/stop").json()
    assert stopped["success"] is True and stopped["recording"] is False and stopped["duration"] > 0.5
    latest = server.get("/transcription/latest")
    assert latest.status_code == 200 and latest.json()["id"] == stopped["transcription_id"]
    assert "young man" in latest.json()["text"]
    assert server.post("/command/execute", json={"text": latest.json()["text"]}).status_code == 422
    error_of(server.post("/audio/stop"), 409)


@pytest.fixture(scope="module")
def cards(program, model, source, recordings, tmp_path_factory):
    """A server whose commands are playing cards; its microphone hears one."""
    running = Server(program, "--model", model, "--commands", os.path.join(source, "deploy", "demo", "commands"),
                     "--microphone", "file:" + os.path.join(recordings, "cards/001.wav"), folder=tmp_path_factory.mktemp("cards"))
    yield running
    assert running.stop() == 0


def upload(server, path, **fields):
    with open(path, "rb") as f:
        return server.post("/transcribe", files={"audio": f}, data=fields)


def test_a_command_in_an_upload(cards, recordings):
    spoken = os.path.join(recordings, "cards/003.wav")
    body = upload(cards, spoken, commands="true").json()
    command = body["command"]
    assert command["intent"] == "card" and command["slots"] == {"rank": "seven", "suit": "clubs"}
    assert 0.5 <= command["confidence"] <= 1
    latest = cards.get("/transcription/latest").json()
    assert latest["text"] == command["text"] and latest["confidence"] == command["confidence"]
    assert cards.post("/command/execute", json={"text": latest["text"]}).json()["intent"] == "card"
    assert upload(cards, os.path.join(recordings, WAV), commands="true").json()["command"] is None
    for fields in ({}, {"commands": "false"}):
        assert "command" not in upload(cards, spoken, **fields).json()
    error_of(upload(cards, spoken, commands="maybe"), 400)


def test_a_recorded_command(cards):
    assert cards.post("/audio/start").status_code == 200
    time.sleep(3)
    assert cards.post("/audio/stop").status_code == 200
    text = cards.get("/transcription/latest").json()["text"]
    body = cards.post("/command/execute", json={"text": text}).json()
    assert body["intent"] == "card" and body["slots"] == {"rank": "ten", "suit": "clubs"}


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '{"text":}', '{"text":5}', '{"other":"x"}', '{"text":"\\ud800"}', "\x00", "[" * 5000])
def test_bad_json_is_a_4xx(server, body):
    answer = server.post("/command/execute", data=body.encode(), headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert answer.json()["success"] is False


@pytest.mark.parametrize("data", [b"", b"not audio at all" * 100, b"RIFF\xff\xff\xff\xffWAVEfmt "])
def test_bad_audio_is_a_4xx(server, data):
    answer = server.post("/transcribe", files={"audio": ("a.wav", data)})
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["success"] is False


def test_a_form_without_audio_is_a_4xx(server):
    assert 400 <= server.post("/transcribe", files={"sound": b"x"}).status_code < 500


def test_an_upload_over_the_limit_is_413(server):
    answer = server.raw(b"POST /transcribe HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 99999999\r\n\r\n")
    assert b" 413 " in answer.split(b"\r\n")[0]


def test_unknown_paths_and_methods(server):
    error_of(server.get("/nothing"), 404)
    error_of(server.get("/transcribe"), 405)


def test_a_body_cut_off_in_the_middle(server):
    server.raw(b'POST /command/execute HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{"text":', stop_writing=True)
    assert server.get("/health").status_code == 200


def test_two_lengths_are_refused(server):
    answer = server.raw(b"POST /command HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    assert not answer or re.match(rb"HTTP/1.1 4\d\d ", answer)
    assert server.get("/health").status_code == 200


def test_the_malformed_set(server, shared_data):
    folder = os.path.join(shared_data, "malformed")
    files = sorted(os.path.join(place, name) for place, _, names in os.walk(folder) for name in names if not name.endswith((".tsv", ".md")))
    for path in files[::6]:
        with open(path, "rb") as f:
            answer = server.post("/transcribe", files={"audio": f}, data={"language": "en"})
        assert answer.status_code == 200 or 400 <= answer.status_code < 500, f"{path}: {answer.status_code} {answer.text}"
        assert json.loads(answer.text)


def test_without_a_microphone_recording_is_503(program, model, tmp_path):
    running = Server(program, "--model", model, "--microphone", "none", folder=tmp_path)
    error_of(running.post("/audio/start"), 503)
    assert running.get("/health").status_code == 200
    assert running.stop() == 0


def test_a_port_in_use_is_said(program, server, model, tmp_path):
    answer = subprocess.run([program, "serve", "--model", model, "--microphone", "none", "--port", str(server.address[1]), "--set", "server.tls=no",
                             "--set", f"data.folder={tmp_path}"], capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 1
    assert str(server.address[1]) in answer.stderr
