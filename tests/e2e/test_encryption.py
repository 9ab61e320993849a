"""The option privacy.require_encryption: on a plain disk nothing that is said is taken or kept; on an encrypted one all is. The kernel's tree that
says which it is stands in for the real one; tests/vm/topics/encrypted.sh has a real volume."""
import os
import time

import pytest

from test_server import Server, WAV, error_of

COMMANDS = "language: en\ncommands:\n  note:\n    sentences: ['note it']\n    action: {type: say}\n    response: 'noted'\n"
OPTION = ("--set", "privacy.require_encryption=true")


class Disk:
    """The block device that a folder is on, as /sys tells it below a folder of ours."""

    def __init__(self, root, folder):
        device = os.stat(folder).st_dev
        if os.major(device) == 0:
            pytest.skip("the folder of the test is not on a disk")
        self.folder = root / "sys" / "dev" / "block" / f"{os.major(device)}:{os.minor(device)}" / "dm"
        self.folder.mkdir(parents=True)

    def encrypt(self):
        (self.folder / "uuid").write_text("CRYPT-LUKS2-0123456789abcdef-voice-assistant-data\n")

    def lay_bare(self):
        (self.folder / "uuid").write_text("LVM-0123456789abcdef\n")


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def disk(root, data):
    return Disk(root, data)


@pytest.fixture
def serve(program, small_model, tmp_path, root, data, recordings):
    servers = []
    folder = tmp_path / "commands"
    folder.mkdir()
    (folder / "note.yaml").write_text(COMMANDS)

    def start(*arguments):
        servers.append(Server(program, "--model", small_model, "--microphone", f"file:{os.path.join(recordings, WAV)}", "--commands", folder,
                              "--set", f"system.root={root}", "--set", "history.enabled=true", *arguments, folder=data))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.stop()


def upload(server, recordings):
    with open(os.path.join(recordings, WAV), "rb") as audio:
        return server.post("/transcribe", files={"audio": audio})


def reasons(server):
    time.sleep(1.1)  # it looks once a second
    return [reason["code"] for reason in server.get("/health").json().get("reasons", [])]


def entries(server):
    return server.get("/api/v1/history").json()["entries"]


def note(server):
    assert server.post("/command/execute", json={"text": "note it"}).json()["response"] == "noted"


def refuses_all(server, recordings):
    answer = server.post("/audio/start")
    assert error_of(answer, 403)["code"] == "unencrypted" and "privacy.require_encryption" in answer.text
    answer = upload(server, recordings)
    assert error_of(answer, 403)["code"] == "forbidden" and "privacy.require_encryption" in answer.text
    assert "data_unencrypted" in reasons(server)
    status = server.get("/status").json()
    assert status["data_encrypted"] is False and status["microphone"]["state"] == "closed"


def takes_all(server, recordings):
    assert server.post("/audio/start").status_code == 200
    assert server.post("/audio/stop").status_code == 200
    assert server.get("/transcription/latest").status_code == 200
    assert upload(server, recordings).status_code == 200
    assert "data_unencrypted" not in reasons(server)


def test_on_a_plain_disk_nothing_is_taken(serve, disk, recordings):
    server = serve(*OPTION)
    refuses_all(server, recordings)
    note(server)  # it is done, and not kept
    assert entries(server) == []

    disk.encrypt()
    takes_all(server, recordings)
    assert server.get("/status").json()["data_encrypted"] is True
    note(server)
    kept = len(entries(server))
    assert kept >= 2

    disk.lay_bare()
    refuses_all(server, recordings)
    note(server)
    assert len(entries(server)) == kept


def test_without_the_option_any_disk_will_do(serve, disk, recordings):
    server = serve()
    takes_all(server, recordings)
    assert server.get("/status").json()["data_encrypted"] is False
    note(server)
    assert len(entries(server)) >= 2


def test_it_does_not_listen_but_it_runs(serve, disk, recordings):
    disk.lay_bare()
    server = serve(*OPTION, "--set", "listen.mode=always")
    assert server.get("/status").json()["microphone"]["state"] == "closed"
    assert "data_unencrypted" in reasons(server)
    with open(server.log.name, encoding="utf-8") as log:
        assert "the microphone is not listened to: " in log.read()


def test_words_and_the_work_of_others_are_refused(run, disk, root, data, small_model, recordings, tmp_path):
    config = tmp_path / "voice-assistant.yaml"
    config.write_text(f"privacy:\n  require_encryption: true\nsystem:\n  root: {root}\ndata:\n  folder: {data}\n")
    samples = [os.path.join(recordings, WAV)] * 3
    refused = run("wake", "enrol", "--config", config, "--model", small_model, "--folder", data / "words", "computer", *samples)
    assert refused.returncode == 1 and "is not on an encrypted disk" in refused.stderr
    refused = run("worker", "--config", config, "--model", small_model, "--url", "nats://127.0.0.1:1")
    assert refused.returncode == 1 and "is not on an encrypted disk" in refused.stderr
