"""Work under load: who waits for whom, what happens when too many come, and when one leaves."""
import glob
import io
import os
import socket
import threading
import time
import wave

import pytest

requests = pytest.importorskip("requests")

from test_server import Server, TIMEOUT_S, WAV  # noqa: E402


def samples(path):
    with wave.open(str(path), "rb") as f:
        return f.readframes(f.getnframes())


def wav_of(data):
    out = io.BytesIO()
    with wave.open(out, "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(16000)
        f.writeframes(data)
    return out.getvalue()


@pytest.fixture(scope="module")
def speech(recordings):
    """A recording of 3 s, and one of ten minutes."""
    data = samples(os.path.join(recordings, WAV))
    return wav_of(data), wav_of(data * 200)


@pytest.fixture
def server(program, small_model, source, recordings, tmp_path):
    running = Server(program, "--model", small_model, "--commands", os.path.join(source, "deploy", "commands"),
                     "--microphone", "file:" + os.path.join(recordings, WAV), "--workers", "1", "--set", "model.queue=2", folder=tmp_path)
    yield running
    assert running.stop() == 0


class Upload:
    """A POST /transcribe over a socket of its own, which can be left."""

    def __init__(self, server, wav, **fields):
        request = requests.Request("POST", server.url + "/transcribe", files={"audio": ("a.wav", wav)}, data=fields).prepare()
        head = f"POST /transcribe HTTP/1.1\r\nHost: {server.address[0]}:{server.address[1]}\r\nConnection: close\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        self.socket = socket.create_connection(server.address, timeout=TIMEOUT_S)
        self.socket.sendall(head.encode() + b"\r\n" + request.body)

    def answer(self):
        data = b""
        while piece := self.socket.recv(65536):
            data += piece
        self.leave()
        return data

    def leave(self):
        self.socket.close()


def wait_for(server, **wanted):
    deadline = time.monotonic() + 30
    while True:
        status = server.get("/status").json()
        if all(status[key] == value for key, value in wanted.items()):
            return status
        assert time.monotonic() < deadline, status
        time.sleep(0.01)


def test_a_full_queue(server, speech):
    _, long = speech
    uploads = [Upload(server, long)]
    wait_for(server, transcribing=1)
    uploads += [Upload(server, long), Upload(server, long)]
    wait_for(server, transcribing=1, queue_depth=2)
    answer = server.post("/transcribe", files={"audio": long})
    assert answer.status_code == 503 and answer.json()["error"]["code"] == "busy"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert server.get("/status").status_code == 200
    uploads[1].leave()  # its place is free at once, though nothing else has ended
    wait_for(server, transcribing=1, queue_depth=1)
    uploads[2].leave()
    wait_for(server, transcribing=1, queue_depth=0)
    uploads[0].leave()
    wait_for(server, transcribing=0, queue_depth=0)
    assert server.get("/status").json()["failures"] == 0


def test_short_uploads_do_not_wait_for_long_ones(server, speech):
    short, long = speech
    first, second = Upload(server, long), Upload(server, long)
    wait_for(server, transcribing=1, queue_depth=1)
    for fields in ({}, {"commands": "true"}):
        assert server.post("/transcribe", files={"audio": short}, data=fields).status_code == 200
        wait_for(server, transcribing=1, queue_depth=1)  # the long ones are where they were
    first.leave()
    second.leave()
    wait_for(server, transcribing=0, queue_depth=0)


def test_the_microphone_does_not_wait_for_uploads(server, speech):
    _, long = speech
    upload = Upload(server, long)
    wait_for(server, transcribing=1)
    assert server.post("/audio/start").status_code == 200
    time.sleep(1)
    assert server.post("/audio/stop").status_code == 200
    latest = server.get("/transcription/latest")
    assert latest.status_code == 200 and latest.json()["duration"] > 0.5
    wait_for(server, transcribing=1)  # the upload goes on
    upload.leave()


def test_a_long_upload_comes_to_its_end(server, recordings, speech):
    """However many short ones come meanwhile."""
    short, _ = speech
    ended = threading.Event()
    codes = []

    def send_short():
        while not ended.is_set():
            codes.append(server.post("/transcribe", files={"audio": short}).status_code)

    thread = threading.Thread(target=send_short)
    thread.start()
    names = sorted(glob.glob(os.path.join(recordings, "librivox", "*.wav")))
    upload = Upload(server, wav_of(b"".join(map(samples, names))[:2 * 16000 * 40]))  # two windows
    answer = upload.answer()
    ended.set()
    thread.join()
    assert answer.startswith(b"HTTP/1.1 200") and b"young man" in answer
    assert set(codes) == {200}


def test_workers_give_way_to_the_server(server, speech):
    upload = Upload(server, speech[1])
    wait_for(server, transcribing=1)
    nice = []
    for task in os.listdir(f"/proc/{server.process.pid}/task"):
        with open(f"/proc/{server.process.pid}/task/{task}/stat", encoding="ascii") as f:
            nice.append(int(f.read().rsplit(")", 1)[1].split()[16]))
    own = os.getpriority(os.PRIO_PROCESS, server.process.pid)
    assert own in nice and max(nice) == min(own + 10, 19)
    upload.leave()


def test_an_upload_is_not_held_in_memory(server, recordings):
    """It lies in a file without a name in the data folder."""
    boundary = b"part"
    body = b'--part\r\nContent-Disposition: form-data; name="audio"; filename="a.wav"\r\n\r\n' + wav_of(samples(os.path.join(recordings, WAV)) * 200)

    def anonymous_kb():
        with open(f"/proc/{server.process.pid}/status", encoding="ascii") as f:
            return sum(int(line.split()[1]) for line in f if line.startswith("RssAnon"))

    before = anonymous_kb()
    with socket.create_connection(server.address, timeout=TIMEOUT_S) as s:
        s.sendall(b"POST /transcribe HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=" + boundary +
                  f"\r\nContent-Length: {len(body) + 100}\r\n\r\n".encode() + body)
        deadline = time.monotonic() + 30
        spooled = 0
        while spooled < len(body) - 1000:
            spooled = 0
            for fd in os.listdir(f"/proc/{server.process.pid}/fd"):
                path = f"/proc/{server.process.pid}/fd/{fd}"
                try:
                    if "(deleted)" in os.readlink(path):
                        spooled = max(spooled, os.stat(path).st_size)
                except FileNotFoundError:
                    pass
            assert time.monotonic() < deadline, spooled
        assert anonymous_kb() - before < 4096
