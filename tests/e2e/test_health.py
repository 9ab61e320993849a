"""/health says why it cannot go on: each reason is made to happen to the running program."""
import ctypes
import io
import os
import shutil
import subprocess
import threading
import time
import wave

import pytest

from fault_device import FaultDevice
from test_server import Server, requests

WAIT_S = 30
WORK_S = 600
REPEATS = 10
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000


def start(program, model, folder, *more, microphone="none"):
    return Server(program, "--model", model, "--microphone", microphone, "--set", "speech.enabled=no", "--set", "health.disk_free=0",
                  "--set", "health.disk=100", *more, folder=folder)


def reasons(server):
    """{code: message} of now."""
    answer = server.get("/health")
    body = answer.json()
    assert (answer.status_code == 200) == (body["status"] == "healthy") == ("reasons" not in body)
    assert answer.status_code in (200, 503)
    return {reason["code"]: reason["message"] for reason in body.get("reasons", [])}


def wait_for(server, code, there=True):
    end = time.monotonic() + WAIT_S
    while (code in (found := reasons(server))) != there:
        assert time.monotonic() < end, found
        time.sleep(0.1)
    return found.get(code)


def test_a_model_that_goes_and_comes_back(program, small_model, tmp_path):
    model = tmp_path / "model.vam"
    shutil.copy(small_model, model)
    server = start(program, str(model), tmp_path)
    try:
        assert reasons(server) == {}
        model.rename(tmp_path / "away.vam")
        assert str(model) in wait_for(server, "model_missing")
        (tmp_path / "away.vam").rename(model)
        wait_for(server, "model_missing", there=False)
        shutil.copy(small_model, tmp_path / "new.vam")
        (tmp_path / "new.vam").rename(model)
        assert "restart" in wait_for(server, "model_changed")
    finally:
        assert server.stop() == 0


def test_health_is_asked_from_the_command_line(program, small_model, tmp_path, run):
    model = tmp_path / "model.vam"
    shutil.copy(small_model, model)
    server = start(program, str(model), tmp_path)
    port = f"server.port={server.address[1]}"
    try:
        answer = run("health", "--set", port)
        assert (answer.returncode, answer.stdout) == (0, "healthy\n"), answer.stderr
        model.unlink()
        missing = wait_for(server, "model_missing")
        answer = run("health", "--set", port)
        assert (answer.returncode, answer.stdout) == (1, f"unhealthy\n{missing}\n")
        assert '"model_missing"' in run("health", "--json", "--set", port).stdout
    finally:
        assert server.stop() == 0
    answer = run("health", "--set", port)
    assert answer.returncode == 1 and f"nothing listens on http://127.0.0.1:{server.address[1]}" in answer.stderr
    assert run("health", "more").returncode == run("health", "--set", "server.prt=1").returncode == 2


def test_health_of_one_that_wants_a_token(program, small_model, tmp_path, run):
    server = start(program, small_model, tmp_path, "--set", "access.local=token")
    try:
        answer = run("health", "--set", f"server.port={server.address[1]}")
        assert answer.returncode == 0 and "token" in answer.stdout
    finally:
        assert server.stop() == 0


def test_a_microphone_that_is_unplugged(program, small_model, tmp_path, monkeypatch):
    device = FaultDevice(program, str(tmp_path), bytes(32000), repeat=True)
    if not device.is_built:
        pytest.skip(f"{device.module} is not built")
    monkeypatch.setenv("ALSA_CONFIG_PATH", device.config)
    server = start(program, small_model, tmp_path, "--set", "health.microphone=1", microphone="va_test")
    try:
        assert server.post("/audio/start").status_code == 200
        assert reasons(server) == {}
        device.script("missing")
        assert "lost for" in wait_for(server, "microphone_lost")
        device.script("")
        wait_for(server, "microphone_lost", there=False)
        device.script("missing")
        wait_for(server, "microphone_lost")
        assert server.post("/audio/stop").status_code == 200
        wait_for(server, "microphone_lost", there=False)  # nobody wants it any more
    finally:
        assert server.stop() == 0


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, check=False).returncode != 0:
        pytest.skip("this user cannot mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_fills_up(program, small_model, source, tmp_path, small_disk):
    server = start(program, small_model, tmp_path, "--set", f"data.folder={small_disk}", "--set", "health.disk=90",
                   "--set", f"log.file={small_disk}/app.log", "--commands", os.path.join(source, "deploy", "commands"))
    try:
        assert reasons(server) == {}
        with open(small_disk / "much", "wb", buffering=0) as file, pytest.raises(OSError):
            while True:
                file.write(bytes(4096))
        assert "almost full" in wait_for(server, "disk_full")
        for _ in range(40):  # to the end of the page that the log has begun
            assert server.post("/command/execute", json={"text": "what time is it"}).status_code == 200
        assert "cannot be written" in wait_for(server, "log_failing")
        (small_disk / "much").unlink()
        wait_for(server, "disk_full", there=False)
        wait_for(server, "log_failing", there=False)
    finally:
        assert server.stop() == 0


def test_a_disk_that_cannot_be_written(program, small_model, tmp_path, small_disk):
    server = start(program, small_model, tmp_path, "--set", f"data.folder={small_disk}")
    try:
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
        wait_for(server, "disk_read_only")
    finally:
        assert server.stop() == 0


def stop_busiest_thread(pid):
    """Stops, and keeps stopped, the thread that computes most; returns its id and how to let it go."""
    def ticks(thread):
        with open(f"/proc/{pid}/task/{thread}/stat", encoding="utf8") as file:
            return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13]))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    before = {thread: ticks(thread) for thread in os.listdir(f"/proc/{pid}/task")}
    time.sleep(0.5)
    thread = int(max(before, key=lambda thread: ticks(thread) - before[thread]))
    if libc.ptrace(PTRACE_SEIZE, thread, None, None) < 0:
        pytest.skip("this user cannot stop a thread of another process")
    assert libc.ptrace(PTRACE_INTERRUPT, thread, None, None) == 0
    os.waitpid(thread, WALL)
    return lambda: libc.ptrace(PTRACE_DETACH, thread, None, None)


def test_a_worker_that_is_stuck(program, model, tmp_path, recordings):
    """One thread of the only worker stands still in the middle of its work."""
    server = start(program, model, tmp_path, "--workers", "1", "--threads", "1", "--set", "health.stall=1")
    audio = io.BytesIO()
    with wave.open(os.path.join(recordings, "librivox/sense_and_sensibility_01_austen_64kb-0880.wav")) as once, wave.open(audio, "wb") as often:
        often.setparams(once.getparams())
        often.writeframes(once.readframes(once.getnframes()) * REPEATS)  # long enough to be stopped in, on a fast machine, too
    texts = []

    def send():
        answer = requests.post(server.url + "/transcribe", files={"audio": audio.getvalue()}, timeout=WORK_S)
        texts.append(answer.json()["text"])

    work = [threading.Thread(target=send) for _ in range(2)]
    try:
        for client in work:
            client.start()
        while server.get("/status").json()["transcribing"] == 0:
            time.sleep(0.01)
        go_on = stop_busiest_thread(server.process.pid)
        assert "make no progress" in wait_for(server, "work_stalled")
        assert go_on() == 0
        wait_for(server, "work_stalled", there=False)
        for client in work:
            client.join()
        assert len(texts) == 2 and all(texts)
    finally:
        assert server.stop() == 0
