"""The API over TLS: who is let in, with which certificate, and how it is renewed."""
import os
import signal
import socket
import ssl
import subprocess
import time

import pytest

from conftest import wait_until
from test_server import Server, error_of
from tls_client import add_token, bearer, connect, make_certificate

requests = pytest.importorskip("requests")


@pytest.fixture(scope="module")
def server(program, small_model, tmp_path_factory):
    running = Server(program, "--model", small_model, "--microphone", "none", "--set", "server.timeout=2",
                     folder=tmp_path_factory.mktemp("tls"))
    running.token = add_token(program, running.folder, "all", "all")
    running.status_token = add_token(program, running.folder, "screen", "status")
    yield running
    assert running.stop() == 0


def ask(server, path="/status", method="GET", **more):
    return requests.request(method, server.tls_url + path, verify=server.ca, timeout=60, **more)


def test_without_a_token_it_is_401(server):
    answer = ask(server)
    error_of(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    error_of(ask(server, headers=bearer("va_wrong")), 401)
    error_of(ask(server, headers={"Authorization": "Basic YTpi"}), 401)
    assert ask(server, "/").status_code == 200


def test_a_token_opens_what_it_is_for(server):
    assert ask(server, headers=bearer(server.token)).json()["version"]
    assert ask(server, headers=bearer(server.status_token)).status_code == 200
    assert error_of(ask(server, "/audio/start", "POST", headers=bearer(server.status_token)), 403)["code"] == "missing_scope"
    assert ask(server, "/api/v1/status", headers=bearer(server.status_token)).status_code == 200


def test_every_route_with_a_scope_needs_a_token(server):
    index = ask(server, "/").json()
    assert len(index["scopes"]) > 15
    for route, scope in index["scopes"].items():
        method, path = route.split()
        if scope is None:
            continue
        for headers in ({}, bearer("va_" + "0" * 64)):
            assert ask(server, path.replace("{id}", "1"), method, headers=headers).status_code in (401, 429), route


def test_guessing_is_slowed_down_and_the_right_token_still_passes(server):
    codes = [ask(server, headers=bearer(f"va_{i:064x}")) for i in range(40)]
    assert codes[-1].status_code == 429 and int(codes[-1].headers["Retry-After"]) >= 1
    assert ask(server, headers=bearer(server.token)).status_code == 200


def test_a_client_certificate_is_as_good_as_a_token(program, server, tmp_path):
    listing = subprocess.run([program, "tls", "--help"], capture_output=True, text=True, timeout=60, check=True).stdout
    assert "client" in listing
    path = tmp_path / "phone.pem"
    subprocess.run([program, "tls", "client", "--set", f"data.folder={server.folder}", "--scopes", "status", "--pem", "--output", str(path), "phone"],
                   capture_output=True, text=True, timeout=60, check=True)
    assert ask(server, cert=str(path)).status_code == 200
    error_of(ask(server, "/audio/start", "POST", cert=str(path)), 403)


def test_a_certificate_of_somebody_else_ends_the_handshake(server, tmp_path):
    certificate, key = make_certificate(tmp_path, "stranger")
    with pytest.raises(requests.exceptions.RequestException):
        ask(server, cert=(certificate, key))


def test_names_and_origins(server):
    headers = bearer(server.token)
    assert ask(server, headers={**headers, "Host": "example.org"}).status_code == 421
    assert ask(server, headers={**headers, "Host": f"{socket.gethostname()}.local"}).status_code in (200, 421)
    assert ask(server, headers={**headers, "Host": f"127.0.0.1:{server.tls_port}"}).status_code == 200
    assert ask(server, headers={**headers, "Origin": server.tls_url}).status_code == 200
    for origin in ("https://localhost", "http://localhost:%d" % server.tls_port, "https://example.org", "null"):
        answer = ask(server, headers={**headers, "Origin": origin})
        assert answer.status_code == 403 and "Access-Control-Allow-Origin" not in answer.headers
    assert "Strict-Transport-Security" not in ask(server, headers=headers).headers


@pytest.mark.parametrize("version, works", [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)])
def test_versions(server, version, works):
    context = ssl.create_default_context(cafile=server.ca)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with socket.create_connection(("localhost", server.tls_port), timeout=10) as s:
        if works:
            with context.wrap_socket(s, server_hostname="localhost") as tls:
                assert tls.version() == version.name.replace("_", ".")
        else:
            with pytest.raises(OSError):
                context.wrap_socket(s, server_hostname="localhost")


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", os.urandom(5000), b"\x16\x03\x01\xff\xff" + b"\0" * 70000, b"\x16"])
def test_what_is_no_handshake(server, data):
    with socket.create_connection(("localhost", server.tls_port), timeout=20) as s:
        try:
            s.sendall(data)
            while s.recv(65536):
                pass
        except ConnectionError:
            pass
    assert ask(server, "/").status_code == 200


def test_protocols(server):
    for offered, chosen in (("h2", "h2"), ("http/1.1", "http/1.1"), (None, None)):
        with connect(server, offered) as tls:
            assert tls.selected_alpn_protocol() == chosen
    with pytest.raises(ssl.SSLError):
        connect(server, "spdy/3")


def test_a_large_answer_and_a_large_upload(server, recordings):
    with open(os.path.join(recordings, "librivox/sense_and_sensibility_01_austen_64kb-0880.wav"), "rb") as f:
        answer = ask(server, "/transcribe", "POST", headers=bearer(server.token), files={"audio": f.read() + b"\0" * 3000000})
    assert answer.status_code == 200 and answer.json()["segments"]


def served_certificate(port):
    context = ssl._create_unverified_context()  # noqa: SLF001
    with socket.create_connection(("localhost", port), timeout=10) as s, context.wrap_socket(s) as tls:
        return tls.getpeercert(binary_form=True)


def test_an_own_certificate_is_read_again_when_it_changes(program, small_model, tmp_path):
    first, first_key = make_certificate(tmp_path, "first")
    second, second_key = make_certificate(tmp_path, "second")
    certificate, key = str(tmp_path / "own.pem"), str(tmp_path / "own.key")

    def install(a, b):
        for source, target in ((a, certificate), (b, key)):
            with open(source) as f, open(target + ".new", "w") as g:
                g.write(f.read())
            os.replace(target + ".new", target)

    install(first, first_key)
    server = Server(program, "--model", small_model, "--microphone", "none", "--set", f"server.certificate={certificate}",
                    "--set", f"server.key={key}", folder=tmp_path)
    old = served_certificate(server.tls_port)
    install(second, first_key)  # they do not fit
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: served_certificate(server.tls_port) and "the old one stays" in (tmp_path / "stderr.txt").read_text())
    assert served_certificate(server.tls_port) == old
    install(second, second_key)
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: served_certificate(server.tls_port) != old)
    install(first, first_key)  # without a signal, too
    wait_until(lambda: served_certificate(server.tls_port) == old)
    assert server.stop() == 0


def test_who_asks_from_elsewhere_without_tls_is_sent_on(program, small_model, tmp_path):
    address = next((line.split()[3].split("/")[0] for line in subprocess.run(["ip", "-o", "-4", "addr", "show", "scope", "global"],
                    capture_output=True, text=True, check=False).stdout.splitlines()), None)
    if address is None:
        pytest.skip("this machine has no address but the loopback")
    server = Server(program, "--model", small_model, "--microphone", "none", "--listen", "0.0.0.0", "--set", "server.tls_listen=127.0.0.1", folder=tmp_path)
    answer = requests.post(f"http://{address}:{server.address[1]}/command%20x?a=%20b", json={}, timeout=30, allow_redirects=False)
    assert answer.status_code == 308
    assert answer.headers["Location"] == f"https://{address}:{server.tls_port}/command%20x?a=%20b"
    assert requests.get(f"http://127.0.0.1:{server.address[1]}/status", timeout=30).status_code == 200
    assert server.stop() == 0
    assert "set server.tls_listen" in (tmp_path / "stderr.txt").read_text()  # nobody answers them there


def test_idle_and_silent_clients(server):
    """Handshakes that are never finished end by themselves."""
    silent = [socket.create_connection(("localhost", server.tls_port), timeout=20) for _ in range(20)]
    started = time.monotonic()
    for s in silent:
        assert s.recv(100) == b""
        s.close()
    assert time.monotonic() - started < 20
