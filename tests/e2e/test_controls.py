"""A button to talk with and a light, on the real program: a named pipe is the input device, and a tree looks like /sys."""
import os
import struct
import time

import pytest

from conftest import wait_until
from pipe_microphone import PipeMicrophone
from test_server import Server

F13 = 183


class Key:
    """An input device with one key."""

    def __init__(self, path):
        os.mkfifo(path)
        self.device = os.open(path, os.O_RDWR)

    def set(self, value):
        time.sleep(0.03)  # its contacts are still
        os.write(self.device, struct.pack("llHHi", 0, 0, 1, F13, value) + struct.pack("llHHi", 0, 0, 0, 0, 0))


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "root"
    led = root / "sys/class/leds/act"
    led.mkdir(parents=True)
    (root / "dev/input").mkdir(parents=True)
    (led / "trigger").write_text("none [mmc0]")
    (led / "brightness").write_text("1")
    (led / "max_brightness").write_text("9")
    return root


@pytest.fixture
def serve(program, small_model, tree, tmp_path):
    vad = os.path.join(os.environ.get("VA_TEST_MODELS", ""), "vad.vam")
    if not os.path.exists(vad):
        pytest.skip(f"{vad} is not there")
    microphone = PipeMicrophone(tmp_path / "microphone", bytes(320))
    servers = []

    def start(*arguments):
        servers.append(Server(program, "--model", small_model, "--microphone", "file:" + microphone.path, "--set", f"system.root={tree}", "--set",
                              f"listen.vad={vad}", *arguments, folder=tmp_path))
        return servers[-1]
    yield start
    for server in servers:
        server.process.terminate()
        server.process.wait(timeout=60)
    microphone.close()


def state(server):
    return server.get("/status").json()["state"]


def test_the_button_opens_and_the_light_shows(serve, tree, tmp_path):
    light = lambda: (tree / "sys/class/leds/act/brightness").read_text()[:1]
    log = lambda: (tmp_path / "stderr.txt").read_text()
    server = serve("--set", "listen.mode=button", "--set", "controls.button=key:F13@/dev/input/event0", "--set", "controls.light=led:act")
    wait_until(lambda: "the button: " in log() and state(server) == "idle")
    key = Key(tree / "dev/input/event0")
    wait_until(lambda: "the button is there" in log())
    for _ in range(2):
        wait_until(lambda: light() == "0")
        key.set(1)
        wait_until(lambda: state(server) == "wake")
        wait_until(lambda: light() == "9")
        key.set(0)
        wait_until(lambda: state(server) == "idle")

    assert server.post("/privacy/enable").json()["success"] is True
    for expected in ("9", "0", "9"):  # it flashes
        wait_until(lambda: light() == expected)
    key.set(1)
    wait_until(lambda: "the button does nothing" in log())
    key.set(0)
    assert state(server) == "privacy"
    assert server.stop() == 0
    assert (tree / "sys/class/leds/act/trigger").read_text()[:4] == "mmc0"
    assert light() == "0"


def test_a_press_opens_and_another_closes(serve, tree):
    key = Key(tree / "dev/input/event0")
    server = serve("--set", "listen.mode=button", "--set", "controls.button=key:F13@/dev/input/event0", "--set", "controls.button_mode=press",
                   "--set", "listen.wait=60")
    wait_until(lambda: state(server) == "idle")
    for expected in ("wake", "idle", "wake", "idle"):
        key.set(1)
        wait_until(lambda: state(server) == expected)
        key.set(0)
        assert state(server) == expected


@pytest.mark.parametrize("option", ["button=f13", "light=f13", "button=led:act", "light=key:F13"])
def test_what_is_no_control_is_refused(run, small_model, tmp_path, option):
    answer = run("serve", "--model", small_model, "--port", "0", "--microphone", "none", "--set", f"controls.{option}", "--set",
                 f"data.folder={tmp_path}", "--set", "log.file=none")
    assert answer.returncode == 1 and option.split("=")[1] in answer.stderr
