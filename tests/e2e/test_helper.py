"""The helper of root: the real executable, with a socket passed as the system manager passes it, on a machine of files."""
import os
import re
import socket
import subprocess
import time
import urllib.request

import pytest

from conftest import wait_until
from test_power import BATTERY, CPU, PANEL, first_line, overwritten, put
from test_server import Server

NOBODY = 65534


@pytest.fixture
def helper_program(program):
    path = os.path.join(os.path.dirname(program), "..", "helper", "voice-assistant-helper")
    if not os.path.exists(path):
        pytest.skip("no voice-assistant-helper beside the program")
    return os.path.abspath(path)


@pytest.fixture
def machine(tmp_path_factory):
    root = tmp_path_factory.mktemp("r")
    for folder in (root, *root.parents):
        if os.stat(folder).st_uid == os.getuid() and str(folder).startswith("/tmp/"):
            os.chmod(folder, 0o755)
    put(root, CPU + "scaling_governor", "none\n")
    put(root, CPU + "scaling_available_governors", "powersave performance\n")
    put(root, PANEL + "brightness", "255\n")
    put(root, PANEL + "max_brightness", "255\n")
    put(root, "etc/passwd", f"root:x:0:0::/:/bin/sh\nvoice-assistant:x:{NOBODY}:{NOBODY}::/:/bin/false\n")
    put(root, "run/voice-assistant/x", "")
    return root


@pytest.fixture
def helper(helper_program, machine, tmp_path):
    path = str(machine / "run/voice-assistant/helper.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(path)
        os.chmod(path, 0o666)
        listening.listen(4)
        process = subprocess.Popen(["bash", "-c", f'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&{listening.fileno()}', "bash", helper_program, "--root", machine,
                                    "--folder", tmp_path, "--idle", "5"], pass_fds=[listening.fileno()], stderr=subprocess.PIPE, text=True)
        yield process
        try:
            process.wait(20)
        finally:
            process.kill()
    assert process.returncode == 0, process.stderr.read()


def ask(machine, request):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.settimeout(20)
        connection.connect(str(machine / "run/voice-assistant/helper.sock"))
        connection.send(request)
        return connection.recv(4096).decode()


def test_requests(helper, machine):
    assert ask(machine, b"governor powersave") == "0"
    assert overwritten(first_line(machine, CPU + "scaling_governor"), "powersave")
    assert ask(machine, b"brightness 50") == "0"
    assert overwritten(first_line(machine, PANEL + "brightness"), "50")
    assert ask(machine, b"wifi off") == "-6 not present: Wi-Fi"
    assert ask(machine, b"sleep 60").startswith("-6 not present")
    for request in (b"reboot", b"governor ../../../etc/passwd", b"governor powersave\0", b"sleep 1", b"x" * 4000, b" "):
        assert ask(machine, request) == "-4 the helper does not know this request"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as silent:  # keeps nobody for long
        silent.connect(str(machine / "run/voice-assistant/helper.sock"))
        assert ask(machine, b"governor performance") == "0"
    begun = time.monotonic()
    assert helper.wait(20) == 0  # idle
    assert time.monotonic() - begun >= 1
    assert "governor powersave by user" in helper.stderr.read()


def test_it_is_started_with_one_socket_only(helper_program):
    assert subprocess.run([helper_program], stderr=subprocess.DEVNULL).returncode == 2
    assert subprocess.run([helper_program, "--idle", "0"], stderr=subprocess.DEVNULL).returncode == 2
    assert subprocess.run([helper_program, "now"], stderr=subprocess.DEVNULL).returncode == 2
    with open(os.devnull) as file:
        wrong = subprocess.run(["bash", "-c", f'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&{file.fileno()}', "bash", helper_program], pass_fds=[file.fileno()],
                               capture_output=True, text=True)
    assert wrong.returncode == 2 and "no unix socket" in wrong.stderr
    assert "Usage" in subprocess.run([helper_program, "--help"], capture_output=True, text=True).stdout


def as_nobody(program, *arguments):
    return subprocess.run([program, *arguments], user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, text=True, timeout=60, cwd="/", env={"HOME": "/nonexistent"})


def reachable(program):
    return os.getuid() == 0 and subprocess.run(["test", "-x", program], user=NOBODY, group=NOBODY, extra_groups=[]).returncode == 0


def test_a_user_without_permission(helper, program, machine):
    if not reachable(program):
        pytest.skip("another user needs root, and a program that it may start")
    found = as_nobody(program, "power", "low-power", "--set", f"system.root={machine}")
    assert found.returncode == 0, found.stderr
    assert overwritten(first_line(machine, CPU + "scaling_governor"), "powersave")
    assert overwritten(first_line(machine, PANEL + "brightness"), "50")
    found = as_nobody(program, "power", "apply", "--set", f"system.root={machine}", "--set", "power.mode=performance")
    assert found.returncode == 0 and overwritten(first_line(machine, CPU + "scaling_governor"), "performance")


def test_without_the_helper(program, machine):
    if not reachable(program):
        pytest.skip("another user needs root, and a program that it may start")
    found = as_nobody(program, "power", "low-power", "--set", f"system.root={machine}")
    assert found.returncode == 1 and "needs permission to write" in found.stderr and "voice-assistant-helper.socket" in found.stderr
    assert first_line(machine, CPU + "scaling_governor") == "none"


def test_another_user_is_not_heard(helper, machine):
    if os.getuid() != 0:
        pytest.skip("another user needs root")
    found = subprocess.run(["python3", "-c", "import socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect(sys.argv[1]); "
                            "s.send(b'governor powersave'); print(s.recv(999).decode())", str(machine / "run/voice-assistant/helper.sock")],
                           user=NOBODY - 1, group=NOBODY, extra_groups=[], capture_output=True, text=True, timeout=20)
    assert found.stdout.startswith("-11 "), found.stderr
    assert first_line(machine, CPU + "scaling_governor") == "none"


def test_applying_what_the_options_say(run, machine):
    root = f"system.root={machine}"
    assert run("power", "apply", "--set", root).returncode == 0  # keep
    assert first_line(machine, CPU + "scaling_governor") == "none"
    assert run("power", "apply", "--set", root, "--set", "power.mode=low-power").returncode == 0
    assert overwritten(first_line(machine, CPU + "scaling_governor"), "powersave")
    assert run("power", "apply", "--set", root, "--set", "power.mode=balanced").returncode == 1  # no such governor here
    found = run("power", "apply", "--set", f"system.root={machine}/none", "--set", "power.mode=balanced")
    assert found.returncode == 0 and "not present" in found.stderr


def test_modes_by_themselves(program, small_model, source, tmp_path, machine):
    put(machine, BATTERY + "type", "Battery\n")
    put(machine, BATTERY + "capacity", "12\n")
    put(machine, BATTERY + "status", "Discharging\n")
    server = Server(program, "--model", small_model, "--microphone", "none", "--set", "speech.enabled=no", "--set", "metrics.port=0", "--set",
                    f"system.root={machine}", "--set", "power.automatic=yes", folder=tmp_path)
    wait_until(lambda: overwritten(first_line(machine, CPU + "scaling_governor"), "powersave") and
               overwritten(first_line(machine, PANEL + "brightness"), "50"))
    url = re.search(r"http://\S+/metrics", server.process.stdout.readline())[0]
    with urllib.request.urlopen(url, timeout=20) as answer:
        metrics = answer.read().decode()
    for line in ("voice_assistant_battery_percent 12", "voice_assistant_battery_charging 0", 'voice_assistant_power_mode{mode="low-power"} 1',
                 'voice_assistant_power_mode{mode="balanced"} 0'):
        assert line in metrics.splitlines()
    assert "voice_assistant_cpu_throttled " not in metrics  # the firmware does not say
    assert server.stop() == 0


def test_a_charge_line_that_makes_no_sense(program, small_model):
    found = subprocess.run([program, "serve", "--model", small_model, "--microphone", "none", "--set", "power.charge_gpio=17"], capture_output=True, text=True,
                           timeout=60)
    assert found.returncode != 0 and "CHIP:LINE" in found.stderr
