"""Wyoming, by the client that Home Assistant uses: the package `wyoming` of PyPI."""
import array
import asyncio
import difflib
import glob
import json
import os
import re
import select
import shutil
import socket
import struct
import subprocess
import sys
import time

import pytest

pytest.importorskip("wyoming")

from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop  # noqa: E402
from wyoming.audio import AudioChunk, AudioStart, AudioStop  # noqa: E402
from wyoming.client import AsyncTcpClient  # noqa: E402
from wyoming.error import Error  # noqa: E402
from wyoming.handle import Handled, NotHandled  # noqa: E402
from wyoming.info import Describe, Info  # noqa: E402
from wyoming.intent import Intent, NotRecognized, Recognize  # noqa: E402
from wyoming.ping import Ping, Pong  # noqa: E402
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeStopped, SynthesizeVoice  # noqa: E402
from wyoming.wake import Detect, Detection, NotDetected  # noqa: E402

from test_listen import decoded, silence  # noqa: E402
from test_server import Server  # noqa: E402

RATE = 16000
WAIT_S = 120
JFK = "And so my fellow Americans ask not what your country can do for you ask what you can do for your country"


class Wyoming(Server):
    """`serve`, with its Wyoming on a port of its own."""

    def __init__(self, program, *arguments, folder):
        super().__init__(program, "--microphone", "none", "--set", "server.tls=no", "--set", "wyoming.port=0", *arguments, folder=folder)
        while (found := re.match(r"wyoming on port (\d+)", self.process.stdout.readline())) is None:
            assert self.process.poll() is None
        self.port = int(found[1])

    def client(self):
        return AsyncTcpClient("127.0.0.1", self.port)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_S)


def beside(model, name):
    path = os.path.join(os.path.dirname(model), name + ".vam") if os.sep in model else name
    if os.sep in path and not os.path.exists(path):
        pytest.skip(f"the model {name} is not prepared")
    return path


@pytest.fixture(scope="module")
def arguments(small_model, source):
    return ["--model", small_model, "--set", f"listen.vad={beside(small_model, 'vad')}", "--set", f"listen.words={beside(small_model, 'wake-alexa')}",
            "--commands", os.path.join(source, "deploy", "commands")]


@pytest.fixture(scope="module")
def server(program, arguments, tmp_path_factory):
    running = Wyoming(program, *arguments, "--set", "wyoming.max_clients=16", folder=tmp_path_factory.mktemp("wyoming"))
    yield running
    assert running.stop() == 0


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, WAIT_S))


async def ask(server, *events, until):
    """Sends the events; all that comes, until one of these types has come."""
    got = []
    async with server.client() as talker:
        for event in events:
            await talker.write_event(event.event())
        while not got or not any(kind.is_type(got[-1].type) for kind in until):
            event = await talker.read_event()
            assert event is not None, got
            got.append(event)
    return got


def chunks(pcm, rate=RATE, width=2, channels=1, samples=1024):
    size = samples * width * channels
    yield AudioStart(rate=rate, width=width, channels=channels)
    for at in range(0, len(pcm), size):
        yield AudioChunk(rate=rate, width=width, channels=channels, audio=pcm[at:at + size], timestamp=at * 1000 // (rate * width * channels))
    yield AudioStop()


def words(text):
    return re.sub(r"[^a-z' ]", "", text.lower().replace("-", " ")).split()


def likeness(text, wanted):
    return difflib.SequenceMatcher(None, words(text), words(wanted)).ratio()


@pytest.fixture(scope="module")
def jfk(shared_data):
    return decoded(os.path.join(shared_data, "misc_read", "jfk.flac"))


# ---- what there is ----

def test_describe(server):
    info = Info.from_event(run(ask(server, Describe(), until=[Info]))[-1])
    assert [program.name for program in info.asr + info.wake + info.tts + info.intent + info.handle] == ["voice-assistant"] * 5
    for program in info.asr + info.wake + info.tts + info.intent + info.handle:
        assert program.installed and program.attribution.name and program.version
    assert info.asr[0].supports_transcript_streaming and info.asr[0].models[0].languages == ["en"]
    assert info.tts[0].supports_synthesize_streaming and info.tts[0].voices[0].languages == ["en"]
    assert info.wake[0].models[0].phrase == "Alexa"
    assert "en" in info.intent[0].models[0].languages and "en" in info.handle[0].models[0].languages


def test_ping_and_unknown_events(server):
    class Strange:
        def event(self):
            from wyoming.event import Event
            return Event("strange", {"a": 1}, b"payload")
    got = run(ask(server, Strange(), Ping(text="x"), until=[Pong]))
    assert len(got) == 1 and Pong.from_event(got[0]).text == "x"


# ---- speech to text ----

def test_transcribe(server, jfk):
    got = run(ask(server, Transcribe(language="en"), *chunks(jfk), until=[Transcript]))
    text = Transcript.from_event(got[-1])
    assert likeness(text.text, JFK) > 0.9 and text.language == "en"


def test_the_text_comes_in_pieces(server, jfk):
    """At the speed of speech; the pieces, together, are the text, as nothing stable has changed."""
    async def talk():
        got = []
        async with server.client() as client:
            came = asyncio.Event()
            pause = AudioChunk(rate=RATE, width=2, channels=1, audio=silence(0.1))

            async def read():
                while not got or not TranscriptStop.is_type(got[-1][1].type):
                    got.append((time.monotonic(), await client.read_event()))
                    if TranscriptChunk.is_type(got[-1][1].type):
                        came.set()
            reader = asyncio.create_task(read())
            await client.write_event(Transcribe(language="en-US").event())
            ended = 0
            for event in chunks(jfk, samples=3200):
                while AudioStop.is_type(event.event().type) and not came.is_set():  # on a machine slower than speech
                    await client.write_event(pause.event())
                    await asyncio.sleep(0.1)
                await client.write_event(event.event())
                if AudioChunk.is_type(event.event().type):
                    await asyncio.sleep(0.1)
                ended = time.monotonic()
            await reader
        return got, ended
    got, ended = run(talk())
    kinds = [event.type for _, event in got]
    assert kinds[0] == "transcript-start" and kinds[-2:] == ["transcript", "transcript-stop"]
    assert set(kinds[1:-2]) == {"transcript-chunk"} and TranscriptStart.from_event(got[0][1]).language == "en"
    assert got[1][0] < ended, "no piece came before the audio ended"
    text = Transcript.from_event(got[-2][1]).text
    assert likeness(text, JFK) > 0.9
    assert likeness("".join(TranscriptChunk.from_event(event).text for _, event in got[1:-2]), text) > 0.8


@pytest.mark.parametrize("rate,width,channels", [(48000, 2, 2), (16000, 4, 1), (8000, 2, 1), (22050, 3, 1)])
def test_other_forms_of_audio(server, jfk, rate, width, channels):
    samples = array.array("h", jfk)
    picked = [samples[int(i * RATE / rate)] for i in range(len(samples) * rate // RATE)]
    pcm = b"".join((struct.pack("<i", s << 16)[4 - width:] * channels) for s in picked)
    got = run(ask(server, Transcribe(), *chunks(pcm, rate, width, channels, samples=4096), until=[Transcript]))
    assert likeness(Transcript.from_event(got[-1]).text, JFK) > 0.8


def test_a_connection_is_used_again(server, jfk):
    async def talk():
        texts = []
        async with server.client() as client:
            for _ in range(2):
                await client.write_event(Transcribe().event())
                for event in chunks(jfk[:RATE * 2 * 4]):
                    await client.write_event(event.event())
                while not Transcript.is_type((event := await client.read_event()).type):
                    pass
                texts.append(Transcript.from_event(event).text)
            await client.write_event(Describe().event())
            while not Info.is_type((await client.read_event()).type):
                pass
        return texts
    first, second = run(talk())
    assert first == second and "fellow Americans" in first


def test_several_at_once(server, jfk):
    async def talk():
        return await asyncio.gather(*(ask(server, Transcribe(), *chunks(jfk), until=[Transcript]) for _ in range(3)),
                                    *(ask(server, Describe(), until=[Info]) for _ in range(3)))
    got = run(talk())
    assert len({Transcript.from_event(events[-1]).text for events in got[:3]}) == 1
    assert all(Info.is_type(events[-1].type) for events in got[3:])


def test_too_many_are_told(server, jfk):
    """live.sessions of them are listened to; one more is answered at once."""
    async def talk():
        clients = [server.client() for _ in range(5)]
        for client in clients:
            await client.connect()
            await client.write_event(AudioStart(rate=RATE, width=2, channels=1).event())
            await client.write_event(Ping().event())
        answers = [await client.read_event() for client in clients]
        for client in clients:
            await client.disconnect()
        while Error.is_type((await ask(server, AudioStart(rate=RATE, width=2, channels=1), Ping(), until=[Pong]))[0].type):
            await asyncio.sleep(0.05)  # they end on their own time
        return answers
    answers = run(talk())
    refused = [Error.from_event(event) for event in answers if Error.is_type(event.type)]
    assert 1 <= len(refused) < 5 and {error.code for error in refused} == {"busy"} and len(answers) == 5


def test_silence_has_no_text(server):
    got = run(ask(server, Transcribe(), *chunks(silence(2)), until=[Transcript]))
    assert Transcript.from_event(got[-1]).text == ""


def test_what_cannot_be_heard_is_told(server):
    for events, code in (([AudioStart(rate=4000, width=2, channels=1)], "unsupported"), ([AudioStart(rate=RATE, width=2, channels=9)], "unsupported"),
                         ([AudioStop()], "invalid"), ([AudioChunk(rate=RATE, width=2, channels=1, audio=b"abc")], "invalid"),
                         ([AudioStart(rate=RATE, width=2, channels=1), AudioChunk(rate=8000, width=2, channels=1, audio=b"ab")], "invalid")):
        got = run(ask(server, *events, until=[Error]))
        assert len(got) == 1 and Error.from_event(got[0]).code == code


def test_privacy_mode(server, jfk):
    assert server.post("/privacy/enable").status_code == 200
    try:
        for first in (Transcribe(), Detect()):
            got = run(ask(server, first, *chunks(jfk[:64000]), Ping(), until=[Pong]))
            assert [event.type for event in got] == ["error", "pong"] and Error.from_event(got[0]).code == "privacy"
    finally:
        assert server.post("/privacy/disable").status_code == 200


def test_a_plain_disk(program, arguments, jfk, tmp_path):
    """Nobody is heard where the options want an encrypted disk, and the kernel (here an empty folder) knows of none."""
    (tmp_path / "root").mkdir()
    server = Wyoming(program, *arguments, "--set", "privacy.require_encryption=true", "--set", f"system.root={tmp_path / 'root'}", folder=tmp_path)
    for first in (Transcribe(), Detect()):
        got = run(ask(server, first, *chunks(jfk[:64000]), Ping(), until=[Pong]))
        assert [event.type for event in got] == ["error", "pong"] and Error.from_event(got[0]).code == "privacy"
        assert "privacy.require_encryption" in Error.from_event(got[0]).text
    assert server.stop() == 0


# ---- wake words ----

def test_wake_word(server, shared_data):
    files = sorted(glob.glob(os.path.join(shared_data, "wakeword_picovoice", "alexa_*.flac")))[:4]
    found = 0
    for path in files:
        got = run(ask(server, Detect(names=["Alexa"]), *chunks(silence(1) + decoded(path) + silence(1)), until=[Detection, NotDetected]))
        found += Detection.is_type(got[-1].type) and Detection.from_event(got[-1]).name == "Alexa" and Detection.from_event(got[-1]).timestamp > 900
    assert found >= 3


def test_no_wake_word(server, jfk):
    got = run(ask(server, Detect(), *chunks(jfk), until=[Detection, NotDetected]))
    assert [event.type for event in got] == ["not-detected"]
    got = run(ask(server, Detect(names=["nobody"]), *chunks(jfk[:3200]), until=[Error]))
    assert Error.from_event(got[0]).code == "not-found"


def test_an_enrolled_word(program, run_program, arguments, small_model, shared_data, tmp_path):
    files = sorted(glob.glob(os.path.join(shared_data, "wakeword_picovoice", "jarvis_*.flac")))
    answer = run_program("wake", "enrol", "--model", small_model, "--vad", beside(small_model, "vad"), "--language", "en", "--folder", tmp_path / "words",
                         "my-word", *files[:3], *files[4:6])
    assert answer.returncode == 0, answer.stderr
    server = Wyoming(program, *arguments, "--set", "listen.words=my-word", folder=tmp_path)
    try:
        names = [model.name for model in Info.from_event(run(ask(server, Describe(), until=[Info]))[-1]).wake[0].models]
        assert names == ["my-word"]
        got = run(ask(server, Detect(), *chunks(silence(1) + decoded(files[-1]) + silence(2)), until=[Detection, NotDetected]))
        assert Detection.is_type(got[-1].type) and Detection.from_event(got[-1]).name == "my-word"
    finally:
        assert server.stop() == 0


@pytest.fixture(scope="module")
def run_program(program):
    return lambda *arguments: subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=WAIT_S, check=False)


# ---- text to speech ----

def sound_of(got):
    kinds = [event.type for event in got]
    start, stop = kinds.index("audio-start"), kinds.index("audio-stop")
    assert set(kinds[start + 1:stop]) == {"audio-chunk"} and (got[start].data["rate"], got[start].data["width"], got[start].data["channels"]) == (RATE, 2, 1)
    return b"".join(AudioChunk.from_event(event).audio for event in got[start + 1:stop])


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not installed")
def test_synthesize(server):
    got = run(ask(server, Synthesize(text="Good morning. It is eight o'clock."), until=[AudioStop, Error]))
    pcm = array.array("h", sound_of(got))
    assert 1.5 < len(pcm) / RATE < 8 and max(map(abs, pcm)) > 3000
    heard = run(ask(server, Transcribe(), *chunks(pcm.tobytes()), until=[Transcript]))
    assert "good morning" in Transcript.from_event(heard[-1]).text.lower()


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not installed")
def test_synthesize_while_it_is_written(server):
    async def talk():
        async with server.client() as client:
            await client.write_event(SynthesizeStart(voice=SynthesizeVoice(language="en-GB")).event())
            await client.write_event(SynthesizeChunk(text="This is the first sentence. And ").event())
            got = [await client.read_event(), await client.read_event()]  # it sounds before the rest is there
            await client.write_event(SynthesizeChunk(text="here is another").event())
            await client.write_event(Synthesize(text="This is the first sentence. And here is another").event())
            await client.write_event(SynthesizeStop().event())
            while not SynthesizeStopped.is_type(got[-1].type):
                got.append(await client.read_event())
        return got
    got = run(talk())
    assert [event.type for event in got].count("audio-start") == 1 and got[-2].type == "audio-stop"
    assert 1.5 < len(sound_of(got)) / 2 / RATE < 8


def test_what_cannot_be_said_is_told(server):
    for event in (Synthesize(text="x", voice=SynthesizeVoice(name="-v")), Synthesize(text="<speak/>", text_format="ssml"), SynthesizeStop(),
                  SynthesizeChunk(text="x"), Synthesize(text="hello", voice=SynthesizeVoice(name="../x"))):
        got = run(ask(server, event, until=[Error, AudioStop]))
        assert [event.type for event in got] == ["error"]
    got = run(ask(server, Synthesize(text="  "), until=[AudioStop]))
    assert [event.type for event in got] == ["audio-start", "audio-stop"]


# ---- commands ----

def test_recognize(server):
    found = Intent.from_event(run(ask(server, Recognize(text="set the temperature to 21 degrees"), until=[Intent, NotRecognized]))[-1])
    assert found.name == "set_temperature" and [entity.value for entity in found.entities] == ["21"]
    assert NotRecognized.is_type(run(ask(server, Recognize(text="the moon is made of cheese"), until=[Intent, NotRecognized]))[-1].type)


def test_a_command_is_carried_out(program, arguments, tmp_path):
    (tmp_path / "commands").mkdir()
    (tmp_path / "commands" / "a.yaml").write_text(json.dumps({"language": "en", "commands": {
        "mark": {"sentences": ["make a mark"], "response": "It is made.", "action": {"type": "process", "executable": "/usr/bin/touch",
                                                                                     "arguments": [str(tmp_path / "mark")]}},
        "fail": {"sentences": ["do fail"], "response": "", "action": {"type": "process", "executable": "/bin/false"}}}}))
    server = Wyoming(program, *arguments[:-1], tmp_path / "commands", folder=tmp_path)
    try:
        got = run(ask(server, Transcript(text="Make a mark.", language="en"), until=[Handled, NotHandled]))
        assert Handled.is_type(got[-1].type) and Handled.from_event(got[-1]).text == "It is made."
        assert (tmp_path / "mark").exists()
        for text in ("do fail", "the moon is made of cheese", ""):
            got = run(ask(server, Transcript(text=text), until=[Handled, NotHandled]))
            assert NotHandled.is_type(got[-1].type) and NotHandled.from_event(got[-1]).text
    finally:
        assert server.stop() == 0


# ---- who means no good ----

def answer_of(server, data, shut=True):
    """All that comes until the server closes."""
    with server.connect() as s:
        s.sendall(data)
        if shut:
            s.shutdown(socket.SHUT_WR)
        got = b""
        try:
            while piece := s.recv(65536):
                got += piece
        except ConnectionResetError:
            pass
    return got


@pytest.mark.parametrize("data,code", [
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"bad-event"),
    (b"\x16\x03\x01\x02\x00\x01", b"bad-event"),
    (b"[]\n", b"bad-event"),
    (b"{}\n", b"bad-event"),
    (b'{"type": 1}\n', b"bad-event"),
    (b'{"type": "ping", "data": []}\n', b"bad-event"),
    (b'{"type": "ping", "data_length": -1}\n', b"bad-event"),
    (b'{"type": "ping", "data_length": "1"}\n', b"bad-event"),
    (b'{"type": "ping", "data_length": 2}\n[]', b"bad-event"),
    (b'{"type": "ping", "data_length": 99999999999999}\n', b"too-much"),
    (b'{"type": "ping", "payload_length": 4294967296}\n', b"too-much"),
    (b'{"type": "' + b"x" * 70000, b"too-much"),
    (b'{"type": "ping", "data": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001 + b"\n", b"bad-event"),
])
def test_what_is_no_event_ends_the_connection(server, data, code):
    """At once: the client need not close its side."""
    got = answer_of(server, data, shut=False)
    assert b'"type": "error"' in got and code in got
    assert run(ask(server, Ping(), until=[Pong]))


def test_events_that_are_cut(server):
    whole = b'{"type": "ping", "data_length": 14, "payload_length": 3}\n{"text": "ab"}xyz'
    for n in range(len(whole)):
        assert b"pong" not in answer_of(server, whole[:n])
    with server.connect() as s:
        for byte in b'{"type": "ping", "data_length": 14}\n{"text": "ab"}':
            s.sendall(bytes([byte]))
        got = b""
        while b'"ab"' not in got:
            got += s.recv(4096)


def test_thousands_of_silent_connections(server):
    """They give way to those who ask."""
    silent = []
    try:
        for _ in range(2000):
            s = socket.socket()
            s.settimeout(WAIT_S)
            s.connect(("127.0.0.1", server.port))
            silent.append(s)
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                assert Info.is_type(run(ask(server, Describe(), until=[Info]))[-1].type)
                break
            except (AssertionError, ConnectionError):
                assert time.monotonic() < deadline
                time.sleep(0.2)
    finally:
        for s in silent:
            s.close()
    assert len(os.listdir(f"/proc/{server.process.pid}/fd")) < 120


def test_who_does_not_read_is_let_go(server):
    """Sound for minutes that nobody takes: others are served meanwhile, and the speaker's place becomes free."""
    with server.connect() as s:
        text = json.dumps({"text": "This is a long text that nobody listens to. " * 200})
        s.sendall(f'{{"type": "synthesize", "data_length": {len(text)}}}\n{text}'.encode())
        assert run(ask(server, Ping(), until=[Pong]))
        broken = select.poll()
        broken.register(s, 0)
        assert broken.poll(WAIT_S * 1000), "it waits for ever"
        with pytest.raises(ConnectionError):
            while s.recv(65536):
                pass


def test_stopping_finishes_what_is_owed(program, arguments, jfk, tmp_path):
    server = Wyoming(program, *arguments, folder=tmp_path)

    async def talk():
        async with server.client() as client, server.client() as idle:
            await idle.write_event(Ping().event())
            await idle.read_event()
            await client.write_event(Transcribe().event())
            for event in chunks(jfk):
                await client.write_event(event.event())
            while not TranscriptStart.is_type((await client.read_event()).type):
                pass
            server.process.terminate()
            while (event := await client.read_event()) is not None and not Transcript.is_type(event.type):
                pass
            return event, await idle.read_event()
    event, nothing = run(talk())
    assert nothing is None and (event is None or likeness(Transcript.from_event(event).text, JFK) > 0.8)
    assert server.process.wait(timeout=30) == 0


REFUSED = """
import re, socket, subprocess, sys
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
subprocess.run(["ip", "address", "add", "10.77.0.1/32", "dev", "lo"], check=True)
subprocess.run(["ip", "address", "add", "10.77.0.2/32", "dev", "lo"], check=True)
server = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True)
port = next(int(found[1]) for line in server.stdout if (found := re.match(r"wyoming on port (\\d+)", line)))
for source in ("127.0.0.1", "10.77.0.1", "10.77.0.2"):
    with socket.create_connection(("10.77.0.1" if source[0] == "1" and source != "127.0.0.1" else "127.0.0.1", port), source_address=(source, 0)) as s:
        s.sendall(b'{"type": "ping"}\\n')
        print(source, s.recv(4096).decode().split('"type": "')[1].split('"')[0], flush=True)
server.terminate()
sys.exit(server.wait())
"""


@pytest.mark.skipif(subprocess.run(["unshare", "-rn", "true"], check=False, capture_output=True).returncode != 0, reason="no network namespaces here")
def test_only_those_of_the_list(program, arguments, tmp_path):
    answer = subprocess.run(["unshare", "-rn", sys.executable, "-c", REFUSED, program, "serve", "--port", "0", "--set", "server.tls=no", "--microphone", "none",
                             "--set", f"data.folder={tmp_path}", "--set", "log.file=none", "--set", "wyoming.port=0", "--set", "wyoming.listen=0.0.0.0",
                             "--set", "wyoming.allow=10.77.0.2", *arguments], capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines() == ["127.0.0.1 pong", "10.77.0.1 error", "10.77.0.2 pong"]
    assert answer.stderr.count("a client was refused") == 1


def test_a_port_that_is_taken_is_no_failure(program, arguments, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        server = Server(program, "--microphone", "none", "--set", "server.tls=no", "--set", f"wyoming.port={other.getsockname()[1]}", *arguments, folder=tmp_path)
        assert server.get("/health").status_code in (200, 503)
        assert server.stop() == 0
    with open(os.path.join(tmp_path, "stderr.txt"), encoding="utf-8") as f:
        assert "there is no Wyoming server" in f.read()


def test_wrong_options(run_program, arguments, tmp_path):
    for option, message in (("listen=nowhere", "is not an address"), ("allow=10.0.0.0/33", "not 0 to 32"), ("allow=host.local", "is no address")):
        answer = run_program("serve", "--port", "0", "--set", "server.tls=no", "--microphone", "none", "--set", f"data.folder={tmp_path}", "--set", "wyoming.port=0",
                             "--set", f"wyoming.{option}", *arguments)
        assert answer.returncode == 1 and message in answer.stderr
