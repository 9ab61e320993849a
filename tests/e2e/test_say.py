"""say, and replies that are said: by the real synthesiser, and heard again by the engine."""
import os
import re
import shutil
import stat
import sys
import time
import wave

import pytest

from test_server import Server

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="the package espeak-ng is not installed")


def words(text):
    return re.sub(r"[^a-z0-9 ]", "", text.lower().replace("-", " ")).split()


def duration_s(path):
    with wave.open(str(path)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (16000, 1, 2)
        return sound.getnframes() / 16000


@needs_espeak
@pytest.mark.parametrize("sentence", ["I have added milk and bread to the shopping list.", "Your appointment is on Monday morning."])
def test_what_is_said_is_heard(run, model, tmp_path, sentence):
    answer = run("say", "--output", tmp_path / "a.wav", "--language", "en", sentence)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    assert stat.S_IMODE(os.stat(tmp_path / "a.wav").st_mode) == 0o600
    heard = run("transcribe", "--model", model, "--language", "en", tmp_path / "a.wav")
    assert heard.returncode == 0
    wanted = words(sentence)
    found = words(heard.stdout)
    assert sum(word in found for word in wanted) >= len(wanted) - 1, heard.stdout


@needs_espeak
def test_options(run, tmp_path):
    text = "one two three four five six"
    for name, options in {"a": [], "slow": ["--set", "speech.rate=90"], "de": ["--language", "de"], "voice": ["--voice", "en-us+f3"]}.items():
        assert run("say", "--output", tmp_path / f"{name}.wav", *options, text).returncode == 0
    assert duration_s(tmp_path / "slow.wav") > 1.3 * duration_s(tmp_path / "a.wav")
    contents = {(tmp_path / f"{name}.wav").read_bytes() for name in ("a", "slow", "de", "voice")}
    assert len(contents) == 4
    assert run("say", "--output", tmp_path / "in.wav", "-", input=text).returncode == 0
    assert (tmp_path / "in.wav").read_bytes() == (tmp_path / "a.wav").read_bytes()
    assert run("say", "--output", tmp_path, text).returncode == 0
    assert (tmp_path / "000001.wav").exists()


@needs_espeak
def test_what_cannot_be_said(run, tmp_path):
    for arguments, message in ((["--voice", "nonsense", "x"], "is there such a voice"), (["--voice", "--pho", "x"], "no voice"),
                               ([" "], "not blank"), (["x" * 5000], "at most 4096"),
                               (["--set", "speech.command=no-such-program", "x"], "no-such-program"), (["--device", "no_such_device", "x"], "no_such_device")):
        answer = run("say", *([] if "--device" in arguments else ["--output", tmp_path / "x.wav"]), *arguments)
        assert answer.returncode == 1
        assert message in answer.stderr and len(answer.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_another_program(run, tmp_path):
    script = tmp_path / "my synthesiser.py"
    script.write_text("import os, sys, wave\n"
                      "assert sys.stdin.read() == 'hello; $(id)\\n' and sys.argv[1:] == ['a b', '--voice=xx-yy', 'xx'] and 'HOME' not in os.environ\n"
                      "with wave.open(sys.stdout.buffer, 'wb') as w:\n"
                      "    w.setnchannels(1); w.setsampwidth(2); w.setframerate(8000); w.writeframesraw(bytes(8000))\n")
    command = f"{sys.executable} '{script}' \"a b\" --voice={{voice}} {{language}}"
    answer = run("say", "--set", f"speech.command={command}", "--language", "xx", "--voice", "xx-yy", "--output", tmp_path / "a.wav", "hello; $(id)")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert duration_s(tmp_path / "a.wav") == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--nope", "a"], ["--output"]])
def test_wrong_command_lines(run, arguments):
    answer = run("say", *arguments)
    assert answer.returncode == 2
    assert answer.stdout == "" and answer.stderr != ""


@needs_espeak
def test_replies_of_the_api_are_said_where_asked_for(program, small_model, source, tmp_path):
    spoken = tmp_path / "spoken"
    spoken.mkdir()
    server = Server(program, "--model", small_model, "--microphone", "none", "--commands", f"{source}/deploy/commands", "--workers", "1",
                    "--set", f"speech.output=wav:{spoken}", folder=tmp_path)

    def execute(**body):
        answer = server.post("/command/execute", json={"text": "make it 21", **body})
        assert answer.status_code == 200, answer.text
        return answer.json()["response"]

    try:
        execute()
        execute(speak=False)
        assert "21" in execute(speak=True)
        assert server.post("/command/execute", json={"text": "make it 21", "speak": "yes"}).status_code == 400
        for _ in range(600):
            if (spoken / "000001.wav").exists():
                break
            time.sleep(0.05)
    finally:
        assert server.stop() == 0
    assert [path.name for path in spoken.iterdir()] == ["000001.wav"]
    assert duration_s(spoken / "000001.wav") > 0.5
    assert not (tmp_path / "speech").exists()  # the reply has a slot, so its sound is not kept
