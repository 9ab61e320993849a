"""The assistant speaks, and its microphone hears that: it must not obey itself, and a wake word must interrupt it."""
import os
import re
import shutil
import time

import pytest

from fault_device import FaultDevice
from test_listen import SENTENCE, alexa, decoded, moved, sentence, silence, wait_until  # noqa: F401: fixtures
from test_server import Server

# Nothing but a voice that says a command.
SPOKEN = f"{SENTENCE}. {SENTENCE}. Please, {SENTENCE}."
LONG = "This is a long story that somebody will surely want to stop. " * 4


@pytest.fixture
def start(program, model, vad, moved, tmp_path, monkeypatch):  # noqa: F811
    """start(what the microphone hears, OPTION...) -> Server"""
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")
    servers = []

    def call(heard, *options):
        device = FaultDevice(program, str(tmp_path), heard, repeat=True, delay_ms=60)
        if not device.is_built:
            pytest.skip("the ALSA device of the tests is not built")
        monkeypatch.setenv("ALSA_CONFIG_PATH", device.config)
        device.script("echo 0.5")
        folder = tmp_path / "commands"
        folder.mkdir()
        (folder / "a.yaml").write_text(f"""language: en
commands:
  forward: {{sentences: ['{SENTENCE}'], response: Going., action: {{type: process, executable: touch, arguments: ['{moved}']}}}}
  temptation: {{sentences: [tempt me], response: '{SPOKEN}', action: {{type: time}}}}
  story: {{sentences: [tell me a story], response: '{LONG}', action: {{type: time}}}}
""")
        servers.append(Server(program, "--model", model, "--set", f"listen.vad={vad}", "--set", f"data.folder={tmp_path / 'data'}",
                              "--set", f"model.folder={os.path.dirname(model)}", "--commands", str(folder), "--microphone", "default",
                              "--set", "log.level=debug", *options, folder=tmp_path))
        return servers[-1]
    yield call
    for server in servers:
        server.stop()


def say(server, text):
    answer = server.post("/command/execute", json={"text": text, "speak": True})
    assert answer.status_code == 200, answer.text


def state(server):
    return server.get("/status").json()["state"]


@pytest.mark.parametrize("while_speaking", ["words", "all"])
def test_it_does_not_obey_itself(start, moved, while_speaking):  # noqa: F811
    server = start(silence(5), "--set", "listen.mode=always", "--set", f"listen.while_speaking={while_speaking}")
    for _ in range(3):
        say(server, "tempt me")
        wait_until(lambda: state(server) == "speaking")
        wait_until(lambda: state(server) == "idle")
    time.sleep(1.5)
    assert not moved.exists()


def test_a_wake_word_ends_what_is_said(start, alexa):  # noqa: F811
    word, path = alexa
    server = start(silence(3) + word + silence(1), "--set", "listen.mode=wake", "--set", f"listen.words={path}:0.9",
                   "--set", "listen.wait=1")
    log = lambda: open(server.log.name, encoding="utf-8").read()  # noqa: E731
    deadline = time.monotonic() + 300
    while not re.search(r"state.*from=speaking to=wake", log()):
        assert time.monotonic() < deadline, "no wake word was heard while it spoke"
        if state(server) != "speaking":
            say(server, "tell me a story")
        time.sleep(0.2)
