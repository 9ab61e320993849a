"""Listening by the real program: `listen` and `serve`, to real recordings."""
import ctypes
import ctypes.util
import errno
import fcntl
import glob
import json
import os
import pty
import random
import re
import select
import signal
import struct
import subprocess
import termios
import time
import wave

import pytest

from conftest import prepared, wait_until
from fault_device import find_module
from pipe_microphone import PipeMicrophone
from test_events import Reader
from test_server import Server, error_of

RATE = 16000
SENTENCE = "go forward ten meters"


def silence(seconds):
    """As a quiet room has it: not zeros."""
    chance = random.Random(3)
    return struct.pack(f"<{int(RATE * seconds)}h", *(chance.randrange(-3, 4) for _ in range(int(RATE * seconds))))


def decoded(path):
    """A recording of 16 kHz -> its samples, by libsndfile, which the program is linked with, too."""
    class Info(ctypes.Structure):
        _fields_ = [("frames", ctypes.c_int64), *((name, ctypes.c_int) for name in ("rate", "channels", "format", "sections", "seekable"))]

    library = ctypes.CDLL(ctypes.util.find_library("sndfile") or "libsndfile.so.1")
    library.sf_open.restype = ctypes.c_void_p
    library.sf_readf_short.restype = ctypes.c_int64
    info = Info()
    file = ctypes.c_void_p(library.sf_open(os.fsencode(path), 0x10, ctypes.byref(info)))
    assert file and (info.rate, info.channels) == (RATE, 1), path
    samples = (ctypes.c_int16 * info.frames)()
    n = library.sf_readf_short(file, samples, ctypes.c_int64(info.frames))
    library.sf_close(file)
    return bytes(samples)[:2 * n]


def write_wav(path, samples):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples)
    return f"file:{path}"


@pytest.fixture(scope="session")
def sentence(recordings):
    """Somebody says SENTENCE."""
    with open(os.path.join(recordings, "goforward.raw"), "rb") as f:
        return f.read()


@pytest.fixture(scope="session")
def alexa(run, shared_data):
    """A recorded wake word, and the model that knows it."""
    files = sorted(glob.glob(os.path.join(shared_data, "wakeword_picovoice", "alexa_*.flac")))
    if not files:
        pytest.skip("no shared recordings of wake words")
    return decoded(files[0]), prepared(run, "wake-alexa")


def write_commands(folder, moved, confirm=False):
    folder.mkdir(exist_ok=True)
    (folder / "a.yaml").write_text(f"""language: en
question: 'Shall I?'
commands:
  forward:
    sentences: ['{SENTENCE}']
    response: Going.
    confirm: {str(confirm).lower()}
    action: {{type: process, executable: touch, arguments: ['{moved}']}}
""")
    return folder


@pytest.fixture
def moved(tmp_path):
    """The file that the command makes."""
    return tmp_path / "moved"


@pytest.fixture
def options(model, vad, moved, tmp_path):
    return ["--model", model, "--set", f"listen.vad={vad}", "--set", f"data.folder={tmp_path / 'data'}", "--set", "model.language=en",
            "--commands", str(write_commands(tmp_path / "commands", moved)), "--set", "speech.enabled=false"]


@pytest.fixture
def listen(run, options):
    """listen(ARGUMENT...) -> (CompletedProcess, events)"""
    def call(*arguments, code=0, **more):
        answer = run("listen", *options, "--json", *arguments, **more)
        assert answer.returncode == code, answer.stderr
        return answer, [json.loads(line) for line in answer.stdout.splitlines()]
    return call


def of_kind(events, kind):
    return [event for event in events if event["event"] == kind]


def states(events):
    """The names of the states that were gone through."""
    return [event["to"] for event in of_kind(events, "state")]


# ---- voice-assistant listen ----

def test_a_command_in_real_time(listen, moved, sentence, tmp_path):
    sound = silence(0.7) + sentence + silence(6)
    lasts_s = len(sound) / 2 / RATE
    microphone = write_wav(tmp_path / "said.wav", sound)
    start = time.monotonic()
    _, events = listen("--microphone", microphone)
    assert time.monotonic() - start >= lasts_s - 0.3, "the recording lasts longer"
    heard, = of_kind(events, "heard")
    assert (heard["command"], heard["intent"]) == (True, "forward") and heard["confidence"] > 0.5
    assert re.sub(r"\W", " ", heard["text"].lower()).split() == SENTENCE.split()
    assert 0.4 < heard["start"] < heard["speech_end"] <= heard["end"] <= heard["heard"] < lasts_s
    acting, = of_kind(events, "acting")
    assert acting["after_speech_ms"] > 0 and acting["decode_ms"] > 0
    result, = of_kind(events, "result")
    assert (result["command"], result["success"], result["response"], result["error"]) == ("forward", True, "Going.", "")
    assert moved.exists()
    assert states(events) == ["idle", "listening", "thinking", "acting", "idle", "off"]
    assert [event["state"] for event in of_kind(events, "microphone")] == ["open", "ended"]
    assert of_kind(events, "partial")
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    assert result["at"] < of_kind(events, "microphone")[-1]["at"], "before the recording ends"


def test_what_it_hears_can_come_on_standard_input(run, options, sentence, moved, tmp_path):
    raw = tmp_path / "said.raw"
    raw.write_bytes(sentence + silence(2))
    with open(raw, "rb") as f:
        answer = run("listen", *options, "--microphone", "-", "--dry-run", stdin=f)
    assert answer.returncode == 0, answer.stderr
    lines = [line[10:] for line in answer.stdout.splitlines()]
    assert any(re.fullmatch(r"(?i)go forward ten meters\.?  \[forward (0\.\d\d|1\.00)\]", line) for line in lines), lines
    assert any(line.startswith("> would ") for line in lines), lines
    assert "microphone -: open " in lines and "microphone -: ended " in lines
    assert all(re.match(r" *\d+\.\d\d  \S", line) for line in answer.stdout.splitlines())
    assert "\033" not in answer.stdout and not moved.exists()


def test_a_response_says_nothing_to_the_terminal(run, options, sentence, tmp_path):
    commands = tmp_path / "commands" / "a.yaml"
    commands.write_text(f"""language: en
commands:
  forward:
    sentences: ['{SENTENCE}']
    response: 'It says {{output}}.'
    action: {{type: process, executable: printf, arguments: ['a\\033]0;taken\\007b\\302\\233c\\303\\251']}}
""")
    raw = tmp_path / "said.raw"
    raw.write_bytes(sentence + silence(2))
    with open(raw, "rb") as f:
        answer = run("listen", *options, "--microphone", "-", stdin=f)
    assert answer.returncode == 0, answer.stderr
    assert "> It says a?]0;taken?b?c\u00e9.\n" in answer.stdout and "\033" not in answer.stdout


def test_only_behind_a_wake_word(listen, moved, sentence, alexa, tmp_path):
    word, wake = alexa
    _, events = listen("--wake", wake, "--microphone", write_wav(tmp_path / "a.wav", silence(1) + sentence + silence(2)))
    assert not of_kind(events, "heard") and not of_kind(events, "partial") and not moved.exists()
    assert states(events) == ["idle", "off"]

    _, events = listen("--wake", f"{wake}:0.6", "--microphone",
                       write_wav(tmp_path / "b.wav", silence(1.5) + word + silence(0.1) + sentence + silence(2)))
    woken, = of_kind(events, "wake")
    assert woken["word"].lower() == "alexa" and 0.5 < woken["score"] <= 1 and -60 < woken["level_dbfs"] < 0
    heard, = of_kind(events, "heard")
    assert heard["intent"] == "forward" and "alexa" not in heard["text"].lower()
    assert woken["end"] <= heard["start"] + 0.5
    assert states(events)[:4] == ["idle", "wake", "listening", "thinking"] and moved.exists()


def test_a_wake_word_that_whisper_judges(listen, moved, sentence, alexa, tmp_path):
    word, wake = alexa
    microphone = write_wav(tmp_path / "a.wav", silence(1.5) + word + silence(0.1) + sentence + silence(1.5))
    _, events = listen("--wake", wake, "--set", "listen.verify=true", "--microphone", microphone)
    assert len(of_kind(events, "wake")) == 1 and moved.exists()


def test_a_word_of_ones_own(run, listen, model, vad, moved, sentence, shared_data, tmp_path):
    files = sorted(glob.glob(os.path.join(shared_data, "wakeword_picovoice", "jarvis_*.flac")))
    if len(files) < 7:
        pytest.skip("no shared recordings of wake words")
    answer = run("wake", "enrol", "--model", model, "--vad", vad, "--language", "en", "--folder", tmp_path / "data" / "words", "my-word", *files[:5])
    assert answer.returncode == 0, answer.stderr
    microphone = write_wav(tmp_path / "a.wav", silence(1) + decoded(files[-1]) + silence(0.1) + sentence + silence(2))
    _, events = listen("--wake", "my-word", "--microphone", microphone)
    assert [event["word"] for event in of_kind(events, "wake")] == ["my-word"] and moved.exists()


def test_nothing_is_said_behind_the_wake_word(listen, moved, alexa, sentence, tmp_path):
    word, wake = alexa
    microphone = write_wav(tmp_path / "a.wav", silence(1.5) + word + silence(4) + sentence + silence(1))
    _, events = listen("--wake", wake, "--set", "listen.wait=1", "--microphone", microphone)
    assert len(of_kind(events, "wake")) == 1
    assert not any(event["command"] for event in of_kind(events, "heard")) and not moved.exists()
    assert states(events)[-2:] == ["idle", "off"] and "acting" not in states(events)


def test_speech_that_is_no_command(listen, moved, recordings):
    path = os.path.join(recordings, "librivox", "sense_and_sensibility_01_austen_64kb-0880.wav")
    _, events = listen("--microphone", f"file-fast:{path}")
    assert of_kind(events, "heard") and not any(event["command"] or event["intent"] for event in of_kind(events, "heard"))
    assert not of_kind(events, "acting") and not moved.exists()


def test_a_risky_command_is_asked_about(listen, moved, sentence, tmp_path):
    write_commands(tmp_path / "commands", moved, confirm=True)
    _, events = listen("--microphone", write_wav(tmp_path / "said.wav", sentence + silence(1.5)))
    result, = of_kind(events, "result")
    assert (result["confirm"], result["success"], result["response"].strip()) == (True, False, "Shall I?")
    assert not moved.exists()


def test_the_answer_to_a_question_needs_no_wake_word(listen, moved, sentence, alexa, shared_data, tmp_path):
    word, wake = alexa
    yes = os.path.join(shared_data, "smarthome_ohf", "real_cancel_all_timers.flac")
    if not os.path.exists(yes):
        pytest.skip("no shared recordings of commands")
    commands = write_commands(tmp_path / "commands", moved, confirm=True) / "a.yaml"
    commands.write_text(commands.read_text() + "  sure:\n    sentences: ['cancel all timers']\n    action: {type: confirm, none: 'What?'}\n")
    microphone = write_wav(tmp_path / "said.wav", silence(1.5) + word + silence(0.1) + sentence + silence(2) + decoded(yes) + silence(2))
    _, events = listen("--wake", wake, "--microphone", microphone)
    assert [(event["confirm"], event["success"]) for event in of_kind(events, "result")] == [(True, False), (False, True)]
    assert len(of_kind(events, "wake")) == 1 and moved.exists()


def test_ctrl_c(program, options):
    process = subprocess.Popen([program, "listen", *options, "--json", "--microphone", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    line = ""
    while '"open"' not in line:
        line = process.stdout.readline()
        assert line
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=20)
    assert process.returncode == 0 and errors == ""
    assert states([json.loads(line) for line in out.splitlines()])[-1] == "off"


def test_help_and_wrong_options(run, options):
    answer = run("listen", "--help")
    assert answer.returncode == 0 and answer.stderr == ""
    for option in ("--wake", "--button", "--microphone", "--model", "--commands", "--dry-run", "--quiet", "--json", "--config", "--set"):
        assert option in answer.stdout
    for arguments in (["--nonsense"], ["--wake"], ["something"], ["--set", "a.b=c"] * 257):
        answer = run("listen", *arguments)
        assert answer.returncode == 2 and answer.stdout == "" and answer.stderr


def test_what_keeps_it_from_starting_is_said(run, options, tmp_path):
    silent = write_wav(tmp_path / "silence.wav", silence(0.1))
    for arguments, part in ((["--microphone", "file:/nowhere.wav"], "/nowhere.wav"), (["--microphone", "none"], "no audio source"),
                            (["--microphone", silent, "--wake", "no-such-word"], "no-such-word"),
                            (["--microphone", silent, "--wake", "alexa:2"], "listen.words"),
                            (["--microphone", silent, "--wake", ","], "no wake word"),
                            (["--microphone", silent, "--set", "listen.vad=no-such-vad"], "no-such-vad"),
                            (["--microphone", silent, "--model", "no-such-model"], "no-such-model"),
                            (["--microphone", silent, "--commands", "/nowhere"], "/nowhere"),
                            (["--microphone", silent, "--set", "listen.moode=wake"], "listen.mode"),
                            (["--microphone", silent, "--config", "/nowhere.yaml"], "/nowhere.yaml")):
        answer = run("listen", *options, *arguments)
        is_wrong_line = "listen.moode=wake" in arguments
        assert answer.returncode == (2 if is_wrong_line else 1) and part in answer.stderr, (arguments, answer.stderr)
        assert answer.stdout == "" or part in answer.stdout or "microphone" in answer.stdout


@pytest.mark.parametrize("option", ["listen.words", "listen.stop_words"])
def test_a_word_that_is_missed_only_is_said(run, options, option, tmp_path):
    silent = write_wav(tmp_path / "silence.wav", silence(0.1))
    answer = run("listen", *options, "--microphone", silent, "--set", "listen.mode=always", "--set", f"{option}=no-such-word")
    assert answer.returncode == 0 and f"{option}: " in answer.stderr and "no-such-word" in answer.stderr


# ---- a microphone that goes on ----

@pytest.fixture
def microphone(tmp_path):
    made = PipeMicrophone(tmp_path / "microphone", silence(0.02))
    yield made
    made.close()


class Terminal:
    """The program on a terminal of its own."""

    def __init__(self, *command):
        self.master, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.text = ""
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave)

    def expect(self, pattern):
        end = time.monotonic() + 30
        while not re.search(pattern, self.text) and time.monotonic() < end:
            if select.select([self.master], [], [], 0.2)[0]:
                self.text += os.read(self.master, 65536).decode()
        assert re.search(pattern, self.text), self.text[-600:]

    def press(self, keys):
        self.text = ""
        os.write(self.master, keys)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal(program, options, microphone):
    made = []

    def start(*arguments):
        made.append(Terminal(program, "listen", *options, "--microphone", "file:" + microphone.path, *arguments))
        return made[-1]
    yield start
    for each in made:
        each.close()


def test_on_a_terminal(terminal, microphone, sentence, moved):
    shown = terminal("--button")
    shown.expect(r"microphone file:\S+: open")
    shown.expect(r"\r\033\[Kidle +\[[.#-]{12}\] +-\d+ dB")
    microphone.say(sentence + silence(1))
    wait_until(microphone.pieces.empty)
    shown.press(b" ")
    shown.expect(r"\r\033\[Kwake ")
    assert "orward" not in shown.text  # what was said before does not count
    microphone.say(sentence)
    shown.expect(r"\r\033\[Klistening .*(?i:go|forward)")
    shown.expect(r"(?i)\d  go forward ten meters\.?  \[forward [01]\.\d\d\]\r\n")
    shown.expect(r"\d  > Going\.\r\n")
    wait_until(moved.exists)
    shown.press(b"xq")  # x does nothing
    assert shown.process.wait(timeout=20) == 0
    assert termios.tcgetattr(shown.slave) == shown.before


def test_the_terminal_is_as_before_after_ctrl_c(terminal):
    shown = terminal()
    shown.expect("idle")
    assert termios.tcgetattr(shown.slave) != shown.before
    shown.process.send_signal(signal.SIGINT)
    assert shown.process.wait(timeout=20) == 0
    assert termios.tcgetattr(shown.slave) == shown.before


# ---- voice-assistant serve ----

@pytest.fixture
def serve(program, options, tmp_path):
    servers = []

    def start(*arguments, **more):
        folder = tmp_path / "data"
        folder.mkdir(exist_ok=True)
        servers.append(Server(program, *options, *arguments, folder=folder, **more))
        return servers[-1]
    yield start
    for server in servers:
        server.process.kill()
        server.process.wait()


@pytest.fixture
def always(serve, microphone):
    def start(*arguments, mode="always", **more):
        server = serve("--microphone", "file:" + microphone.path, "--set", f"listen.mode={mode}", *arguments, **more)
        wait_until(lambda: status_of(server)["state"] == "open")
        return server
    return start


def status_of(server):
    return server.get("/status").json()["microphone"]


def has_open(server, path):
    folder = f"/proc/{server.process.pid}/fd"
    links = []
    for name in os.listdir(folder):
        try:
            links.append(os.readlink(os.path.join(folder, name)))
        except FileNotFoundError:
            pass
    return path in links


def said(server):
    with open(server.log.name) as f:
        return f.read()


def expect_command(microphone, sentence, moved):
    moved.unlink(missing_ok=True)
    microphone.say(silence(0.5) + sentence)
    wait_until(moved.exists)


def test_the_daemon_listens(always, microphone, sentence, moved):
    server = always()
    assert server.get("/status").json()["state"] == "idle"
    expect_command(microphone, sentence, moved)
    wait_until(lambda: server.get("/status").json()["state"] == "idle")
    status = server.get("/status").json()
    assert status["commands"] == 1 and status["recording"] is False
    found = status["microphone"]
    assert (found["state"], found["device"], found["format"]) == ("open", "file:" + microphone.path, "raw")
    assert (found["rate"], found["channels"], found["lost"], found["recovered"], found["error"]) == (RATE, 1, 0, 0, "")
    assert -120 <= found["level"] <= found["peak"] < 0
    log = said(server)
    assert re.search(r"command_execution.*forward", log) and SENTENCE not in log.lower()
    assert server.stop() == 0


def test_a_recording_is_for_itself(always, microphone, sentence, moved):
    server = always()
    assert server.post("/audio/start").status_code == 200
    assert server.get("/status").json()["state"] == "recording"
    microphone.say(sentence + silence(1))
    wait_until(microphone.pieces.empty)
    assert server.post("/audio/stop").json()["duration"] > 3
    assert "forward" in server.get("/transcription/latest").json()["text"].lower()
    assert not moved.exists()
    expect_command(microphone, sentence, moved)
    assert status_of(server)["lost"] == 0
    assert server.stop() == 0


def test_push_to_talk(always, microphone, sentence, moved):
    server = always("--set", "listen.partial=200", mode="button")
    events = Reader(server)
    microphone.say(silence(0.3) + sentence + silence(1.5))
    wait_until(microphone.pieces.empty)
    assert server.get("/status").json()["state"] == "idle" and not moved.exists()
    assert server.post("/listen/start").json() == {"success": True, "listening": True}
    wait_until(lambda: server.get("/status").json()["state"] == "wake")
    microphone.say(sentence)
    while "meters" not in events.next()[2].get("text", ""):  # enough of it has been heard
        pass
    wait_until(microphone.pieces.empty)
    assert server.post("/listen/stop").json() == {"success": True, "listening": False}
    wait_until(moved.exists)
    wait_until(lambda: server.get("/status").json()["state"] == "idle")
    assert server.post("/listen/start").status_code == 200
    wait_until(lambda: server.get("/status").json()["state"] == "wake")
    assert server.post("/listen/stop").status_code == 200
    wait_until(lambda: server.get("/status").json()["state"] == "idle")
    events.close()
    assert server.stop() == 0


def test_push_to_talk_where_nothing_listens(serve):
    server = serve("--microphone", "none")
    assert error_of(server.post("/listen/start"), 409)["code"] == "not_listening"
    assert error_of(server.post("/listen/stop"), 409)["code"] == "not_listening"
    assert status_of(server)["state"] == "closed"
    error_of(server.get("/listen/start"), 405)
    assert server.stop() == 0


def test_privacy_closes_the_microphone(always, microphone, sentence, moved):
    server = always()
    assert has_open(server, microphone.path)
    assert server.post("/privacy/enable").json()["success"] is True
    assert not has_open(server, microphone.path) and not microphone.is_listened_to()
    assert status_of(server)["state"] == "closed"
    assert server.get("/status").json()["state"] == "privacy"
    assert error_of(server.post("/listen/start"), 403)["code"] == "privacy_mode"
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "have been read again" in said(server))
    assert not has_open(server, microphone.path)
    assert server.post("/privacy/disable").json()["success"] is True
    wait_until(lambda: has_open(server, microphone.path))
    expect_command(microphone, sentence, moved)
    assert server.stop() == 0


def test_a_reload_keeps_listening(always, microphone, sentence, moved, tmp_path):
    server = always()
    other = tmp_path / "moved again"
    write_commands(tmp_path / "commands", other)
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "have been read again" in said(server))
    wait_until(lambda: status_of(server)["state"] == "open")
    expect_command(microphone, sentence, other)
    assert not moved.exists()
    (tmp_path / "commands" / "a.yaml").write_text("language: en\ncommands: [broken")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "stay" in said(server))
    expect_command(microphone, sentence, other)
    assert server.stop() == 0


def test_a_reload_that_cannot_listen(program, model, vad, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("listen:\n  mode: off\n")
    server = Server(program, "--config", str(config), "--model", model, "--microphone", "none", "--set", f"listen.vad={vad}", folder=tmp_path)
    config.write_text("listen:\n  mode: always\n")
    for _ in range(2):
        server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "not listened to" in said(server) and "have been read again" in said(server))
    assert server.get("/status").status_code == 200
    config.write_text("listen:\n  mode: off\n")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: said(server).count("have been read again") >= 2)
    assert server.stop() == 0


def test_another_program_gives_the_sound(always, microphone, sentence, moved):
    """The writer of the pipe is restarted."""
    server = always()
    expect_command(microphone, sentence, moved)
    microphone.gone.set()
    time.sleep(0.5)
    assert status_of(server)["state"] == "open"
    microphone.gone.clear()
    expect_command(microphone, sentence, moved)
    assert server.stop() == 0


def test_a_full_disk(program, options, microphone, sentence, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], capture_output=True, check=False).returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        moved = tmp_path / "moved"
        server = Server(program, *options, "--set", f"data.folder={folder}", "--set", f"log.file={folder}/app.log", "--microphone",
                        "file:" + microphone.path, "--set", "listen.mode=always", folder=tmp_path)
        try:
            with open(folder / "filler", "wb") as filler:
                filler.write(bytes(2 << 20))
        except OSError as error:
            assert error.errno == errno.ENOSPC
        for _ in range(2):
            expect_command(microphone, sentence, moved)
        assert server.stop() == 0
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_nobody_reads_the_log(always, microphone, sentence, moved):
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 8192)
    server = always(stderr=writer)
    for _ in range(200):
        assert server.post("/command", json={"command": "forward"}).status_code == 200
    assert select.select([], [writer], [], 0)[1] == []  # it is full
    for _ in range(2):
        expect_command(microphone, sentence, moved)
    assert server.get("/health").status_code == 200 and status_of(server)["lost"] == 0
    os.read(reader, 8192)
    assert server.post("/command", json={"command": "forward"}).status_code == 200
    os.close(writer)
    assert server.stop() == 0
    with open(reader) as lines:
        found = re.search(r"nobody read this, and (\d+) log lines are lost\n.*command_execution", lines.read(), re.S)
    assert int(found[1]) > 50


# ---- a device that fails as it is told ----

class Device:
    """The ALSA device of tests/doubles/fault_pcm.c; what it hears comes again and again."""

    def __init__(self, folder, plugin, samples):
        self.script = folder / "script"
        (folder / "said.raw").write_bytes(samples)
        self.configuration = folder / "asound.conf"
        self.configuration.write_text(f'pcm_type.va_fault {{ lib "{plugin}" }}\n'
                                      f'pcm.va_test {{ type va_fault file "{folder}/said.raw" repeat 1 script "{self.script}" }}\n')

    def do(self, *lines):
        new = self.script.with_suffix(".new")
        new.write_text("\n".join(lines) + "\n")
        new.rename(self.script)


@pytest.fixture
def device(program, sentence, tmp_path, monkeypatch):
    plugin = find_module(program)
    if plugin is None:
        pytest.skip("the ALSA device of the tests is not built")
    made = Device(tmp_path, plugin, silence(1) + sentence + silence(1.5))
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(made.configuration))
    return made


def test_a_device_that_fails(serve, device, moved):
    def expect_again(*script):
        device.do(*script)
        moved.unlink(missing_ok=True)
        wait_until(moved.exists)

    device.do("missing")
    server = serve("--microphone", "va_test", "--set", "listen.mode=always")
    wait_until(lambda: status_of(server)["state"] == "lost")
    found = status_of(server)
    assert found["error"] and (found["lost"], found["recovered"], found["rate"]) == (0, 0, 0)
    assert server.post("/audio/start").status_code == 503

    expect_again("rate 48000", "channels 2")
    found = status_of(server)
    assert (found["state"], found["error"], found["rate"], found["channels"], found["lost"]) == ("open", "", 48000, 2, 0)
    device.do("missing")  # it is pulled out
    wait_until(lambda: status_of(server)["state"] == "lost")
    assert status_of(server)["lost"] == 1 and status_of(server)["error"]
    expect_again("rate 44100", "format S32_LE")  # another one is put in
    found = status_of(server)
    assert (found["state"], found["rate"], found["format"], found["recovered"]) == ("open", 44100, "S32_LE", 1)
    assert found["lost_samples"] > 0

    device.do("xrun 22050")
    wait_until(lambda: status_of(server)["overruns"] >= 2)
    assert status_of(server)["state"] == "open"
    expect_again("one")
    device.do("vanish 1")
    wait_until(lambda: status_of(server)["lost"] >= 2)
    expect_again("")
    device.do("silence")
    wait_until(lambda: status_of(server)["silent"] > 10)
    expect_again("")
    log = said(server)
    for part in ("lost", "overrun", "silent", "sound"):
        assert re.search(rf"microphone.*{part}", log), part
    assert server.stop() == 0
