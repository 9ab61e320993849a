"""WebSockets by the websockets package and by raw frames: tokens, control frames, and clients that break the rules."""
import base64
import json
import os
import socket
import ssl
import struct
import subprocess

import pytest
import requests

from test_server import Server, TIMEOUT_S
from tls_client import add_token, connect

websockets = pytest.importorskip("websockets")
from websockets.sync.client import connect as open_socket  # noqa: E402

PATH = "/api/v1/live"


@pytest.fixture(scope="module")
def server(program, small_model, tmp_path_factory):
    running = Server(program, "--model", small_model, "--microphone", "none", folder=tmp_path_factory.mktemp("websocket"))
    running.token = add_token(program, running.folder, "all", "all")
    running.status_token = add_token(program, running.folder, "screen", "status")
    yield running
    assert running.stop() == 0


@pytest.fixture(autouse=True)
def still_alive(server):
    yield
    assert server.process.poll() is None
    assert server.get("/status").status_code == 200


def over_tls(server, **more):
    """By TLS 1.2: the tickets of 1.3 come after the handshake, while this client sends its request, and two threads in one connection of
    OpenSSL now and then lose it. 1.3 is tried by one thread (raw frames, below)."""
    context = ssl.create_default_context(cafile=server.ca)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return open_socket(f"wss://localhost:{server.tls_port}{PATH}", ssl=context, compression=None, **more)


def test_plain_and_pings(server):
    with open_socket(f"ws://{server.address[0]}:{server.address[1]}{PATH}", subprotocols=["va.v1"]) as s:
        assert s.subprotocol == "va.v1"
        assert s.ping(b"are you there").wait(10)


def test_tokens(server):
    with over_tls(server, additional_headers={"Authorization": f"Bearer {server.token}"}) as s:
        assert s.ping().wait(10)
    with over_tls(server, subprotocols=["va.v1", f"va.token.{server.token}"]) as s:
        assert s.subprotocol == "va.v1"
    for more, status in (({}, 401), ({"subprotocols": ["va.v1", "va.token.va_wrong"]}, 401),
                         ({"subprotocols": ["va.v1", f"va.token.{server.status_token}"]}, 403)):
        with pytest.raises(websockets.exceptions.InvalidStatus) as refusal:
            over_tls(server, **more)
        assert refusal.value.response.status_code == status
        assert json.loads(refusal.value.response.body)["success"] is False


@pytest.mark.parametrize("origin", ["https://example.org", "http://localhost:1", "null"])
def test_other_pages_are_refused(server, origin):
    with pytest.raises(websockets.exceptions.InvalidStatus) as refusal:
        open_socket(f"ws://{server.address[0]}:{server.address[1]}{PATH}", origin=origin)
    assert refusal.value.response.status_code == 403


def test_who_is_revoked_hears_no_more(server, program):
    """What is open goes on for those whose token holds, and for nobody else."""
    def events(token):
        answer = requests.get(f"https://localhost:{server.tls_port}/api/v1/events", headers={"Authorization": f"Bearer {token}"}, verify=server.ca,
                              stream=True, timeout=TIMEOUT_S)
        answer.raise_for_status()
        return answer

    def live(token):
        return over_tls(server, additional_headers={"Authorization": f"Bearer {token}"})
    token = add_token(program, server.folder, "lost", "control")
    with events(server.token) as kept, events(token) as ended, live(server.token) as open_still, live(token) as closed:
        assert subprocess.run([program, "token", "revoke", "lost", "--set", f"data.folder={server.folder}"], check=False).returncode == 0
        with pytest.raises(websockets.exceptions.ConnectionClosed) as told:
            closed.recv(timeout=TIMEOUT_S)
        assert told.value.rcvd.code == 1008
        assert list(ended.iter_lines())  # to its end
        assert open_still.ping().wait(TIMEOUT_S)
        for change in ("enable", "disable"):
            assert server.post("/privacy/" + change).status_code == 200
        assert any(line == b"event: privacy" for line in kept.iter_lines())


@pytest.mark.parametrize("more, status", [("Origin: https://example.org\r\n", 403), ("Sec-WebSocket-Version: 12\r\n", 426)])
def test_a_refused_connection_ends(server, more, status):
    """By the server: the client asks for nothing more and closes nothing."""
    version = "" if "Version" in more else "Sec-WebSocket-Version: 13\r\n"
    key = base64.b64encode(os.urandom(16)).decode()
    answer = server.raw((f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         f"Sec-WebSocket-Key: {key}\r\n{version}{more}\r\n").encode()).decode()
    head = answer.partition("\r\n\r\n")[0]
    assert head.startswith(f"HTTP/1.1 {status} ") and "\r\nConnection: close" in head, answer


def upgrade(server, tls=False, more=""):
    """A raw connection behind the upgrade."""
    s = connect(server, "http/1.1") if tls else socket.create_connection(server.address, timeout=30)
    key = base64.b64encode(os.urandom(16)).decode()
    s.sendall((f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
               f"Sec-WebSocket-Key: {key}\r\n{more}\r\n").encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += s.recv(1)
    assert answer.startswith(b"HTTP/1.1 101 "), answer
    return s


def frame(first, payload, masked=True, length=None):
    n = len(payload) if length is None else length
    head = struct.pack(">BB", first, n | 0x80 * masked) if n < 126 else struct.pack(">BBH", first, 126 | 0x80 * masked, n) if n < 65536 \
        else struct.pack(">BBQ", first, 127 | 0x80 * masked, n)
    return head + (b"\0\0\0\0" if masked else b"") + payload


def read_close(s):
    """What comes until the close frame -> its code."""
    data = b""
    try:
        while piece := s.recv(65536):
            data += piece
    except ConnectionError:
        pass
    s.close()
    while data:
        n, at = data[1], 2
        if n == 126:
            n, at = struct.unpack(">H", data[2:4])[0], 4
        if data[0] & 0x0f == 8:
            return struct.unpack(">H", data[at:at + 2])[0] if n else 1005
        data = data[at + n:]
    return None


@pytest.mark.parametrize("data, code", [
    (frame(0x81, b"{}", masked=False), 1002),
    (frame(0xc1, b"{}"), 1002),
    (frame(0x83, b"{}"), 1002),
    (frame(0x8b, b""), 1002),
    (frame(0x80, b"never begun"), 1002),
    (frame(0x01, b"a") + frame(0x81, b"b"), 1002),
    (frame(0x09, b""), 1002),
    (frame(0x89, b"x" * 126), 1002),
    (b"\x81\xfe\0\x05\0\0\0\0hello", 1002),
    (b"\x81\xff\0\0\0\0\0\0\x01\0" + b"\0\0\0\0" + b"x" * 256, 1002),
    (b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 1002),
    (frame(0x82, b"", length=1 << 40), 1009),
    (frame(0x81, b"\xff\xfe"), 1007),
    (frame(0x81, b"\xed\xa0\x80"), 1007),
    (frame(0x88, b""), 1005),
    (frame(0x88, b"x"), 1002),
    (frame(0x88, struct.pack(">H", 1006)), 1002),
    (frame(0x88, struct.pack(">H", 999)), 1002),
    (frame(0x88, struct.pack(">H", 1000) + b"\xff"), 1007),
    (frame(0x88, struct.pack(">H", 4321) + b"bye"), 4321),
    (frame(0x01, b"") + frame(0x00, b"") * 2000, 1002),
])
def test_frames_that_end_it(server, data, code):
    s = upgrade(server)
    s.sendall(data)
    assert read_close(s) == code


@pytest.mark.parametrize("tls", [False, True])
def test_frames_in_pieces_and_pings_between_them(server, tls):
    s = upgrade(server, tls, f"Authorization: Bearer {server.token}\r\n")
    for byte in frame(0x01, b"[") + frame(0x89, b"ping") + frame(0x80, b"]") + frame(0x88, struct.pack(">H", 1000)):
        s.sendall(bytes((byte,)))
    assert read_close(s) in (1000, 1003, 1007, 1008)


def test_a_client_that_pings_and_does_not_read(server):
    s = upgrade(server)
    s.settimeout(5)
    before = server.get("/status").status_code
    try:
        for _ in range(200):
            s.sendall(frame(0x89, b"x" * 125) * 500)
    except OSError:
        pass
    assert before == server.get("/status").status_code == 200
    s.close()


def test_cut_and_random_frames(server):
    for n in range(30):
        s = upgrade(server)
        try:
            s.sendall(os.urandom(n * 7 + 1))
            s.shutdown(socket.SHUT_WR)
            while s.recv(65536):
                pass
        except OSError:
            pass
        s.close()


def test_many_at_once_end_with_the_server(program, small_model, tmp_path):
    server = Server(program, "--model", small_model, "--microphone", "none", folder=tmp_path)
    sockets = [upgrade(server) for _ in range(4)]
    assert server.stop() == 0
    assert {read_close(s) for s in sockets} <= {1000, 1001, 1012}
