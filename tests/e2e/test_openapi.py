"""The OpenAPI document against the program that serves it: schemathesis asks what the document allows, and what it forbids."""
import os
import subprocess
import sys

import pytest

from test_power import CPU, PANEL, put
from test_server import Server

requests = pytest.importorskip("requests")
pytest.importorskip("schemathesis")

TIMEOUT_S = 600
# Which 503 there are, the document says. A text that is too long is refused with 413, too.
SETTINGS = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 503]

[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429, "5xx"]
"""
# An answer without an end is not asked for. Programs on the machine itself need no token here (the last test is about those); no recording that a generator makes is one; what is
# deleted need not have been there.
LEFT_OUT = "ignored_auth,missing_required_header,positive_data_acceptance,use_after_free,ensure_resource_availability"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("openapi")


@pytest.fixture(scope="module")
def token(run, folder):
    made = run("token", "add", "--scopes", "all", "--set", f"data.folder={folder}", "schemathesis")
    assert made.returncode == 0, made.stderr
    return made.stdout.split()[-1]


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """Of files: nothing is to happen to this one."""
    root = tmp_path_factory.mktemp("machine")
    put(root, CPU + "scaling_governor", "ondemand   \n")
    put(root, CPU + "scaling_available_governors", "ondemand powersave performance\n")
    put(root, PANEL + "brightness", "99")
    put(root, PANEL + "max_brightness", "255\n")
    put(root, "sys/class/rtc/rtc0/wakealarm", "\n")
    put(root, "sys/power/state", "mem\n")
    return root


@pytest.fixture(scope="module")
def server(program, small_model, source, folder, machine):
    running = Server(program, "--model", small_model, "--commands", os.path.join(source, "deploy", "commands"), "--microphone", "none",
                     "--set", "server.max_upload=2", "--set", "actions.dry_run=true", "--set", "history.enabled=true",
                     "--set", f"system.root={machine}", folder=folder)
    yield running
    assert running.stop() == 0


def test_it_is_served(server):
    answer = server.get("/api/v1/openapi.json")
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/json"
    assert answer.json()["openapi"].startswith("3.1")
    again = server.get("/api/v1/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304 and not again.content


def open_objects(place, path=""):
    """Where an answer may have members that are not described."""
    if isinstance(place, list):
        place = dict(enumerate(place))
    if isinstance(place, dict):
        if "properties" in place and place.get("additionalProperties") is not False:
            yield path
        for name, inner in place.items():
            if name != "requestBody":
                yield from open_objects(inner, f"{path}/{name}")


def test_answers_have_no_other_members(server):
    document = server.get("/api/v1/openapi.json").json()
    assert not list(open_objects({"paths": document["paths"], "components": document["components"]}))


def test_the_program_does_what_it_says(server, token, tmp_path):
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(SETTINGS)
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", settings, "run", server.url + "/api/v1/openapi.json", "--seed", "1",
               "--max-examples", "25", "--phases", "examples,coverage,fuzzing", "--suppress-health-check", "all",
               "--generation-database", "none", "--request-timeout", "60", "--checks", "all", "--exclude-checks", LEFT_OUT,
               "--exclude-path", "/api/v1/events", "--exclude-path", "/api/v1/live",  # a stream without an end, a WebSocket
               "--warnings", "off", "--header", f"Authorization: Bearer {token}"]
    done = subprocess.run(list(map(str, command)), cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " 0 generated" not in done.stdout and "generated" in done.stdout
    status = server.get("/status", headers={"Authorization": f"Bearer {token}"})
    assert status.status_code == 200 and status.json()["queue_depth"] == 0, status.text


def test_tokens_are_asked_for_where_it_says(program, small_model, source, tmp_path):
    running = Server(program, "--model", small_model, "--commands", os.path.join(source, "deploy", "commands"), "--microphone", "none",
                     "--set", "access.local=token", folder=tmp_path)
    try:
        paths = running.get("/api/v1/openapi.json").json()["paths"]
        asked = [(method, path, bool(operation["security"])) for path, methods in paths.items() for method, operation in methods.items()]
        assert len(asked) > 30
        for method, path, is_closed in asked:
            answer = requests.request(method, running.url + path.replace("{id}", "1"), timeout=TIMEOUT_S, allow_redirects=False)
            assert (answer.status_code == 401) == is_closed, (method, path, answer.status_code, answer.text)
    finally:
        assert running.stop() == 0
