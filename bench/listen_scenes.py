"""For bench/listen.py: clips one after another in a room, and the program that listens to them."""
import json
import os
import subprocess
import sys
import tempfile
import threading
import wave

import common
from common import CHUNK, RATE_HZ

LEVEL = 0.05       # root mean square of the loud parts of speech, where noise is measured against it
LEAD_S = 2.0       # of noise before the first clip
FAINT_DB = -80     # dBFS of the noise that every room has
LOUD_POWER = 1e-3  # a frame counts as loud from this part of the loudest one's power on
FRAME = 320


def load(path, cache={}):
    from faster_whisper import decode_audio
    if path not in cache:
        cache[path] = decode_audio(path)
    return cache[path]


def level(pcm):
    """Root mean square of the loud parts."""
    import numpy as np
    power = (pcm[:len(pcm) // FRAME * FRAME].reshape(-1, FRAME) ** 2).mean(1)
    return float(np.sqrt(power[power > power.max() * LOUD_POWER].mean()))


class Span:
    """Where a clip lies in a scene, in seconds."""

    def __init__(self, clip, start, end):
        self.clip, self.start, self.end = clip, start, end

    def overlap(self, start, end):
        return max(0.0, min(self.end, end) - max(self.start, start))


class Scene:
    """Clips with gaps before and behind them, in faint noise and, with a bed, in that noise so many dB below their loud parts. Right
    before each there is the recording of `words` whose turn it is."""

    def __init__(self, paths, gap_s, bed=None, snr_db=None, lead_s=LEAD_S, seed=1, words=()):
        import numpy as np
        gap, at, pieces = int(gap_s * RATE_HZ), int(lead_s * RATE_HZ), [np.zeros(int(lead_s * RATE_HZ))]

        def clip(path):
            pcm = load(path).astype(np.float64)
            return pcm * LEVEL / level(pcm) if bed is not None and pcm.any() else pcm

        self.spans = []
        for i, path in enumerate(paths):
            if words:
                pieces.append(clip(words[i % len(words)]))
                at += len(pieces[-1])
            pcm = clip(path)
            self.spans.append(Span(path, at / RATE_HZ, (at + len(pcm)) / RATE_HZ))
            pieces += [pcm, np.zeros(gap)]
            at += len(pcm) + gap
        self.pcm = np.concatenate(pieces)
        self.pcm += 10 ** (FAINT_DB / 20) * np.random.default_rng(seed).standard_normal(len(self.pcm))
        if bed is not None:
            noise = np.resize(bed, len(self.pcm)).astype(np.float64)
            self.pcm += noise * LEVEL * 10 ** (-snr_db / 20) / np.sqrt((noise ** 2).mean())
        peak = np.abs(self.pcm).max()
        if peak > 1:
            self.pcm /= peak

    @property
    def seconds(self):
        return len(self.pcm) / RATE_HZ

    def write(self, path):
        import numpy as np
        samples = np.clip(np.round(self.pcm * 32768), -32768, 32767).astype("<i2")
        with wave.open(path, "wb") as f:
            f.setparams((1, 2, RATE_HZ, len(samples), "NONE", ""))
            f.writeframes(samples.tobytes())


class Speech:
    """Where the published detector finds speech in clean clips: seconds of the first and the last sample, or None."""

    def __init__(self, cache):
        self.silero, self.found = common.Silero(cache), {}

    def span_s(self, path):
        import numpy as np
        if path not in self.found:
            pcm = load(path)
            loud = np.flatnonzero(self.silero.probabilities(np.concatenate([pcm, np.zeros(-len(pcm) % CHUNK, np.float32)])) >= 0.5)
            self.found[path] = (loud[0] * CHUNK / RATE_HZ, min((loud[-1] + 1) * CHUNK, len(pcm)) / RATE_HZ) if len(loud) else None
        return self.found[path]


def command(options, source, *more):
    line = [options.program, "listen", "--json", "--quiet", "--dry-run", "--model", options.model, "--set", "model.language=en",
            "--set", f"listen.vad={options.vad}", "--microphone", source]
    if options.models:
        line += ["--set", f"model.folder={os.path.abspath(options.models)}"]
    return [*line, *more]


def start(options, source, *more):
    """The program; its nice value is set where the machine has other work."""
    def prepare():
        if options.nice:
            os.setpriority(os.PRIO_PROCESS, 0, options.nice)
    return subprocess.Popen(command(options, source, *more), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, preexec_fn=prepare)


def events_of(process):
    events = [json.loads(line) for line in process.stdout]
    if process.wait() != 0:
        sys.exit(f"bench: {' '.join(process.args)} failed")
    return events


def hear(options, scenes, *more, fast=False, jobs=None):
    """Several scenes at once -> ([events of each], share of the machine that other programs took)."""
    results = [None] * len(scenes)
    waiting = list(enumerate(scenes))
    lock = threading.Lock()

    def work(folder):
        while True:
            with lock:
                if not waiting:
                    return
                i, scene = waiting.pop(0)
                path = os.path.join(folder, f"{i}.wav")
                scene.write(path)
            results[i] = events_of(start(options, f"{'file-fast' if fast else 'file'}:{path}", *more))
            os.remove(path)

    with tempfile.TemporaryDirectory() as folder:
        busy = Busy()
        threads = [threading.Thread(target=work, args=(folder,)) for _ in range(jobs or options.jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results, busy.others()


class Busy:
    """What other programs take of the machine from now on."""

    def __init__(self):
        import time
        self.clock = time.perf_counter
        self.busy, self.own, self.start = common.busy_s(), self.mine(), self.clock()

    @staticmethod
    def mine():
        times = os.times()
        return times.user + times.system + times.children_user + times.children_system

    def others(self):
        share = (common.busy_s() - self.busy - (self.mine() - self.own)) / ((self.clock() - self.start) * os.cpu_count())
        return max(0.0, share)


class Heard:
    """An utterance that was told: its place in the audio, and, where it was acted on, when, with the stages, in seconds."""

    def __init__(self, event, asked_at, ready_at):
        self.start, self.end, self.speech_end, self.decided = event["start"], event["end"], event["speech_end"], event["heard"]
        self.is_command, self.text, self.intent, self.at = event["command"], event["text"], event["intent"], event["at"]
        self.asked_at, self.ready_at = asked_at, ready_at
        self.acted_at = self.origin = None

    def act(self, event):
        self.acted_at = event["at"]
        self.origin = event["at"] - event["after_speech_ms"] / 1000 - self.speech_end  # of the audio, on the program's clock


def utterances(events):
    """[Heard] of the events of a run, in order."""
    found, ready = [], None
    for event in events:
        kind = event["event"]
        if kind == "state":
            ready = event["at"] if event["to"] == "thinking" else None if event["to"] == "listening" else ready
        elif kind == "heard":
            decode_s = event["decode_ms"] / 1000
            ready_at = ready if ready is not None else event["at"]
            found.append(Heard(event, ready_at - decode_s, ready_at))
            ready = None
        elif kind == "acting" and found:
            found[-1].act(event)
    return found
