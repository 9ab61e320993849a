"""Privacy mode of the real program: what it has open, what it keeps in memory and on the disk, what it says."""
import errno
import json
import os
import random
import re
import signal
import socket
import stat
import struct
import subprocess
import threading
import time
import wave

import pytest

from conftest import prepared, wait_until
from pipe_microphone import PipeMicrophone
from test_actions import HttpServer, make_certificate, write_commands
from test_events import Reader
from test_server import Server, WAV, error_of

# Noise that nothing else in memory looks like: int16 as it comes from the microphone, and float32 as it is kept.
CHANCE = random.Random(7)
SAMPLES = [CHANCE.randrange(-9000, 9000) for _ in range(160)]


def packed(samples):
    return struct.pack(f"<{len(samples)}h", *samples)


def patterns(samples):
    """How these 12 samples look in memory."""
    return [struct.pack("<12h", *samples), struct.pack("<12f", *(s / 32768 for s in samples))]


AUDIO = patterns(SAMPLES[20:32])
MAX_MAPPED = 1 << 32  # only the tables that a sanitizer keeps of all memory are larger


@pytest.fixture
def microphone(tmp_path):
    made = PipeMicrophone(tmp_path / "microphone", packed(SAMPLES))
    yield made
    made.close()


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def serve(program, small_model, microphone, data):
    servers = []

    def start(*arguments):
        servers.append(Server(program, "--model", small_model, "--microphone", "file:" + microphone.path, *arguments, folder=data))
        return servers[-1]
    yield start
    for server in servers:
        server.process.terminate()
        server.process.wait(timeout=60)


def open_files(server):
    folder = f"/proc/{server.process.pid}/fd"
    found = []
    for name in os.listdir(folder):
        try:
            found.append(os.readlink(os.path.join(folder, name)))
        except FileNotFoundError:
            pass
    return found


def memory(server):
    """All memory that the process can write and that is no file's: the heap, the stacks, the buffers."""
    pieces = []
    with open(f"/proc/{server.process.pid}/maps") as maps, open(f"/proc/{server.process.pid}/mem", "rb") as mem:
        for line in maps:
            found = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw.. \S+ \S+ (\d+)", line)
            if found and (found[3] == "0" or ".so" in line or "voice-assistant" in line):
                start, end = int(found[1], 16), int(found[2], 16)
                if end - start > MAX_MAPPED:
                    continue
                mem.seek(start)
                try:
                    pieces.append(mem.read(end - start))
                except OSError as error:  # given back meanwhile
                    assert error.errno == errno.EIO
    return pieces


def count(server, patterns):
    return sum(piece.count(pattern) for piece in memory(server) for pattern in patterns)


def files_with(folder, patterns):
    """Files of the data folder (its log of the console is the tests' own) that hold any of the patterns."""
    found = []
    for place, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(place, name), "rb") as f:
                content = f.read()
            found += [name for pattern in patterns if pattern in content]
    return found


def test_a_recording_under_way_is_gone(serve, microphone, data):
    server = serve()
    assert server.get("/privacy").json() == {"success": True, "message": "Privacy mode is off", "privacy_mode": False, "cameras": []}
    assert server.post("/audio/start").status_code == 200
    assert any(microphone.path in path for path in open_files(server))
    wait_until(lambda: count(server, AUDIO) > 100)

    answer = server.post("/privacy/enable")
    assert (answer.status_code, answer.json()["success"], answer.json()["message"]) == (200, True, "Privacy mode enabled")
    assert not any(microphone.path in path for path in open_files(server))
    assert not microphone.is_listened_to()
    assert count(server, AUDIO) == 0
    assert files_with(data, AUDIO) == []
    assert stat.S_IMODE(os.stat(data / "privacy").st_mode) == 0o600

    assert error_of(server.post("/audio/start"), 403)["code"] == "privacy_mode"
    error_of(server.post("/audio/stop"), 409)
    error_of(server.get("/transcription/latest"), 404)
    status = server.get("/status").json()
    assert (status["state"], status["recording"], status["privacy_mode"]) == ("privacy", False, True)
    assert not microphone.is_listened_to()

    answer = server.post("/privacy/disable").json()
    assert (answer["success"], answer["message"], answer["privacy_mode"]) == (True, "Privacy mode disabled", False)
    assert server.post("/audio/start").status_code == 200
    wait_until(lambda: count(server, AUDIO) > 100)
    assert server.post("/audio/stop").json()["duration"] > 0
    assert server.get("/transcription/latest").status_code == 200
    log = (data / "stderr.txt").read_text()
    assert re.search(r"privacy.*api", log)
    assert server.stop() == 0


def test_what_awaits_a_wake_word_is_gone(run, serve, microphone, vad):
    wake = prepared(run, "wake-alexa")
    server = serve("--set", "listen.mode=wake", "--set", f"listen.vad={vad}", "--set", f"listen.words={wake}")
    wait_until(lambda: count(server, AUDIO) > 100)
    assert server.post("/privacy/enable").json()["success"] is True
    assert not any(microphone.path in path for path in open_files(server)) and not microphone.is_listened_to()
    assert count(server, AUDIO) == 0
    assert server.post("/privacy/disable").json()["success"] is True
    wait_until(lambda: count(server, AUDIO) > 100)
    assert server.stop() == 0


def test_recordings_in_flight_are_gone(serve, data):
    server = serve("--workers", "1")
    for _ in range(3):
        assert server.post("/audio/start").status_code == 200
        wait_until(lambda: count(server, AUDIO) > 100)
        assert server.post("/audio/stop").status_code == 200
    assert server.post("/privacy/enable").json()["success"] is True
    assert count(server, AUDIO) == 0 and files_with(data, AUDIO) == []
    error_of(server.get("/transcription/latest"), 404)
    status = server.get("/status").json()
    assert status["queue_depth"] == status["transcribing"] == 0


def test_what_was_said_is_gone(program, model, source, recordings, data):
    said = [b"young man", b"y\0o\0u\0n\0g\0 \0m\0a\0n"]
    server = Server(program, "--model", model, "--microphone", "file:" + os.path.join(recordings, WAV), "--commands",
                    os.path.join(source, "deploy", "commands"), folder=data)
    assert server.post("/audio/start").status_code == 200
    time.sleep(3.2)
    assert server.post("/audio/stop").status_code == 200
    assert "young man" in server.get("/transcription/latest").json()["text"]
    for times in (1, 3, 10, 40):  # short and long ones lie in different places
        assert server.post("/command/execute", json={"text": "was I a" + " young man" * times}).status_code == 422
    assert server.post("/command/execute", json={"text": "what time is it"}).json()["success"] is True
    assert count(server, said) > 0
    assert server.post("/privacy/enable").json()["success"] is True
    left = [piece[max(0, at - 120):at + 120] for piece in memory(server) for at in [piece.find(said[0])] if at >= 0]
    assert not left, left
    assert files_with(data, said) == []
    error_of(server.get("/transcription/latest"), 404)
    assert server.post("/command/execute", json={"text": "repeat that"}).json()["response"] == "I have not said anything yet."

    # An upload is its sender's own wish: it is answered, and not kept.
    with open(os.path.join(recordings, WAV), "rb") as f:
        assert "young man" in server.post("/transcribe", files={"audio": f}).json()["text"]
    error_of(server.get("/transcription/latest"), 404)
    assert server.stop() == 0


@pytest.mark.parametrize("tls", [False, True])
def test_what_was_sent_to_a_server_is_gone(program, small_model, data, tls):
    """The libraries that carried it there and back keep nothing in what they have freed."""
    certificate = make_certificate(data) if tls else None
    web = HttpServer(certificate)
    words = {"a": {"values": ["purple"]}, "b": {"values": ["cow"]}}  # together they stand in no file
    commands = {f"tell{times}": {"sentences": [f"tell{times} {{a}} {{b}}"], "response": "told", "action": {
        "type": "http", "url": web.url + "/back", "body": "{a} {b} " * times, "content": "text", **({"ca_file": certificate[0]} if tls else {})}}
        for times in (1, 10, 200)}
    server = Server(program, "--model", small_model, "--microphone", "none", "--commands", write_commands(str(data), commands, lists=words), folder=data)
    try:
        for times in (1, 10, 200):
            for _ in range(2):
                answer = server.post("/command/execute", json={"text": f"tell{times} purple cow"}).json()
                assert answer["success"] is True, answer
        assert server.post("/privacy/enable").json()["success"] is True
        assert count(server, [b"purple cow"]) == 0
        assert server.stop() == 0
    finally:
        server.process.terminate()
        server.process.wait(timeout=60)
        web.stop()


def speech_samples(recordings):
    """A sentence and two seconds of silence, whole blocks."""
    with wave.open(os.path.join(recordings, WAV)) as f:
        assert (f.getframerate(), f.getnchannels(), f.getsampwidth()) == (16000, 1, 2)
        samples = list(struct.unpack(f"<{f.getnframes()}h", f.readframes(f.getnframes())))
    return samples + [0] * (32000 + -len(samples) % 160)


def test_what_was_heard_during_a_reply_is_gone(serve, source, vad):
    """The echo canceller remembers it."""
    server = serve("--commands", f"{source}/deploy/commands", "--set", "listen.mode=always", "--set", f"listen.vad={vad}", "--set", "speech.device=null")
    events = Reader(server)
    for _ in range(2):
        assert server.post("/command/execute", json={"text": "what can I say", "speak": True}).json()["success"] is True
        events.until("state", to="speaking")
        wait_until(lambda: count(server, AUDIO) > 0)
        assert server.post("/privacy/enable").json()["success"] is True
        assert count(server, AUDIO) == 0
        assert server.post("/privacy/disable").json()["success"] is True
    events.close()


def test_what_is_listened_to_all_day_is_gone(program, model, source, vad, recordings, data, tmp_path):
    samples = speech_samples(recordings)
    heard = [pattern for at in range(8000, 32000, 4000) for pattern in patterns(samples[at:at + 12])]
    microphone = PipeMicrophone(tmp_path / "speech", packed(samples))
    server = Server(program, "--model", model, "--microphone", "file:" + microphone.path, "--commands", os.path.join(source, "deploy", "commands"),
                    "--set", "listen.mode=always", "--set", f"listen.vad={vad}", folder=data)
    times_heard = lambda: (data / "stderr.txt").read_text().count("audio_path=microphone")
    try:
        wait_until(lambda: times_heard() > 0)
        assert count(server, heard) > 0
        assert server.post("/privacy/enable").json()["success"] is True
        assert not microphone.is_listened_to()
        assert server.get("/status").json()["state"] == "privacy"
        assert count(server, heard) == 0
        left = [piece[max(0, at - 120):at + 120] for piece in memory(server) for at in [piece.find(b"young man")] if at >= 0]
        assert not left, left
        assert files_with(data, [b"young man", *heard]) == []
        assert server.post("/privacy/disable").json()["success"] is True
        before = times_heard()
        wait_until(lambda: times_heard() > before)
        assert server.stop() == 0
    finally:
        server.process.kill()
        server.process.wait()
        microphone.close()


def test_it_outlives_a_restart(serve, microphone, data):
    server = serve()
    assert server.post("/privacy/enable").json()["success"] is True
    server.process.kill()
    server.process.wait()
    listeners = []
    started = threading.Event()

    def look():
        while not started.is_set():
            listeners.append(microphone.is_listened_to())
            time.sleep(0.001)

    watcher = threading.Thread(target=look)
    watcher.start()
    server = serve()
    started.set()
    watcher.join()
    assert listeners and not any(listeners)
    assert server.get("/privacy").json()["privacy_mode"] is True
    assert server.get("/status").json()["privacy_mode"] is True
    error_of(server.post("/audio/start"), 403)
    assert not any(microphone.path in path for path in open_files(server))
    assert server.post("/privacy/disable").json()["success"] is True
    assert server.post("/audio/start").status_code == 200
    assert server.stop() == 0
    assert serve().get("/privacy").json()["privacy_mode"] is False


def test_nobody_listens_in_privacy_mode(serve, vad, microphone, data):
    arguments = ("--set", "listen.mode=always", "--set", f"listen.vad={vad}")
    (data / "privacy").write_text("on\n")
    server = serve(*arguments)
    assert server.get("/status").json()["state"] == "privacy"
    assert error_of(server.post("/listen/start"), 403)["code"] == "privacy_mode"
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "have been read again" in (data / "stderr.txt").read_text())
    assert not microphone.is_listened_to()
    assert server.post("/privacy/disable").json()["success"] is True
    wait_until(microphone.is_listened_to)
    for _ in range(3):  # whichever of the two comes first
        server.process.send_signal(signal.SIGHUP)
        assert server.post("/privacy/enable").json()["success"] is True
        time.sleep(0.3)
        assert not microphone.is_listened_to()
        server.process.send_signal(signal.SIGHUP)
        assert server.post("/privacy/disable").json()["success"] is True
        wait_until(microphone.is_listened_to)


@pytest.mark.parametrize("content", ["", "onoff", "off", None])
def test_a_damaged_switch_is_on(serve, data, content):
    if content is None:
        (data / "privacy").mkdir()
    else:
        (data / "privacy").write_text(content)
    server = serve()
    assert server.get("/privacy").json()["privacy_mode"] is True
    error_of(server.post("/audio/start"), 403)
    assert "so privacy mode is on" in (data / "stderr.txt").read_text()
    answer = server.post("/privacy/disable")
    assert (answer.status_code == 200) == (content is not None)
    if content is None:  # the switch cannot be written: it stays on
        assert answer.json()["error"]["code"] == "incomplete" and answer.json()["privacy_mode"] is True
        error_of(server.post("/audio/start"), 403)


@pytest.mark.parametrize("delay", [0, 0.001, 0.003, 0.01, 0.03])
def test_killed_while_it_is_switched_on(serve, data, delay):
    server = serve()
    assert server.post("/audio/start").status_code == 200
    with socket.create_connection(server.address) as s:
        s.sendall(b"POST /privacy/enable HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(delay)
        server.process.kill()
        answer = b""
        try:
            answer = s.recv(65536)
        except ConnectionResetError:
            pass
    server.process.wait()
    server = serve()
    on = server.get("/privacy").json()["privacy_mode"]
    assert on or b'"success":true' not in answer
    assert (data / "privacy").exists() == on
    assert server.post("/audio/start").status_code == (403 if on else 200)
    assert server.get("/status").json()["privacy_mode"] == on


def test_a_command_switches_it(serve, source, data):
    server = serve("--commands", f"{source}/deploy/commands")
    execute = lambda text, **more: server.post("/command/execute", json={"text": text, **more}).json()
    assert execute("privacy mode on", dry_run=True)["response"] == "would switch privacy mode on"
    assert server.get("/privacy").json()["privacy_mode"] is False
    answer = execute("privacy mode on")
    assert (answer["success"], answer["response"]) == (True, "I do not listen any more.")
    assert server.get("/privacy").json()["privacy_mode"] is True
    assert execute("privacy mode off")["response"] == "I listen again."
    assert server.get("/privacy").json()["privacy_mode"] is False
    assert "command" in (data / "stderr.txt").read_text()


# ---- cameras, in a tree that looks like /sys ----

@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "root"
    device = root / "sys/devices/usb1/1-1/1-1:1.0"
    driver = root / "sys/bus/usb/drivers/uvcvideo"
    for folder in (device / "video4linux/video0", driver, root / "sys/bus/usb/devices", root / "sys/class/video4linux"):
        folder.mkdir(parents=True)
    for name in ("bind", "unbind"):
        (driver / name).write_text("")
    (device / "driver").symlink_to("../../../../bus/usb/drivers/uvcvideo")
    (device / "subsystem").symlink_to("../../../../bus/usb")
    (device / "video4linux/video0/device").symlink_to("../../../1-1:1.0")
    (root / "sys/bus/usb/devices/1-1:1.0").symlink_to("../../../devices/usb1/1-1/1-1:1.0")
    (root / "sys/class/video4linux/video0").symlink_to("../../devices/usb1/1-1/1-1:1.0/video4linux/video0")
    return root


def unplug_driver(tree):
    (tree / "sys/devices/usb1/1-1/1-1:1.0/driver").unlink()
    (tree / "sys/class/video4linux/video0").unlink()


def test_cameras_are_released(serve, tree):
    options = ("--set", f"system.root={tree}", "--set", "privacy.cameras=/dev/video0,/dev/video5")
    driver = tree / "sys/bus/usb/drivers/uvcvideo"
    server = serve(*options)
    assert server.get("/privacy").json()["cameras"] == [{"name": "/dev/video0", "state": "bound"}, {"name": "/dev/video5", "state": "not present"}]
    answer = server.post("/privacy/enable").json()
    assert answer["success"] is True
    assert answer["cameras"] == [{"name": "/dev/video0", "state": "released"}, {"name": "/dev/video5", "state": "not present"}]
    assert (driver / "unbind").read_text() == "1-1:1.0"
    unplug_driver(tree)
    server.process.kill()
    server.process.wait()

    # After the restart it is known how the camera is bound again.
    server = serve(*options)
    answer = server.post("/privacy/disable").json()
    assert answer["success"] is True and answer["cameras"][0] == {"name": "/dev/video0", "state": "bound"}
    assert (driver / "bind").read_text() == "1-1:1.0"


def test_cameras_are_released_at_the_start(serve, tree, data):
    (data / "privacy").write_text("on\n")
    serve("--set", f"system.root={tree}", "--set", "privacy.cameras=/dev/video0")
    wait_until(lambda: (tree / "sys/bus/usb/drivers/uvcvideo/unbind").read_text() == "1-1:1.0")


def test_a_camera_that_is_plugged_in_is_released(serve, tree):
    unbind = tree / "sys/bus/usb/drivers/uvcvideo/unbind"
    (tree / "dev").mkdir()
    server = serve("--set", f"system.root={tree}", "--set", "privacy.cameras=/dev/video0")
    (tree / "dev/video1").touch()
    assert server.post("/privacy/enable").json()["success"] is True
    unbind.write_text("")  # the same camera again, bound by the kernel
    (tree / "dev/video0").touch()
    wait_until(lambda: unbind.read_text() == "1-1:1.0")
    assert server.post("/privacy/disable").json()["success"] is True
    unbind.write_text("")
    (tree / "dev/video2").touch()
    time.sleep(0.2)
    assert unbind.read_text() == ""


def test_a_camera_that_cannot_be_released_is_said(serve, tree, microphone):
    unbind = tree / "sys/bus/usb/drivers/uvcvideo/unbind"
    unbind.unlink()
    server = serve("--set", f"system.root={tree}", "--set", "privacy.cameras=/dev/video0")
    assert server.post("/audio/start").status_code == 200
    answer = server.post("/privacy/enable")
    assert error_of(answer, 500)["code"] == "incomplete"
    body = answer.json()
    assert body["privacy_mode"] is True and body["cameras"][0]["state"] == "bound" and "unbind" in body["cameras"][0]["reason"]
    assert "the camera /dev/video0 is bound" in body["message"]
    assert not microphone.is_listened_to()
    error_of(server.post("/audio/start"), 403)
    assert server.get("/privacy").json()["privacy_mode"] is True
    # Once it can be done, asking again does it.
    unbind.write_text("")
    assert server.post("/privacy/enable").json()["success"] is True
    assert unbind.read_text() == "1-1:1.0"


# ---- voice-assistant privacy ----

@pytest.mark.parametrize("arguments", [[], ["maybe"], ["on", "off"], ["--nope", "on"], ["on", "--set", "x"],
                                       ["on"] + ["--set", "server.port=1"] * 257])
def test_wrong_command_lines(run, arguments):
    answer = run("privacy", *arguments)
    assert answer.returncode == 2 and answer.stdout == "" and "privacy" in answer.stderr


def test_help_and_a_wrong_configuration(run, tmp_path):
    answer = run("privacy", "--help")
    assert answer.returncode == 0 and "on|off|status" in answer.stdout and answer.stderr == ""
    answer = run("privacy", "status", "--config", tmp_path / "none.yaml")
    assert answer.returncode == 1 and "none.yaml" in answer.stderr


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "::1", "localhost"])
def test_the_loopback_is_asked(run, tmp_path, address):
    """What listens everywhere listens on the loopback."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as listener:
        try:
            listener.bind(("::1" if ":" in address else "127.0.0.1", 0))
        except OSError:
            pytest.skip("there is no IPv6 here")
        listener.listen()
        closer = threading.Thread(target=lambda: [listener.accept()[0].close() for _ in range(2)])
        closer.start()
        answer = run("privacy", "status", "--set", f"server.listen={address}", "--set", f"server.port={listener.getsockname()[1]}", "--set",
                     f"data.folder={tmp_path}")
        closer.join()
    assert answer.returncode == 1 and ("[::1]" if ":" in address else "127.0.0.1") in answer.stderr


def test_the_command_line_asks_the_program(run, serve, tree, data):
    server = serve("--set", f"system.root={tree}", "--set", "privacy.cameras=/dev/video0")
    where = ["--set", f"server.port={server.address[1]}", "--set", "data.folder=/nonexistent"]
    answer = run("privacy", "on", *where)
    assert (answer.returncode, answer.stdout) == (0, "Privacy mode enabled\ncamera /dev/video0: released\n")
    assert server.get("/privacy").json()["privacy_mode"] is True
    assert json.loads(run("privacy", "status", "--json", *where).stdout)["privacy_mode"] is True
    assert run("privacy", "off", *where).returncode == 0
    assert run("privacy", "status", *where).stdout.startswith("Privacy mode is off\n")
    assert re.search(r"privacy.*cli", (data / "stderr.txt").read_text())
    (tree / "sys/bus/usb/drivers/uvcvideo/unbind").unlink()
    answer = run("privacy", "on", *where)
    assert answer.returncode == 1 and "camera" in answer.stderr
    assert run("privacy", "off", "--json", *where).returncode == 0


def test_no_program_opens_the_microphone(run, model, vad, microphone, data, tmp_path):
    (data / "privacy").write_text("on\n")
    config = tmp_path / "config.yaml"
    config.write_text(f"data:\n  folder: {data}\n")
    answer = run("wake", "enrol", "computer", "--model", model, "--vad", vad, "--microphone", "file:" + microphone.path, "--config", config,
                 "--folder", tmp_path / "words")
    assert answer.returncode == 1 and "privacy mode is on" in answer.stderr


def test_the_command_line_without_the_program(run, serve, data, tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    config = tmp_path / "config.yaml"
    config.write_text(f"server:\n  port: {port}\ndata:\n  folder: {data}\n")
    where = ["--config", config]
    assert run("privacy", "status", *where).stdout.startswith("Privacy mode is off (nothing listens on ")
    answer = run("privacy", "on", *where)
    assert answer.returncode == 0 and answer.stdout.startswith("Privacy mode enabled (nothing listens on ")
    assert json.loads(run("privacy", "status", "--json", *where).stdout) == {
        "success": True, "message": "Privacy mode is on", "privacy_mode": True, "daemon": False}
    server = serve()
    error_of(server.post("/audio/start"), 403)

    # A program that listens elsewhere follows the file.
    assert run("privacy", "off", *where).returncode == 0
    wait_until(lambda: server.get("/status").json()["privacy_mode"] is False)
    assert server.post("/audio/start").status_code == 200
    assert run("privacy", "on", *where).returncode == 0
    wait_until(lambda: server.get("/status").json()["privacy_mode"] is True)
    error_of(server.post("/audio/stop"), 409)
    (data / "privacy").write_text("nonsense")
    assert "damaged" in run("privacy", "status", *where).stderr
    assert run("privacy", "on", "--set", "data.folder=/proc/nowhere", *where).returncode == 1


def test_what_listens_may_be_another_program(run):
    listener = subprocess.Popen(["python3", "-u", "-c", "import http.server as h; s = h.HTTPServer(('127.0.0.1', 0), h.BaseHTTPRequestHandler);"
                                 "print(s.server_port); s.serve_forever()"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    port = listener.stdout.readline().strip()
    answer = run("privacy", "on", "--set", f"server.port={port}")
    listener.kill()
    listener.wait()
    assert answer.returncode == 1 and "another program" in answer.stderr
