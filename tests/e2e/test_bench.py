"""bench: how fast this machine transcribes. What it measures is looked at for its shape and order, never for its size."""
import json
import os
import re
import shutil
import sys

import pytest

CARD = "cards/001.wav"
READING = "librivox/sense_and_sensibility_01_austen_64kb-0880.wav"
FIGURES = {"audio_s", "mel_ms", "encode_ms", "decode_ms", "total_ms", "times_faster", "cpu_s_per_audio_s"}


def check_figures(found):
    assert all(found[name] > 0 for name in FIGURES)
    assert found["times_faster"] == pytest.approx(1000 * found["audio_s"] / found["total_ms"], rel=0.01, abs=0.01)


def test_help(run):
    answer = run("bench", "--help")
    assert answer.returncode == 0 and "--rounds" in answer.stdout


def test_recordings(run, small_model, recordings):
    files = [os.path.join(recordings, name) for name in (CARD, READING)]
    answer = run("bench", "--model", small_model, "--threads", "1", "--rounds", "3", "--set", "model.kernels=c", "--json", *files)
    assert (answer.returncode, answer.stderr) == (0, "")
    found = json.loads(answer.stdout)
    assert set(found) == {"model", "kernels", "threads", "rounds", "peak_resident_bytes", "recordings", "total"}
    assert (found["model"], found["kernels"], found["threads"], found["rounds"]) == (small_model, "c", 1, 3)
    assert found["peak_resident_bytes"] > 1 << 20
    assert [row.pop("recording") for row in found["recordings"]] == files
    for row in (*found["recordings"], found["total"]):
        assert set(row) == FIGURES
        check_figures(row)
    assert found["recordings"][1]["audio_s"] == pytest.approx(3.0, abs=0.2)
    for name in ("audio_s", "mel_ms", "encode_ms", "decode_ms", "total_ms"):
        assert found["total"][name] == pytest.approx(sum(row[name] for row in found["recordings"]), abs=0.02)


def test_as_text(run, small_model, recordings):
    path = os.path.join(recordings, CARD)
    answer = run("bench", "--model", small_model, "--rounds", "1", path)
    assert (answer.returncode, answer.stderr) == (0, "")
    header, row, total, machine = answer.stdout.splitlines()
    assert header.startswith("audio s") and row.endswith(path) and total.endswith("total")
    assert len(row.split()) == 8 and row.split()[:7] == total.split()[:7]
    assert re.fullmatch(rf"model {re.escape(small_model)}, kernels \w+, threads: \d+, rounds: 1, memory at its peak: \d+\.\d MB", machine)


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="the package espeak-ng is not installed")
def test_speech_is_made_where_none_is_given(run, small_model):
    answer = run("bench", "--model", small_model, "--rounds", "1", "--set", "model.language=auto", "--json")
    assert (answer.returncode, answer.stderr) == (0, "")
    short, long = json.loads(answer.stdout)["recordings"]
    check_figures(short)
    check_figures(long)
    assert 1 < short["audio_s"] < 4 and 2 * short["audio_s"] < long["audio_s"] < 30
    assert len(short["recording"]) < len(long["recording"])


def test_without_a_synthesiser(run, small_model):
    for command in ("no-such-program", f"{sys.executable} -c pass"):
        answer = run("bench", "--model", small_model, "--set", f"speech.command={command}")
        assert answer.returncode == 1 and answer.stdout == ""
        assert "give a recording" in answer.stderr and len(answer.stderr.splitlines()) == 1


def test_what_cannot_be_transcribed(run, small_model, recordings, tmp_path):
    (tmp_path / "damaged.wav").write_bytes(b"RIFF\xff\xff\xff\xffWAVEfmt ")
    (tmp_path / "text.txt").write_text("no sound")
    for name in ("nowhere.wav", "damaged.wav", "text.txt"):
        answer = run("bench", "--model", small_model, os.path.join(recordings, CARD), tmp_path / name)
        assert answer.returncode == 1 and answer.stdout == ""
        assert name in answer.stderr and len(answer.stderr.splitlines()) == 1
    assert run("bench", "--model", tmp_path / "none.vam", os.path.join(recordings, CARD)).returncode == 1


def test_no_sound(run, small_model, tmp_path):
    path = tmp_path / "empty.wav"
    path.write_bytes(b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data\0\0\0\0")
    answer = run("bench", "--model", small_model, path)
    assert answer.returncode == 1 and answer.stdout == "" and "empty.wav" in answer.stderr


@pytest.mark.parametrize("arguments", [["--nope"], ["--rounds", "0"], ["--rounds", "1001"], ["--rounds", "2x"], ["--rounds", ""], ["--rounds"],
                                       ["--threads", "65"], ["--threads", "few"], ["--set", "x"], ["-"]])
def test_wrong_command_lines(run, arguments):
    answer = run("bench", *arguments)
    assert answer.returncode == 2
    fault, *more = answer.stderr.splitlines()
    assert answer.stdout == "" and fault and more in ([], ["see 'voice-assistant bench --help'"])
