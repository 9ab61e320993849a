"""Clients that ask and never read: the program's memory stays bounded, the others are answered, and who does not read is let go."""
import os
import select
import socket
import time

import pytest

from conftest import KEPT, only_without_sanitizers, prepared
from test_live import start_soon
from test_server import Server
from test_websocket import frame, upgrade

CLIENTS = 6
LIVE_SESSIONS = 4  # the default of live.sessions
MAX_SENT = 48 << 20  # of each: more than may wait anywhere
MAX_GROWTH_KB = 64 << 10  # of all together


@pytest.fixture(scope="module")
def server(program, run, small_model, source, tmp_path_factory):
    running = Server(program, "--model", small_model, "--microphone", "none", "--commands", os.path.join(source, "deploy", "commands"),
                     "--set", f"listen.vad={prepared(run, 'vad')}", "--set", "server.timeout=2", folder=tmp_path_factory.mktemp("slow"))
    yield running
    assert running.stop() == 0


def memory_kb(server):
    with open(f"/proc/{server.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def narrow(server):
    """A connection whose receiving side takes little."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(10)
    s.connect(server.address)
    return s


def pipelined(server):
    return narrow(server), b"GET /panel/style.css HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100


def large(server):
    return narrow(server), b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100


def pings(server):
    return upgrade(server), frame(0x89, b"p" * 125) * 500


def send_more(s, data, seconds=0.05):
    """How many bytes were taken; 0 when none can be for so long; None: the server has let go."""
    try:
        return s.send(data)
    except BlockingIOError:
        select.select([], [s], [], seconds)
        return 0
    except ConnectionError:
        return None


def send_much(s, data):
    """Until the server takes no more, or lets go. Returns how much it took."""
    s.setblocking(False)
    total = tries = 0
    while total < MAX_SENT and tries < 20:
        sent = send_more(s, data[total % len(data):])
        if sent is None:
            break
        total += sent
        tries = 0 if sent else tries + 1
    return total


def send_until_let_go(s, data, sent, end):
    while (more := send_more(s, data[sent % len(data):])) is not None:
        assert time.monotonic() < end, "who reads nothing must be let go"
        sent += more
    s.close()


@pytest.mark.parametrize("kind", [pipelined, large, pings])
def test_who_never_reads_costs_little(server, kind):
    before = memory_kb(server)
    clients = [(*kind(server), [0]) for _ in range(CLIENTS)]
    for s, data, sent in clients:
        sent[0] = send_much(s, data)
        # Pings are taken on, and their answers dropped: it may be that the client reads later.
        assert sent[0] < MAX_SENT or kind is pings
        assert server.get("/status").status_code == 200
    while_open_kb = memory_kb(server) - before
    end = time.monotonic() + 60
    for s, data, sent in clients:
        send_until_let_go(s, data, sent[0], end)
    assert server.get("/status").status_code == 200
    only_without_sanitizers(KEPT)
    assert while_open_kb < MAX_GROWTH_KB
    assert memory_kb(server) - before < MAX_GROWTH_KB


def test_a_live_session_ends_with_its_client(server):
    """Whoever reads nothing keeps no session from others."""
    clients = [pings(server) for _ in range(LIVE_SESSIONS)]
    for s, _ in clients:
        s.sendall(frame(0x81, b'{"type":"start"}'))
        s.setblocking(False)
    end = time.monotonic() + 60
    for s, data in clients:
        send_until_let_go(s, data, 0, end)
    start_soon(server).close()
