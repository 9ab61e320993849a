"""What commands do, with real peers: programs, an HTTP server that behaves badly, a mosquitto broker."""
import concurrent.futures
import getpass
import http.server
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

from test_server import Server

HANG_S = 600


def write_commands(folder, commands, **more):
    """A command file; JSON is YAML. Every command is said by its name."""
    for name, command in commands.items():
        command.setdefault("sentences", [name])
    path = os.path.join(folder, "commands.yaml")
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"language": "en", "failure": "It failed: {error}", "commands": commands, **more}, f)
    return path


@pytest.fixture()
def say(run, tmp_path):
    """say(ACTION, TEXT=..., OPTION..., slots, response) -> (exit code, result) of one command with that action."""
    def call(action, *options, sentence="go", text="go", response="done", lists=None, **more):
        path = write_commands(str(tmp_path), {"go": {"sentences": [sentence], "response": response, "action": action, **more}}, lists=lists or {})
        answer = run("match", "--commands", path, *(options or ("--execute",)), text)
        assert answer.stdout, answer.stderr
        return answer.returncode, json.loads(answer.stdout)
    return call


def make_certificate(folder):
    """A certificate for localhost signed by itself -> (certificate, key)."""
    certificate, key = os.path.join(folder, "certificate.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


# ---- HTTP ----


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by the path, well or badly."""
    asked = []

    def do_GET(self):
        n = int(self.headers.get("Content-Length") or 0)
        Handler.asked.append((self.command, self.path, dict(self.headers), self.rfile.read(n).decode()))
        kind = self.path.strip("/").split("/")[0]
        try:
            getattr(self, kind, self.echo)()
        except (BrokenPipeError, ConnectionResetError):
            pass

    do_POST = do_GET

    def echo(self):
        body = b'{"temperature": 21.5}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def back(self):
        body = Handler.asked[-1][3].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def never(self):
        self.server.ended.wait(HANG_S)

    def slow(self):
        self.send_response(200)
        self.end_headers()
        while not self.server.ended.wait(0.2):
            self.wfile.write(b".")

    def slowhead(self):
        for c in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1000:
            self.wfile.write(bytes([c]))
            if self.server.ended.wait(0.2):
                return

    def huge(self):
        self.send_response(200)
        self.send_header("Content-Length", str(1 << 30))
        self.end_headers()
        for _ in range(1 << 10):
            self.wfile.write(b"x" * (1 << 20))

    def early(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"only this")

    def binary(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"a\xff\x00\xc3\xa4")

    def away(self):
        self.send_response(302)
        self.send_header("Location", f"http://localhost:{self.server.server_port}/here")
        self.end_headers()

    def log_message(self, *arguments):
        pass


class HttpServer:
    def __init__(self, certificate=None):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.ended = threading.Event()
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        self.url = f"http{'s' if certificate else ''}://localhost:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.ended.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def web():
    server = HttpServer()
    yield server
    server.stop()


def test_an_http_request(say, web):
    code, found = say({"type": "http", "url": web.url + "/set/{room}", "headers": {"X-Room": "{room}"}, "body": '{"on": true, "room": "{room}"}'},
                      sentence="light in the {room}", text="light in the living room", response="{status}: {body}",
                      lists={"room": {"values": ["living room"]}})
    assert (code, found["success"], found["response"]) == (0, True, '200: {"temperature": 21.5}')
    method, path, headers, body = Handler.asked[-1]
    assert (method, path, headers["X-Room"]) == ("POST", "/set/living%20room", "living room")
    assert json.loads(body) == {"on": True, "room": "living room"}


@pytest.mark.parametrize("path,error", [
    ("/never", "did not answer within 1 s"), ("/slow", "did not answer within 1 s"), ("/slowhead", "did not answer within 1 s"),
    ("/huge", "is larger than 65536 bytes"), ("/early", "the request to http://localhost")])
def test_a_server_that_behaves_badly(say, web, path, error):
    code, found = say({"type": "http", "url": web.url + path, "timeout": 1})
    assert (code, found["success"]) == (1, False)
    assert error in found["error"] and found["response"] == "It failed: " + found["error"]


def test_an_answer_that_is_no_text(say, web):
    assert say({"type": "http", "url": web.url + "/binary"}, response="{body}")[1]["response"] == "a??ä"


def test_no_server(say):
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    code, found = say({"type": "http", "url": f"http://127.0.0.1:{port}/"})
    assert code == 1 and "the request to http://127.0.0.1" in found["error"]
    assert "the request to http://no-such-host.invalid" in say({"type": "http", "url": "http://no-such-host.invalid/", "timeout": 5})[1]["error"]


def test_no_libcurl(say, web, tmp_path, monkeypatch):
    (tmp_path / "libcurl.so.4").write_text("no library")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    code, found = say({"type": "http", "url": web.url + "/set"})
    assert code == 1 and "requests to servers need libcurl" in found["error"] and "libcurl.so.4" in found["error"]


def test_a_certificate_must_be_trusted(say, tmp_path):
    certificate = make_certificate(str(tmp_path))
    server = HttpServer(certificate)
    try:
        code, found = say({"type": "http", "url": server.url})
        assert code == 1 and "certificate" in found["error"]
        assert say({"type": "http", "url": server.url, "ca_file": certificate[0]}, response="{status}")[1]["response"] == "200"
        code, found = say({"type": "http", "url": server.url.replace("localhost", "127.0.0.1"), "ca_file": certificate[0]})
        assert code == 1 and "certificate" in found["error"]
    finally:
        server.stop()


def test_a_token_goes_to_its_host_only(say, web, tmp_path):
    (tmp_path / "token").write_text("secret")
    os.chmod(tmp_path / "token", 0o600)
    action = {"type": "http", "url": f"http://127.0.0.1:{web.port}/away", "token_file": str(tmp_path / "token")}
    assert say(action)[0] == 0
    assert Handler.asked[-2][2]["Authorization"] == "Bearer secret"
    assert Handler.asked[-1][1] == "/here" and "Authorization" not in Handler.asked[-1][2]
    os.chmod(tmp_path / "token", 0o644)
    assert "make its mode 0600" in say(action)[1]["error"]


def test_a_dry_run_asks_nobody(say, web):
    before = len(Handler.asked)
    code, found = say({"type": "http", "url": web.url + "/x"}, "--dry-run")
    assert (code, found["dry_run"], found["response"]) == (0, True, f"would request GET {web.url}/x")
    code, found = say({"type": "process", "executable": "rm", "arguments": ["-rf", "/no/such"]}, "--dry-run")
    assert (code, found["dry_run"]) == (0, True) and found["response"].endswith("/rm -rf /no/such")
    assert len(Handler.asked) == before


# ---- MQTT ----


class Broker:
    """A mosquitto, with what its clients have said."""

    def __init__(self, program, folder, *lines):
        with socket.create_server(("127.0.0.1", 0)) as s:
            self.port = s.getsockname()[1]
        path = os.path.join(folder, "mosquitto.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join([f"listener {self.port} 127.0.0.1", "persistence false", f"user {getpass.getuser()}", *lines]) + "\n")
        self.process = subprocess.Popen([program, "-c", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert self.process.poll() is None, "mosquitto has ended"
                time.sleep(0.05)
        raise AssertionError("mosquitto does not listen")

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)


class Subscriber:
    """A client of our own: MQTT 3.1.1 by hand, quality 0, so that a test needs no other package."""

    def __init__(self, port, topic="#"):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket.sendall(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01t")
        assert self.packet()[0] == 0x20
        name = topic.encode()
        self.socket.sendall(bytes([0x82, len(name) + 5, 0, 1, 0, len(name)]) + name + b"\x00")
        assert self.packet()[0] == 0x90

    def exactly(self, n):
        data = b""
        while len(data) < n:
            piece = self.socket.recv(n - len(data))
            assert piece, "the broker has closed"
            data += piece
        return data

    def packet(self):
        kind, n, shift = self.exactly(1)[0], 0, 0
        while True:
            byte = self.exactly(1)[0]
            n |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return kind, self.exactly(n)

    def message(self):
        """-> (topic, payload, retained) of the next one."""
        kind, data = self.packet()
        assert kind & 0xf0 == 0x30
        n = int.from_bytes(data[:2], "big")
        return data[2:2 + n].decode(), data[2 + n:].decode(), bool(kind & 1)


@pytest.fixture(scope="module")
def mosquitto():
    path = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
    if path is None:
        pytest.skip("the package mosquitto is not installed")
    return path


@pytest.fixture()
def broker(mosquitto, tmp_path):
    running = Broker(mosquitto, str(tmp_path), "allow_anonymous true")
    yield running
    running.stop()


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_message_is_published(say, broker, qos):
    subscriber = Subscriber(broker.port)
    action = {"type": "mqtt", "host": "127.0.0.1", "port": broker.port, "topic": "home/{room}/light", "payload": '{"state": "{room}", "n": {n}}',
              "content": "json", "qos": qos, "retain": "true"}
    slots = {"room": {"values": [{"in": "living room", "out": 'living "room"'}]}, "n": {"range": {"from": 0, "to": 9}}}
    code, found = say(action, sentence="light {room} {n}", text="light living room 5", lists=slots)
    assert (code, found["success"]) == (0, True), found
    assert subscriber.message() == ('home/living "room"/light', '{"state": "living \\"room\\"", "n": 5}', False)
    assert Subscriber(broker.port).message()[2] is True


@pytest.mark.parametrize("value", ["a/b", "+", "#", "$SYS"])
def test_a_slot_stays_within_its_level(say, broker, value):
    action = {"type": "mqtt", "host": "127.0.0.1", "port": broker.port, "topic": "home/{room}"}
    code, found = say(action, sentence="light {room}", text="light x", lists={"room": {"values": [{"in": "x", "out": value}]}})
    assert code == 1 and "into the topic of 'go'" in found["error"]


def test_a_broker_that_is_down(say):
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    code, found = say({"type": "mqtt", "host": "127.0.0.1", "port": port, "topic": "a"})
    assert code == 1 and "the broker 127.0.0.1: " in found["error"]


def test_a_broker_that_never_answers(say):
    with socket.create_server(("127.0.0.1", 0)) as s:
        code, found = say({"type": "mqtt", "host": "127.0.0.1", "port": s.getsockname()[1], "topic": "a", "timeout": 1})
    assert code == 1 and "did not take the message within 1 s" in found["error"]


def test_a_broker_with_passwords(say, mosquitto, tmp_path):
    users = tmp_path / "users"
    users.write_text("me:secret\n")
    subprocess.run(["mosquitto_passwd", "-U", str(users)], check=True)
    broker = Broker(mosquitto, str(tmp_path), "allow_anonymous false", f"password_file {users}")
    secret = tmp_path / "secret"
    action = {"type": "mqtt", "host": "127.0.0.1", "port": broker.port, "topic": "a", "payload": "x"}
    try:
        assert "not authorised" in say(action)[1]["error"]
        for password, code in (("me:secret", 0), ("me:wrong", 1)):
            secret.write_text(password)
            os.chmod(secret, 0o600)
            assert say({**action, "password_file": str(secret)})[0] == code
    finally:
        broker.stop()


def test_a_broker_with_tls(say, mosquitto, tmp_path):
    certificate, key = make_certificate(str(tmp_path))
    broker = Broker(mosquitto, str(tmp_path), "allow_anonymous true", f"certfile {certificate}", f"keyfile {key}")
    action = {"type": "mqtt", "host": "localhost", "port": broker.port, "topic": "a", "payload": "x", "tls": "true", "qos": 1, "timeout": 10}
    try:
        assert say({**action, "ca_file": certificate})[1].get("error") is None
        assert say(action)[0] == 1
        assert say({**action, "host": "127.0.0.1", "ca_file": certificate})[0] == 1
    finally:
        broker.stop()


# ---- the daemon ----


def execute(server, text, **more):
    return server.post("/command/execute", json={"text": text, **more})


def start(program, model, folder, commands, *more):
    path = write_commands(str(folder), commands)
    return Server(program, "--model", model, "--microphone", "none", "--commands", path, *more, folder=folder)


def test_libcurl_comes_with_the_first_request(program, small_model, web, tmp_path):
    server = start(program, small_model, tmp_path, {"ask": {"action": {"type": "http", "url": web.url + "/set"}, "response": "{status}"}})

    def libraries():
        with open(f"/proc/{server.process.pid}/maps", encoding="utf-8") as maps:
            return {os.path.basename(line.split()[-1]).split(".so")[0] for line in maps if ".so" in line}
    assert "libcrypto" in libraries() and not {"libcurl", "libgnutls"} & libraries()
    assert execute(server, "ask").json()["response"] == "200"
    assert "libcurl" in libraries()
    assert server.stop() == 0


def test_hanging_actions_disturb_nothing(program, small_model, web, recordings, tmp_path):
    """As many hang as may, one more is told so at once, and all else goes on; stopping does not wait for them."""
    server = start(program, small_model, tmp_path, {
        "hang": {"action": {"type": "http", "url": web.url + "/never", "timeout": 300}},
        "sleep": {"action": {"type": "process", "executable": "sleep", "arguments": ["300"], "timeout": 300}},
        "clock": {"response": "{time}", "action": {"type": "time"}},
        "timer": {"action": {"type": "timer", "do": "set"}}})

    def wait_long(text):
        while (answer := execute(server, text)).status_code == 503 and "still waiting" in answer.text:
            time.sleep(0.05)  # the dry run below had its place for a moment
        return answer

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        waiting = [pool.submit(wait_long, text) for text in ("hang", "sleep") * 4]
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            busy = execute(server, "hang", dry_run=True)
            if busy.status_code == 503:
                break
            time.sleep(0.05)
        assert busy.status_code == 503 and "8 actions are still waiting" in busy.json()["error"]["message"]
        for _ in range(20):
            assert execute(server, "clock").json()["success"] is True
        assert server.post("/command", json={"command": "timer", "minutes": 1}).json()["success"] is True
        with open(os.path.join(recordings, "librivox/sense_and_sensibility_01_austen_64kb-0880.wav"), "rb") as f:
            assert "young man" in server.post("/transcribe", files={"audio": f}).json()["text"]
        assert not any(w.done() for w in waiting)
        assert server.stop() == 0
        for w in waiting:
            try:
                assert w.result().status_code == 503
            except OSError:  # its connection was closed first
                pass


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as f:
        return [int(word) for word in f.read().split()]


def test_programs_are_started_by_the_launcher(program, small_model, tmp_path):
    server = start(program, small_model, tmp_path, {
        "parent": {"response": "{output}", "action": {"type": "process", "executable": "sh", "arguments": ["-c", "ps -o comm= -p $PPID"]}},
        "die": {"action": {"type": "process", "executable": "sh", "arguments": ["-c", "kill -9 $$"]}},
        "flood": {"action": {"type": "process", "executable": "sh", "arguments": ["-c", "yes"], "timeout": 1}}})
    assert execute(server, "parent").json()["response"] == "va-launcher"
    died = execute(server, "die")
    assert died.status_code == 502 and "status 137" in died.json()["error"]["message"]
    assert died.json()["response"].startswith("It failed: ") and died.json()["intent"] == "die"
    assert execute(server, "flood").status_code == 504
    launcher, = children(server.process.pid)
    serving, = children(launcher)
    os.kill(serving, signal.SIGKILL)
    assert execute(server, "parent").json()["response"] == "va-launcher"
    os.kill(launcher, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while execute(server, "parent").status_code == 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    lost = execute(server, "parent")
    assert lost.status_code == 502 and "the launcher of programs has ended" in lost.json()["error"]["message"]
    assert server.stop() == 0


def test_only_programs_of_the_start_are_allowed(program, small_model, tmp_path):
    commands = {"first": {"action": {"type": "process", "executable": "true"}}}
    server = start(program, small_model, tmp_path, commands, "--set", "actions.executables=printf, /bin/echo")
    assert execute(server, "first").json()["success"] is True
    for name, executable in (("second", "env"), ("third", "printf"), ("fourth", "/bin/echo")):
        commands[name] = {"response": "{output}", "action": {"type": "process", "executable": executable, "arguments": ["x"]}}
    write_commands(str(tmp_path), commands)
    server.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 20
    while execute(server, "fourth").status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert execute(server, "third").json()["response"] == execute(server, "fourth").json()["response"] == "x"
    refused = execute(server, "second")
    assert refused.status_code == 403 and "not among the executables that were allowed at the start" in refused.json()["error"]["message"]
    assert "command second will fail" in open(server.log.name, encoding="utf-8").read()
    assert "restart, or name it in actions.executables" in open(server.log.name, encoding="utf-8").read()
    assert server.stop() == 0


def test_a_risky_command_is_asked_about(program, small_model, tmp_path):
    server = start(program, small_model, tmp_path, {
        "unlock": {"response": "Unlocked.", "question": "Shall I unlock the door?", "confirm": True, "action": {"type": "say"}},
        "yes": {"action": {"type": "confirm", "none": "Yes what?"}}, "no": {"response": "Then not.", "action": {"type": "cancel", "none": "No what?"}}})
    asked = execute(server, "unlock").json()
    assert (asked["success"], asked["confirm"], asked["response"]) == (False, True, "Shall I unlock the door?")
    done = execute(server, "yes").json()
    assert (done["success"], done["intent"], done["response"]) == (True, "unlock", "Unlocked.") and "confirm" not in done
    assert execute(server, "yes").json()["response"] == "Yes what?"
    assert execute(server, "unlock").json()["confirm"] is True
    assert execute(server, "no").json()["response"] == "Then not."
    assert execute(server, "yes").json()["success"] is False
    assert execute(server, "unlock", confirmed=True).json()["response"] == "Unlocked."
    assert server.post("/command", json={"command": "unlock"}).json()["confirm"] is True
    assert server.post("/command", json={"command": "unlock", "confirmed": True}).json()["success"] is True
    assert server.stop() == 0


def test_timers_survive_a_restart(program, small_model, source, tmp_path):
    arguments = ("--model", small_model, "--microphone", "none", "--commands", f"{source}/deploy/commands", "--set", "privacy.log_text=true")
    server = Server(program, *arguments, folder=tmp_path)
    assert execute(server, "set a pizza timer for 20 minutes").json()["success"] is True
    assert execute(server, "wake me up at 7:30 am").json()["response"] == "The alarm is set for 7:30 AM."
    assert execute(server, "set a tea timer for 5 seconds").json()["success"] is True
    server.process.kill()
    server.process.wait()
    with open(tmp_path / "timers.json", encoding="utf-8") as f:
        tea, = (timer for timer in json.load(f)["timers"] if timer["name"] == "tea")
    time.sleep(max(0, tea["end"] + 0.1 - time.time()))
    server = Server(program, *arguments, folder=tmp_path)
    assert execute(server, "which timers are there").json()["response"].startswith("These timers are running: pizza: 19 minutes")
    assert execute(server, "what alarms do I have").json()["response"] == "Alarms are set for 7:30 AM."
    deadline = time.monotonic() + 20
    while "The timer tea" not in open(server.log.name, encoding="utf-8").read() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "The timer tea of 5 seconds has ended" in open(server.log.name, encoding="utf-8").read()
    assert execute(server, "cancel the pizza timer").json()["success"] is True
    assert server.stop() == 0
    with open(tmp_path / "timers.json", encoding="utf-8") as f:
        assert [timer["name"] for timer in json.load(f)["timers"]] == ["7:30 AM"]


def test_the_conversation(program, small_model, source, tmp_path):
    server = Server(program, "--model", small_model, "--microphone", "none", "--commands", f"{source}/deploy/commands", "--set",
                    f"system.root={tmp_path}", folder=tmp_path)
    assert execute(server, "repeat that").json()["response"] == "I have not said anything yet."
    first = execute(server, "set the temperature to 21 degrees").json()["response"]
    assert execute(server, "say that again").json()["response"] == first
    help_, more = (execute(server, "what can I say").json()["response"] for _ in range(2))
    assert help_.startswith("You can say, for example: ") and help_.count(";") == 4 and help_ != more
    answer = execute(server, "save power").json()
    assert answer["success"] is False and answer["response"] == "This machine has no power modes."
    failed = execute(server, "set the temperature to 150 degrees")
    assert failed.status_code == 422 and failed.json()["response"].startswith("That did not work: ")
    assert server.stop() == 0


def test_a_dry_run_of_all(program, small_model, source, tmp_path):
    server = Server(program, "--model", small_model, "--microphone", "none", "--commands", f"{source}/deploy/commands", "--set",
                    "actions.dry_run=true", folder=tmp_path)
    assert execute(server, "set a timer for 5 minutes").json()["dry_run"] is True
    assert execute(server, "which timers are there").json()["response"] == "No timer is running."
    assert execute(server, "what time is it").json()["success"] is True
    assert server.stop() == 0
