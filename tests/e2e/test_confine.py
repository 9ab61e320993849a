"""What a running program has taken from itself, and what its commands' programs cannot do any more."""
import os
import shutil
import tempfile

import pytest

requests = pytest.importorskip("requests")

from test_server import Server  # noqa: E402

COMMANDS = """language: en
commands:
  write: {{sentences: [write it down], response: Done., action: {{type: process, executable: touch, arguments: ['{path}']}}}}
  read: {{sentences: [what is mounted], response: '{{output}}', action: {{type: process, executable: head, arguments: ['-n', '1', /proc/mounts]}}}}
"""


def status_of(folder):
    with open(os.path.join(folder, "status"), encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def confined(folder):
    found = status_of(folder)
    return found["NoNewPrivs"], found["Seccomp"], int(found["CapEff"], 16) | int(found["CapPrm"], 16) | int(found["CapBnd"], 16)


def children(pid):
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if status_of(f"/proc/{name}")["PPid"] == str(pid):
                found += [int(name)] + children(int(name))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


@pytest.fixture
def home():
    """A folder that is not in /tmp, where programs may write."""
    path = tempfile.mkdtemp(dir=os.path.expanduser("~"), prefix="va-confine-")
    yield path
    shutil.rmtree(path)


@pytest.fixture
def serve(program, small_model, tmp_path, home):
    servers = []

    def call(*options):
        commands = tmp_path / "commands"
        commands.mkdir()
        (commands / "a.yaml").write_text(COMMANDS.format(path=os.path.join(home, "written")))
        servers.append(Server(program, "--model", small_model, "--microphone", "none", "--commands", str(commands), *options, folder=tmp_path))
        return servers[-1]
    yield call
    for server in servers:
        assert server.stop() == 0


def log_of(server):
    server.log.flush()
    with open(server.log.name, encoding="utf-8") as file:
        return file.read()


def test_every_thread_is_confined(serve):
    server = serve()
    if "not wholly confined" in log_of(server):
        pytest.skip("this kernel does not have all of it")
    assert server.get("/status").json()["confined"] == ["privileges", "system_calls", "files"]
    threads = os.listdir(f"/proc/{server.process.pid}/task")
    assert len(threads) > 4
    for thread in threads:
        assert confined(f"/proc/{server.process.pid}/task/{thread}") == ("1", "2", 0)
    launchers = children(server.process.pid)
    assert len(launchers) == 2
    for pid in launchers:
        assert confined(f"/proc/{pid}") == ("1", "2", 0)


def test_programs_write_where_they_may(serve, home):
    server = serve()
    if "files" not in server.get("/status").json()["confined"]:
        pytest.skip("this kernel has no Landlock")
    assert server.post("/command/execute", json={"text": "what is mounted"}).json()["success"]
    assert not server.post("/command/execute", json={"text": "write it down"}).json()["success"]
    assert not os.path.exists(os.path.join(home, "written"))


def test_more_can_be_allowed(serve, home):
    server = serve("--set", f"confine.allow={home}")
    assert server.post("/command/execute", json={"text": "write it down"}).json()["success"]
    assert os.path.exists(os.path.join(home, "written"))


@pytest.mark.parametrize("mode, layers", [("off", []), ("log", ["privileges"])])
def test_other_modes(serve, home, mode, layers):
    server = serve("--set", f"confine.mode={mode}")
    assert server.get("/status").json()["confined"] == layers
    assert ("not confined" if mode == "off" else "only logged") in log_of(server)
    assert server.post("/command/execute", json={"text": "write it down"}).json()["success"]


def test_the_mode_is_locked(serve):
    server = serve()
    answer = requests.patch(server.url + "/api/v1/settings", json={"confine.mode": "off"}, timeout=20)
    assert answer.status_code == 403, answer.text


def test_wrong_mode(run):
    answer = run("serve", "--set", "confine.mode=perhaps")
    assert answer.returncode != 0 and "confine.mode" in answer.stderr
