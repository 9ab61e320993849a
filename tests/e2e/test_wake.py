"""wake: a word of one's own, enrolled, found, listed, removed."""
import glob
import os
import stat

import pytest


@pytest.fixture
def jarvis(shared_data):
    files = sorted(glob.glob(os.path.join(shared_data, "wakeword_picovoice", "jarvis_*.flac")))
    if len(files) < 7:
        pytest.skip("no shared recordings of wake words")
    return files


@pytest.fixture
def options(small_model, tmp_path):
    vad = os.path.join(os.path.dirname(small_model), "vad.vam") if os.sep in small_model else "vad"
    if os.sep in small_model and not os.path.exists(vad):
        pytest.skip("the model vad is not prepared")
    return ["--model", small_model, "--vad", vad, "--language", "en", "--folder", tmp_path / "words"]


def test_a_word_from_files(run, options, jarvis, shared_data, tmp_path):
    answer = run("wake", "enrol", *options, "my-word", *jarvis[:3], *jarvis[4:6])
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("my-word: enrolled, heard as '")
    assert stat.S_IMODE(os.stat(tmp_path / "words" / "my-word").st_mode) == 0o600
    assert run("wake", "list", *options).stdout == "my-word\n"
    found = run("wake", "test", *options, "my-word", jarvis[-1], jarvis[-2])
    assert found.returncode == 0 and found.stdout.count(": said, ") == 2
    other = os.path.join(shared_data, "misc_read", "jfk.flac")
    missed = run("wake", "test", *options, "my-word", other)
    assert missed.returncode == 1 and missed.stdout.startswith(f"{other}: not said, 0.0")
    assert run("wake", "remove", *options, "my-word").returncode == 0
    assert run("wake", "list", *options).stdout == ""
    assert run("wake", "remove", *options, "my-word").returncode == 1


def test_a_word_from_the_microphone(run, options, recordings):
    """A file as microphone, in which nobody says one word five times."""
    reading = os.path.join(recordings, "goforward.raw")
    with open(reading, "rb") as sound:
        answer = run("wake", "enrol", *options, "--microphone", "-", "w", stdin=sound)
    assert answer.returncode == 1
    assert "Say the word 5 times" in answer.stderr and "1 of 5" in answer.stderr and "needs 3 to 10 samples, not 1" in answer.stderr
    assert run("wake", "enrol", *options, "--microphone", "none", "w").returncode == 1


def test_samples_of_no_use_are_named(run, options, jarvis, shared_data):
    alexa = os.path.join(shared_data, "wakeword_picovoice", "alexa_0.flac")
    answer = run("wake", "enrol", *options, "w", *jarvis[:3], alexa)
    assert answer.returncode == 0
    assert answer.stderr == f"voice-assistant wake: {alexa} was not used: it sounds different from the others\n"
    answer = run("wake", "enrol", *options, "w", *jarvis[:2])
    assert answer.returncode == 1 and "3 to 10 samples" in answer.stderr


def test_wrong_command_lines(run, options, tmp_path):
    for arguments, message in (([], "say enrol, list, remove or test"), (["enrol"], "enrol needs NAME"), (["test", "x"], "test needs a FILE"),
                               (["sing"], "no 'sing'"), (["list", "x"], "'x' makes no sense"), (["remove", "a", "b"], "'b' makes no sense"),
                               (["test", "--sensitivity", "2", "x", "y"], "'2' is not a number from 0 to 1")):
        answer = run("wake", *arguments)
        assert answer.returncode == 2 and message in answer.stderr
    answer = run("wake", "enrol", "--folder", tmp_path, "../x", "a.wav", "b.wav", "c.wav")
    assert answer.returncode == 1 and "no name for a word" in answer.stderr
    answer = run("wake", "test", *options, "nothing", "a.wav")
    assert answer.returncode == 1 and "nothing" in answer.stderr
    assert run("wake", "--help").returncode == 0
