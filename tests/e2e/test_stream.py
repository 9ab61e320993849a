"""voice-assistant transcribe --stream, on recorded speech."""
import json
import os
import re
import subprocess
import time

import pytest

from conftest import prepared
from test_transcribe import SENTENCE, WAV, words


@pytest.fixture(scope="session")
def stream(run, model):
    """stream(ARGUMENT..., FILE...) -> CompletedProcess"""
    vad = prepared(run, "vad")

    def call(*arguments, **more):
        return run("transcribe", "--stream", "--model", model, "--vad", vad, "--language", "en", *arguments, **more)
    return call


def events_of(answer):
    assert answer.returncode == 0, answer.stderr
    return [json.loads(line) for line in answer.stdout.splitlines()]


def test_events_in_real_time(stream, recordings):
    path = os.path.join(recordings, WAV)
    start = time.monotonic()
    events = events_of(stream("--format", "json", path))
    assert time.monotonic() - start >= 2.5, "the recording lasts 3 s"
    kinds = [e["event"] for e in events]
    assert kinds[0] == "start" and kinds[-1] == "final" and kinds.count("final") == 1
    assert "partial" in kinds
    assert [e["at"] for e in events] == sorted(e["at"] for e in events)
    final = events[-1]
    assert words(final["text"]) == words(SENTENCE)
    assert final["stable"] == final["text"] and final["segments"] and final["file"] == path
    for event in events:
        assert 0 <= event["from"] <= event["to"] <= event["heard"] <= 3.1
        assert event["utterance"] == 1
        if event["event"] == "partial":
            assert event["text"].startswith(event["stable"])
    partial = " ".join(e["text"] for e in events if e["event"] == "partial")
    assert set(words(partial)) & set(words(SENTENCE))


def test_the_final_text_does_not_depend_on_pace_or_threads(stream, recordings):
    files = [os.path.join(recordings, WAV), os.path.join(recordings, "librivox/sense_and_sensibility_01_austen_64kb-0870.wav")]
    texts = set()
    for options in (["--pace", "0"], ["--pace", "4", "--threads", "1"], ["--pace", "0", "--step", "0", "--threads", "2"]):
        events = events_of(stream("--format", "json", *options, *files))
        texts.add(tuple((e["file"], e["from"], e["to"], e["text"]) for e in events if e["event"] == "final"))
    assert len(texts) == 1 and len({f for f, *_ in texts.pop()}) == 2


def test_text_lines(stream, recordings):
    answer = stream("--pace", "4", os.path.join(recordings, WAV))
    lines = answer.stdout.splitlines()
    assert all(re.match(r" *\d+\.\d\d +\d+\.\d\d [~? ] \S", line) for line in lines)
    assert words(lines[-1][18:]) == words(SENTENCE)
    assert sum(line[16] == " " for line in lines) == 1
    for line in lines:
        assert ("|" in line) == (line[16] == "~")


def test_a_live_pipe(program, stream, run, model, recordings):
    """The text is there while the pipe is still open."""
    with open(os.path.join(recordings, "goforward.raw"), "rb") as f:
        raw = f.read()
    command = [program, "transcribe", "--stream", "--raw", "--model", model, "--vad", prepared(run, "vad"), "--language", "en", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(raw + bytes(2 * 16000))
        process.stdin.flush()
        line = b""
        while not re.match(rb".{16}  \S", line):
            line = process.stdout.readline()
            assert line
        assert re.search(r"go forward,? (10|ten) meters", line.decode().lower())
        process.stdin.close()
        assert process.wait(timeout=60) == 0


def test_silence_gives_nothing(program, run, model, tmp_path):
    silence = tmp_path / "silence.raw"
    silence.write_bytes(bytes(4 * 16000))
    answer = run("transcribe", "--stream", "--raw", "--pace", "0", "--model", model, "--vad", prepared(run, "vad"), silence)
    assert answer.returncode == 0 and answer.stdout == ""


def test_what_is_missing_is_said(run, model, recordings, tmp_path):
    answer = run("transcribe", "--stream", "--model", model, "--vad", "no-such", os.path.join(recordings, WAV))
    assert answer.returncode == 1 and "no-such" in answer.stderr
    environment = {**os.environ, "CONFIGURATION_DIRECTORY": str(tmp_path)}
    (tmp_path / "voice-assistant.yaml").write_text(f"model:\n  folder: {tmp_path}\n")
    answer = run("transcribe", "--stream", "--model", model, os.path.join(recordings, WAV), env=environment)
    assert answer.returncode == 1 and "voice-assistant model fetch vad" in answer.stderr


def test_wrong_options(run, recordings):
    path = os.path.join(recordings, WAV)
    for options in (["--pace", "-1"], ["--pace", "nan"], ["--pace", "fast"], ["--step", "50"], ["--format", "srt"]):
        assert run("transcribe", "--stream", *options, path).returncode == 2


def test_a_bad_file_is_named_and_the_others_are_done(stream, recordings, tmp_path):
    text = tmp_path / "notes.wav"
    text.write_text("not audio\n" * 50)
    answer = stream("--pace", "0", text, tmp_path / "absent.wav", os.path.join(recordings, WAV))
    assert answer.returncode == 1
    assert words(answer.stdout.splitlines()[-1][18:]) == words(SENTENCE)
    assert "notes.wav" in answer.stderr and "absent.wav" in answer.stderr
