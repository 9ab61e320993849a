"""The life of the daemon: starting, load, reload, stopping; what it leaves in the log."""
import concurrent.futures
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from conftest import KEPT, only_without_sanitizers, wait_until
from test_server import Server, WAV


def upload(server, recordings, **more):
    with open(os.path.join(recordings, WAV), "rb") as f:
        return server.post("/transcribe", files={"audio": f}, data=more)


def said(server):
    with open(server.log.name) as f:
        return f.read()


def test_messages_go_nowhere_else_when_there_is_no_stderr(program, small_model, tmp_path):
    arguments = ["--model", small_model, "--microphone", "none", "--port", "0", "--set", "server.tls=no", "--set", "wyoming.enabled=false",
                 "--set", "metrics.enabled=false", "--set", f"data.folder={tmp_path}", "--set", "log.file=none"]
    with subprocess.Popen(["bash", "-c", 'exec "$0" serve "$@" <&- 2>&-', program, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert "listening" in process.stdout.readline()
        found = [os.readlink(f"/proc/{process.pid}/fd/{fd}") for fd in (0, 2)]
        process.terminate()
        assert process.wait(timeout=60) == 0
    assert found == ["/dev/null", "/dev/null"]


def test_twenty_at_once_and_a_small_queue(program, small_model, recordings, tmp_path):
    server = Server(program, "--model", small_model, "--microphone", "none", "--workers", "1", "--set", "model.queue=2", folder=tmp_path)

    def send(_):
        refused = 0
        while True:
            answer = upload(server, recordings)
            if answer.status_code == 200:
                return refused, answer.json()["text"]
            assert answer.status_code == 503 and 1 <= int(answer.headers["Retry-After"]) <= 60
            assert answer.json()["error"]["code"] == "busy"
            refused += 1
            time.sleep(0.2)

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        results = list(pool.map(send, range(20)))
    assert sum(refused for refused, _ in results) > 0
    assert len({text for _, text in results}) == 1
    wait_until(lambda: server.get("/status").json()["transcribing"] == 0)  # the last answer is out before its worker is free
    status = server.get("/status").json()
    assert status["transcriptions"] == status["windows"] == 20 and status["retried"] == 0 and status["queue_depth"] == 0 and status["transcribing"] == 0
    assert server.stop() == 0


def test_reload(program, small_model, source, tmp_path):
    config = tmp_path / "config.yaml"
    commands = tmp_path / "commands"
    commands.mkdir()
    (commands / "a.yaml").write_text("language: en\ncommands:\n  first:\n    sentences: ['do the first']\n    action: {type: say}\n    response: done\n")
    config.write_text(f"commands:\n  folder: {commands}\n")
    server = Server(program, "--config", str(config), "--model", small_model, "--microphone", "none", folder=tmp_path)
    run = lambda text: server.post("/command/execute", json={"text": text}).status_code
    assert (run("do the first"), run("do the second")) == (200, 422)

    config.write_text("audio:\n  microfone: none\n")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "did you mean 'audio.microphone'" in said(server))
    assert "stay" in said(server) and run("do the first") == 200

    config.write_text(f"commands:\n  folder: {commands}\n")
    (commands / "b.yaml").write_text("language: en\ncommands: [broken")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "b.yaml" in said(server))
    assert run("do the first") == 200

    (commands / "b.yaml").write_text("language: en\ncommands:\n  second:\n    sentences: ['do the second']\n    action: {type: say}\n    response: done\n")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: run("do the second") == 200)
    assert run("do the first") == 200
    assert server.stop() == 0


def test_stopping_finishes_the_work(program, small_model, recordings, tmp_path):
    server = Server(program, "--model", small_model, "--microphone", "none", "--workers", "1", folder=tmp_path)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = [pool.submit(upload, server, recordings, timestamps="word") for _ in range(6)]
        # All have been accepted once none is on its way any more.
        wait_until(lambda: sum(server.get("/status").json()[key] for key in ("queue_depth", "transcribing", "transcriptions")) == 6)
        server.process.send_signal(signal.SIGTERM)
        assert [answer.result().status_code for answer in answers] == [200] * 6
    assert server.process.wait(timeout=30) == 0


def test_a_second_signal_ends_at_once(program, small_model, tmp_path):
    server = Server(program, "--model", small_model, "--microphone", "none", folder=tmp_path)
    with socket.create_connection(server.address) as s:
        noise = os.urandom(16000 * 2) * 600
        body = (b'--b\r\nContent-Disposition: form-data; name="audio"\r\n\r\nRIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data\xff\xff\xff\x7f'
                + noise + b"\r\n--b--")
        s.sendall(b"POST /transcribe HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        wait_until(lambda: server.get("/status").json()["transcribing"] == 1)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in said(server))
        time.sleep(0.3)
        assert server.process.poll() is None
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=5) == -signal.SIGTERM


def numbers(server):
    with open(f"/proc/{server.process.pid}/status") as f:
        text = f.read()
    kb = sum(int(re.search(rf"{name}:\s+(\d+) kB", text)[1]) for name in ("RssAnon", "RssShmem"))
    return kb / 1024, len(os.listdir(f"/proc/{server.process.pid}/fd"))


def test_memory_and_files_stay_flat(program, small_model, recordings, tmp_path):
    server = Server(program, "--model", small_model, "--microphone", "none", folder=tmp_path)
    idle_mb, idle_files = numbers(server)

    def round_():
        upload(server, recordings)
        for _ in range(20):
            server.get("/status")
            server.post("/command/execute", json={"text": "nothing of the kind"})
            server.post("/transcribe", files={"audio": b"not audio"})
            server.get("/nowhere")

    try:
        for _ in range(2):
            round_()
        warm_mb, warm_files = numbers(server)
        for _ in range(5):
            round_()
        mb, files = numbers(server)
        assert files <= warm_files + 2, (idle_files, warm_files, files)
        wait_until(lambda: numbers(server)[1] <= idle_files + 2)
        only_without_sanitizers(KEPT)
        assert idle_mb < 25 and mb < warm_mb + 5, (idle_mb, warm_mb, mb)
        # An idle worker gives its memory back.
        wait_until(lambda: numbers(server)[0] < 25)
        assert upload(server, recordings).status_code == 200
    finally:
        assert server.stop() == 0


@pytest.mark.parametrize("log_text", [False, True])
def test_what_was_said_is_in_the_log_only_when_allowed(program, model, recordings, tmp_path, log_text):
    log = tmp_path / "app.log"
    server = Server(program, "--model", model, "--microphone", "none", "--set", f"log.file={log}", "--set", f"privacy.log_text={str(log_text).lower()}",
                    folder=tmp_path)
    assert "young man" in upload(server, recordings).json()["text"]
    assert upload(server, recordings, language="xx").status_code == 400
    server.post("/command/execute", json={"text": "set the temperature to 21 degrees"})
    assert server.stop() == 0
    text = log.read_text() + (tmp_path / "stderr.txt").read_text()
    assert ("young man" in text) == log_text
    assert '"event":"transcription"' in text and '"confidence":' in text and '"event":"error"' in text and '"error_type":' in text
    assert '"event":"command_execution"' in text and '"command":"set_temperature"' in text


@pytest.mark.parametrize("interval_us", [200_000, 60_000_000])
def test_systemd_is_told(program, small_model, tmp_path, interval_us):
    path = str(tmp_path / "notify")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(path)
    listener.settimeout(20)
    os.environ.update(NOTIFY_SOCKET=path, WATCHDOG_USEC=str(interval_us))
    try:
        server = Server(program, "--model", small_model, "--microphone", "none", folder=tmp_path)
    finally:
        del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
    assert listener.recv(100) == b"READY=1"
    assert listener.recv(100) == b"WATCHDOG=1"
    stopped = threading.Thread(target=server.stop)
    stopped.start()
    while (state := listener.recv(100)) == b"WATCHDOG=1":
        pass
    assert state == b"STOPPING=1"
    stopped.join()


def test_the_service_waits_for_a_model(program, small_model, tmp_path):
    path, models = str(tmp_path / "notify"), tmp_path / "models"
    models.mkdir()
    if not os.path.exists(small_model):
        pytest.skip("needs VA_TEST_MODELS")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(path)
    listener.settimeout(20)
    config = tmp_path / "voice-assistant.yaml"
    config.write_text(f"model: {{name: base, folder: {models}}}\naudio: {{microphone: none}}\n")
    options = ["--port", "0", "--set", "server.tls_port=0", "--set", "metrics.port=0", "--set", "wyoming.port=0", "--set", f"data.folder={tmp_path}", "--set", "log.file=none"]
    with subprocess.Popen([program, "serve", "--config", config, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "NOTIFY_SOCKET": path, "WATCHDOG_USEC": "10000000"}) as process:
        state = listener.recv(2000)
        assert state.startswith(b"READY=1\nSTATUS=waiting for a model: ") and b"voice-assistant model fetch base" in state
        assert listener.recv(100) == b"WATCHDOG=1"
        process.send_signal(signal.SIGHUP)
        # What it waits for may change meanwhile.
        config.write_text(f"model: {{name: tiny.en, folder: {models}}}\naudio: {{microphone: none}}\n")
        os.symlink(os.path.abspath(small_model), models / "tiny.en.vam")
        while (state := listener.recv(2000)) == b"WATCHDOG=1":
            pass
        assert state == b"STATUS="
        assert listener.recv(100) == b"READY=1"
        assert "listening on http" in process.stdout.readline()
        process.terminate()
        assert process.wait(60) == 0
        assert "waiting for a model" in process.stderr.read()


def test_who_waits_for_a_model_can_be_stopped(program, tmp_path):
    path = str(tmp_path / "notify")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(path)
    listener.settimeout(20)
    with subprocess.Popen([program, "serve", "--set", f"model.folder={tmp_path}", "--set", f"data.folder={tmp_path}", "--set", "log.file=none"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "NOTIFY_SOCKET": path}) as process:
        assert listener.recv(2000).startswith(b"READY=1")
        process.terminate()
        assert process.wait(20) == -signal.SIGTERM


@pytest.mark.parametrize("arguments, code, part", [
    (["--listen", "0.0.0.0", "--set", "server.tls=no"], 1, "TLS"),
    (["--listen", "::", "--set", "server.tls=no"], 1, "TLS"),
    (["--set", "server.certificate=/nowhere.pem"], 1, "belong together"),
    (["--set", "server.certificate=/nowhere.pem", "--set", "server.key=/nowhere.key"], 1, "/nowhere.pem"),
    (["--listen", "somewhere"], 1, "not an address"),
    (["--model", "no-such-model"], 1, "voice-assistant model"),
    (["--model", "/etc/passwd.vam"], 1, "passwd.vam"),
    (["--commands", "/nowhere"], 1, "/nowhere"),
    (["--set", "server.prt=1"], 2, "server.port"),
    (["--port", "70000"], 2, "server.port"),
    (["--config", "/nowhere.yaml"], 1, "/nowhere.yaml"),
    (["--nonsense"], 2, "nonsense"),
    (["something"], 2, "--help"),
])
def test_what_keeps_it_from_starting_is_said(program, small_model, tmp_path, arguments, code, part):
    model = [] if "--model" in arguments else ["--model", small_model]
    answer = subprocess.run([program, "serve", "--microphone", "none", "--port", "0", "--set", "server.tls_port=0", "--set", f"data.folder={tmp_path}", "--set", "log.file=none", *model, *arguments],
                            capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == code, answer.stderr
    assert answer.stdout == "" and part in answer.stderr
