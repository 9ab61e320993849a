"""The device that Home Assistant finds over MQTT: a real broker, and a client that looks as Home Assistant does."""
import getpass
import json
import os
import queue
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

mqtt = pytest.importorskip("paho.mqtt.client")

from conftest import wait_until  # noqa: E402
from test_actions import Broker, mosquitto, write_commands  # noqa: E402, F401  (mosquitto is a fixture)
from test_power import BATTERY, put
from test_server import Server  # noqa: E402

WAIT_S = 30
# What Home Assistant's MQTT integration needs of each kind of entity, beside what all have.
NEEDED = {"sensor": {"state_topic"}, "switch": {"state_topic", "command_topic"}, "binary_sensor": {"state_topic"}, "button": {"command_topic"}}
KNOWN = {"name", "unique_id", "object_id", "state_topic", "command_topic", "json_attributes_topic", "availability_topic", "value_template", "device_class",
         "state_class", "unit_of_measurement", "entity_category", "icon", "device", "origin"}


class Home:
    """What a Home Assistant would know: the newest message of each topic, and all in their order."""

    def __init__(self, port, **more):
        self.messages, self.all = {}, queue.Queue()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        subscribed = threading.Event()
        self.client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.on_message = self.take
        for name, value in more.items():
            getattr(self.client, name)(*value)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert subscribed.wait(WAIT_S)

    def take(self, client, user, message):
        self.messages[message.topic] = message.payload.decode()
        self.all.put((message.topic, message.payload.decode()))

    def wait(self, topic, wanted):
        """Until the topic's value is wanted, or wanted(value)."""
        fits = wanted if callable(wanted) else lambda value: value == wanted
        deadline = time.monotonic() + WAIT_S
        while not (topic in self.messages and fits(self.messages[topic])):
            assert time.monotonic() < deadline, (topic, self.messages)
            time.sleep(0.02)
        return self.messages[topic]

    def say(self, topic, text):
        self.client.publish(topic, text, qos=1).wait_for_publish(WAIT_S)

    def stop(self):
        self.client.disconnect()
        self.client.loop_stop()


BASE = "voice-assistant/kitchen"


@pytest.fixture()
def broker(mosquitto, tmp_path):  # noqa: F811
    running = Broker(mosquitto, str(tmp_path), "allow_anonymous true")
    yield running
    running.stop()


@pytest.fixture()
def start(program, small_model, tmp_path):
    servers = []

    def begin(port, *more):
        path = write_commands(str(tmp_path), {"say_it": {"sentences": ["say it"], "action": {"type": "say"}, "response": "it is said"},
                                             "publish_it": {"sentences": ["publish it"], "action": {"type": "mqtt", "topic": "lamp/set", "payload": "on"}}})
        (tmp_path / "data").mkdir(exist_ok=True)
        servers.append(Server(program, "--model", small_model, "--microphone", "none", "--commands", path, "--set", "mqtt.enabled=true", "--set",
                              "mqtt.host=127.0.0.1", "--set", f"mqtt.port={port}", "--set", "mqtt.name=kitchen", "--set", "server.tls=no", "--set", "wyoming.enabled=false", *more,
                              folder=tmp_path / "data"))
        return servers[-1]
    yield begin
    for server in servers:
        if server.process.poll() is None:
            assert server.stop() == 0


@pytest.fixture()
def home(broker):
    watching = Home(broker.port)
    yield watching
    watching.stop()


def configs(home):
    return {topic: json.loads(text) for topic, text in home.messages.items() if topic.startswith("homeassistant/") and topic.endswith("/config") and text}


def test_home_assistant_finds_the_device(start, home):
    start(home.client.port)
    home.wait(f"{BASE}/availability", "online")
    home.wait(f"{BASE}/problem", lambda text: True)
    found = configs(home)
    entities = {topic.split("/")[1] + "." + topic.split("/")[3] for topic in found} - ({"sensor.battery"} if os.listdir("/sys/class/power_supply") else set())
    assert entities == {"sensor.state", "sensor.last_command", "switch.privacy", "binary_sensor.problem"}
    assert len({config["unique_id"] for config in found.values()}) == len(found)
    for topic, config in found.items():
        prefix, component, node, name, last = topic.split("/")
        assert NEEDED[component] <= set(config) <= KNOWN and config["name"] and config["availability_topic"] == f"{BASE}/availability"
        assert config["device"]["identifiers"] == [node] == ["kitchen"] and config["device"]["name"] == "kitchen"
        assert config["origin"]["name"] == "voice-assistant" and config["unique_id"] == f"kitchen_{name}"
        if "state_topic" in config and name != "last_command":
            assert home.wait(config["state_topic"], lambda text: text != "")
    # They are kept by the broker, for a Home Assistant that starts later.
    late = Home(home.client.port)
    for topic in found:
        late.wait(topic, lambda text: text != "")
    assert configs(late) == found
    late.stop()


def test_a_battery_is_shown_while_it_is_there(start, home, tmp_path):
    root = tmp_path / "root"
    put(root, BATTERY + "type", "Battery\n")
    put(root, BATTERY + "capacity", "87\n")
    start(home.client.port, "--set", f"system.root={root}")
    home.wait(f"{BASE}/battery", "87")
    assert [config["device_class"] for topic, config in configs(home).items() if "/battery/" in topic] == ["battery"]
    (root / BATTERY / "type").unlink()
    topic = next(topic for topic in home.messages if topic.endswith("/battery/config"))
    home.wait(topic, "")


def test_state_and_privacy_follow(start, home):
    server = start(home.client.port)
    home.wait(f"{BASE}/privacy", "OFF")
    home.say(f"{BASE}/privacy/set", "ON")
    home.wait(f"{BASE}/privacy", "ON")
    home.wait(f"{BASE}/state", "privacy")
    assert server.get("/status").json()["state"] == "privacy"
    assert server.post("/privacy/disable").status_code == 200
    home.wait(f"{BASE}/privacy", "OFF")
    home.wait(f"{BASE}/state", "off")
    home.say(f"{BASE}/privacy/set", "perhaps")  # is no wish
    home.say(f"{BASE}/privacy/set", "ON")
    home.wait(f"{BASE}/privacy", "ON")
    home.say(f"{BASE}/privacy/set", "OFF")
    home.wait(f"{BASE}/privacy", "OFF")


@pytest.mark.parametrize("texts", [False, True])
def test_the_last_command(start, home, texts):
    server = start(home.client.port, "--set", f"mqtt.texts={'true' if texts else 'false'}")
    home.wait(f"{BASE}/availability", "online")
    assert server.post("/command/execute", json={"text": "say it"}).status_code == 200
    command = json.loads(home.wait(f"{BASE}/command", lambda text: True))
    assert (command["command"], command["success"], command["source"]) == ("say_it", True, "api") and command["time"]
    assert command.get("response") == ("it is said" if texts else None)


def test_privacy_mode_takes_what_was_answered_away(start, home):
    server = start(home.client.port, "--set", "mqtt.texts=true")
    assert server.post("/command/execute", json={"text": "say it"}).status_code == 200
    home.wait(f"{BASE}/command", lambda text: "it is said" in text)
    home.say(f"{BASE}/privacy/set", "ON")
    home.wait(f"{BASE}/command", "")
    late = Home(home.client.port)  # the broker keeps it no more
    late.wait(f"{BASE}/privacy", "ON")
    late.stop()
    assert not late.messages.get(f"{BASE}/command")
    assert server.post("/command/execute", json={"text": "say it"}).status_code == 200
    command = json.loads(home.wait(f"{BASE}/command", lambda text: text != ""))
    assert command["command"] == "say_it" and "response" not in command
    home.say(f"{BASE}/privacy/set", "OFF")
    home.wait(f"{BASE}/privacy", "OFF")
    assert server.post("/command/execute", json={"text": "say it"}).status_code == 200
    home.wait(f"{BASE}/command", lambda text: "it is said" in text)


def test_commands_use_the_same_broker(start, home):
    server = start(home.client.port)
    assert server.post("/command/execute", json={"text": "publish it"}).status_code == 200
    home.wait("lamp/set", "on")


def test_home_assistant_starts_again(start, home):
    start(home.client.port)
    home.wait(f"{BASE}/problem", lambda text: True)
    before = configs(home)
    for topic in before:
        home.client.publish(topic, "", qos=1, retain=True).wait_for_publish(WAIT_S)
        home.wait(topic, "")
    home.say("homeassistant/status", "online")
    for topic, config in before.items():
        assert json.loads(home.wait(topic, lambda text: text != "")) == config


def test_a_wish_that_was_kept_is_old(start, home):
    """A retained message on the topic of the switch must not switch at every start."""
    home.client.publish(f"{BASE}/privacy/set", "ON", qos=1, retain=True).wait_for_publish(WAIT_S)
    start(home.client.port)
    home.wait(f"{BASE}/privacy", "OFF")
    home.say(f"{BASE}/privacy/set", "ON")
    home.wait(f"{BASE}/privacy", "ON")
    assert [text for topic, text in list(home.all.queue) if topic == f"{BASE}/privacy"] == ["OFF", "ON"]


def test_the_talk_button(start, home, small_model):
    vad = os.path.join(os.path.dirname(small_model), "vad.vam") if os.sep in small_model else "vad"
    start(home.client.port, "--set", "listen.mode=button", "--set", f"listen.vad={vad}", "--set", "audio.microphone=file:/dev/zero")
    home.wait("homeassistant/button/kitchen/talk/config", lambda text: text != "")
    home.wait(f"{BASE}/state", "idle")
    home.say(f"{BASE}/talk/set", "PRESS")
    home.wait(f"{BASE}/state", "wake")


def test_stopped_and_killed(start, home):
    server = start(home.client.port)
    home.wait(f"{BASE}/availability", "online")
    assert server.stop() == 0
    home.wait(f"{BASE}/availability", "offline")
    server = start(home.client.port)
    home.wait(f"{BASE}/availability", "online")
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    home.wait(f"{BASE}/availability", "offline")


def test_a_broker_that_goes_and_comes(mosquitto, start, tmp_path):  # noqa: F811
    """Nobody is harmed meanwhile; what happened in between is told when it is back."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    server = start(port)
    assert server.get("/status").status_code == 200

    def times_missed():
        with open(server.log.name, encoding="utf-8") as f:
            return f.read().count("is not reached")

    wait_until(lambda: times_missed() == 1)

    def run_broker():
        path = tmp_path / "again.conf"
        path.write_text(f"listener {port} 127.0.0.1\npersistence false\nallow_anonymous true\nuser {getpass.getuser()}\n")
        process = subprocess.Popen([mosquitto, "-c", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return process
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.05)
    for wanted in ("OFF", "ON"):
        process = run_broker()
        watching = Home(port)
        watching.wait(f"{BASE}/availability", "online")
        watching.wait(f"{BASE}/privacy", wanted)
        watching.stop()
        process.terminate()
        process.wait()
        assert server.post("/privacy/enable").status_code == 200
    assert times_missed() <= 3


def test_password_and_tls(mosquitto, start, tmp_path):  # noqa: F811
    for command in (["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test CA", "-days", "2"],
                    ["req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost"]):
        subprocess.run(["openssl", *command], cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    subprocess.run(["openssl", "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "server.pem", "-days",
                    "2", "-extfile", "names"], cwd=tmp_path, check=True, capture_output=True)
    subprocess.run(["mosquitto_passwd", "-b", "-c", "passwords", "anna", "secret"], cwd=tmp_path, check=True, capture_output=True)
    os.chmod(tmp_path / "passwords", 0o600)
    broker = Broker(mosquitto, str(tmp_path), "allow_anonymous false", f"password_file {tmp_path}/passwords", f"cafile {tmp_path}/ca.pem",
                    f"certfile {tmp_path}/server.pem", f"keyfile {tmp_path}/server.key")
    (tmp_path / "password").write_text("anna:secret\n")
    os.chmod(tmp_path / "password", 0o600)
    watching = Home(broker.port, username_pw_set=("anna", "secret"), tls_set=(str(tmp_path / "ca.pem"), None, None, ssl.CERT_REQUIRED))
    try:
        start(broker.port, "--set", "mqtt.tls=true", "--set", f"mqtt.ca_file={tmp_path}/ca.pem", "--set", f"mqtt.password_file={tmp_path}/password")
        watching.wait(f"{BASE}/availability", "online")
    finally:
        watching.stop()
        broker.stop()


def test_wrong_options(run, small_model, tmp_path):
    (tmp_path / "open").write_text("a:b\n")
    os.chmod(tmp_path / "open", 0o644)
    for option, message in (("topic=a/#", "without wildcards"), ("host=", "without wildcards"), (f"password_file={tmp_path}/open", "open")):
        answer = run("serve", "--port", "0", "--model", small_model, "--microphone", "none", "--set", f"data.folder={tmp_path}", "--set", "wyoming.enabled=false",
                     "--set", "server.tls=no", "--set", "mqtt.enabled=true", "--set", f"mqtt.{option}")
        assert answer.returncode == 1 and message in answer.stderr
