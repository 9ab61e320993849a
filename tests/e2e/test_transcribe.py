"""voice-assistant transcribe and demo, on recorded speech."""
import json
import os
import re
import resource
import subprocess

SENTENCE = "He was not an ill-disposed young man."
WAV = "librivox/sense_and_sensibility_01_austen_64kb-0880.wav"


def words(text):
    return re.sub(r"[^a-z ]", "", text.lower().replace("-", " ")).split()


def test_text(run, model, recordings):
    answer = run("transcribe", "--model", model, "--language", "en", os.path.join(recordings, WAV))
    assert answer.returncode == 0
    assert words(answer.stdout) == words(SENTENCE)


def test_json_has_every_field(run, model, recordings):
    path = os.path.join(recordings, WAV)
    answer = run("transcribe", "--model", model, "--language", "en", "--timestamps", "word", "--format", "json", path)
    assert answer.returncode == 0
    [line] = answer.stdout.splitlines()
    found = json.loads(line)
    assert found["file"] == path and found["language"] == "en"
    assert abs(found["duration"] - 3.0) < 0.2
    assert 0.5 < found["confidence"] <= 1
    assert set(found["timing"]) == {"load_ms", "mel_ms", "encode_ms", "decode_ms", "total_ms"}
    [segment] = found["segments"]
    assert 0 <= segment["start"] < segment["end"] <= found["duration"] + 0.5
    assert words("".join(w["word"] for w in segment["words"])) == words(SENTENCE)
    starts = [w["start"] for w in segment["words"]]
    assert starts == sorted(starts)


def test_silence_is_no_text(run, small_model, tmp_path):
    (tmp_path / "silence.raw").write_bytes(bytes(2 * 32000))
    for form, printed in (("text", "\n"), ("srt", ""), ("vtt", "WEBVTT\n\n")):
        answer = run("transcribe", "--model", small_model, "--raw", "--format", form, tmp_path / "silence.raw")
        assert (answer.returncode, answer.stdout, answer.stderr) == (0, printed, ""), form


def test_headerless_audio(run, model, recordings):
    answer = run("transcribe", "--model", model, "--language", "en", "--raw", os.path.join(recordings, "goforward.raw"))
    assert re.fullmatch(r"go forward,? (10|ten) meters\.?\n", answer.stdout.lower())


def test_standard_input(program, model, recordings):
    with open(os.path.join(recordings, WAV), "rb") as f:
        answer = subprocess.run([program, "transcribe", "--model", model, "--language", "en", "-"], stdin=f, capture_output=True, text=True,
                                timeout=120, check=False)
    assert words(answer.stdout) == words(SENTENCE)


def test_subtitles(run, model, recordings):
    path = os.path.join(recordings, WAV)
    srt = run("transcribe", "--model", model, "--language", "en", "--format", "srt", path).stdout
    assert re.match(r"1\n00:00:\d\d,\d{3} --> 00:00:\d\d,\d{3}\n\S", srt)
    vtt = run("transcribe", "--model", model, "--language", "en", "--format", "vtt", path).stdout
    assert re.match(r"WEBVTT\n\n00:00:\d\d\.\d{3} --> 00:00:\d\d\.\d{3}\n\S", vtt)


def test_the_number_of_threads_does_not_change_the_result(run, model, recordings):
    answers = set()
    for threads in (1, 2, 3):
        line = run("transcribe", "--model", model, "--threads", threads, "--format", "json", os.path.join(recordings, WAV)).stdout
        found = json.loads(line)
        answers.add((found["text"], found["confidence"]))
    assert len(answers) == 1


def test_a_bad_file_is_named_and_the_others_are_done(run, model, recordings, tmp_path):
    text = tmp_path / "notes.wav"
    text.write_text("not audio\n" * 50)
    empty = tmp_path / "empty.flac"
    empty.write_bytes(b"")
    answer = run("transcribe", "--model", model, "--language", "en", text, empty, tmp_path / "absent.wav", os.path.join(recordings, WAV))
    assert answer.returncode == 1
    assert words(answer.stdout) == words(SENTENCE)
    for name in ("notes.wav", "empty.flac", "absent.wav"):
        assert name in answer.stderr


def test_a_header_that_claims_hours_is_not_believed(run, model, recordings, tmp_path):
    with open(os.path.join(recordings, WAV), "rb") as f:
        data = bytearray(f.read())
    at = data.index(b"data") + 4
    data[at:at + 4] = (0x7fffff00).to_bytes(4, "little")
    lying = tmp_path / "lying.wav"
    lying.write_bytes(data)
    answer = run("transcribe", "--model", model, "--language", "en", lying)
    assert answer.returncode == 1 or words(answer.stdout) == words(SENTENCE)


def test_the_malformed_set_neither_crashes_nor_hangs(run, small_model, shared_data):
    folder = os.path.join(shared_data, "malformed")
    files = sorted(os.path.join(place, name) for place, _, names in os.walk(folder) for name in names if not name.endswith((".tsv", ".md")))
    assert len(files) > 100
    answer = run("transcribe", "--model", small_model, "--language", "en", "--format", "json", *files, timeout=1200)
    assert answer.returncode in (0, 1)
    done = {json.loads(line)["file"] for line in answer.stdout.splitlines()}
    for path in set(files) - done:
        assert os.path.basename(path) in answer.stderr
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 600 * 1024, "kB"


def test_the_demo_obeys_recorded_commands(run, model, source, recordings):
    answer = run("demo", "--model", model, os.path.join(source, "deploy", "demo"), timeout=300)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "The robot says: moving forward 10 meters" in answer.stdout
    assert "You named the seven of clubs." in answer.stdout
    assert answer.stdout.count("none fits: nothing is done") >= 3


def test_the_demo_says_what_is_missing(run, tmp_path):
    answer = run("demo", tmp_path)
    assert answer.returncode == 1
    assert "recordings.yaml" in answer.stderr
