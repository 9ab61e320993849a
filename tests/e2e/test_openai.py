"""The official Python client of OpenAI, unchanged, on `serve`."""
import glob
import io
import os
import re
import time
import wave

import pytest

openai = pytest.importorskip("openai")

from conftest import wait_until  # noqa: E402
from test_server import Server  # noqa: E402

WAV = "librivox/sense_and_sensibility_01_austen_64kb-0880.wav"
TIMEOUT_S = 120


@pytest.fixture(scope="module")
def server(program, small_model, source, tmp_path_factory):
    running = Server(program, "--model", small_model, "--commands", os.path.join(source, "deploy", "commands"), "--microphone", "none",
                     folder=tmp_path_factory.mktemp("openai"))
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def client(server):
    with openai.OpenAI(base_url=server.url + "/v1", api_key="none", timeout=TIMEOUT_S, max_retries=0) as made:
        yield made


@pytest.fixture
def recording(recordings):
    with open(os.path.join(recordings, WAV), "rb") as f:
        yield f


def silence(seconds):
    """A WAV file in memory, with a name as clients give it."""
    out = io.BytesIO()
    with wave.open(out, "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(16000)
        f.writeframes(bytes(int(32000 * seconds)))
    out.seek(0)
    out.name = "silence.wav"
    return out


# ---- models ----

def test_models(client):
    names = [model.id for model in client.models.list()]
    assert "whisper-1" in names and "tiny.en" in names
    assert client.models.retrieve("whisper-1").owned_by == "voice-assistant"
    with pytest.raises(openai.NotFoundError) as error:
        client.models.retrieve("gpt-17")
    assert error.value.code == "model_not_found" and error.value.param == "model"


# ---- transcriptions ----

def test_json(client, recording):
    made = client.audio.transcriptions.create(model="whisper-1", file=recording)
    assert "young man" in made.text and made.usage.type == "duration" and made.usage.seconds == 3


def test_text(client, recording):
    made = client.audio.transcriptions.create(model="tiny.en", file=recording, response_format="text", language="en", temperature=0.2,
                                              prompt="He was not an ill disposed young man")
    assert "young man" in made and made.endswith("\n")


def test_subtitles(client, recording):
    srt = client.audio.transcriptions.create(model="whisper-1", file=recording, response_format="srt")
    assert re.match(r"1\n00:00:0\d,\d{3} --> 00:00:0\d,\d{3}\n.*young man", srt)
    recording.seek(0)
    vtt = client.audio.transcriptions.create(model="whisper-1", file=recording, response_format="vtt")
    assert re.match(r"WEBVTT\n\n00:00:0\d\.\d{3} --> 00:00:0\d\.\d{3}\n.*young man", vtt)


def test_verbose(client, recording):
    made = client.audio.transcriptions.create(model="whisper-1", file=recording, response_format="verbose_json")
    assert made.language == "english" and abs(made.duration - 3.0) < 0.2 and "young man" in made.text
    assert made.words is None and len(made.segments) >= 1
    segment = made.segments[0]
    assert segment.id == 0 and segment.start < segment.end and segment.tokens and segment.avg_logprob < 0
    assert 0 <= segment.no_speech_prob <= 1 and segment.compression_ratio > 0 and segment.seek >= 0


def test_word_times(client, recording):
    made = client.audio.transcriptions.create(model="whisper-1", file=recording, response_format="verbose_json",
                                              timestamp_granularities=["word"])
    assert made.segments is None
    words = [word.word for word in made.words]
    assert "young" in words and all(a.end <= b.start + 0.001 for a, b in zip(made.words, made.words[1:]))
    recording.seek(0)
    both = client.audio.transcriptions.create(model="whisper-1", file=recording, response_format="verbose_json",
                                              timestamp_granularities=["word", "segment"])
    assert both.segments and [word.word for word in both.words] == words


def test_streaming(client, recording):
    whole = client.audio.transcriptions.create(model="whisper-1", file=recording).text
    recording.seek(0)
    events = list(client.audio.transcriptions.create(model="whisper-1", file=recording, stream=True))
    assert [event.type for event in events[:-1]] == ["transcript.text.delta"] * (len(events) - 1)
    assert events[-1].type == "transcript.text.done" and events[-1].text == whole
    assert "".join(event.delta for event in events[:-1]) == whole


def test_logprobs(client, recording):
    made = client.audio.transcriptions.create(model="whisper-1", file=recording, include=["logprobs"])
    assert b"".join(bytes(map(int, token.bytes)) for token in made.logprobs).decode().strip() == made.text
    assert all(token.token.encode() == bytes(map(int, token.bytes)) for token in made.logprobs)
    recording.seek(0)
    segments = client.audio.transcriptions.create(model="whisper-1", file=recording, response_format="verbose_json").segments
    assert len(made.logprobs) == sum(len(segment.tokens) for segment in segments)
    mean = sum(segment.avg_logprob * len(segment.tokens) for segment in segments) / len(made.logprobs)
    assert sum(token.logprob for token in made.logprobs) / len(made.logprobs) == pytest.approx(mean, abs=1e-3)
    recording.seek(0)
    done = list(client.audio.transcriptions.create(model="whisper-1", file=recording, stream=True, include=["logprobs"]))[-1]
    assert [token.model_dump() for token in done.logprobs] == [token.model_dump() for token in made.logprobs]
    recording.seek(0)
    assert client.audio.transcriptions.create(model="whisper-1", file=recording).logprobs is None
    assert client.audio.transcriptions.create(model="whisper-1", file=silence(1), include=["logprobs"]).logprobs == []


def long_speech(recordings, seconds):
    """A file of so much varied speech."""
    data = b""
    for path in sorted(glob.glob(os.path.join(recordings, "librivox", "*.wav"))):
        with wave.open(path, "rb") as f:
            data += f.readframes(f.getnframes())
    data *= 1 + 2 * 16000 * seconds // len(data)
    long = silence(0)
    with wave.open(long, "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(16000)
        f.writeframes(data[:2 * 16000 * seconds])
    long.seek(0)
    return long


def test_streaming_comes_while_it_is_transcribed(client, recordings):
    """The first window's text is there before the last one's."""
    times = []
    for event in client.audio.transcriptions.create(model="whisper-1", file=long_speech(recordings, 40), stream=True):
        times.append(time.monotonic())
        last = event
    assert last.type == "transcript.text.done" and len(times) > 2
    assert times[-1] > times[0]


def test_silence_is_no_text(client):
    assert client.audio.transcriptions.create(model="whisper-1", file=silence(1)).text == ""
    assert client.audio.transcriptions.create(model="whisper-1", file=silence(1), response_format="vtt").startswith("WEBVTT")
    assert client.audio.transcriptions.create(model="whisper-1", file=silence(1), response_format="srt").strip() == ""
    assert [event.type for event in client.audio.transcriptions.create(model="whisper-1", file=silence(1), stream=True)] == [
        "transcript.text.done"]


# ---- what goes wrong raises what it should ----

@pytest.mark.parametrize("wrong, parameter", [
    ({"response_format": "diarized_json"}, "response_format"),
    ({"temperature": 3}, "temperature"),
    ({"language": "a language that does not exist"}, "language"),
    ({"response_format": "json", "timestamp_granularities": ["word"]}, "timestamp_granularities[]"),
    ({"response_format": "verbose_json", "timestamp_granularities": ["letter"]}, "timestamp_granularities[]"),
    ({"response_format": "verbose_json", "include": ["logprobs"]}, "include[]"),
    ({"include": ["usage"]}, "include[]"),
    ({"response_format": "srt", "stream": True}, "response_format"),
    ({"prompt": "x" * 5000}, "prompt"),
])
def test_wrong_parameters(client, wrong, parameter):
    with pytest.raises(openai.BadRequestError) as error:
        client.audio.transcriptions.create(model="whisper-1", file=silence(1), **wrong)
    assert error.value.param == parameter and error.value.type == "invalid_request_error"


def test_wrong_language(client):
    with pytest.raises(openai.BadRequestError):
        client.audio.transcriptions.create(model="whisper-1", file=silence(1), language="xx")


def test_wrong_model(client):
    with pytest.raises(openai.NotFoundError) as error:
        client.audio.transcriptions.create(model="whisper-2", file=silence(1))
    assert error.value.code == "model_not_found"


@pytest.mark.parametrize("name, data", [("a.m4a", b"\0\0\0\x20ftypM4A " + bytes(200)), ("a.webm", b"\x1aE\xdf\xa3" + bytes(200))])
def test_formats_that_are_not_read(client, name, data):
    with pytest.raises(openai.BadRequestError) as error:
        client.audio.transcriptions.create(model="whisper-1", file=(name, data))
    assert error.value.code == "unsupported_format" and error.value.param == "file"
    assert all(kind in error.value.message for kind in ("WAV", "FLAC", "MP3"))


def test_damaged_file(client):
    with pytest.raises(openai.BadRequestError):
        client.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"RIFF" + bytes(100)))
    with pytest.raises(openai.BadRequestError):
        client.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"RIFF" + bytes(100)), stream=True)


def test_no_file(server):
    import requests
    answer = requests.post(server.url + "/v1/audio/transcriptions", files={"model": (None, "whisper-1")}, timeout=TIMEOUT_S)
    assert answer.status_code == 400 and answer.json()["error"]["param"] == "file"


def test_a_large_file(client, server):
    size = 1 << 20
    status = server.get("/status").json()
    with pytest.raises(openai.APIStatusError) as error:
        client.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"RIFF" + bytes(101 * size)))
    assert error.value.status_code == 413 and error.value.body["type"] == "invalid_request_error"
    assert server.get("/status").json()["uptime"] >= status["uptime"]


def test_paths_that_do_not_exist(client):
    with pytest.raises(openai.NotFoundError) as error:
        client.embeddings.create(model="whisper-1", input="text")
    assert error.value.type == "invalid_request_error"


def test_translation_needs_a_multilingual_model(client, recording):
    with pytest.raises(openai.BadRequestError) as error:
        client.audio.translations.create(model="whisper-1", file=recording)
    assert "English only" in error.value.message


def test_translation(program, model, source, recording, tmp_path):
    running = Server(program, "--model", model, "--microphone", "none", "--commands", os.path.join(source, "deploy", "commands"), folder=tmp_path)
    try:
        with openai.OpenAI(base_url=running.url + "/v1", api_key="none", timeout=TIMEOUT_S, max_retries=0) as client:
            made = client.audio.translations.create(model="whisper-1", file=recording, response_format="verbose_json")
            assert made.text and made.model_extra["task"] == "translate"
    finally:
        assert running.stop() == 0


def test_a_client_that_leaves(client, server, recordings):
    """Its transcription is given up, and the next client need not wait for it."""
    def is_idle():
        return server.get("/status").json()["transcribing"] == 0
    long = long_speech(recordings, 600)
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=1).audio.transcriptions.create(model="whisper-1", file=long)
    wait_until(is_idle)
    long.seek(0)
    with client.audio.transcriptions.create(model="whisper-1", file=long, stream=True) as stream:
        next(iter(stream))
    wait_until(is_idle)


# ---- speech ----

SYNTHESISER = """#!/bin/sh
# A WAV file of a second; the voice nobody has none.
[ "$1" = nobody ] && exit 1
cat > "$3"
echo "$1 $2" >> "$3"
cat "$4"
"""


@pytest.fixture(scope="module")
def speaking(program, small_model, source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("speech")
    script, said, sound = folder / "speak", folder / "said.txt", folder / "sound.wav"
    script.write_text(SYNTHESISER)
    script.chmod(0o755)
    sound.write_bytes(silence(1).getvalue())
    running = Server(program, "--model", small_model, "--microphone", "none", "--commands", os.path.join(source, "deploy", "commands"),
                     "--set", f"speech.command={script} {{voice}} {{rate}} {said} {sound}", folder=folder)
    with openai.OpenAI(base_url=running.url + "/v1", api_key="none", timeout=TIMEOUT_S, max_retries=0) as client:
        yield client, said
    assert running.stop() == 0


@pytest.mark.parametrize("name, start", [("mp3", None), ("wav", b"RIFF"), ("flac", b"fLaC"), ("opus", b"OggS"), ("pcm", None)])
def test_speech(speaking, name, start):
    client, said = speaking
    sound = client.audio.speech.create(model="tts-1", voice="alloy", input="Good morning", response_format=name).content
    assert said.read_text().startswith("Good morning")
    if start:
        assert sound.startswith(start)
    if name == "mp3":
        assert sound[:3] == b"ID3" or (sound[0] == 0xff and sound[1] & 0xe0 == 0xe0)
    if name == "pcm":  # a second at 24 kHz
        assert abs(len(sound) - 48000) <= 4
    if name != "pcm" and name != "wav":  # and can be read again
        client.audio.transcriptions.create(model="whisper-1", file=("speech." + name, sound))


def test_speech_is_faster_and_of_other_voices(speaking):
    client, said = speaking
    client.audio.speech.create(model="tts-1", voice="de", input="text", speed=2, response_format="wav")
    assert said.read_text().split() == ["text", "de", "340"]
    with pytest.raises(openai.BadRequestError) as error:
        client.audio.speech.create(model="tts-1", voice="nobody", input="text")
    assert error.value.param == "voice"


@pytest.mark.parametrize("wrong, parameter", [({"input": ""}, "input"), ({"input": "x" * 5000}, "input"), ({"response_format": "aac"}, None),
                                              ({"speed": 9}, "speed"), ({"voice": "../x"}, None)])
def test_wrong_speech(speaking, wrong, parameter):
    client, _ = speaking
    with pytest.raises(openai.BadRequestError) as error:
        client.audio.speech.create(**{"model": "tts-1", "voice": "alloy", "input": "text", **wrong})
    assert error.value.param == parameter
    with pytest.raises(openai.NotFoundError):
        client.audio.speech.create(model="whisper-1", voice="alloy", input="text")
