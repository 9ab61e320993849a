#!/usr/bin/env python3
"""Does the assistant hear itself, and does it hear others while it speaks?

Replies of espeak-ng in several voices, some of which say the wake words and "stop", are played by a loudspeaker that clips softly into each
room response, and reach the microphone after the device's delay, with times that shake by 2 ms, in some rooms with a clock that runs
100 ppm faster: one stream a room, 11 replies, of which the first is what the canceller learns from. People speak as loud as the reply (0 dB),
without a room. The canceller and the gate are bench_echo; "before" is the microphone itself.

levels: how much softer the replies become, and how much of them the speech detector still takes for speech. wake: events of the wake words'
models over replies alone, and how many of those that are said over replies are heard. commands: word errors of Whisper in commands said over replies.
"""
import glob
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import wave

import common
from common import CHUNK, RATE_HZ

PACKAGES = ["numpy", "soundfile", "pymicro-wakeword==2.5.0", "whisper-normalizer==0.1.15"]
VOICES = ["en-us", "en-gb", "en-gb-scotland", "en-us+f3", "en-gb+m3", "en+f2"]
REPLIES = ["I turned on the light in the kitchen.", "The timer for ten minutes has started. I will tell you when it ends.",
           "It is half past seven in the evening.", "The temperature in the living room is twenty one degrees.",
           "Sorry, I did not understand that. Please say it again.", "Playing the next song on the radio in the bedroom.",
           "There are three things on your shopping list: bread, milk and apples.", "Good night. I locked the front door and closed the blinds."]
WITH_WORDS = ["Alexa is the name of another assistant.", "Stop. You said stop, so I stop the music now.", "Okay Nabu, hey Jarvis and hey Mycroft are words that wake me.",
              "Hey Jarvis is heard from across the room.", "You can say Alexa, and then stop."]
WORDS = ["alexa", "hey_jarvis", "hey_mycroft", "okay_nabu"]
DELAYS_MS = [0, 50, 100, 150, 200]
LEVEL = 0.1           # root mean square of the loud parts of replies and speech
PAUSE_S = 0.7
BLOCK = 320
AHEAD_NS = 150000000  # so early the player tells what will be heard
COUNT = 11
LOWER = 0.2           # the peer's threshold may be so much lower while own sound is heard ...
SENSITIVITY = 0.7     # ... and our sensitivity so high; 0.5 else


def resample(pcm, rate):
    import numpy as np
    if rate == RATE_HZ:
        return pcm
    n = len(pcm) * RATE_HZ // rate
    bins = np.fft.rfft(pcm)[:n // 2 + 1]
    return np.fft.irfft(np.pad(bins, (0, n // 2 + 1 - len(bins))), n) * n / len(pcm)


def load(path):
    import soundfile
    pcm, rate = soundfile.read(path, always_2d=True)
    return resample(pcm[:, 0], rate)


def say(text, voice):
    import numpy as np
    import soundfile
    sound = subprocess.run(["espeak-ng", "-v", voice, "--stdout", "--", text], stdout=subprocess.PIPE, check=True).stdout
    pcm, rate = soundfile.read(io.BytesIO(sound))
    pcm = resample(pcm, rate)
    return pcm / np.abs(pcm).max() / 2


def convolve(pcm, response):
    import numpy as np
    n = 1 << (len(pcm) + len(response)).bit_length()
    return np.fft.irfft(np.fft.rfft(pcm, n) * np.fft.rfft(response, n), n)[:len(pcm)]


def room(path):
    """From the strongest path on, for 0.6 s."""
    import numpy as np
    pcm = load(path)
    first = max(0, int(np.argmax(np.abs(pcm))) - 32)
    return pcm[first:first + RATE_HZ * 6 // 10]


def at_level(pcm):
    """The loud parts (within 30 dB of the loudest) at LEVEL."""
    import numpy as np
    power = (pcm[:len(pcm) // BLOCK * BLOCK].reshape(-1, BLOCK) ** 2).mean(1)
    return pcm * LEVEL / np.sqrt(power[power > power.max() * 1e-3].mean())


def faster(pcm, ppm):
    """As a loudspeaker plays it whose clock runs so much faster."""
    import numpy as np
    if ppm == 0:
        return pcm
    n = len(pcm)
    fine = np.fft.irfft(np.pad(np.fft.rfft(pcm), (0, n * 8 // 2 + 1 - (n // 2 + 1))), n * 8) * 8
    return np.interp(np.arange(n) * (1 + ppm * 1e-6) * 8, np.arange(n * 8), fine)


class Stream:
    """Replies in a room: what the microphone hears of them, what the player tells, where they are heard (first and last sample)."""

    def __init__(self, replies, response, delay_ms, ppm, rng):
        import numpy as np
        total = RATE_HZ + sum(len(r) + int(PAUSE_S * RATE_HZ) for r in replies) + RATE_HZ
        self.heard = np.zeros(total // BLOCK * BLOCK)
        self.played, self.pieces, self.spans = [], [], []
        at = RATE_HZ
        for reply in replies:
            loud = faster(np.tanh(1.5 * reply) / 1.5, ppm)
            loud = at_level(convolve(np.concatenate([loud, np.zeros(RATE_HZ // 2)]), response))
            first = at + delay_ms * RATE_HZ // 1000
            loud = loud[:len(self.heard) - first]
            self.heard[first:first + len(loud)] += loud
            self.spans.append((first, first + len(reply)))
            self.played.append(np.round(reply * 32767).astype("<i2"))
            for i in range(0, len(reply), BLOCK):
                heard_ns = 1e9 + (at + i / (1 + ppm * 1e-6)) * 62500
                self.pieces.append((min(BLOCK, len(reply) - i), int(heard_ns + rng.uniform(-2e6, 2e6)), int(heard_ns - AHEAD_NS)))
            at += len(reply) + int(PAUSE_S * RATE_HZ)
        self.heard += 10 ** (-70 / 20) * rng.standard_normal(len(self.heard))

    def add(self, pcm, first):
        """Somebody speaks: pcm from `first` on. Returns where the speech itself begins and ends."""
        import numpy as np
        pcm = at_level(pcm)[:len(self.heard) - first]
        self.heard[first:first + len(pcm)] += pcm
        begin, end = bounds(pcm)
        return first + begin, first + end


def bounds(pcm):
    import numpy as np
    energy = np.cumsum(pcm ** 2)
    return tuple(int(i) for i in np.searchsorted(energy, [0.01 * energy[-1], 0.99 * energy[-1]]))


class Result:
    """What is left, and for each block: hearing (0 all, 1 wake words, 2 nothing), whether an event would be the own voice's."""

    def __init__(self, options, stream):
        import numpy as np
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("heard", "played", "pieces", "out", "reference")]
            stream.heard.astype("<f4").tofile(paths[0])
            np.concatenate(stream.played).tofile(paths[1])
            with open(paths[2], "w") as f:
                f.writelines("%d %d %d\n" % piece for piece in stream.pieces)
            lines = subprocess.run([options.bench_echo, str(options.tail_ms), *paths], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
            self.out, self.reference = np.fromfile(paths[3], "<f4").astype(float), np.fromfile(paths[4], "<i2") / 32768
        rows = np.array([list(map(int, line.split())) for line in lines[:-1]])
        self.hearing, self.is_own, self.delay, self.resets = rows.T[:4]
        us, frames = map(float, lines[-1].split())
        self.load = us / 1e4 / frames


class Peer:
    """The wake words' models in their own runtime, at their own thresholds."""

    lower = f"a threshold {LOWER} lower"

    def __init__(self):
        import pymicro_wakeword
        self.models = {name: pymicro_wakeword.Model(name) for name in WORDS}

    def events(self, pcm, name, while_speaking=False):
        """Positions at which they come; a second between two."""
        import numpy as np
        from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures
        word, features = MicroWakeWord.from_builtin(self.models[name]), MicroWakeWordFeatures()
        threshold = word.probability_cutoff - (LOWER if while_speaking else 0)
        audio = np.clip(np.round(pcm * 32768), -32768, 32767).astype("<i2").tobytes()
        events = []
        for start in range(0, len(audio), 2 * BLOCK):
            for feature in features.process_streaming(audio[start:start + 2 * BLOCK]):
                word.process_streaming(feature)
                score = np.mean(word._probabilities) if len(word._probabilities) == word.sliding_window_size else 0
                if score > threshold and (not events or start // 2 - events[-1] > RATE_HZ):
                    events.append(start // 2)
        return events


class Ours:
    """The same models in our detector."""

    lower = f"a sensitivity of {SENSITIVITY}"

    def __init__(self, options):
        self.program, self.models = options.bench_wake, options.wake_models

    def events(self, pcm, name, while_speaking=False):
        lines = subprocess.run([self.program, "events", os.path.join(self.models, f"wake-{name}.vam"), str(SENSITIVITY if while_speaking else 0.5)],
                               input=pcm.astype("<f4").tobytes(), stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
        return [min(int(line.split()[3]), len(pcm) - 1) for line in lines]


def passed(result, events):
    """Those that the gate lets through; a detector that was deaf begins anew, and needs a second."""
    second = RATE_HZ // BLOCK
    return [e for e in events if (result.hearing[max(0, e // BLOCK - second):e // BLOCK + 1] < 2).all() and not result.is_own[e // BLOCK]]


def scenes(options, count, rng, every_word):
    """(name, Stream) for each room; the delays and clocks differ."""
    for k, path in enumerate(sorted(glob.glob(os.path.join(options.data, "rir", "*.flac")))):
        replies = []
        for i in range(count):
            texts = WITH_WORDS if every_word and i % every_word == 0 else REPLIES
            replies.append(say(texts[(k * count + i) // (every_word or 1) % len(texts) if texts is WITH_WORDS else (k * count + i) % len(texts)],
                               VOICES[(k + i) % len(VOICES)]))
        yield os.path.basename(path)[:-5], Stream(replies, room(path), DELAYS_MS[k % len(DELAYS_MS)], 100 if k % 3 == 2 else 0, rng)


def speech_chunks(options, pcm, spans):
    import numpy as np
    out = subprocess.run([options.bench_vad, options.vad_model, "probabilities", "c"], input=pcm.astype("<f4").tobytes(), stdout=subprocess.PIPE,
                         check=True).stdout
    probabilities = np.frombuffer(out, "<f4")
    return [probabilities[a // CHUNK:b // CHUNK] >= 0.5 for a, b in spans]


def decibels(before, after):
    import numpy as np
    return 10 * np.log10((before ** 2).sum() / (after ** 2).sum())


def measure_levels(options, rng):
    import numpy as np
    reductions, firsts, late, before, after, loads, rooms = [], [], [], [], [], [], {}
    for name, stream in scenes(options, COUNT, rng, 3):
        result = Result(options, stream)
        values = [decibels(stream.heard[a:b], result.out[a:b]) for a, b in stream.spans]
        firsts.append(values[0])
        reductions += values[1:]
        late += [decibels(stream.heard[a:b], result.out[a:b]) for a, b in ((a + RATE_HZ // 2, b) for a, b in stream.spans[1:])]
        rooms[name] = values[1:]
        loads.append(result.load)
        before += speech_chunks(options, stream.heard, stream.spans[1:])
        after += speech_chunks(options, result.out, stream.spans[1:])
    for name, values in rooms.items():
        yield f"echo reduction in {name}, mean of {len(values)} replies, dB", statistics.mean(values), None
    yield f"echo reduction, mean of {len(reductions)} replies, dB", statistics.mean(reductions), None
    yield "the same from half a second after their begin, dB", statistics.mean(late), None
    yield "echo reduction, worst reply, dB", min(reductions), None
    yield f"echo reduction while it is learned, mean of {len(firsts)} first replies, dB", statistics.mean(firsts), None
    yield "speech detector: part of the replies taken for speech, before", float(np.concatenate(before).mean()), None
    yield "speech detector: part of the replies taken for speech", float(np.concatenate(after).mean()), None
    yield "CPU while own sound is heard, % of one core", 100 * statistics.mean(loads), None


def measure_self_wakes(options, words, rng):
    before, cancelled, gated, lower, count = 0, 0, 0, 0, 0
    for _, stream in scenes(options, COUNT, rng, 2):
        result = Result(options, stream)
        count += COUNT
        for name in WORDS:
            before += len(words.events(stream.heard, name))
            events = words.events(result.out, name)
            cancelled += len(events)
            gated += len(passed(result, events))
            lower += len(passed(result, words.events(result.out, name, True)))
    yield f"self-wakes of {len(WORDS)} words in {count} replies, first ones included, before", before, None
    yield "the same with the canceller", cancelled, None
    yield "the same with the canceller and the gate", gated, 0
    yield f"the same with {words.lower} while own sound is heard", lower, 0


def measure_heard(options, words, rng):
    clips = sorted(glob.glob(os.path.join(options.data, "wakeword_picovoice", "alexa_*.flac")))
    order = rng.permutation(len(clips))
    counts, total = dict.fromkeys(["alone", "before", "canceller", "gate", "lower"], 0), 0
    for k, (_, stream) in enumerate(scenes(options, COUNT, rng, 0)):
        marks, alone = [], Stream([], room_of_nothing(), 0, 0, rng)
        alone.heard = 10 ** (-70 / 20) * rng.standard_normal(len(stream.heard))
        for i, (a, b) in list(enumerate(stream.spans))[1:]:
            clip = load(clips[order[(k * (COUNT - 1) + i) % len(clips)]])
            begin, end = bounds(clip)
            first = a + int(rng.uniform(0, max(1, b - a - (end - begin)))) - begin
            marks.append(stream.add(clip, first))
            alone.add(clip, first)
        result = Result(options, stream)
        total += len(marks)
        found = {"alone": words.events(alone.heard, "alexa"), "before": words.events(stream.heard, "alexa"), "canceller": words.events(result.out, "alexa")}
        found["gate"] = passed(result, found["canceller"])
        found["lower"] = passed(result, words.events(result.out, "alexa", True))
        for name, events in found.items():
            counts[name] += sum(any(a < e < b + RATE_HZ // 2 for e in events) for a, b in marks)
    yield f"alexa, {total} times without replies: heard, %", 100 * counts["alone"] / total, None
    yield "the same over replies (0 dB), before, %", 100 * counts["before"] / total, None
    yield "the same over replies with the canceller, %", 100 * counts["canceller"] / total, None
    yield "the same over replies with the canceller and the gate, %", 100 * counts["gate"] / total, 90
    yield f"the same with {words.lower} while own sound is heard, %", 100 * counts["lower"] / total, 90


def room_of_nothing():
    import numpy as np
    return np.ones(1)


def write_wav(path, pcm):
    import numpy as np
    with wave.open(path, "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(RATE_HZ)
        f.writeframes(np.clip(np.round(pcm * 32768), -32768, 32767).astype("<i2").tobytes())


def transcribe(options, paths):
    out = subprocess.run([options.program, "transcribe", "--model", options.model, "--language", "en", "--threads", str(options.threads), "--format",
                          "json", *paths], stdout=subprocess.PIPE, text=True, check=False).stdout
    texts = {answer["file"]: answer.get("text", "") for answer in map(json.loads, out.splitlines())}
    return [texts.get(path, "") for path in paths]


def measure_commands(options, rng):
    from whisper_normalizer.english import EnglishTextNormalizer
    normalise = EnglishTextNormalizer()
    rows = common.load_sets(options.data, ["smarthome_ohf"])
    texts, pieces, n = [], {"alone": [], "before": [], "canceller": []}, 0
    for _, stream in scenes(options, 6, rng, 0):
        clean, marks = stream.heard * 0, []
        for a, b in stream.spans[2:]:
            _, path, text = rows[n % len(rows)]
            n += 1
            pcm = load(path)
            marks.append(stream.add(pcm, a + RATE_HZ // 4))
            pcm = at_level(pcm)[:len(clean) - a - RATE_HZ // 4]
            clean[a + RATE_HZ // 4:a + RATE_HZ // 4 + len(pcm)] += pcm
            texts.append(text)
        result = Result(options, stream)
        for a, b in marks:
            span = slice(max(0, a - RATE_HZ // 4), b + RATE_HZ // 4)
            for name, pcm in (("alone", clean), ("before", stream.heard), ("canceller", result.out)):
                pieces[name].append(pcm[span])
    names = {"alone": f"word errors in {n} commands without replies, %", "before": "the same over replies (0 dB), before, %",
             "canceller": "the same over replies with the canceller, %"}
    for name, list_of_pcm in pieces.items():
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, f"{i}.wav") for i in range(len(list_of_pcm))]
            for path, pcm in zip(paths, list_of_pcm):
                write_wav(path, pcm)
            pairs = [(normalise(text).split(), normalise(heard).split()) for text, heard in zip(texts, transcribe(options, paths))]
        errors = sum(min(len(reference), common.align(reference, heard)[0]) for reference, heard in pairs)  # a made-up story counts once
        yield names[name], 100 * errors / sum(len(reference) for reference, _ in pairs), None


def main():
    p = common.parser(__doc__)
    p.add_argument("--bench-echo", default=os.path.join(common.SOURCE, "build", "bench", "bench_echo"))
    p.add_argument("--bench-vad", default=os.path.join(common.SOURCE, "build", "bench", "bench_vad"))
    p.add_argument("--vad-model", default=os.path.join(common.SOURCE, "build-models", "vad.vam"))
    p.add_argument("--bench-wake", default=os.path.join(common.SOURCE, "build", "bench", "bench_wake"))
    p.add_argument("--wake-models", default=os.path.join(common.SOURCE, "build-models"), help="folder of wake-WORD.vam")
    p.add_argument("--peer-words", action="store_true", help="the wake words' own runtime instead of our detector")
    p.add_argument("--tail-ms", type=int, default=256)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--only", choices=["levels", "wake", "commands"], action="append", help="only this part (default: all)")
    options = p.parse_args()
    common.enter_venv(options.cache, PACKAGES, "own-voice")
    import numpy as np
    rng = np.random.default_rng(options.seed)
    parts = options.only or ["levels", "wake", "commands"]
    measures = []
    if "levels" in parts:
        measures.append(measure_levels(options, rng))
    if "wake" in parts:
        words = Peer() if options.peer_words else Ours(options)
        measures += [measure_self_wakes(options, words, rng), measure_heard(options, words, rng)]
    if "commands" in parts:
        measures.append(measure_commands(options, rng))
    for measure in measures:
        for name, ours, goal in measure:
            print(json.dumps({"name": name, "ours": common.rounded(float(ours)), "goal": goal}), flush=True)


if __name__ == "__main__":
    main()
