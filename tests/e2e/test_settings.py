"""Options read and changed over the API, and what the program makes of them, now and after a restart."""
import concurrent.futures
import json
import os
import signal
import stat
import subprocess

import pytest

from test_events import Reader
from test_server import Server, TIMEOUT_S, error_of

requests = pytest.importorskip("requests")


class Daemon(Server):
    """A server with a configuration file in its folder."""

    def __init__(self, program, model, source, folder, *more):
        self.program = program
        self.config = os.path.join(folder, "voice-assistant.yaml")
        if not os.path.exists(self.config):
            with open(self.config, "w") as file:
                file.write(f"model:\n  name: {json.dumps(model)}\n  language: de\nspeech:\n  rate: 180\n")
        super().__init__(program, "--config", self.config, "--microphone", "none", "--set", "speech.enabled=no",
                         "--commands", os.path.join(source, "deploy", "commands"), *more, folder=folder)

    @property
    def path(self):
        return os.path.join(self.folder, "settings.yaml")

    def patch(self, **settings):
        named = {name.replace("__", "."): value for name, value in settings.items()}
        return requests.patch(self.url + "/api/v1/settings", json=named, timeout=TIMEOUT_S)

    def setting(self, name):
        answer = self.get("/api/v1/settings")
        assert answer.status_code == 200
        return next(option for option in answer.json()["settings"] if option["name"] == name)

    def shown(self):
        done = subprocess.run([self.program, "config", "show", "--json", "--config", self.config, "--set", f"data.folder={self.folder}"],
                              capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
        return json.loads(done.stdout), done.stderr

    def logged(self):
        with open(os.path.join(self.folder, "stderr.txt")) as log:
            return log.read()


@pytest.fixture
def daemon(program, small_model, source, tmp_path):
    running = Daemon(program, small_model, source, tmp_path)
    yield running
    assert running.stop() == 0


def test_all_options_are_there(daemon):
    settings = daemon.get("/api/v1/settings").json()
    shown = daemon.shown()[0]
    assert [f"{section}.{key}" for section in shown for key in shown[section]] == [option["name"] for option in settings["settings"]]
    assert [section["name"] for section in settings["sections"]] == list(shown)
    port = daemon.setting("server.port")
    assert port["type"] == "int" and (port["min"], port["max"], port["default"]) == (0, 65535, 8000)
    assert port["source"] == "command line" and not port["changeable"] and not port["reload"]
    assert daemon.setting("model.language")["source"] == "file"
    assert daemon.setting("listen.mode")["choices"] == ["off", "wake", "always", "button"]


def test_a_change_counts_at_once(daemon):
    events = Reader(daemon)
    answer = daemon.patch(model__language="en", live__sessions=2)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"success": True, "in_effect": ["model.language", "live.sessions"], "at_restart": [], "overridden": []}
    events.until("reloaded")
    events.close()
    language = daemon.setting("model.language")
    assert (language["value"], language["source"], language["restart_pending"]) == ("en", "settings", False)
    assert stat.S_IMODE(os.stat(daemon.path).st_mode) == 0o600
    shown, said = daemon.shown()
    assert shown["model"]["language"] == "en" and shown["live"]["sessions"] == 2 and said == ""
    assert daemon.patch(model__language=None).json()["in_effect"] == ["model.language"]
    assert daemon.setting("model.language")["value"] == "de" and daemon.setting("model.language")["source"] == "file"


def test_a_change_outlives_a_restart(program, small_model, source, tmp_path):
    first = Daemon(program, small_model, source, tmp_path)
    answer = first.patch(speech__rate=150, speech__enabled=True, history__days=12.5)
    assert answer.json() == {"success": True, "in_effect": ["history.days"], "at_restart": ["speech.rate"],
                             "overridden": ["speech.enabled"]}
    assert first.setting("speech.rate")["restart_pending"] and not first.setting("history.days")["restart_pending"]
    assert first.stop() == 0
    second = Daemon(program, small_model, source, tmp_path)
    rate = second.setting("speech.rate")
    assert rate["value"] == 150 and rate["source"] == "settings" and not rate["restart_pending"]
    assert second.setting("history.days")["value"] == 12.5 and second.setting("speech.enabled")["value"] is False
    assert second.stop() == 0


@pytest.mark.parametrize("settings, status, code, word", [
    ({"model.languge": "en"}, 400, "invalid", "did you mean"),
    ({"model.beam": 99}, 400, "invalid", "from 1 to 8"),
    ({"model.beam": "2"}, 400, "invalid", "without quotes"),
    ({"model.beam": 2.5}, 400, "invalid", "whole number"),
    ({"model.language": "xx"}, 400, "invalid", "a language's code"),
    ({"speech.api": "yes"}, 400, "invalid", "without quotes"),
    ({"model.language": ["en"]}, 400, "invalid", "must be a text"),
    ({"audio.microphone": "a\nb"}, 400, "invalid", "control characters"),
    ({}, 400, "invalid", "JSON object"),
    ([], 400, "invalid_json", "JSON object"),
    ({"speech.command": "sh"}, 403, "forbidden", "configuration file"),
    ({"access.local": None}, 403, "forbidden", "configuration file"),
    ({"model.name": "no-such-model", "model.beam": 2}, 409, "not_taken", "no-such-model"),
    ({"listen.mode": "wake", "listen.words": "no-such-word"}, 409, "not_taken", "nothing was changed"),
])
def test_what_is_wrong_changes_nothing(daemon, settings, status, code, word):
    before = daemon.get("/api/v1/settings").text
    if isinstance(settings, dict) and settings and status < 409:
        settings = {"model.beam": 2, **settings}  # all or none
    answer = requests.patch(daemon.url + "/api/v1/settings", json=settings, timeout=TIMEOUT_S)
    assert error_of(answer, status)["code"] == code and word in answer.json()["error"]["message"], answer.text
    assert daemon.get("/api/v1/settings").text == before and not os.path.exists(daemon.path)


def test_what_the_table_locks_is_refused(daemon):
    locked = [option for option in daemon.get("/api/v1/settings").json()["settings"] if not option["changeable"]]
    names = {option["name"] for option in locked}
    assert {"speech.command", "actions.executables", "server.listen", "wyoming.allow", "data.folder", "access.local"} <= names
    for option in locked:
        answer = requests.patch(daemon.url + "/api/v1/settings", json={option["name"]: option["value"]}, timeout=TIMEOUT_S)
        assert error_of(answer, 403)["code"] == "forbidden", option["name"]


def test_a_broken_configuration_is_told(daemon):
    assert daemon.patch(model__beam=2).status_code == 200
    with open(daemon.path) as file:
        before = file.read()
    with open(daemon.config, "a") as file:
        file.write("nonsense: 1\n")
    answer = daemon.patch(model__beam=3)
    assert error_of(answer, 409)["code"] == "not_taken" and "nonsense" in answer.json()["error"]["message"]
    with open(daemon.path) as file:
        assert file.read() == before
    assert daemon.setting("model.beam")["value"] == 2


def test_a_damaged_file_is_left_out(program, small_model, source, tmp_path):
    (tmp_path / "settings.yaml").write_text("model:\n  beam: 3\n  language: 7\nspeech:\n  command: sh\n")
    (tmp_path / "settings.yaml").chmod(0o600)
    running = Daemon(program, small_model, source, tmp_path)
    assert running.setting("model.beam")["value"] == 3 and running.setting("speech.command")["source"] == "default"
    assert "settings.yaml:5: 'speech.command' can be set only in the configuration file" in running.logged()
    assert "settings.yaml:5" in running.shown()[1]
    assert running.patch(model__beam=4).status_code == 200
    assert "sh" not in (tmp_path / "settings.yaml").read_text().split()
    assert running.stop() == 0


def test_many_at_once(daemon):
    keys = ["listen.wait", "health.stall", "server.timeout", "actions.confirm_s"]

    def change(i):
        while True:  # busy is an answer, too
            answer = requests.patch(daemon.url + "/api/v1/settings", json={keys[i % 4]: 10 + i}, timeout=TIMEOUT_S)
            if answer.status_code != 503:
                return answer.status_code

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(change, range(16))) == {200}
    shown = daemon.shown()[0]
    assert all(10 <= shown[key.split(".")[0]][key.split(".")[1]] < 26 for key in keys)
    daemon.process.send_signal(signal.SIGHUP)
    assert daemon.setting("listen.wait")["value"] == shown["listen"]["wait"]


def test_names_are_logged_and_values_are_not(daemon):
    assert daemon.patch(listen__wait=7.125).status_code == 200
    log = daemon.logged()
    assert "listen.wait" in log and "7.125" not in log
