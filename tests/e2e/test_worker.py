"""Uploads transcribed by workers over a real nats-server: nothing is lost or doubled, whoever is killed."""
import concurrent.futures
import os
import shutil
import signal
import socket
import subprocess

import pytest

from conftest import wait_until
from test_load import Upload
from test_server import Server, WAV

NATS = shutil.which("nats-server") or "/usr/sbin/nats-server"
TOKEN = "a-token-for-tests"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Nats:
    """A nats-server with a token, and TLS where it has a certificate."""

    def __init__(self, folder, certificate=None, port=None):
        self.port = port or free_port()
        arguments = [NATS, "-a", "127.0.0.1", "-p", str(self.port), "--auth", TOKEN]
        if certificate is not None:
            arguments += ["--tls", "--tlscert", certificate[0], "--tlskey", certificate[1]]
        self.url = f"{'tls' if certificate else 'nats'}://127.0.0.1:{self.port}"
        self.log = open(folder / "nats.txt", "a")
        self.process = subprocess.Popen(arguments, stdout=self.log, stderr=self.log)
        wait_until(self.answers)

    def answers(self):
        assert self.process.poll() is None
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def stop(self):
        self.process.kill()
        self.process.wait(timeout=60)
        self.log.close()


class Worker:
    def __init__(self, program, model, nats, folder, *more):
        folder.mkdir(exist_ok=True)
        environment = {**os.environ, "XDG_CONFIG_HOME": str(folder), "XDG_STATE_HOME": str(folder)}
        self.log = open(folder / "worker.txt", "w+")
        self.process = subprocess.Popen([program, "worker", "--url", nats.url, "--model", model, "--workers", "1", "--threads", "1", "--set",
                                         f"data.folder={folder}", "--set", "log.level=debug", *more], stdout=subprocess.PIPE, stderr=self.log,
                                        text=True, env=environment)
        assert self.process.stdout.readline() == f"working for {nats.url}\n"

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=60)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        self.log.close()
        return code

    def said(self):
        self.log.flush()
        with open(self.log.name, encoding="utf-8") as log:
            return log.read()


@pytest.fixture
def token(tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def nats(tmp_path):
    if not os.path.exists(NATS):
        pytest.skip("the package nats-server is not installed")
    made = Nats(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def start(program, small_model, token, tmp_path):
    """start.front(nats, ...), start.worker(nats, ...): with what all share."""
    class Start:
        running = []

        def front(self, nats, *more):
            self.running.append(Server(program, "--model", small_model, "--microphone", "none", "--set", f"remote.url={nats.url}", "--set",
                                       f"remote.token_file={token}", *more, folder=tmp_path))
            return self.running[-1]

        def worker(self, nats, name, *more):
            self.running.append(Worker(program, small_model, nats, tmp_path / name, "--token-file", str(token), *more))
            return self.running[-1]
    made = Start()
    yield made
    for process in made.running:  # in order, whether the NATS server is still there or not
        if process.process.poll() is None:
            assert process.stop() == 0


def remote(front):
    return front.get("/status").json()["remote"]


def transcribe(front, path, **fields):
    with open(path, "rb") as audio:
        return front.post("/transcribe", files={"audio": audio}, data=fields)


def without_times(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()


def transcribe_there(front, path, **fields):
    """Right after a worker is known this machine may still be the first to take an upload."""
    before, answers = remote(front)["finished"], []

    def is_done():
        answers.append(transcribe(front, path, **fields))
        return remote(front)["finished"] > before
    wait_until(is_done)
    return answers[-1]


def test_workers_give_the_same_result(program, small_model, start, nats, recordings, tmp_path):
    front = start.front(nats)
    assert remote(front) == {"connected": True, "workers": 0, "places": 0, "running": 0, "finished": 0, "lost": 0, "returned": 0}
    path = os.path.join(recordings, WAV)
    here = without_times(transcribe(front, path, timestamps="word"))
    assert remote(front)["finished"] == 0
    worker = start.worker(nats, "one")
    wait_until(lambda: remote(front)["places"] == 2)
    there = without_times(transcribe_there(front, path, timestamps="word"))
    assert there == here
    assert remote(front)["finished"] == 1
    assert TOKEN not in worker.said()


def test_errors_come_back_too(start, nats, tmp_path):
    front = start.front(nats)
    start.worker(nats, "one")
    wait_until(lambda: remote(front)["places"] == 2)
    path = tmp_path / "noise.wav"
    path.write_bytes(b"RIFF\x10\x00\x00\x00WAVEjunk")
    answer = transcribe(front, path)
    assert answer.status_code == 400
    assert "success" in answer.json()


def test_nothing_is_lost_when_workers_are_killed(start, nats, recordings, tmp_path):
    """Each upload gets its own text back, once, whatever happens to those who work on it."""
    front = start.front(nats, "--set", "model.queue=64", "--workers", "1", "--threads", "1")
    cards = sorted(os.listdir(os.path.join(recordings, "cards")))
    files = [os.path.join(recordings, "cards", name) for name in cards if name.endswith(".wav")][:4] + [os.path.join(recordings, WAV)]
    expected = [transcribe(front, path).json()["text"] for path in files]
    workers = [start.worker(nats, f"w{i}") for i in range(3)]
    wait_until(lambda: remote(front)["places"] == 6)
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        jobs = [(i % len(files), pool.submit(transcribe, front, files[i % len(files)])) for i in range(48)]
        for i, worker in enumerate(workers):
            wait_until(lambda: remote(front)["finished"] >= 3 * (i + 1) or all(job.done() for _, job in jobs))
            worker.kill()
        start.worker(nats, "late")
        for which, job in jobs:
            answer = job.result(timeout=120)
            assert answer.status_code == 200
            assert answer.json()["text"] == expected[which]
    status = front.get("/status").json()
    assert status["transcriptions"] == len(files) + 48
    assert status["failures"] == 0
    assert status["remote"]["running"] == 0


def test_a_server_that_is_not_there_is_told(start, nats, recordings, tmp_path):
    nats.stop()
    front = start.front(nats)
    assert f"the NATS server {nats.url} is not reached" in (tmp_path / "stderr.txt").read_text()
    assert not remote(front)["connected"]
    assert transcribe(front, os.path.join(recordings, WAV)).status_code == 200


def test_the_server_goes_and_comes_back(start, nats, recordings, tmp_path):
    front = start.front(nats)
    start.worker(nats, "one")
    path = os.path.join(recordings, WAV)
    wait_until(lambda: remote(front)["places"] == 2)
    nats.stop()
    wait_until(lambda: not remote(front)["connected"])
    assert transcribe(front, path).status_code == 200
    again = Nats(tmp_path, port=nats.port)
    try:
        wait_until(lambda: remote(front)["places"] == 2)
        before = remote(front)["finished"]
        assert transcribe_there(front, path).status_code == 200
        assert remote(front)["finished"] == before + 1
    finally:
        again.stop()


def test_a_worker_finishes_what_it_has(start, nats, recordings):
    front = start.front(nats)
    worker = start.worker(nats, "one")
    wait_until(lambda: remote(front)["places"] == 2)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        job = pool.submit(transcribe, front, os.path.join(recordings, WAV))
        wait_until(lambda: remote(front)["running"] == 1 or job.done())
        assert worker.stop() == 0
        assert job.result(timeout=120).status_code == 200
    assert remote(front)["lost"] == 0


def test_a_client_that_leaves_frees_the_worker(start, nats, recordings, tmp_path):
    front = start.front(nats)
    worker = start.worker(nats, "one")
    wait_until(lambda: remote(front)["places"] == 2)
    long = tmp_path / "long.wav"
    subprocess.run(["sox", *[os.path.join(recordings, WAV)] * 60, str(long)], check=True) if shutil.which("sox") else make_long(
        os.path.join(recordings, WAV), long, 60)
    upload = Upload(front, long.read_bytes())
    wait_until(lambda: "taken" in worker.said())
    upload.leave()
    wait_until(lambda: remote(front)["running"] == 0)
    wait_until(lambda: "cancelled" in worker.said())
    assert transcribe(front, os.path.join(recordings, WAV)).status_code == 200


def make_long(source, target, times):
    import wave
    with wave.open(source) as one, wave.open(str(target), "wb") as many:
        many.setparams(one.getparams())
        frames = one.readframes(one.getnframes())
        for _ in range(times):
            many.writeframes(frames)


def test_tls_and_a_wrong_token(program, small_model, start, token, recordings, tmp_path):
    if not os.path.exists(NATS):
        pytest.skip("the package nats-server is not installed")
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=nats",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    nats = Nats(tmp_path, (certificate, key))
    try:
        front = start.front(nats, "--set", f"remote.ca_file={certificate}")
        start.worker(nats, "one", "--ca-file", certificate)
        wait_until(lambda: remote(front)["places"] == 2)
        assert transcribe(front, os.path.join(recordings, WAV)).status_code == 200
        assert remote(front)["finished"] == 1
        wrong = tmp_path / "wrong"
        wrong.write_text("another")
        wrong.chmod(0o600)
        stranger = start.front(nats, "--set", f"remote.ca_file={certificate}", "--set", f"remote.token_file={wrong}")
        unsure = start.front(nats)  # the system's authorities did not sign it
        # Both have tried, in vain.
        wait_until(lambda: all(part in (tmp_path / "nats.txt").read_text() for part in ("authentication error", "TLS handshake error")))
        for front in (stranger, unsure):
            assert not (remote(front) or {}).get("connected")
            assert transcribe(front, os.path.join(recordings, WAV)).status_code == 200
    finally:
        nats.stop()


def test_wrong_command_lines(run, token, tmp_path):
    assert run("worker", "--url").returncode == 2
    assert run("worker", "extra").returncode == 2
    assert "remote.url" in run("worker").stderr
    answer = run("worker", "--url", "nats://example.org:4222", "--token-file", token, "--set", f"data.folder={tmp_path}")
    assert answer.returncode == 1
    token.chmod(0o644)
    answer = run("worker", "--url", "nats://localhost:4222", "--token-file", token, "--set", f"data.folder={tmp_path}")
    assert answer.returncode == 1
    assert run("worker", "--help").returncode == 0
