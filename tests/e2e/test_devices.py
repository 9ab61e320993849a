"""Sound devices, seen from outside: their list, a recording over a microphone that vanishes, a reply over a loudspeaker that does."""
import json
import math
import os
import struct
import time

import pytest

from conftest import wait_until
from fault_device import FaultDevice
from test_server import Server, error_of


def tone(seconds):
    return b"".join(struct.pack("<h", int(8000 * math.sin(i * 0.2))) for i in range(int(16000 * seconds)))


@pytest.fixture
def device(program, tmp_path, monkeypatch):
    made = FaultDevice(program, str(tmp_path), tone(60))
    if not made.is_built:
        pytest.skip(f"{made.module} is not built")
    monkeypatch.setenv("ALSA_CONFIG_PATH", made.config)
    return made


def test_the_list(run, device):
    answer = run("devices")
    assert answer.returncode == 0 and answer.stderr == ""
    assert "microphones (audio.microphone)\n  va_test " in answer.stdout and "A device for tests" in answer.stdout
    found = json.loads(run("devices", "--json").stdout)
    assert found["microphones"] == [{"name": "va_test", "description": "A device for tests", "hardware": False, "problem": None}]
    assert [each["name"] for each in found["loudspeakers"]] == ["va_test"]
    device.script("busy")
    assert "in use by another program" in run("devices").stdout


def test_none(run, device):
    device.script("missing")
    answer = run("devices")
    assert answer.returncode == 1
    assert "  none\n" in answer.stdout and "There is no microphone" in answer.stderr and "There is no loudspeaker" in answer.stderr
    answer = run("devices", "--json")
    assert answer.returncode == 1 and json.loads(answer.stdout) == {"microphones": [], "loudspeakers": []}


def test_a_wrong_command_line(run):
    assert run("devices", "--nonsense").returncode == 2
    assert run("devices", "va_test").returncode == 2
    assert "Usage" in run("devices", "--help").stdout


def test_recording_goes_on_after_the_microphone_was_unplugged(program, small_model, source, device, tmp_path):
    server = Server(program, "--model", small_model, "--commands", os.path.join(source, "deploy", "commands"), "--microphone", "va_test",
                    folder=tmp_path)
    pid = server.process.pid
    device.script("missing")
    error_of(server.post("/audio/start"), 503)
    device.script("")
    assert not device.is_open(pid)
    assert server.post("/audio/start").status_code == 200
    time.sleep(0.5)
    assert device.is_open(pid)
    device.script("missing")
    time.sleep(0.5)
    device.script("rate 48000", "channels 2", "format S32_LE")
    time.sleep(2.5)
    answer = server.post("/audio/stop").json()
    assert answer["success"] and 1.0 < answer["duration"] < 3.6, answer
    assert not device.is_open(pid)
    assert server.stop() == 0


def test_a_microphone_that_one_alone_can_open(program, small_model, source, vad, device, tmp_path):
    device.script("alone")
    server = Server(program, "--model", small_model, "--commands", os.path.join(source, "deploy", "commands"), "--microphone", "va_test",
                    "--set", "listen.mode=always", "--set", f"listen.vad={vad}", folder=tmp_path)

    def microphone():
        return server.get("/status").json()["microphone"]
    wait_until(lambda: microphone()["state"] == "open")
    assert microphone()["lost"] == 0
    with open(server.log.name, encoding="utf-8") as log:
        lines = log.read()
    assert "state=open" in lines and "state=lost" not in lines and "no microphone" not in lines, lines
    assert server.stop() == 0


def test_a_reply_goes_on_after_the_loudspeaker_was_unplugged(run, device, tmp_path):
    voice = tmp_path / "voice"
    sound = tone(2)
    header = b"RIFF" + struct.pack("<I", 36 + len(sound)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)
    (tmp_path / "voice.wav").write_bytes(header + b"data" + struct.pack("<I", len(sound)) + sound)
    voice.write_text(f"#!/bin/sh\ncat >/dev/null\ncat {tmp_path}/voice.wav\n")
    voice.chmod(0o700)
    device.script("vanish 12000")
    answer = run("say", "--set", f"speech.command={voice}", "--device", "va_test", "hello")
    assert answer.returncode == 0, answer.stderr
    played = os.path.getsize(device.played) // 2
    assert 32000 <= played < 64000
    device.script("missing")
    answer = run("say", "--set", f"speech.command={voice}", "--device", "va_test", "hello")
    assert answer.returncode == 1 and "va_test" in answer.stderr
