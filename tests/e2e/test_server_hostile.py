"""Clients that do everything wrong, by raw sockets: the server answers or closes, and goes on."""
import concurrent.futures
import os
import re
import resource
import socket
import struct
import time

import pytest

from conftest import KEPT, only_without_sanitizers, wait_until
from test_server import Server, WAV

HOST = b"Host: localhost\r\n"
FORM = b"Content-Type: multipart/form-data; boundary=b\r\n"
PART = b'--b\r\nContent-Disposition: form-data; name="audio"; filename="a.wav"\r\n\r\n'


@pytest.fixture(scope="module")
def server(program, small_model, recordings, tmp_path_factory):
    running = Server(program, "--model", small_model, "--microphone", "none", "--set", "server.timeout=1", "--set", "server.max_connections=40",
                     "--set", "server.max_upload=100", folder=tmp_path_factory.mktemp("hostile"))
    yield running
    assert running.stop() == 0


@pytest.fixture(autouse=True)
def still_alive(server):
    yield
    assert server.process.poll() is None
    assert server.get("/status").status_code == 200


def status(answer):
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    assert found, answer[:200]
    return int(found[1])


def memory_mb(server, name="RssAnon"):
    with open(f"/proc/{server.process.pid}/status") as f:
        return int(re.search(rf"{name}:\s+(\d+) kB", f.read())[1]) / 1024


def files_open(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def open_files(server):
    folder = f"/proc/{server.process.pid}/fd"
    return {name: os.readlink(os.path.join(folder, name)) for name in os.listdir(folder)}


@pytest.mark.parametrize("request_, expected", [
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
    (b"GET / HTTP/1.1\n" + HOST + b"\n", 400),
    (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n c\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n" + HOST + b"A : b\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n" + HOST + b"A: \x00\r\n\r\n", 400),
    (b"GET /%zz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", 400),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    (b"GET / HTTP/3.0\r\n" + HOST + b"\r\n", 505),
    (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    (b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"b" * 20000 + b"\r\n\r\n", 431),
    (b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"A%d: b\r\n" % i for i in range(200)) + b"\r\n", 431),
    (b"BREW / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n", 405),
    (b"GET /../../etc/passwd HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n", 404),
    (b"POST /command HTTP/1.1\r\n" + HOST + b"Expect: miracle\r\nContent-Length: 1\r\n\r\n", 417),
    (b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", 421),
    (b"POST /audio/start HTTP/1.1\r\n" + HOST + b"Origin: https://example.org\r\n\r\n", 403),
])
def test_bad_heads(server, request_, expected):
    answer = server.raw(request_)
    assert status(answer) == expected
    assert b'"success":false' in answer and b"\r\nCache-Control: no-store\r\n" in answer and b"Access-Control" not in answer


@pytest.mark.parametrize("lengths", [
    b"Content-Length: 4\r\nContent-Length: 40\r\n",
    b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    b"Transfer-Encoding: xchunked\r\n",
    b"Transfer-Encoding:\x0bchunked\r\n",
    b"Transfer-Encoding : chunked\r\n",
    b"Content-Length: +4\r\n",
    b"Content-Length: 4,4\r\n",
    b"Content-Length: -1\r\n",
])
def test_nothing_can_be_smuggled(server, lengths):
    inner = b"GET /status HTTP/1.1\r\n" + HOST + b"\r\n"
    answer = server.raw(b"POST /audio/stop HTTP/1.1\r\n" + HOST + lengths + b"\r\n0\r\n\r\n" + inner)
    assert status(answer) in (400, 501)
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("chunks", [b"x\r\n", b"5\r\nhelloo\r\n", b"fffffffff\r\n", b"5\nhello", b"\r\n", b"1;" + b"e" * 5000 + b"\r\n"])
def test_bad_chunks(server, chunks):
    answer = server.raw(b"POST /command HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    assert status(answer) in (400, 413)


def test_chunks_beyond_the_limit(server):
    answer = server.raw(b"POST /command HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + (b"4000\r\n" + b" " * 0x4000 + b"\r\n") * 5)
    assert status(answer) == 413


def test_a_slow_head_and_a_slow_body(server):
    starts = [b"GET /status HTT", b"POST /command HTTP/1.1\r\n" + HOST + b"Content-Length: 10000\r\n\r\n{"]
    for start in starts:
        with socket.create_connection(server.address, timeout=20) as s:
            s.sendall(start)
            begun = time.monotonic()
            answer = b""
            s.settimeout(0.2)
            while time.monotonic() - begun < 15 and b"\r\n\r\n" not in answer:
                try:
                    answer += s.recv(4096)
                except TimeoutError:
                    s.sendall(b" ")
            assert status(answer) == 408


def wait_for_closing(server, before):
    """Until the server has noticed that its clients are gone: no more files open than `before`."""
    deadline = time.monotonic() + 30
    while files_open(server) > before:
        assert time.monotonic() < deadline, f"{before} files were open before, and now {open_files(server)}"
        time.sleep(0.1)


def test_many_slow_clients_do_not_keep_others_out(server):
    before = files_open(server)
    slow = [socket.create_connection(server.address, timeout=20) for _ in range(30)]
    for s in slow:
        s.sendall(b"POST /transcribe HTTP/1.1\r\n" + HOST + FORM + b"Content-Length: 1000\r\n\r\n--b")
    assert server.get("/status").status_code == 200
    for s in slow:
        assert status(s.recv(4096)) == 408
        s.close()
    wait_for_closing(server, before)


def test_too_many_connections_are_told(server):
    before = files_open(server)
    held = [socket.create_connection(server.address, timeout=20) for _ in range(40)]
    answer = server.raw(b"")
    assert status(answer) == 503 and b"\r\nRetry-After: " in answer
    for s in held:
        s.close()
    wait_for_closing(server, before)


def test_pipelined_requests_are_answered_in_order(server):
    paths = ["/status", "/nowhere", "/health", "/metrics", "/"]
    requests = b"".join(f"GET {path} HTTP/1.1\r\n".encode() + HOST + b"\r\n" for path in paths)
    answer = server.raw(requests + b"GET /last HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == [b"200", b"404", b"200", b"200", b"200", b"404"]
    where = [answer.index(word) for word in (b'"queue_depth"', b'"not_found"', b'"healthy"', b'"network"', b'"routes"')]
    assert where == sorted(where)


def test_bodies_cut_off_everywhere(server, recordings):
    with open(os.path.join(recordings, WAV), "rb") as f:
        body = PART + f.read() + b"\r\n--b--\r\n"
    whole = b"POST /transcribe HTTP/1.1\r\n" + HOST + FORM + b"Content-Length: %d\r\n\r\n" % len(body) + body
    before = files_open(server)
    for i in range(0, 60):
        with socket.create_connection(server.address, timeout=20) as s:
            s.sendall(whole[:len(whole) * i // 60])
            if i % 2:  # a reset instead of an end
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wait_for_closing(server, before)
    # Those that it has not accepted yet still take places: who is turned away asks again, as the answer says.
    deadline = time.monotonic() + 30
    while (answer := server.get("/status")).status_code == 503 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert answer.json()["failures"] == 0


def wav(n_bytes, rate=8000, claimed=None, data=b""):
    """8-bit mono; claims `claimed` bytes."""
    claimed = n_bytes if claimed is None else claimed
    return (b"RIFF" + struct.pack("<I", min(claimed + 36, 0xffffffff)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, rate, rate, 1, 8)
            + b"data" + struct.pack("<I", claimed) + (data or b"\x80" * n_bytes))


def test_a_header_that_claims_hours(server):
    answer = server.post("/transcribe", files={"audio": wav(8000, claimed=0xfffffff0)})
    assert answer.status_code in (200, 400)
    if answer.status_code == 200:
        assert answer.json()["duration"] < 2


def test_three_hours_in_bounded_memory_and_given_up_when_the_client_leaves(server):
    noise = os.urandom(8000)
    body = PART + wav(8000 * 3600 * 3, data=noise * (3600 * 3)) + b"\r\n--b--\r\n"
    with socket.create_connection(server.address, timeout=60) as s:
        s.sendall(b"POST /transcribe HTTP/1.1\r\n" + HOST + FORM + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        for _ in range(100):
            if server.get("/status").json()["transcribing"] == 1:
                break
            time.sleep(0.1)
        assert server.get("/status").json()["transcribing"] == 1
        time.sleep(2)
        assert memory_mb(server) < 250
    for _ in range(300):
        if server.get("/status").json()["transcribing"] == 0:
            break
        time.sleep(0.1)
    assert server.get("/status").json()["transcribing"] == 0


def test_longer_than_allowed_is_413(program, small_model, tmp_path):
    running = Server(program, "--model", small_model, "--microphone", "none", "--set", "server.max_audio=10", folder=tmp_path)
    answer = running.post("/transcribe", files={"audio": wav(8000 * 20)})
    assert answer.status_code == 413 and answer.json()["error"]["code"] == "too_large"
    assert running.stop() == 0


def test_every_malformed_file_in_bounded_memory(server, shared_data):
    folder = os.path.join(shared_data, "malformed")
    files = sorted(name for name in os.listdir(folder) if not name.endswith((".tsv", ".md")))
    assert files

    def send(name):
        with open(os.path.join(folder, name), "rb") as f:
            answer = server.post("/transcribe", files={"audio": f}, data={"language": "en", "timestamps": "none"})
        return name, answer.status_code, answer.json()

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        results = list(pool.map(send, files))
    for name, code, body in results:
        assert code in (200, 400, 413, 415, 422), f"{name}: {code} {body}"
        assert (code == 200) == ("text" in body), name
    assert memory_mb(server) < 250


def test_many_idle_connections_cost_little(program, small_model, tmp_path):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, most), most))
    server = Server(program, "--model", small_model, "--microphone", "none", "--set", "server.max_connections=3000", folder=tmp_path)
    assert server.get("/status").status_code == 200
    before = memory_mb(server)
    clients = []
    for _ in range(2000):
        s = socket.create_connection(server.address, timeout=30)
        s.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        clients.append(s)
    assert {status(s.recv(4096)) for s in clients} == {200}
    used_mb = memory_mb(server) - before
    assert server.get("/status").status_code == 200
    for s in clients:
        s.close()
    assert server.stop() == 0
    only_without_sanitizers(KEPT)
    assert used_mb < 8


def test_a_full_server_lets_the_longest_idle_go(program, small_model, tmp_path):
    server = Server(program, "--model", small_model, "--microphone", "none", "--set", "server.max_connections=8", folder=tmp_path)
    clients = []
    for _ in range(8):
        s = socket.create_connection(server.address, timeout=30)
        s.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert status(s.recv(4096)) == 200
        clients.append(s)
    assert server.get("/status").status_code == 503
    wait_until(lambda: server.get("/status").status_code == 200)
    assert clients[0].recv(1) == b""
    for s in clients:
        s.close()
    assert server.stop() == 0


def test_stopping_ends_what_waits_and_finishes_what_works(program, small_model, recordings, tmp_path):
    """An idle client is let go at once, a streamed one too; an accepted upload is answered."""
    server = Server(program, "--model", small_model, "--microphone", "none", folder=tmp_path)
    idle = socket.create_connection(server.address, timeout=30)
    with concurrent.futures.ThreadPoolExecutor(2) as pool, open(os.path.join(recordings, WAV), "rb") as f:
        answer = pool.submit(server.post, "/transcribe", files={"audio": f.read()})
        while server.get("/status").json()["transcribing"] == 0 and not answer.done():
            time.sleep(0.01)
        assert server.stop() == 0
        assert answer.result().status_code == 200
    assert idle.recv(1) == b""
    idle.close()
