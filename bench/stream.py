#!/usr/bin/env python3
"""How soon a spoken command's text is there: `transcribe --stream` in real time on one core.

Each clip is followed by 1.5 s of faint noise and fed in real time. The clock starts 200 ms after the end of speech: the last sample at which
the published speech detector (onnxruntime) gives 0.5 or more on the clean clip. It stops when the text that becomes the final one is known
(the event `ready`, or `final` where none came before). A clip's figure is the median of its rounds. Beside it: in how many clips the first
text made ready became the final one, how many texts were thrown away because speech went on, and word errors and accepted commands (every
labelled slot is in the text) beside those of the whole clip decoded at once. Clips of coffee commands carry no full text.

Tables go to standard error, JSON lines with name, ours and goal to standard output.
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
import wave

import common
from common import CHUNK, RATE_HZ, say

SETS = ["smarthome_ohf", "picovoice"]
PAUSE_S, GOAL_MS, TAIL_S = 0.2, 100, 1.5
PARTS = {"short": (0.0, 4.0), "longer": (4.0001, 1e9)}  # s; the goal is that of the first


class Streamed:
    """What became of a clip."""

    def __init__(self, events, speech_end_s):
        finals = [e for e in events if e["event"] == "final"]
        self.text = " ".join(e["text"] for e in finals if e["text"])
        self.thrown_away = sum(e["event"] == "resumed" for e in events)
        self.n_ready = sum(e["event"] == "ready" for e in events)
        self.partials = sum(e["event"] == "partial" for e in events)
        self.n_finals = len(finals)
        self.late_ms = None
        if finals:
            known = [e for e in events if e["event"] in ("ready", "final") and e["utterance"] == finals[-1]["utterance"]]
            known = [e for e in known if e["event"] == "ready"][-1:] or known
            self.late_ms = (known[0]["at"] - speech_end_s - PAUSE_S) * 1000
            self.decode_ms = known[0]["wait_ms"]


def speech_end_s(silero, pcm):
    import numpy as np
    speech = np.flatnonzero(silero.probabilities(np.concatenate([pcm, np.zeros(-len(pcm) % CHUNK, np.float32)])) >= 0.5)
    return min((speech[-1] + 1) * CHUNK, len(pcm)) / RATE_HZ if len(speech) else None


def write_clip(clip, path):
    """The clip and the silence after it, as WAV."""
    import numpy as np
    pcm = np.fromfile(clip.raw, np.float32)
    tail = 10 ** (-80 / 20) * np.random.default_rng(1).standard_normal(int(TAIL_S * RATE_HZ))
    samples = np.clip(np.round(np.concatenate([pcm, tail]) * 32768), -32768, 32767).astype("<i2")
    with wave.open(path, "wb") as f:
        f.setparams((1, 2, RATE_HZ, len(samples), "NONE", ""))
        f.writeframes(samples.tobytes())


def transcribe(options, files, *more):
    """-> {file: JSON lines}"""
    command = ["taskset", "-c", str(options.core), options.program, "transcribe", "--model", options.model, "--language", "en", "--threads", "1",
               "--format", "json", *more, *files]
    lines = {f: [] for f in files}
    for line in subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines():
        found = json.loads(line)
        lines[found["file"]].append(found)
    return lines


def measure(options, name, clips, folder, silero):
    import numpy as np
    from whisper_normalizer.english import EnglishTextNormalizer
    normalise = EnglishTextNormalizer()
    files = []
    for clip in clips:
        files.append(os.path.join(folder, os.path.basename(clip.raw) + ".wav"))
        write_clip(clip, files[-1])
    ends = [speech_end_s(silero, np.fromfile(clip.raw, np.float32)) for clip in clips]
    rounds, others = [], []
    for _ in range(options.rounds):
        busy, cpu, start = common.busy_s(), os.times(), time.perf_counter()
        events = transcribe(options, files, "--stream", "--vad", options.vad, "--step", str(options.step))
        rounds.append([Streamed(events[f], end) for f, end in zip(files, ends)])
        mine = os.times()
        own = mine.children_user + mine.children_system - cpu.children_user - cpu.children_system
        others.append((common.busy_s() - busy - own) / ((time.perf_counter() - start) * os.cpu_count()))
    whole = transcribe(options, files, "--timestamps", "none")
    report(options, name, clips, rounds, [whole[f][0]["text"] for f in files], normalise, statistics.mean(others))


def report(options, name, clips, rounds, whole, normalise, others):
    first, found = rounds[0], [i for i in range(len(clips)) if all(r[i].late_ms is not None for r in rounds)]
    late = sorted(statistics.median(r[i].late_ms for r in rounds) for i in found)
    decode = statistics.median(statistics.median(r[i].decode_ms for r in rounds) for i in found)
    median, worst = statistics.median(late), late[math.ceil(0.95 * len(late)) - 1]
    kept = sum(s.thrown_away == 0 and s.n_finals == 1 and s.n_ready == 1 for s in first)
    same = all([s.text for s in r] == [s.text for s in first] for r in rounds)
    texts = [s.text for s in first]
    errors, words = common.word_errors(clips, texts, normalise)
    whole_errors = common.word_errors(clips, whole, normalise)[0]
    slots = [i for i in range(len(clips)) if clips[i].slots]
    right, whole_right = (common.accepted([clips[i] for i in slots], [t[i] for i in slots], normalise) for t in (texts, whole))
    say(f"\n{name} commands: {len(clips)} clips, mean {statistics.mean(c.seconds for c in clips):.1f} s, {len(rounds)} rounds, other programs took {others:.0%} of "
        f"the machine; final texts of the rounds {'the same' if same else 'DIFFERENT'}")
    say(f"  text known after the first {PAUSE_S * 1000:.0f} ms of pause: median {median:.0f} ms, 95 % {worst:.0f} ms, least {late[0]:.0f}, most {late[-1]:.0f}; "
        f"{len(clips) - len(found)} clips without an utterance")
    say(f"  of that decoding: median {decode:.0f} ms; partial texts a clip: {statistics.mean(s.partials for s in first):.1f}")
    say(f"  one text made ready, which became the final one: {kept} of {len(clips)}; texts thrown away: {sum(s.thrown_away for s in first)}; "
        f"in several utterances: {sum(s.n_finals > 1 for s in first)}")
    say(f"  word errors {errors} of {words}, whole clips {whole_errors}; accepted {right} of {len(slots)}, whole clips {whole_right}")
    if options.verbose:
        for i, clip in enumerate(clips):
            s = first[i]
            if s.late_ms is not None:
                say(f"  {os.path.basename(clip.source)[:40]:40} {clip.seconds:5.2f} s {s.late_ms:7.1f} ms, decoding {s.decode_ms:6.1f}, thrown away {s.thrown_away}")
            if normalise(texts[i]) != normalise(whole[i]):
                say(f"    whole:  {whole[i]}\n    stream: {texts[i]}\n    spoken: {clip.text or clip.slots}")
    goal = GOAL_MS if name == "short" else None
    about = {"clips": len(clips), "rounds": len(rounds), "others": round(others, 3)}
    for key, ours, wanted in (("late_ms.median", median, goal), ("late_ms.95", worst, None), ("kept_share", kept / len(clips), None),
                              ("word_errors", errors, whole_errors), ("accepted", right, whole_right)):
        print(json.dumps({"name": f"stream.{name}.{key}", "ours": common.rounded(ours), "goal": wanted, **about}), flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--program", default=os.path.join(common.SOURCE, "build", "src", "daemon", "voice-assistant"), help="our program")
    p.add_argument("--model", default="base", help="our prepared model: a name or a path")
    p.add_argument("--vad", default="vad", help="the prepared model that finds speech")
    p.add_argument("--venv", default=common.peers_folder(), help="virtual environment with the peers")
    p.add_argument("--cache", default=common.cache_folder(), help="folder of the published speech detector")
    p.add_argument("--data", default=common.default_data(), help="folder of the recorded sets")
    p.add_argument("--core", type=int, default=0, help="the processor's core to use")
    p.add_argument("--only", choices=PARTS, help="commands of up to 4 s, or longer ones (default: both)")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--clips", type=int, default=0, help="most clips of each set and length; 0: all")
    p.add_argument("--step", type=int, default=300, help="ms of audio between partial texts; 0: none")
    p.add_argument("--verbose", action="store_true", help="print every clip, and texts that differ")
    options = p.parse_args()
    for path in (options.program, options.data):
        if not os.path.exists(path):
            sys.exit(f"bench: {path} is absent")
    common.enter_peers(os.path.abspath(options.venv))
    silero = common.Silero(options.cache)
    with tempfile.TemporaryDirectory() as folder:
        for part in [options.only] if options.only else PARTS:
            clips = [c for s in SETS for c in common.load_clips(options, s, folder, *PARTS[part], options.clips)]
            measure(options, part, clips, folder, silero)


if __name__ == "__main__":
    main()
