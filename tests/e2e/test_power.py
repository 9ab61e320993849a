"""Power modes and battery on a machine of files: the routes, the command line, the spoken command."""
import json
import os

import pytest

from conftest import wait_until
from test_server import Server, error_of


def put(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def first_line(root, path):
    return (root / path).read_text().strip()


CPU = "sys/devices/system/cpu/cpufreq/policy0/"
PANEL = "sys/class/backlight/panel/"
BATTERY = "sys/class/power_supply/BAT0/"


@pytest.fixture
def machine(tmp_path):
    root = tmp_path / "root"
    put(root, CPU + "scaling_governor", "ondemand   \n")
    put(root, CPU + "scaling_available_governors", "ondemand powersave performance\n")
    put(root, PANEL + "brightness", "99")
    put(root, PANEL + "max_brightness", "255\n")
    put(root, "sys/class/thermal/thermal_zone0/type", "cpu-thermal\n")
    put(root, "sys/class/thermal/thermal_zone0/temp", "51000\n")
    put(root, "sys/class/rtc/rtc0/wakealarm", "\n")
    put(root, "sys/class/rtc/rtc0/since_epoch", "0\n")
    put(root, "sys/power/state", "mem\n")
    return root


def overwritten(text, new):
    """What an ordinary file holds when the kernel's would hold `new`."""
    return text.startswith(new)


@pytest.fixture
def serve(program, small_model, source, tmp_path):
    servers = []

    def call(root):
        servers.append(Server(program, "--model", small_model, "--microphone", "none", "--commands", os.path.join(source, "deploy", "commands"),
                              "--set", "speech.enabled=no", "--set", "metrics.port=0", "--set", f"system.root={root}", folder=tmp_path))
        return servers[-1]
    yield call
    for server in servers:
        assert server.stop() == 0


def test_the_routes(serve, machine):
    server = serve(machine)
    found = server.get("/power").json()
    assert found["mode"] == "balanced" and found["governor"] == "ondemand" and found["governors"] == ["ondemand", "powersave", "performance"]
    assert found["backlight"] == {"value": 99, "max": 255} and found["cpu_temperature"] == 51.0
    assert found["throttled"] is None and found["can_sleep"] is True
    assert server.get("/status").json()["power_mode"] == "balanced"

    answer = server.post("/power/mode", json={"mode": "low-power"})
    assert answer.status_code == 200 and answer.json()["success"] is True and answer.json()["backlight"]["value"] == 50
    assert overwritten(first_line(machine, CPU + "scaling_governor"), "powersave")
    assert overwritten(first_line(machine, PANEL + "brightness"), "50")
    assert server.post("/command/execute", json={"text": "full power"}).json()["success"] is True
    assert overwritten(first_line(machine, CPU + "scaling_governor"), "performance")
    for body in ({"mode": "turbo"}, {"mode": 3}, {}, []):
        error_of(server.post("/power/mode", json=body), 400)


def test_sleeping(serve, machine):
    server = serve(machine)
    for body in ({"seconds": 0}, {"seconds": "60"}, {"seconds": 1.5}, {}):
        error_of(server.post("/power/sleep", json=body), 400)
    answer = server.post("/power/sleep", json={"seconds": 120})
    assert answer.status_code == 200 and answer.json() == {"success": True, "seconds": 120}
    wait_until(lambda: first_line(machine, "sys/class/rtc/rtc0/wakealarm") == "+120")


def test_a_machine_without_any_of_it(serve, tmp_path):
    server = serve(tmp_path / "empty")
    found = server.get("/power").json()
    assert found["mode"] is None and found["backlight"] is None and found["cpu_temperature"] is None and found["can_sleep"] is False
    assert server.get("/status").json()["power_mode"] is None
    assert "not present" in error_of(server.post("/power/mode", json={"mode": "performance"}), 501)["message"]
    assert "not present" in error_of(server.post("/power/sleep", json={"seconds": 60}), 501)["message"]
    found = server.get("/battery").json()
    assert found["present"] is False and "not present" in found["reason"] and "percent" not in found
    answer = server.post("/command/execute", json={"text": "full power"}).json()
    assert answer["success"] is False and answer["response"] == "This machine has no power modes."


def test_a_battery(serve, machine):
    server = serve(machine)
    put(machine, BATTERY + "type", "Battery\n")
    put(machine, BATTERY + "capacity", "81\n")
    put(machine, BATTERY + "status", "Discharging\n")
    assert server.get("/battery").json() == {"present": True, "source": "power_supply", "percent": 81.0, "voltage": None, "charging": False}


def test_the_command_line(run, machine):
    root = f"system.root={machine}"
    assert "mode: balanced" in run("power", "--set", root).stdout
    found = run("power", "low-power", "--json", "--set", root)
    assert found.returncode == 0 and json.loads(found.stdout)["backlight"]["value"] == 50
    assert run("power", "turbo", "--set", root).returncode == 2
    assert run("power", "sleep", "--set", root).returncode == 2
    assert run("power", "sleep", "soon", "--set", root).returncode == 2
    assert run("power", "performance", "now", "--set", root).returncode == 2
    assert run("power", "sleep", "60", "--set", root).returncode == 0
    assert first_line(machine, "sys/class/rtc/rtc0/wakealarm") == "+60"

    found = run("battery", "--set", root)
    assert found.returncode == 1 and "not present" in found.stderr
    assert json.loads(run("battery", "--json", "--set", root).stdout)["present"] is False
    put(machine, BATTERY + "type", "Battery\n")
    put(machine, BATTERY + "voltage_now", "3600000\n")
    found = run("battery", "--set", root)
    assert found.returncode == 0 and found.stdout == "50 %, 3.60 V (power_supply)\n"
    assert "Usage" in run("power", "--help").stdout and "Usage" in run("battery", "--help").stdout
    assert run("battery", "now").returncode == 2
