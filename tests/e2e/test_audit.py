"""voice-assistant audit and doctor, about a program that runs and about installations that are not well."""
import json
import os
import re
import socket
import stat
import subprocess
import tempfile

import pytest

from test_server import Server, error_of

requests = pytest.importorskip("requests")


class Machine:
    """A program that runs, and what its audits and doctors are told of it."""

    def __init__(self, run, program, model, source, folder):
        self.run, self.folder = run, folder
        self.fixed = [f"data.folder={folder}", f"log.file={folder}/app.log", f"model.name={model}", "audio.microphone=none",
                      "speech.enabled=no", "wyoming.enabled=no", f"commands.folder={source}/deploy/commands", "health.disk=100", "health.disk_free=0"]
        self.server = Server(program, *self.words(self.fixed), folder=folder)
        metrics = int(re.search(r"http://\S+:(\d+)/metrics", self.server.process.stdout.readline())[1])
        self.ports = [f"server.port={self.server.address[1]}", f"server.tls_port={self.server.tls_port}", f"metrics.port={metrics}"]

    @staticmethod
    def words(options):
        return [word for option in options for word in ("--set", option)]

    def ask(self, command, *arguments, options=()):
        return self.run(command, *arguments, *self.words([*self.fixed, *self.ports, *options]))

    def item(self, command, name, *arguments, options=()):
        """-> state, evidence, mend"""
        answer = self.ask(command, "--json", "--only", name, *arguments, options=options)
        item = json.loads(answer.stdout)["items"][0]
        assert item["name"] == name and answer.returncode == (item["state"] == "fail")
        return item["state"], item["evidence"], item["mend"]


@pytest.fixture(scope="module")
def machine(run, program, small_model, source, tmp_path_factory):
    found = Machine(run, program, small_model, source, tmp_path_factory.mktemp("audit"))
    yield found
    assert found.server.stop() == 0


def alone(run, command, name, *options):
    answer = run(command, "--json", "--only", name, *Machine.words(options))
    return json.loads(answer.stdout)["items"][0]


@pytest.mark.parametrize("name", ["memory-idle", "log", "buffer-pool", "tls", "privacy", "listeners", "access", "files"])
def test_what_holds_passes(machine, name):
    state, evidence, mend = machine.item("audit", name)
    assert state == "pass", evidence
    assert mend == ""


def test_the_whole_table(machine):
    answer = machine.ask("audit", "--json")
    report = json.loads(answer.stdout)
    names = [item["name"] for item in report["items"]]
    listed = machine.ask("audit", "--list").stdout
    assert all(name in listed for name in names) and len(names) == len(set(names)) == sum(report["summary"].values())
    for wanted in ("success", "performance tuning", "security hardening"):
        assert sum(wanted in item["lists"] for item in report["items"]) >= 7
    assert answer.returncode == (report["summary"]["fail"] > 0)
    assert all(item["mend"] for item in report["items"] if item["state"] == "fail")
    text = machine.ask("audit").stdout
    assert "\x1b" not in text and all(re.search(rf"^  (ok|FAIL|n/a|\?) +{name} ", text, re.M) for name in names)


def test_each_difference_is_seen(machine, tmp_path):
    assert machine.item("audit", "buffer-pool", options=["audio.pool_size=3"])[0] == "fail"
    assert machine.item("audit", "tls", options=["mqtt.enabled=yes", "mqtt.host=broker.example"])[0] == "fail"
    (tmp_path / "privacy").write_text("on\n")
    assert "switch" in machine.item("audit", "privacy", options=[f"data.folder={tmp_path}"])[1]
    (tmp_path / "empty.log").write_text("")
    assert machine.item("audit", "log", options=[f"log.file={tmp_path}/empty.log"])[0] == "fail"
    tokens = os.path.join(machine.folder, "tls", "server.key")
    os.chmod(tokens, 0o644)
    assert "server.key" in machine.item("audit", "files")[1]
    os.chmod(tokens, 0o600)
    assert machine.item("audit", "files")[0] == "pass"


def test_a_report_of_debsecan(machine, tmp_path):
    report = tmp_path / "debsecan"
    report.write_text("")
    assert machine.item("audit", "vulnerabilities", "--debsecan", report)[0] == "pass"
    report.write_text("CVE-2024-0001 libc6 (fixed)\n")
    assert machine.item("audit", "vulnerabilities", "--debsecan", report)[0] == "fail"
    assert machine.item("audit", "vulnerabilities")[0] == "not_checked"


def test_not_checked_counts_when_it_is_wanted(machine):
    assert machine.ask("audit", "--only", "vulnerabilities").returncode == 0
    assert machine.ask("audit", "--only", "vulnerabilities", "--strict").returncode == 3
    assert machine.ask("audit", "--only", "files", "--strict").returncode == 0


def test_the_report_is_kept_and_served(machine):
    error_of(machine.server.get("/api/v1/audit"), 404)
    metrics = f"http://127.0.0.1:{machine.ports[2].split('=')[1]}/metrics"
    assert "audit_failed_items" not in "".join(re.findall(r"^[^#].*", requests.get(metrics, timeout=60).text, re.M))
    report = os.path.join(machine.folder, "audit.json")
    assert machine.ask("audit", "--only", "buffer-pool", "--output", report, options=["audio.pool_size=3"]).returncode == 1
    assert stat.S_IMODE(os.stat(report).st_mode) == 0o644  # root writes it for the daemon's user
    answer = machine.server.get("/api/v1/audit").json()
    assert answer["summary"]["fail"] == 1 and answer["items"][0]["name"] == "buffer-pool"
    text = requests.get(metrics, timeout=60).text
    assert "\nvoice_assistant_audit_failed_items 1\n" in text and "\nvoice_assistant_audit_timestamp_seconds 1" in text
    assert machine.ask("audit", "--only", "buffer-pool", "--output", report).returncode == 0
    assert "\nvoice_assistant_audit_failed_items 0\n" in requests.get(metrics, timeout=60).text
    with open(report, "w", encoding="utf8") as file:
        file.write("{}")
    error_of(machine.server.get("/api/v1/audit"), 500)
    assert "audit_failed_items 0" not in requests.get(metrics, timeout=60).text
    os.unlink(report)


def test_where_a_token_is_wanted(run, program, small_model, source, tmp_path):
    machine = Machine(run, program, small_model, source, tmp_path)
    machine.server.stop()
    machine.fixed.append("access.local=token")
    machine.server = Server(program, *machine.words(machine.fixed), folder=tmp_path)
    machine.ports[0] = f"server.port={machine.server.address[1]}"
    assert machine.item("audit", "privacy")[0] == "not_checked"
    made = run("token", "add", "--scopes", "status", "--set", f"data.folder={tmp_path}", "audit").stdout.split()[-1]
    (tmp_path / "token").write_text(made + "\n")
    os.chmod(tmp_path / "token", 0o600)
    assert machine.item("audit", "privacy", "--token-file", tmp_path / "token")[0] == "pass"
    assert machine.server.stop() == 0


@pytest.mark.parametrize("arguments", [["audit", "--only", "nothing"], ["audit", "extra"], ["audit", "--nonsense"], ["doctor", "extra"],
                                       ["doctor", "--only", "nothing"], ["audit", "--set", "nonsense"], ["doctor", "--set", "a.b=c"]])
def test_command_lines_that_make_no_sense(run, arguments):
    answer = run(*arguments)
    assert answer.returncode == 2 and answer.stdout == "" and answer.stderr


def test_what_cannot_be_done_is_said(run, tmp_path):
    answer = run("audit", "--only", "files", "--output", tmp_path / "no" / "such" / "folder", "--set", f"data.folder={tmp_path}")
    assert answer.returncode == 1 and "audit: " in answer.stderr
    assert run("audit", "--token-file", tmp_path / "nowhere").returncode == 1
    assert run("audit", "--help").returncode == run("doctor", "--help").returncode == 0


# ---- the doctor ----

def test_nothing_is_wrong(machine):
    answer = machine.ask("doctor", "--json")
    states = {item["name"]: item["state"] for item in json.loads(answer.stdout)["items"]}
    assert answer.returncode == 0, answer.stdout
    for name in ("configuration", "folders", "disk", "model", "commands", "ports", "health", "version", "privacy", "log"):
        assert states[name] == "pass", answer.stdout
    text = machine.ask("doctor")
    assert text.returncode == 0 and "FAIL" not in text.stdout and len(text.stdout.splitlines()) < 35


def test_a_configuration_that_cannot_be_read(run, tmp_path):
    config = tmp_path / "voice-assistant.yaml"
    config.write_text("audio:\n  microfone: default\n")
    answer = run("doctor", "--config", config, "--json")
    first = json.loads(answer.stdout)["items"][0]
    assert answer.returncode == 1 and first["name"] == "configuration" and first["state"] == "fail"
    assert "voice-assistant.yaml:2" in first["evidence"] and "config check" in first["mend"]


def test_a_model_that_is_not_there_or_damaged(run, small_model, tmp_path):
    found = alone(run, "doctor", "model", "model.name=base", f"model.folder={tmp_path}")
    assert found["state"] == "fail" and "model fetch base" in found["mend"]
    damaged = tmp_path / "damaged.vam"
    with open(small_model, "rb") as file:
        data = bytearray(file.read())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    assert alone(run, "doctor", "model", f"model.name={damaged}")["state"] == "fail"


def test_who_is_not_root_hears_of_the_service_and_of_no_installation_of_their_own(program):
    with tempfile.TemporaryDirectory() as root:
        os.chmod(root, 0o755)
        os.makedirs(os.path.join(root, "usr/lib/systemd/system"))
        with open(os.path.join(root, "usr/lib/systemd/system/voice-assistant.service"), "w", encoding="utf8"):
            pass
        os.makedirs(os.path.join(root, "var/lib/voice-assistant"))
        os.chmod(os.path.join(root, "var/lib/voice-assistant"), 0)
        environment = {"PATH": os.environ["PATH"], "HOME": os.path.join(root, "home")}
        done = subprocess.run([program, "doctor", "--json", "--set", f"system.root={root}", "--set", "model.name=unheard-of"], capture_output=True, text=True, timeout=60, check=False,
                              env=environment, user=65534 if os.geteuid() == 0 else None)
        os.chmod(os.path.join(root, "var/lib/voice-assistant"), 0o755)
    found = {item["name"]: item for item in json.loads(done.stdout)["items"]}
    assert "home" not in found["folders"]["evidence"] and "home" not in found["log"]["evidence"]
    for name in ("model", "privacy"):
        assert found[name]["state"] == "not_checked", found[name]


def test_commands_with_a_mistake(run, tmp_path):
    (tmp_path / "a.yaml").write_text("language: en\ncommands:\n  hello:\n    sentence: [x]\n")
    found = alone(run, "doctor", "commands", f"commands.folder={tmp_path}")
    assert found["state"] == "fail" and "a.yaml:" in found["evidence"] and "commands check" in found["mend"]


def test_a_port_that_another_program_has(run, tmp_path):
    """A machine on which nothing else runs, but for the sockets of this one."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        options = [f"system.root={tmp_path}", f"server.port={port}", "wyoming.enabled=no", "server.tls=no", "metrics.enabled=no"]
        (tmp_path / "proc" / "net").mkdir(parents=True)
        for expected in ("pass", "fail"):
            with open("/proc/net/tcp", encoding="ascii") as file:
                (tmp_path / "proc" / "net" / "tcp").write_text(file.read())
            found = alone(run, "doctor", "ports", *options)
            assert found["state"] == expected, found["evidence"]
            other.listen()
        assert "server.port" in found["evidence"]


def test_privacy_mode_and_errors_of_late(run, tmp_path):
    (tmp_path / "privacy").write_text("on\n")
    found = alone(run, "doctor", "privacy", f"data.folder={tmp_path}")
    assert found["state"] == "note" and "privacy off" in found["mend"]
    log = tmp_path / "app.log"
    log.write_text('{"timestamp":"2099-01-01T00:00:00Z","level":"error","module":"x","message":"the disk is full"}\n')
    found = alone(run, "doctor", "log", f"log.file={log}")
    assert found["state"] == "fail" and "the disk is full" in found["evidence"]


def test_a_program_that_speaks_and_is_not_there(run):
    found = alone(run, "doctor", "voice", "speech.command=no-such-program")
    assert found["state"] == "fail" and "speech.command" in found["mend"]


def test_colours_are_for_a_terminal_only(program):
    pty = pytest.importorskip("pty")
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    subprocess.run([program, "audit", "--only", "services"], stdout=follower, timeout=60, check=False, env=environment)
    os.close(follower)
    assert b"\x1b[" in os.read(leader, 65536)
    os.close(leader)
