"""The log in systemd's journal: entries with fields where stderr is the journal, lines where it is not."""
import json
import os
import subprocess
import sys

import pytest

from fake_journal import COMMANDS


@pytest.fixture
def serve(program, small_model, source, tmp_path):
    """serve(STREAM, OPTION...) -> what the journal got, and stderr."""
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this user cannot make a mount namespace")

    def call(stream, *options):
        arguments = ["--model", small_model, "--microphone", "none", "--port", "0", "--commands", os.path.join(source, "deploy", "commands")]
        for option in (f"data.folder={tmp_path}", "log.file=none", "speech.enabled=no", "server.tls_port=0", "metrics.port=0", *options):
            arguments += ["--set", option]
        answer = subprocess.run(["unshare", "-m", sys.executable, os.path.join(os.path.dirname(__file__), "fake_journal.py"), stream, program,
                                 "serve", *arguments], capture_output=True, text=True, timeout=120, check=True)
        found = json.loads(answer.stdout)
        assert found["code"] == 0
        return found["entries"], found["stderr"]
    return call


def test_entries_have_fields(serve):
    entries, stderr = serve("journal")
    assert stderr == ""
    event, = (entry for entry in entries if entry.get("VA_EVENT") == "command_execution")
    assert event["PRIORITY"] == "6" and event["SYSLOG_IDENTIFIER"] == "voice-assistant" and event["VA_MODULE"] == "assistant"
    assert event["VA_RESULT"] == "success" and event["VA_COMMAND"] and event["VA_COMMAND"] in event["MESSAGE"]
    assert any("kernels" in entry["MESSAGE"] and "VA_EVENT" not in entry for entry in entries)
    assert not any("\n" in entry["MESSAGE"] for entry in entries)


def test_lines_where_stderr_is_something_else(serve):
    entries, stderr = serve("other")
    assert entries == [] and "INFO assistant: command_execution command=" in stderr


def test_the_option_decides(serve):
    entries, stderr = serve("journal", "log.journal=off")
    assert entries == [] and "command_execution" in stderr
    entries, stderr = serve("other", "log.journal=on")
    assert any(entry.get("VA_EVENT") == "command_execution" for entry in entries) and "command_execution" not in stderr


def test_a_journal_that_reads_nothing_holds_nobody_up(serve):
    entries, stderr = serve("unread")
    kept = sum(entry.get("VA_EVENT") == "command_execution" for entry in entries)
    assert kept > 0 and "command_execution" in stderr
    assert kept + stderr.count("command_execution") == COMMANDS
