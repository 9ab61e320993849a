"""Ten tasks of docs/acceptance.md, each done by a client from beginning to end. A task is done or it is not; how long it took is printed (`make tasks`), never asserted."""
import functools
import json
import os
import re
import shutil
import subprocess
import time
import wave

import pytest

from conftest import prepared
from test_access import Guarded
from test_actions import mosquitto  # noqa: F401  (a fixture)
from test_events import Reader
from test_live import connect, pcm_of, words
from test_mqtt import BASE, Home, broker, configs  # noqa: F401
from test_server import Server, TIMEOUT_S

requests = pytest.importorskip("requests")


def task(name):
    """Tells how long the test took, when it has not failed."""
    def timed(test):
        @functools.wraps(test)
        def run(*arguments, **more):
            begin = time.monotonic()
            test(*arguments, **more)
            print(f"\n{time.monotonic() - begin:6.2f} s  {name}")
        return run
    return timed


@pytest.fixture
def serve(program, model, source, tmp_path):
    """serve(ARGUMENT..., folder=) -> a running server with the commands that are shipped; stopped at the end."""
    running = []

    def start(*arguments, folder=tmp_path):
        os.makedirs(folder, exist_ok=True)
        running.append(Server(program, "--model", model, "--commands", os.path.join(source, "deploy", "commands"), "--microphone", "none",
                              "--set", "speech.enabled=false", *arguments, folder=folder))
        return running[-1]
    yield start
    for server in running:
        if server.process.poll() is None:
            assert server.stop() == 0


@task("start the program and have a first command carried out")
def test_1_a_first_command(serve):
    server = serve()
    answer = server.post("/command/execute", json={"text": "what time is it"})
    assert answer.status_code == 200 and answer.json()["intent"] == "get_time" and re.search(r"\d:\d\d", answer.json()["response"])


@task("pair a phone, ask with its token, shut it out again")
def test_2_pair_a_phone(program, small_model, source, tmp_path):
    server = Guarded(program, small_model, source, tmp_path)
    code = json.loads(server.command("pair", "--json").stdout)["code"]
    claimed = server.ask("POST", "/api/v1/pairing/claim", json={"code": code, "name": "phone"})
    assert claimed.status_code == 201
    token = claimed.json()["token"]
    assert server.ask("GET", "/status").status_code == 401
    assert server.ask("POST", "/command/execute", token, json={"text": "what time is it"}).status_code == 200
    server.command("token", "revoke", "phone")
    assert server.ask("GET", "/status", token).status_code == 401
    assert server.stop() == 0


@task("enrol a wake word from five recordings and have it found in a sixth")
def test_3_enrol_a_word(run, small_model, shared_data, tmp_path):
    folder = os.path.join(shared_data, "wakeword_picovoice")
    files = sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.startswith("jarvis_"))
    vad = os.path.join(os.path.dirname(small_model), "vad.vam") if os.sep in small_model else "vad"
    options = ["--model", small_model, "--vad", vad, "--language", "en", "--folder", tmp_path / "words"]
    assert run("wake", "enrol", *options, "jarvis", *files[:3], *files[4:6]).returncode == 0
    found = run("wake", "test", *options, "jarvis", files[-1])
    assert found.returncode == 0 and ": said, " in found.stdout
    assert run("wake", "remove", *options, "jarvis").returncode == 0


@task("switch privacy mode on, see that nothing is recorded and nothing is left, switch it off")
def test_4_privacy_on_and_off(serve, recordings):
    server = serve("--microphone", "file:" + os.path.join(recordings, "goforward.raw"))
    with open(os.path.join(recordings, "cards", "005.wav"), "rb") as sound:
        assert server.post("/transcribe", files={"audio": sound}).status_code == 200
    assert server.get("/transcription/latest").status_code == 200
    assert server.post("/privacy/enable").json()["success"] is True
    assert server.post("/audio/start").status_code == 403 and server.get("/transcription/latest").status_code == 404
    assert server.get("/status").json()["state"] == "privacy"
    assert server.post("/privacy/disable").json()["success"] is True
    assert server.get("/status").json()["privacy_mode"] is False


@task("find a command in the history and delete it for good")
def test_5_search_and_delete_the_history(serve):
    server = serve("--set", "history.enabled=true")
    for text in ("set the temperature to 21 degrees", "what time is it"):
        assert server.post("/command/execute", json={"text": text}).status_code == 200
    found = server.get("/api/v1/history", params={"search": "temperature"}).json()["entries"]
    assert [entry["command"] for entry in found] == ["set_temperature"]
    assert requests.delete(f"{server.url}/api/v1/history/{found[0]['id']}", timeout=TIMEOUT_S).status_code == 200
    left = server.get("/api/v1/history").json()["entries"]
    assert [entry["command"] for entry in left] == ["get_time"]


@task("set a timer of two seconds by a sentence and be told when it ends")
def test_6_a_timer_by_text(serve):
    server = serve()
    events = Reader(server)
    assert server.post("/command/execute", json={"text": "set an egg timer for two seconds"}).status_code == 200
    told = events.until("timer", change="set")[-1][2]
    assert (told["name"], told["seconds"]) == ("egg", 2)
    events.until("timer", change="ended")
    events.close()
    assert server.get("/api/v1/timers").json()["timers"] == []


@task("upload a recording of more than a minute and get all of its text")
def test_7_a_long_recording(serve, recordings, tmp_path):
    folder = os.path.join(recordings, "librivox")
    files = sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".wav"))
    path = tmp_path / "long.wav"
    with wave.open(str(path), "wb") as long:
        long.setparams((1, 2, 16000, 0, "NONE", ""))
        while long.tell() < 61 * 16000:
            for name in files:
                with wave.open(name) as part:
                    long.writeframes(part.readframes(part.getnframes()) + bytes(16000))
        seconds = long.tell() / 16000
    server = serve()
    with open(path, "rb") as sound:
        answer = server.post("/transcribe", files={"audio": sound}, data={"language": "en", "timestamps": "segment"})
    assert answer.status_code == 200
    body = answer.json()
    assert abs(body["duration"] - seconds) < 0.1 and body["segments"][-1]["end"] > seconds - 5
    assert body["text"].lower().count("young man") >= 2


@task("speak over the WebSocket at the pace of speech, see the text grow, get the last one")
def test_8_live_over_the_websocket(serve, run, recordings):
    server = serve("--set", f"listen.vad={prepared(run, 'vad')}")
    pcm = pcm_of(recordings)
    with connect(server.url.replace("http", "ws") + "/api/v1/live", open_timeout=TIMEOUT_S, close_timeout=2) as line:
        line.send(json.dumps({"type": "start"}))
        for at in range(0, len(pcm), 3200):
            line.send(pcm[at:at + 3200])
            time.sleep(0.1)
        line.send('{"type":"stop"}')
        messages = []
        while not messages or messages[-1]["type"] != "final":
            messages.append(json.loads(line.recv(timeout=TIMEOUT_S)))
    assert {"young", "man"} <= set(words(messages[-1]["text"])) and any(message["type"] == "partial" for message in messages)


@task("be found by Home Assistant over MQTT and be switched from there")
def test_9_found_by_home_assistant(serve, broker):  # noqa: F811
    home = Home(broker.port)
    server = serve("--set", "mqtt.enabled=true", "--set", "mqtt.host=127.0.0.1", "--set", f"mqtt.port={broker.port}", "--set", "mqtt.name=kitchen")
    home.wait(f"{BASE}/availability", "online")
    home.wait(f"{BASE}/problem", lambda text: True)
    switch = next(config for topic, config in configs(home).items() if topic.startswith("homeassistant/switch/"))
    home.say(switch["command_topic"], "ON")
    home.wait(switch["state_topic"], "ON")
    assert server.get("/privacy").json()["privacy_mode"] is True
    home.stop()


@task("copy the data folder, restore it elsewhere, find history, privacy mode and certificate again")
def test_10_backup_and_restore(serve, tmp_path):
    server = serve("--set", "history.enabled=true", folder=tmp_path / "old")
    assert server.post("/command/execute", json={"text": "what time is it"}).status_code == 200
    assert server.post("/privacy/enable").status_code == 200
    with open(server.ca, "rb") as certificate:
        ca = certificate.read()
    assert server.stop() == 0
    subprocess.run(["tar", "-C", tmp_path / "old", "-cpf", tmp_path / "backup.tar", "."], check=True)
    shutil.rmtree(tmp_path / "old")
    os.makedirs(tmp_path / "new")
    subprocess.run(["tar", "-C", tmp_path / "new", "-xpf", tmp_path / "backup.tar"], check=True)
    server = serve("--set", "history.enabled=true", folder=tmp_path / "new")
    assert [entry["command"] for entry in server.get("/api/v1/history").json()["entries"]] == ["get_time"]
    assert server.get("/privacy").json()["privacy_mode"] is True and server.post("/audio/start").status_code == 403
    with open(server.ca, "rb") as certificate:
        assert certificate.read() == ca
