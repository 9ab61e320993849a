"""HTTP/2 by a client of our own making on the h2 package: the same API, and clients that do everything wrong."""
import os
import socket
import ssl
import struct

import pytest

from test_server import Server, WAV
from tls_client import add_token, connect

h2 = pytest.importorskip("h2")
import hpack  # noqa: E402
import h2.config  # noqa: E402
import h2.connection  # noqa: E402
import h2.events  # noqa: E402

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@pytest.fixture(scope="module")
def server(program, small_model, recordings, tmp_path_factory):
    running = Server(program, "--model", small_model, "--microphone", "none", "--set", "server.timeout=1", "--set", "server.max_upload=2",
                     folder=tmp_path_factory.mktemp("http2"))
    running.token = add_token(program, running.folder, "all", "all")
    yield running
    assert running.stop() == 0


@pytest.fixture(autouse=True)
def still_alive(server):
    yield
    assert server.process.poll() is None
    assert server.get("/status").status_code == 200


class Client:
    def __init__(self, server, checked=True):
        self.server = server
        self.socket = connect(server, "h2")
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, validate_outbound_headers=checked, normalize_outbound_headers=checked))
        self.h2.initiate_connection()
        self.flush()
        self.answers, self.ended, self.reset, self.goaway = {}, set(), {}, None

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def head(self, method, path, more=(), token=True, authority="localhost"):
        return [(":method", method), (":path", path), (":scheme", "https"), (":authority", authority),
                *([("authorization", f"Bearer {self.server.token}")] if token else []), *more]

    def request(self, method, path, body=b"", more=(), **kind):
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, self.head(method, path, more, **kind), end_stream=not body)
        while body:
            n = min(len(body), self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if n == 0:
                self.flush()
                self.receive()
                continue
            self.h2.send_data(stream, body[:n], end_stream=n == len(body))
            body = body[n:]
        self.flush()
        return stream

    def receive(self):
        """One piece; False at the end of the connection."""
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            return False
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                self.answers[event.stream_id] = [dict((k.decode(), v.decode()) for k, v in event.headers), b""]
            elif isinstance(event, h2.events.DataReceived):
                self.answers[event.stream_id][1] += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self.ended.add(event.stream_id)
            elif isinstance(event, h2.events.StreamReset):
                self.reset[event.stream_id] = event.error_code
                self.ended.add(event.stream_id)
            elif isinstance(event, h2.events.ConnectionTerminated):
                self.goaway = event.error_code
        try:
            self.flush()
        except OSError:
            return False
        return bool(data)

    def wait(self, stream):
        while stream not in self.ended and self.receive():
            pass
        return self.answers.get(stream)

    def wait_end(self):
        while self.receive():
            pass
        self.socket.close()

    def ask(self, *arguments, **more):
        head, body = self.wait(self.request(*arguments, **more))
        return int(head[":status"]), head, body


@pytest.fixture
def client(server):
    made = Client(server)
    yield made
    made.socket.close()


def test_the_api(client, recordings):
    status, head, body = client.ask("GET", "/status")
    assert status == 200 and b'"version"' in body and head["cache-control"] == "no-store" and "connection" not in head
    assert client.ask("HEAD", "/status")[2] == b""
    assert client.ask("GET", "/status", token=False)[0] == 401
    assert client.ask("GET", "/nothing")[0] == 404
    status, head, _ = client.ask("PUT", "/status")
    assert status == 405 and head["allow"] == "GET, HEAD"
    assert client.ask("POST", "/command/execute", b'{"text":"what time is it"}', [("content-type", "application/json")])[0] in (200, 422)
    assert client.ask("POST", "/command/execute", b"x" * 300000)[0] == 413
    assert client.ask("GET", "/api/v1/live")[0] == 400


def test_an_upload(client, recordings):
    with open(os.path.join(recordings, WAV), "rb") as f:
        body = b'--b\r\nContent-Disposition: form-data; name="audio"\r\n\r\n' + f.read() + b"\r\n--b--\r\n"
    status, _, answer = client.ask("POST", "/transcribe", body, [("content-type", "multipart/form-data; boundary=b")])
    assert status == 200 and b"young man" in answer


def test_an_upload_over_the_limit(client):
    client.h2.send_headers(1, client.head("POST", "/transcribe", [("content-type", "multipart/form-data; boundary=b"), ("content-length", "99999999")]))
    client.flush()
    assert client.wait(1)[0][":status"] == "413"


def test_many_at_once(client):
    streams = [client.request("GET", "/status") for _ in range(30)]
    assert all(client.wait(stream)[0][":status"] == "200" for stream in streams)


@pytest.mark.parametrize("more, kind, expected", [
    ([("transfer-encoding", "chunked")], {}, None),
    ([("connection", "keep-alive")], {}, None),
    ([("a", "b\r\nc: d")], {}, None),
    ([("a\x00b", "c")], {}, None),
    ([("Upper", "c")], {}, None),
    ([("content-length", "5")], {}, None),
    ([("host", "example.org")], {}, 400),
    ([], {"authority": "example.org"}, 421),
    ([("origin", "https://example.org")], {}, 403),
    ([("a", "b" * 17000)], {}, 431),
    ([(f"a{i}", "b") for i in range(200)], {}, 431),
    ([("expect", "miracle")], {}, 417),
])
def test_bad_heads(server, more, kind, expected):
    client = Client(server, checked=False)
    answer = client.wait(client.request("GET", "/status", more=more, **kind))
    assert (int(answer[0][":status"]) if answer else None) == expected, (answer, client.reset, client.goaway)
    client.socket.close()


@pytest.mark.parametrize("path", ["", "status", "//", "/%zz", "/a b", "/" + "a" * 5000, "*"])
def test_bad_paths(server, path):
    client = Client(server, checked=False)
    answer = client.wait(client.request("GET", path))
    assert answer is None or 400 <= int(answer[0][":status"]) < 500
    client.socket.close()


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


@pytest.mark.parametrize("data", [
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    PREFACE + frame(4, 0, 0, b"") + frame(0, 0, 0, b"x"),
    PREFACE + frame(4, 0, 0, b"\0\4\xff\xff\xff\xff"),
    PREFACE + frame(4, 0, 0, b"") + frame(1, 4, 2, b"\x82"),
    PREFACE + frame(4, 0, 0, b"") + frame(1, 4, 1, b"\xff\xff\xff\xff\xff\xff\xff"),
    PREFACE + frame(4, 0, 0, b"") + frame(8, 0, 0, b"\0\0\0\0"),
    PREFACE + frame(4, 0, 0, b"") + b"\xff\xff\xff\0\0\0\0\0\1",
    PREFACE + frame(4, 0, 0, b"") + frame(9, 4, 1, b"\x82"),
])
def test_broken_frames_end_the_connection(server, data):
    with connect(server, "h2") as tls:
        tls.sendall(data)
        try:
            while tls.recv(65536):
                pass
        except ConnectionError:
            pass


@pytest.mark.parametrize("flood", [
    frame(6, 0, 0, b"12345678"),
    frame(4, 0, 0, b""),
    b"".join(frame(1, 4, 2 * i + 1, b"\x82\x86\x84\x41\x09localhost") + frame(3, 0, 2 * i + 1, b"\0\0\0\x08") for i in range(20)),
], ids=["ping", "settings", "reset"])
def test_floods_are_ended(server, flood):
    """A client that never reads and makes the server answer."""
    with connect(server, "h2") as tls:
        tls.sendall(PREFACE + frame(4, 0, 0, b""))
        tls.settimeout(20)
        try:
            if len(flood) > 100:  # streams have to be new ones
                for n in range(100):
                    tls.sendall(b"".join(frame(1, 4, 2 * i + 1, b"\x82\x86\x84\x41\x09localhost") + frame(3, 0, 2 * i + 1, b"\0\0\0\x08")
                                         for i in range(n * 20, n * 20 + 20)))
            for _ in range(1000 if len(flood) < 100 else 0):
                tls.sendall(flood * 1000)
            while tls.recv(65536):
                pass
        except (ConnectionError, socket.timeout, OSError) as e:
            assert not isinstance(e, socket.timeout)


def test_a_continuation_flood(server):
    with connect(server, "h2") as tls:
        try:
            tls.sendall(PREFACE + frame(4, 0, 0, b"") + frame(1, 0, 1, b"\x82\x86\x84\x41\x09localhost"))
            for _ in range(10000):
                tls.sendall(frame(9, 0, 1, b"\x40\x01a\x01b" * 100))
            while tls.recv(65536):
                pass
        except (ConnectionError, ssl.SSLEOFError):  # as the end is seen while sending, or behind it
            pass


def frames(tls):
    """(kind, stream, payload) of what the server sends."""
    data = b""
    while piece := tls.recv(65536):
        data += piece
        while len(data) >= 9 and len(data) >= 9 + (n := int.from_bytes(data[:3], "big")):
            yield data[3], int.from_bytes(data[5:9], "big"), data[9:9 + n]
            data = data[9 + n:]


def test_more_streams_than_allowed_are_refused(server):
    encoder = hpack.Encoder()
    head = [(":method", "POST"), (":path", "/command"), (":scheme", "https"), (":authority", "localhost"), ("authorization", f"Bearer {server.token}")]
    with connect(server, "h2") as tls:
        tls.sendall(PREFACE + frame(4, 0, 0, b"") + b"".join(frame(1, 4, 2 * i + 1, encoder.encode(head)) for i in range(60)))
        refused = set()
        for kind, stream, payload in frames(tls):
            if kind == 3 and payload == b"\0\0\0\7":  # REFUSED_STREAM
                refused.add(stream)
            if len(refused) == 60 - 32:
                break
        assert min(refused) == 2 * 32 + 1


def test_a_slow_body_is_408_and_the_others_go_on(server):
    client = Client(server)
    slow = client.h2.get_next_available_stream_id()
    client.h2.send_headers(slow, client.head("POST", "/command/execute", [("content-length", "100")]))
    client.h2.send_data(slow, b"{")
    client.flush()
    assert client.ask("GET", "/status")[0] == 200
    assert client.wait(slow)[0][":status"] == "408"
    assert client.ask("GET", "/status")[0] == 200
    client.socket.close()


def test_a_client_that_does_not_read_its_answer_is_let_go(server):
    client = Client(server)
    client.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 10})
    client.flush()
    client.h2.send_headers(1, client.head("GET", "/status"), end_stream=True)
    client.flush()
    while client.socket.recv(65536):  # without ever opening the window
        pass
    client.socket.close()


def test_a_cancelled_stream_cancels_the_work(server, recordings):
    client = Client(server)
    before = server.get("/status").json()["transcriptions"]
    with open(os.path.join(recordings, WAV), "rb") as f:
        body = b'--b\r\nContent-Disposition: form-data; name="audio"\r\n\r\n' + f.read() + b"\r\n--b--\r\n"
    stream = client.request("POST", "/transcribe", body, [("content-type", "multipart/form-data; boundary=b")])
    client.h2.reset_stream(stream)
    client.flush()
    assert client.ask("GET", "/status")[0] == 200
    client.socket.close()
    assert server.get("/status").json()["transcriptions"] <= before + 1


def test_an_idle_stop_says_goaway(program, small_model, tmp_path):
    server = Server(program, "--model", small_model, "--microphone", "none", folder=tmp_path)
    server.token = add_token(program, server.folder, "all", "all")
    client = Client(server)
    assert client.ask("GET", "/status")[0] == 200
    assert server.stop() == 0
    client.wait_end()
    assert client.goaway == 0
