"""The history: kept, listed, exported, deleted; by HTTP and by the command line; and killed in the midst of it."""
import csv
import http.client
import io
import json
import os
import random
import signal
import sqlite3
import stat
import threading
import time

import pytest

from test_server import Server, TIMEOUT_S, WAV, requests
from test_server_life import upload, wait_until
from tls_client import add_token

KILLS = int(os.environ.get("VA_KILLS", "60"))
CLIENTS = 4
COMMANDS = """language: en
commands:
  note:
    sentences: ['note it']
    action: {type: say}
    response: 'noted {n}'
  fails:
    sentences: ['fail now']
    action: {type: process, executable: /bin/false}
    failure: 'Sorry.'
"""


@pytest.fixture
def commands(tmp_path):
    folder = tmp_path / "commands"
    folder.mkdir()
    (folder / "note.yaml").write_text(COMMANDS)
    return str(folder)


@pytest.fixture
def serve(program, small_model, tmp_path, commands):
    servers = []

    def start(*arguments, enabled=True):
        servers.append(Server(program, "--model", small_model, "--microphone", "none", "--commands", commands, "--set",
                              f"history.enabled={str(enabled).lower()}", *arguments, folder=tmp_path))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.stop()


def history(server, **query):
    answer = server.get("/api/v1/history", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def delete(server, path="", **query):
    return requests.delete(server.url + "/api/v1/history" + path, params=query, timeout=TIMEOUT_S)


def note(server, n):
    answer = server.post("/command", json={"command": "note", "n": n})
    assert answer.status_code == 200 and answer.json()["response"] == f"noted {n}"


def test_what_is_answered_is_kept(serve, recordings, tmp_path):
    server = serve()
    assert history(server) == {"enabled": True, "entries": [], "next": None}
    text = upload(server, recordings).json()["text"]
    assert server.post("/command/execute", json={"text": "note it"}).status_code == 200
    note(server, "22")
    assert server.post("/command/execute", json={"text": "fail now"}).json()["success"] is False
    assert server.post("/command/execute", json={"text": "nothing of the kind"}).status_code == 422
    fails, named, said, heard = history(server)["entries"]
    assert (heard["kind"], heard["source"], heard["text"], heard["language"], heard["success"]) == ("transcription", "upload", text, "en", True)
    assert heard["request_id"] == server.get("/transcription/latest").json()["id"] and heard["duration"] > 1 and 0 < heard["confidence"] <= 1
    assert (said["kind"], said["source"], said["text"], said["command"], said["slots"], said["duration"]) == ("command", "api", "note it", "note", {}, None)
    assert (named["text"], named["slots"], named["response"], named["success"]) == (None, {"n": "22"}, "noted 22", True)
    assert (fails["command"], fails["success"], fails["text"]) == ("fails", False, "fail now")
    assert [e["id"] for e in history(server)["entries"]] == [4, 3, 2, 1]
    assert stat.S_IMODE(os.stat(tmp_path / "history.db").st_mode) == 0o600
    assert server.stop() == 0
    assert text not in (tmp_path / "stderr.txt").read_text()
    assert len(history(serve())["entries"]) == 4


def test_lists_and_exports(serve):
    server = serve()
    for i in range(1, 251):
        note(server, f"number {i}")
    seen, query = [], {"limit": 100}
    while True:
        page = history(server, **query)
        seen += [e["slots"]["n"] for e in page["entries"]]
        if page["next"] is None:
            break
        query["before_id"] = page["next"]
    assert seen == [f"number {i}" for i in range(250, 0, -1)]
    assert len(history(server)["entries"]) == 50
    assert [e["id"] for e in history(server, search="NUMBER 24")["entries"]] == [249, 248, 247, 246, 245, 244, 243, 242, 241, 240, 24]
    note(server, "über 100%")
    assert [e["slots"]["n"] for e in history(server, search="ÜBER 100%")["entries"]] == ["über 100%"]
    assert delete(server, "/251").status_code == 200
    assert history(server, kind="transcription")["entries"] == history(server, search="%")["entries"] == []
    middle = history(server, before_id=126, limit=1)["entries"][0]["time"]
    later, earlier = (history(server, limit=200, **{key: middle})["entries"] for key in ("since", "until"))
    assert len(later) + len(earlier) == 250 and all(e["time"] >= middle for e in later) and all(e["time"] < middle for e in earlier)

    assert history(server, until="1970-01-01T00:00:00Z")["entries"] == []
    lines = server.get("/api/v1/history/export")
    assert lines.headers["Content-Type"] == "application/x-ndjson" and "history.jsonl" in lines.headers["Content-Disposition"]
    assert [json.loads(line)["id"] for line in lines.text.splitlines()] == list(range(250, 0, -1))
    table = server.get("/api/v1/history/export", params={"format": "csv", "search": "number 25"})
    assert table.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(table.text, newline="")))
    assert [row["response"] for row in rows] == ["noted number 250", "noted number 25"] and json.loads(rows[0]["slots"]) == {"n": "number 250"}


def test_a_page_is_not_longer_than_it_should_be(serve):
    server = serve()
    for i in range(30):
        note(server, "x" * 50000 + str(i))
    seen, query, pages = [], {}, 0
    while True:
        answer = server.get("/api/v1/history", params=query)
        assert len(answer.content) < 1300000
        seen += [e["id"] for e in answer.json()["entries"]]
        pages += 1
        if answer.json()["next"] is None:
            break
        query = {"before_id": answer.json()["next"]}
    assert seen == list(range(30, 0, -1)) and pages > 1


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "limit=1e2", "kind=x", "since=yesterday", "until=2026-02-30", "before_id=0",
                                   "before_id=-1", "before_id=99999999999999999999", "search=" + "a" * 257, "search=%ff", "format=xml", "kind=%00"])
def test_what_makes_no_sense_is_refused(serve, query):
    server = serve()
    for path in ("", "/export"):
        answer = server.get(f"/api/v1/history{path}?{query}")
        assert answer.status_code == 400 and answer.json()["error"]["code"] == "invalid", query
    for wrong in ({}, {"all": "yes"}, {"before": "x"}, {"before": "2026-01-01", "all": "true"}):
        assert delete(server, **wrong).status_code == 400
    for id_ in ("0", "-1", "x", "1", "99999999999999999999", "1%2f2"):
        assert delete(server, "/" + id_).status_code == 404
    assert server.post("/api/v1/history").status_code == 405


def test_what_is_deleted_is_nowhere(serve, tmp_path):
    server = serve()
    for i in range(6):
        note(server, f"secret-{i}-")

    def found(i):
        return any(f"secret-{i}-".encode() in (tmp_path / name).read_bytes() for name in os.listdir(tmp_path) if name.startswith("history"))

    assert all(found(i) for i in range(6))
    assert delete(server, "/2").json() == {"success": True, "deleted": 1} and not found(1) and found(0)
    assert delete(server, "/2").status_code == 404
    third = history(server, before_id=4, limit=1)["entries"][0]
    deleted = delete(server, before=third["time"]).json()["deleted"]
    assert not found(0) and found(5) and deleted >= 1
    assert delete(server, all="true").json()["deleted"] == 5 - deleted and not any(found(i) for i in range(6))
    assert history(server)["entries"] == []


def test_it_is_off_until_it_is_wanted(program, small_model, commands, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("log: {level: info}\n")
    server = Server(program, "--model", small_model, "--microphone", "none", "--commands", commands, "--config", str(config), folder=tmp_path)
    note(server, "off")
    assert history(server) == {"enabled": False, "entries": [], "next": None}
    assert server.get("/api/v1/history/export").text == "" and not (tmp_path / "history.db").exists()

    def switch(on):
        config.write_text(f"history: {{enabled: {on}}}\n")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: history(server)["enabled"] == (on == "true"))

    switch("true")
    note(server, "on")
    switch("false")
    note(server, "off")
    assert [e["slots"]["n"] for e in history(server)["entries"]] == ["on"]
    assert server.stop() == 0


def test_privacy_mode_adds_nothing(serve, recordings):
    server = serve()
    assert server.post("/privacy/enable").status_code == 200
    note(server, "private")
    assert upload(server, recordings).status_code == 200
    assert server.post("/privacy/disable").status_code == 200
    note(server, "public")
    assert [e["slots"]["n"] for e in history(server)["entries"]] == ["public"]


def test_the_command_line(serve, run, tmp_path):
    folder = ["--set", f"data.folder={tmp_path}"]
    assert run("history", "list", *folder).returncode == 1
    server = serve()
    for i in range(1, 31):
        note(server, f"n{i}")
    listed = run("history", "list", *folder)
    assert listed.returncode == 0 and listed.stdout.startswith("30 ") and "more: --before-id 11" in listed.stdout
    assert "noted n10" in run("history", "list", "--before-id", "11", "--limit", "1", *folder).stdout
    found = run("history", "search", "n2", "--json", *folder)
    assert [json.loads(line)["id"] for line in found.stdout.splitlines()] == [29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 2]
    assert run("history", "search", "nothing", *folder).returncode == 1
    assert len(run("history", "export", *folder).stdout.splitlines()) == 30
    assert run("history", "export", "--format", "csv", "--kind", "command", *folder).stdout.startswith("id,time,kind")
    assert run("history", "delete", "30", *folder).stdout == "1 deleted\n"
    assert run("history", "delete", "30", *folder).returncode == 1
    assert run("history", "delete", "--before", "2020-01-01", *folder).stdout == "0 deleted\n"
    assert len(history(server)["entries"]) == 29
    note(server, "after")
    assert run("history", "delete", "--all", *folder).stdout == "30 deleted\n"
    assert history(server)["entries"] == []
    note(server, "a\x1b[2Jb\nc\u009bd\u00e9")
    assert "noted a?[2Jb?c?d\u00e9\n" in run("history", "list", *folder).stdout
    for wrong in (["history"], ["history", "delete"], ["history", "delete", "x"], ["history", "delete", "1", "--all"], ["history", "list", "more"],
                  ["history", "search"], ["history", "list", "--kind", "x"], ["history", "list", "--since", "x"], ["history", "list", "--limit", "201"],
                  ["history", "export", "--format", "x"], ["history", "list", "--all"], ["history", "delete", "--before", "2020-01-01", "--all"]):
        assert run(*wrong, *folder).returncode == 2, wrong


def test_a_history_that_fails_stops_nothing(serve, recordings, tmp_path):
    with sqlite3.connect(tmp_path / "history.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    server = serve()
    for i in range(3):
        note(server, str(i))
    assert upload(server, recordings).status_code == 200
    answer = server.get("/api/v1/history")
    assert answer.status_code == 503 and answer.json()["error"]["code"] == "history_unavailable" and "newer program" in answer.json()["error"]["message"]
    wait_until(lambda: "history_failing" in server.get("/health").text)
    assert server.get("/api/v1/history/export").status_code == 503 and delete(server, all="true").status_code == 503
    assert server.stop() == 0
    assert (tmp_path / "stderr.txt").read_text().count("what is done now is not in the history") == 1


def test_a_damaged_file_is_set_aside(serve, tmp_path):
    (tmp_path / "history.db").write_bytes(b"no database" * 1000)
    server = serve()
    note(server, "new")
    assert [e["slots"]["n"] for e in history(server)["entries"]] == ["new"]
    assert (tmp_path / "history.db.damaged").read_bytes().startswith(b"no database")
    assert "a new one is begun" in (tmp_path / "stderr.txt").read_text()


def damage_old_entries(serve, path):
    """A server on a history of 4 MB whose older half cannot be read any more, newer entries coming first."""
    server = serve()
    note(server, "1")
    assert server.stop() == 0
    with sqlite3.connect(path) as db:
        db.executemany("INSERT INTO entries (unix_ms, kind, source, text, success) VALUES (?, 'command', 'api', ?, 1)",
                       [(0 if i == 0 else time.time() * 1000, f"{i} " + "x" * 2000) for i in range(2000)])
    db.close()
    server = serve("--set", "server.tls=yes")
    wait_until(lambda: history(server, until="1980-01-01")["entries"] == [])  # it has been checked at the start, and what was too old is gone
    with open(path, "r+b") as f:
        for at in range(4096 * 10, os.path.getsize(path) // 2, 4096):
            f.seek(at)
            if f.read(1) == b"\r":  # a page of entries, none of the tree above them
                f.seek(at)
                f.write(b"\xff" * 4096)
    return server


@pytest.mark.parametrize("protocol", ["http/1.1", "h2"])
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_an_export_that_breaks_is_seen_to(serve, program, tmp_path, protocol, form):
    server = damage_old_entries(serve, tmp_path / "history.db")
    path = f"/api/v1/history/export?format={form}"
    if protocol == "h2":
        server.token = add_token(program, server.folder, "all", "all")
        client = pytest.importorskip("test_http2").Client(server)
        stream = client.request("GET", path)
        head, body = client.wait(stream)
        client.socket.close()
        assert head[":status"] == "200" and client.reset == {stream: 2}  # INTERNAL_ERROR
    else:
        connection = http.client.HTTPConnection(*server.address, timeout=TIMEOUT_S)
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 200 and answer.getheader("Transfer-Encoding") == "chunked"
        with pytest.raises(http.client.IncompleteRead) as broken:
            answer.read()
        body = broken.value.partial
        connection.close()
    lines = body.decode().splitlines()
    assert 100 < len(lines) < 2000
    if form == "jsonl":
        assert json.loads(lines[0])["id"] == 2001 and json.loads(lines[-1])["error"]["code"] == "history_unavailable"
    else:
        assert lines[0].startswith("id,time") and lines[1].startswith("2001,")
    assert server.get("/status").status_code == 200
    assert "an export of the history was cut off: the history is damaged" in (tmp_path / "stderr.txt").read_text()


def client(server, name, acknowledged):
    """Commands one after the other, until the server is gone."""
    i = 0
    try:
        connection = http.client.HTTPConnection(*server.address, timeout=TIMEOUT_S)
        while True:
            token = f"{name}-{i}"
            connection.request("POST", "/command", json.dumps({"command": "note", "n": token}), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status == 200 and json.loads(body)["success"]:
                acknowledged.append(token)
            i += 1
    except (OSError, http.client.HTTPException):
        pass


def test_nothing_acknowledged_is_lost_when_it_is_killed(serve, tmp_path):
    """Killed in the midst of its work, again and again, at random moments from right behind the start on."""
    chance = random.Random(os.environ.get("VA_SEED", "1"))
    acknowledged = [[] for _ in range(CLIENTS)]
    for kill in range(KILLS):
        server = serve()
        threads = [threading.Thread(target=client, args=(server, f"{kill}-{c}", acknowledged[c])) for c in range(CLIENTS)]
        for thread in threads:
            thread.start()
        wanted = sum(map(len, acknowledged)) + chance.randrange(0, 21)
        wait_until(lambda: sum(map(len, acknowledged)) >= wanted)
        time.sleep(chance.uniform(0, 0.01))
        server.process.kill()
        server.process.wait()
        for thread in threads:
            thread.join()
        server.log.close()
    with sqlite3.connect(tmp_path / "history.db") as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        kept = [json.loads(row[0])["n"] for row in db.execute("SELECT slots FROM entries")]
    db.close()
    promised = [token for tokens in acknowledged for token in tokens]
    print(f"{KILLS} kills, {len(promised)} acknowledged, {len(kept)} kept")
    assert len(promised) > 5 * KILLS
    assert len(set(kept)) == len(kept) and not set(promised) - set(kept)
    # What was on its way when it died may be there or not: at most one a client each time.
    assert len(kept) - len(promised) <= KILLS * CLIENTS
    assert not list(tmp_path.glob("*.damaged*"))
