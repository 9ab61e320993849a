"""Who may use it: tokens, scopes, certificates, pairing; by the program's commands and real clients."""
import http.server
import json
import os
import plistlib
import re
import shutil
import ssl
import stat
import subprocess
import threading

import pytest

from conftest import wait_until
from test_server import Server, TIMEOUT_S

requests = pytest.importorskip("requests")

SCOPES = ["status", "transcribe", "control", "history", "admin"]
WRONG = "va_" + "0" * 64


class Guarded(Server):
    """A server that is asked over TLS, or without but wants a token all the same, and logs all it can."""

    def __init__(self, program, model, source, folder, over="tls"):
        self.folder, self.program = str(folder), program
        self.log_path = os.path.join(self.folder, "app.log")
        super().__init__(program, "--model", model, "--microphone", "none", "--commands", os.path.join(source, "deploy", "commands"),
                         "--set", "access.local=" + ("open" if over == "tls" else "token"),
                         "--set", "server.tls_listen=127.0.0.1", "--set", "log.level=debug", "--set", "log.file=" + self.log_path, folder=self.folder)
        self.session = requests.Session()
        self.session.trust_env = False  # its list of CAs would count before ours
        if over == "tls":
            self.plain_url, self.url = self.url, f"https://127.0.0.1:{self.tls_port}"
            self.session.verify = self.ca

    def command(self, *arguments, ok=True):
        done = subprocess.run([self.program, *arguments, "--set", f"data.folder={self.folder}"], capture_output=True, text=True,
                              timeout=TIMEOUT_S, check=False)
        assert not ok or done.returncode == 0, done.stderr
        return done

    def token(self, name, scopes="all"):
        return self.command("token", "add", name, "--scopes", scopes).stdout.strip()

    def ask(self, method, path, token=None, **more):
        headers = {"Authorization": "Bearer " + token} if token else {}
        return self.session.request(method, self.url + path, headers=headers, timeout=TIMEOUT_S, **more)

    def get(self, path, **more):
        return self.session.get(self.url + path, timeout=TIMEOUT_S, **more)

    def routes(self):
        for route, scope in self.get("/").json()["scopes"].items():
            method, path = route.split()
            yield method, path.replace("{id}", "none"), scope
            if not path.startswith(("/api/", "/v1/")):
                yield method, "/api/v1" + path.rstrip("/"), scope


@pytest.fixture
def server(program, small_model, source, tmp_path):
    running = Guarded(program, small_model, source, tmp_path)
    yield running
    assert running.stop() == 0


def code_of(answer):
    return answer.json()["error"]["code"] if answer.status_code >= 400 else None


# ---- tokens ----

@pytest.mark.parametrize("over", ["tls", "the loopback"])
def test_every_route_wants_its_scope(program, small_model, source, tmp_path, over):
    server = Guarded(program, small_model, source, tmp_path, over)
    walk(server)
    assert server.stop() == 0


def walk(server):
    tokens = {scope: server.token(scope, scope) for scope in SCOPES}
    others = {scope: server.token("all but " + scope, ",".join(s for s in SCOPES if s != scope)) for scope in SCOPES}
    routes = list(server.routes())
    assert len(routes) > 20
    for method, path, scope in routes:
        if scope is None:  # nothing that anybody may ask changes anything, but to show a code
            assert method == "GET" or path == "/api/v1/pairing/claim", (method, path)
            continue
        answer = server.ask(method, path)
        assert answer.status_code == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer"), (method, path)
        assert path.startswith("/v1/") or code_of(answer) == "unauthorized"
        answer = server.ask(method, path, others[scope])
        assert answer.status_code == 403 and (path.startswith("/v1/") or code_of(answer) == "missing_scope"), (method, path)
        if method == "GET":
            assert server.ask("HEAD", path).status_code == 401, path
            assert server.ask("HEAD", path, others[scope]).status_code == 403, path
        with server.ask(method, path, tokens[scope], stream=True) as answer:
            assert answer.status_code != 401, (method, path)
            assert answer.status_code != 403 or code_of(answer) != "missing_scope", (method, path)


def test_a_wrong_token_opens_no_route(program, small_model, source, tmp_path):
    for i, part in enumerate((slice(0, None, 2), slice(1, None, 2))):  # not more at once than an address may try
        folder = tmp_path / str(i)
        folder.mkdir()
        server = Guarded(program, small_model, source, folder)
        for method, path, scope in list(server.routes())[part]:
            if scope is not None:
                assert server.ask(method, path, WRONG).status_code in (401, 429), (method, path)
        assert server.stop() == 0


@pytest.mark.parametrize("field", ["Basic dmE6dmE=", "Bearer", "Bearer ", "bearer  ", "Token x", "Bearer \x7f", "Bearer " + "a" * 5000])
def test_other_fields_are_no_token(server, field):
    answer = server.get("/status", headers={"Authorization": field})
    assert answer.status_code in (400, 401)


def test_a_token_counts_at_once_until_it_is_revoked(server):
    for revoke in (lambda: server.command("token", "revoke", "phone"),
                   lambda: server.ask("DELETE", "/api/v1/tokens/phone", admin).raise_for_status()):
        admin = server.token("admin") if "admin" not in server.command("token", "list").stdout.split() else admin
        token = server.token("phone", "status")
        assert server.ask("GET", "/status", token).status_code == 200
        revoke()
        assert server.ask("GET", "/status", token).status_code == 401


def test_this_machine_is_open_but_not_over_tls(server):
    assert requests.get(server.plain_url + "/api/v1/tokens", timeout=TIMEOUT_S).status_code == 200
    assert requests.get(server.plain_url + "/status", headers={"Authorization": "Bearer " + WRONG}, timeout=TIMEOUT_S).status_code == 200
    assert server.ask("GET", "/status").status_code == 401
    assert server.ask("GET", "/status", WRONG).status_code == 401


def test_a_client_certificate_is_as_good_as_a_token(server, tmp_path):
    made = json.loads(server.command("tls", "client", "tablet", "--scopes", "status", "--pem", "--output", str(tmp_path / "tablet.pem"), "--json").stdout)

    def status(path):
        return requests.get(server.url + path, cert=str(tmp_path / "tablet.pem"), verify=server.ca, timeout=TIMEOUT_S).status_code
    assert status("/status") == 200 and status("/api/v1/tokens") == 403
    server.command("token", "revoke", made["id"])
    assert status("/status") == 401


def test_tokens_over_the_api(server):
    admin = server.token("boss")
    made = server.ask("POST", "/api/v1/tokens", admin, json={"name": "Küche 1", "scopes": ["status"], "expires_days": 2})
    assert made.status_code == 201
    token = made.json()["token"]
    assert re.fullmatch(r"va_[0-9a-f]{64}", token) and made.headers["Cache-Control"] == "no-store"
    assert server.ask("GET", "/status", token).status_code == 200
    assert server.ask("GET", "/api/v1/tokens", token).status_code == 403
    listed = server.ask("GET", "/api/v1/tokens", admin)
    assert token not in listed.text and not re.search("[0-9a-f]{32}", listed.text)
    one = next(t for t in listed.json()["tokens"] if t["name"] == "Küche 1")
    assert one["scopes"] == ["status"] and one["used"].endswith(":00:00.000Z")
    assert code_of(server.ask("POST", "/api/v1/tokens", admin, json={"name": "Küche 1"})) == "exists"
    assert server.ask("DELETE", "/api/v1/tokens/K%C3%BCche%201", admin).status_code == 200
    assert server.ask("DELETE", "/api/v1/tokens/" + one["id"], admin).status_code == 404


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"name":1}', '{"name":""}', '{"name":"a\\nb"}', '{"name":" a"}', '{"name":"%s"}' % ("a" * 48),
                                  '{"name":"a","scopes":[]}', '{"name":"a","scopes":"all"}', '{"name":"a","scopes":["root"]}',
                                  '{"name":"a","scopes":["status,admin"]}', '{"name":"a","expires_days":0}', '{"name":"a","expires_days":1.5}',
                                  '{"name":"a","expires_days":true}', '{"name":"a","name":"b"}', '{"name":"a\\u0000b"}', "[" * 5000])
def test_bad_bodies_make_no_token(server, body):
    admin = server.token("boss")
    answer = server.ask("POST", "/api/v1/tokens", admin, data=body)
    assert answer.status_code == 400, answer.text
    assert len(server.ask("GET", "/api/v1/tokens", admin).json()["tokens"]) == 1


def test_a_token_ends(server):
    token = server.token("phone", "status")
    path = os.path.join(server.folder, "access", "tokens")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert server.ask("GET", "/status", token).status_code == 200
    fields = re.search(r"^token .* phone$", text, re.M)[0].split(" ")
    fields[3:5] = ["1000", "2000"]
    with open(path, "w", encoding="utf-8") as file:  # in place, as an editor may do
        file.write(" ".join(fields) + "\n")
    assert server.ask("GET", "/status", token).status_code == 401


def test_guessing_is_slowed_down_but_nobody_is_shut_out(server):
    token = server.token("phone", "status")
    for _ in range(200):
        answer = server.ask("GET", "/status", WRONG)
        if answer.status_code == 429:
            break
        assert answer.status_code == 401
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) >= 1
    assert server.ask("GET", "/status", token).status_code == 200
    assert server.ask("POST", "/api/v1/pairing/claim", json={"code": "0000-0000-0000", "name": "a"}).status_code == 429


def test_files_are_nobody_elses_and_hold_no_secret(server):
    token = server.token("phone", "status")
    code = json.loads(server.command("pair", "--json").stdout)["code"]
    server.ask("GET", "/status", token)
    for name, mode in (("access", 0o700), ("tls", 0o700)):
        folder = os.path.join(server.folder, name)
        assert stat.S_IMODE(os.stat(folder).st_mode) == mode
        for file in os.listdir(folder):
            path = os.path.join(folder, file)
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o600, path
            with open(path, encoding="utf-8") as opened:
                text = opened.read()
            assert token not in text and token[3:] not in text and code not in text and code.replace("-", "") not in text


def test_no_secret_in_logs_or_command_lines(server):
    admin = server.token("boss")
    made = server.ask("POST", "/api/v1/tokens", admin, json={"name": "phone"}).json()["token"]
    code = server.ask("POST", "/api/v1/pairing", admin).json()["code"]
    paired = server.ask("POST", "/api/v1/pairing/claim", json={"code": code, "name": "tablet"}).json()["token"]
    server.ask("GET", "/status", WRONG)
    server.log.flush()
    told = ""
    for path in (server.log_path, server.log.name, f"/proc/{server.process.pid}/cmdline", f"/proc/{server.process.pid}/environ"):
        with open(path, encoding="utf-8", errors="replace") as file:
            told += file.read()
    assert "token_added" in told and "device_paired" in told
    for secret in (admin, made, paired, WRONG, code, code.replace("-", "")):
        assert secret not in told


def test_privacy_needs_no_token_on_the_command_line(program, small_model, source, tmp_path):
    server = Guarded(program, small_model, source, tmp_path, "the loopback")
    token = server.token("phone", "status")
    for verb, state in (("on", True), ("off", False)):
        server.command("privacy", verb, "--set", "access.local=token")
        wait_until(lambda: server.ask("GET", "/privacy", token).json()["privacy_mode"] == state)
    assert server.stop() == 0


def test_a_damaged_file_lets_nobody_in(server):
    token = server.token("phone", "status")
    path = os.path.join(server.folder, "access", "tokens")
    os.chmod(path, 0o644)
    assert server.ask("GET", "/status", token).status_code == 401
    os.chmod(path, 0o600)
    assert server.ask("GET", "/status", token).status_code == 200


def test_root_writes_for_the_owner_of_the_folder(run, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can")
    os.chmod(tmp_path, 0o755)
    folder = tmp_path / "data"
    folder.mkdir(mode=0o750)
    os.chown(folder, 65534, 65534)
    for parent in folder.parents:  # somebody else must get there
        if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
        if parent.name.startswith("pytest-of"):
            break
    # Whoever gives up root cannot be traced, which a sanitizer's search for leaks does.
    environment = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
    assert run("token", "add", "a", "--set", f"data.folder={folder}", env=environment).returncode == 0
    assert run("tls", "client", "b", "--output", tmp_path / "b.p12", "--set", f"data.folder={folder}", env=environment).returncode == 0
    for path in ("access/tokens", "tls/server.key", "tls/ca.key"):
        assert (folder / path).stat().st_uid == 65534
    assert (tmp_path / "b.p12").stat().st_uid == 0 and (tmp_path / "b.p12").stat().st_mode & 0o777 == 0o600


# ---- pairing ----

def read_qr(rows, folder):
    """What a camera reads; rows of 0 (light) and 1."""
    if not shutil.which("zbarimg"):
        pytest.skip("the package zbar-tools is not installed")
    scale = 6
    path = os.path.join(folder, "qr.pgm")
    with open(path, "wb") as file:
        file.write(b"P5 %d %d 255\n" % (len(rows[0]) * scale, len(rows) * scale))
        for row in rows:
            file.write(bytes(0 if dark else 255 for dark in row for _ in range(scale)) * scale)
    return subprocess.run(["zbarimg", "--quiet", "--raw", path], capture_output=True, text=True, timeout=60, check=True).stdout.strip()


def rows_of_svg(svg):
    size = int(re.search(r'viewBox="0 0 (\d+) ', svg)[1])
    rows = [[0] * size for _ in range(size)]
    for x, y, n in re.findall(r"M(\d+) (\d+)h(\d+)v1", svg):
        rows[int(y)][int(x):int(x) + int(n)] = [1] * int(n)
    return rows


def rows_of_terminal(text):
    rows = []
    for line in text.split("\n\n")[0].splitlines():
        rows.append([int(c in " ▄") for c in line])
        rows.append([int(c in " ▀") for c in line])
    return rows


def test_a_phone_is_paired_once(server, tmp_path):
    admin = server.token("boss")
    made = server.ask("POST", "/api/v1/pairing", admin)
    assert made.status_code == 201 and made.json()["seconds"] == 300
    link = read_qr(rows_of_svg(made.json()["qr_svg"]), tmp_path)
    assert link == made.json()["link"] and re.fullmatch(r"https://[\w.-]+/pair#[0-9A-Z-]{14}", link.replace(f":{server.tls_port}", ""))
    body = {"code": link.split("#")[1].lower(), "name": "Ada's phone"}
    first, second = (server.ask("POST", "/api/v1/pairing/claim", json=body) for _ in range(2))
    assert first.status_code == 201 and (second.status_code, code_of(second)) == (403, "wrong_code")
    token = first.json()["token"]
    assert first.json()["scopes"] == ["status", "transcribe", "control", "history"]
    assert server.ask("GET", "/status", token).status_code == 200
    assert server.ask("POST", "/api/v1/pairing", token).status_code == 403
    assert "Ada's phone" in server.command("token", "list").stdout


def test_many_phones_with_one_code(server):
    code = json.loads(server.command("pair", "--json").stdout)["code"]
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(server.ask("POST", "/api/v1/pairing/claim", json={"code": code, "name": "a"}).status_code))
               for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201] + [403] * 7


def test_the_terminal_shows_it(server, tmp_path):
    text = server.command("pair").stdout
    link = read_qr(rows_of_terminal(text), tmp_path)
    assert link in text
    answer = server.ask("POST", "/api/v1/pairing/claim", json={"code": link.split("#")[1], "name": "phone"})
    assert answer.status_code == 201


def test_the_ca_is_for_all(server):
    pem = server.get("/api/v1/ca?format=pem")
    assert pem.text == server.command("tls", "ca").stdout
    der = server.get("/api/v1/ca")
    assert der.headers["Content-Type"] == "application/x-x509-ca-cert" and der.content == ssl.PEM_cert_to_DER_cert(pem.text)
    profile = plistlib.loads(server.get("/api/v1/ca?format=mobileconfig").content)
    assert profile["PayloadContent"][0]["PayloadContent"] == der.content
    assert server.get("/api/v1/ca?format=jks").status_code == 400


# ---- certificates ----

class Answering(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def tls_server(run, tmp_path):
    """Another program that uses the certificate, so that it is judged by itself; and curl's answer to it."""
    run("tls", "ca", "--output", tmp_path / "ca.pem", "--set", f"data.folder={tmp_path}").check_returncode()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls" / "server.pem", tmp_path / "tls" / "server.key")
    context.load_verify_locations(tmp_path / "ca.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    running = http.server.HTTPServer(("127.0.0.1", 0), Answering)
    running.socket = context.wrap_socket(running.socket, server_side=True)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()

    def curl(name, *arguments):
        port = running.server_address[1]
        return subprocess.run(["curl", "--silent", "--noproxy", "*", "--resolve", f"{name}:{port}:127.0.0.1", *arguments, f"https://{name}:{port}/"],
                              capture_output=True, timeout=60, check=False).returncode
    yield curl
    running.shutdown()
    thread.join()
    running.server_close()


def test_clients_believe_the_certificate(run, tls_server, tmp_path):
    ca = ["--cacert", str(tmp_path / "ca.pem")]
    assert tls_server("localhost", *ca) == 0
    assert tls_server("127.0.0.1", *ca) == 0
    assert tls_server("localhost") == 60  # not trusted by itself
    assert tls_server("other.local", *ca) == 60  # not for that name
    assert subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", tmp_path / "ca.pem", tmp_path / "tls" / "server.pem"],
                          capture_output=True, timeout=60, check=False).returncode == 0
    shown = json.loads(run("tls", "show", "--json", "--set", f"data.folder={tmp_path}").stdout)
    printed = subprocess.run(["openssl", "x509", "-in", tmp_path / "ca.pem", "-noout", "-fingerprint", "-sha256"], capture_output=True, text=True,
                             timeout=60, check=True).stdout
    assert printed.split("=")[1].strip().replace(":", "").lower() == shown["ca"]["sha256"]


def test_a_device_has_a_certificate(run, tls_server, tmp_path):
    made = json.loads(run("tls", "client", "tablet", "--scopes", "status", "--json", "--set", f"data.folder={tmp_path}", cwd=tmp_path).stdout)
    assert made["kind"] == "certificate" and made["scopes"] == ["status"] and made["expires"]
    assert tls_server("localhost", "--cacert", str(tmp_path / "ca.pem"), "--cert-type", "P12", "--cert",
                      f"{tmp_path}/tablet.p12:{made['password']}") == 0
    assert subprocess.run(["openssl", "pkcs12", "-in", tmp_path / "tablet.p12", "-noout", "-passin", "pass:wrong"], capture_output=True,
                          timeout=60, check=False).returncode != 0
    assert run("token", "revoke", "tablet", "--set", f"data.folder={tmp_path}").returncode == 0


@pytest.mark.parametrize("arguments", [["token"], ["token", "add"], ["token", "add", "a", "b"], ["token", "add", "a", "--scopes", "root"],
                                       ["token", "add", "a", "--expires", "0"], ["token", "list", "a"], ["token", "what"], ["tls"], ["tls", "client"],
                                       ["tls", "show", "a"], ["tls", "client", "a/b"], ["pair", "a"], ["pair", "--what"]])
def test_wrong_command_lines(run, arguments, tmp_path):
    done = run(*arguments, "--set", f"data.folder={tmp_path}")
    assert done.returncode == 2 and done.stderr and not done.stdout


def test_root_for_the_owner_of_the_folder_goes_nowhere_by_its_own_groups(run, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can")
    adm = 4
    for parent in tmp_path.parents:  # somebody else must get there
        if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
        if parent.name.startswith("pytest-of"):
            break
    os.chmod(tmp_path, 0o755)
    folder, closed = tmp_path / "data", tmp_path / "closed"
    for path, mode in ((folder, 0o750), (closed, 0o770)):
        path.mkdir()
        path.chmod(mode)
    os.chown(folder, 65534, 65534)
    os.chown(closed, 0, adm)
    (folder / "access").symlink_to(closed)
    environment = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
    done = run("token", "add", "a", "--set", f"data.folder={folder}", env=environment, extra_groups=[adm])
    assert done.returncode == 1 and "Permission denied" in done.stderr
    assert os.listdir(closed) == []
