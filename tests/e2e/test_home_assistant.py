"""Commands and `home fetch` with a real Home Assistant; `make test-home-assistant` prepares it."""
import json
import os
import stat
import time

import pytest

import home_assistant
from test_actions import write_commands


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    if not home_assistant.is_prepared():
        pytest.skip("Home Assistant is not prepared: make test-home-assistant")
    running = home_assistant.HomeAssistant(str(tmp_path_factory.mktemp("home-assistant")))
    yield running
    running.stop()


@pytest.fixture()
def say(run, home, tmp_path):
    (tmp_path / "config.yaml").write_text(f"home_assistant:\n  url: {home.url}\n  token_file: {home.token_file}\n")

    def call(text, action, response="", sentence="turn on the {name}", token_file=None):
        path = write_commands(str(tmp_path), {"HassTurnOn": {"sentences": [sentence], "response": response, "action": action}},
                              lists={"name": {"values": ["Kitchen Lamp", "Moon"]}})
        answer = run("match", "--config", tmp_path / "config.yaml", "--commands", path, "--execute", text)
        return answer.returncode, json.loads(answer.stdout)
    return call


def state(home, entity):
    return json.loads(home.get(f"/api/states/{entity}"))["state"]


def wait_for(home, entity, wanted):
    deadline = time.monotonic() + 20
    while state(home, entity) != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    assert state(home, entity) == wanted


def test_a_service_is_called(say, home):
    for service, wanted in (("turn_on", "on"), ("turn_off", "off")):
        code, found = say("turn on the Kitchen Lamp", {"type": "home_assistant", "service": f"input_boolean.{service}",
                                                       "data": {"entity_id": "input_boolean.kitchen_lamp"}}, response="Done: {name}.")
        assert (code, found["response"]) == (0, "Done: Kitchen Lamp.")
        wait_for(home, "input_boolean.kitchen_lamp", wanted)


def test_an_intent_is_handed_over(say, home):
    action = {"type": "home_assistant", "intent": "true"}
    code, found = say("turn on the kitchen lamp", action, response="Turned on: {name}.")
    assert (code, found["success"], found["response"]) == (0, True, "Turned on: Kitchen Lamp.")
    wait_for(home, "input_boolean.kitchen_lamp", "on")
    code, found = say("turn on the moon", action, response="Turned on: {name}.")
    assert (code, found["success"]) == (1, False) and found["response"].startswith("It failed: Home Assistant answered ")


def test_a_service_that_is_not_there(say):
    code, found = say("turn on the moon", {"type": "home_assistant", "service": "moon.turn_on"})
    assert code == 1 and "Home Assistant answered 400" in found["error"]


def test_names_are_fetched(run, home, tmp_path):
    output = tmp_path / "home.yaml"
    answer = run("home", "fetch", "--url", home.url, "--token-file", home.token_file, "--output", output)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    assert stat.S_IMODE(os.stat(output).st_mode) == 0o600
    text = output.read_text()
    assert '  - name: "Kitchen"\n    id: "kitchen"\n' in text
    assert '  - name: "Kitchen Lamp"\n    id: "input_boolean.kitchen_lamp"\n    area: "Kitchen"\n' in text
    assert '  - name: "Garden: \\"the\\" Lamp"\n    id: "input_boolean.garden_lamp"\n' in text
    assert run("home", "fetch", "--url", home.url, "--token-file", home.token_file).stdout == text


def test_a_wrong_token_is_said(run, home, tmp_path):
    (tmp_path / "token").write_text("wrong")
    os.chmod(tmp_path / "token", 0o600)
    output = tmp_path / "home.yaml"
    output.write_text("before")
    answer = run("home", "fetch", "--url", home.url, "--token-file", tmp_path / "token", "--output", output)
    assert answer.returncode == 1 and "does not accept the token" in answer.stderr
    assert output.read_text() == "before"
