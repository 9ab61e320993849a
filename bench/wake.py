#!/usr/bin/env python3
"""Wake words beside pymicro-wakeword: the outputs of the networks, misses against false accepts, and what listening costs.

Curves are of "alexa", the one word that recordings of people saying it are at hand for. A recording counts as missed when the highest score
in it is not above the threshold; a false accept is a time above it in sound in which nobody says the word, at most one a second. The peer
decides by the mean of its last 5 outputs, which this takes from our network where "difference" has shown it to be equal. Misses are
counted in the quiet, with noises at 10 and 5 dB below the speech, and in rooms; false accepts in all other speech, in the noises, and in that
speech with the noises at 10 dB. The halves (a: even recordings, the first half of each stream) tell how much chance there is in it; both were in
view when the decision was chosen, so neither is a fresh measure.
"""
import glob
import json
import math
import os
import subprocess
import sys
import time

import common
from common import RATE_HZ

PEER = ["numpy", "soundfile==0.14.0", "pymicro-wakeword==2.5.0", "pymicro-features==2.0.2"]
WORDS = ["alexa", "hey_jarvis", "hey_mycroft", "okay_nabu"]
SPEECH = ["librispeech", "longform", "misc_read", "picovoice", "smarthome_ohf"]
OTHER_WORDS = ["jarvis", "computer"]
MIXED_WITH = ["kitchen", "babble_4talkers", "sb_noise3", "sc_doing_the_dishes"]
CONDITIONS = [("quiet", None, None, 0), *[(f"{noise} {db} dB", noise, None, db) for noise in ("kitchen", "babble_4talkers") for db in (10, 5)],
              ("room sb_rir1", None, "sb_rir1", 0), ("room dfn_rt60_0.79", None, "dfn_rt60_0.79", 0)]
SENSITIVITIES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
PEER_CUTOFFS = [0.97, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]
QUIET_DB = -80  # of the noise around what is said in the quiet


def load(path):
    import soundfile
    pcm, rate = soundfile.read(path, dtype="float32", always_2d=True)
    assert rate == RATE_HZ, path
    return pcm[:, 0]


def load_response(path):
    import numpy as np
    import soundfile
    pcm, rate = soundfile.read(path, dtype="float32", always_2d=True)
    t = np.arange(0, len(pcm) - 1, rate / RATE_HZ)
    response = np.interp(t, np.arange(len(pcm)), pcm[:, 0])
    peak = int(np.abs(response).argmax())
    response = response[max(0, peak - 16):peak + RATE_HZ]
    return response / np.sqrt((response ** 2).sum())


def speech_level(pcm):
    """Power of the loudest third."""
    import numpy as np
    power = np.sort((pcm[:len(pcm) // 512 * 512].reshape(-1, 512) ** 2).mean(1))
    return power[-max(1, len(power) // 3):].mean()


def in_room(pcm, response):
    import numpy as np
    n = 1 << (len(pcm) + len(response)).bit_length()
    return np.fft.irfft(np.fft.rfft(pcm, n) * np.fft.rfft(response, n), n)[:len(pcm) + RATE_HZ // 2]


def with_noise(pcm, noise, db, seed):
    """noise from a random place on, db below the speech; turned down where the sum would clip."""
    import numpy as np
    start = np.random.default_rng(seed).integers(len(noise))
    bed = np.resize(np.roll(noise, -start), len(pcm))
    mixed = pcm + bed * math.sqrt(speech_level(pcm) / (bed ** 2).mean() * 10 ** (-db / 10))
    return mixed / max(1.0, np.abs(mixed).max())


class Ours:
    def __init__(self, program, models):
        self.program, self.models = program, models

    def run(self, mode, word, pcm, *arguments):
        path = os.path.join(self.models, f"wake-{word}.vam")
        return subprocess.run([self.program, mode, path, *arguments], input=pcm.astype("<f4").tobytes(), capture_output=True,
                              check=True).stdout

    def outputs(self, word, pcm):
        import numpy as np
        return np.frombuffer(self.run("outputs", word, pcm), np.uint8)

    def scores(self, word, pcm):
        import numpy as np
        return np.frombuffer(self.run("scores", word, pcm), "<f4")


def peer_outputs(word, pcm):
    """(what the network gave, in 256ths; seconds of processor time)"""
    import numpy as np
    from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model
    network, features, outputs = MicroWakeWord.from_builtin(Model(word)), MicroWakeWordFeatures(), []
    samples = np.clip(np.rint(pcm * 32768), -32768, 32767).astype("<i2").tobytes()
    before = time.process_time()
    for i, frame in enumerate(features.process_streaming(samples)):
        network.process_streaming_prob(frame)
        if i % network.stride == network.stride - 1:
            outputs.append(network._probabilities[-1])
    return np.rint(np.array(outputs) * 256).astype(np.uint8), time.process_time() - before


def peer_scores(outputs):
    """The mean of the last 5, by which pymicro-wakeword decides."""
    import numpy as np
    return np.convolve(outputs / 256, np.ones(5) / 5, "valid") if len(outputs) >= 5 else np.zeros(1)


def difference(ours, data, quick):
    import numpy as np
    files = [f for s in ("wakeword_picovoice", "noise", "librispeech") for f in sorted(glob.glob(os.path.join(data, s, "*.flac")))]
    files = files[::12] if quick else files
    for word in WORDS:
        inferences = differing = most = 0
        seconds = peer_s = 0.0
        for path in files:
            pcm = load(path)
            expected, took_s = peer_outputs(word, pcm)
            outputs = ours.outputs(word, pcm).astype(int)
            assert len(outputs) == len(expected), path
            delta = np.abs(outputs - expected)
            inferences, differing, most = inferences + len(delta), differing + int((delta > 0).sum()), max(most, int(delta.max(initial=0)))
            seconds, peer_s = seconds + len(pcm) / RATE_HZ, peer_s + took_s
        yield {"measure": "difference", "word": word, "recordings": len(files), "inferences": inferences, "differing": differing,
               "most_256ths": most, "peer_us_a_second": round(peer_s / seconds * 1e6)}


def cost(ours):
    paths = [os.path.join(ours.models, f"wake-{word}.vam") for word in WORDS]
    for line in subprocess.run([ours.program, "cost", *paths], capture_output=True, text=True, check=True).stdout.splitlines():
        name, us = line.rsplit(None, 2)[:2]
        yield {"measure": "cost", "of": name.strip(), "us_a_second_of_sound": float(us), "of_a_core": f"{float(us) / 1e4:.3f} %"}


def peaks(scores, apart, least):
    """The highest scores that are not within `apart` of a higher one."""
    scores, found = scores.copy(), []
    while scores.max(initial=0) > least:
        i = int(scores.argmax())
        found.append(float(scores[i]))
        scores[max(0, i - apart):i + apart] = 0
    return found


class Material:
    """Recordings of the word in each condition, and streams in which it is not said."""

    def __init__(self, data, quick):
        import numpy as np
        self.noises = {os.path.basename(f)[:-5]: load(f) for f in sorted(glob.glob(os.path.join(data, "noise", "*.flac")))}
        self.rooms = {room: load_response(os.path.join(data, "rir", room + ".flac")) for _, _, room, _ in CONDITIONS if room}
        self.said = [load(f) for f in sorted(glob.glob(os.path.join(data, "wakeword_picovoice", "alexa*.flac")))]
        rng = np.random.default_rng(3)
        self.hiss = (10 ** (QUIET_DB / 20) * rng.standard_normal(2 * RATE_HZ)).astype(np.float32)
        self.speech = {}
        for name, pattern in [*((s, os.path.join(data, s, "*")) for s in SPEECH),
                              *((w, os.path.join(data, "wakeword_picovoice", w + "*.flac")) for w in OTHER_WORDS)]:
            files = [f for f in sorted(glob.glob(pattern)) if f.endswith((".flac", ".wav"))]
            pieces = [p for f in files for p in (load(f), self.hiss[:RATE_HZ])]
            self.speech[name] = np.concatenate(pieces[:20] if quick else pieces)

    def said_in(self, condition):
        import numpy as np
        _, noise, room, db = condition
        for i, pcm in enumerate(self.said):
            pcm = in_room(pcm, self.rooms[room]) if room else pcm
            if noise:
                around = np.zeros(3 * RATE_HZ, np.float32)
                yield with_noise(np.concatenate([around, pcm, around[:RATE_HZ]]), self.noises[noise], db, i)
            else:
                yield np.concatenate([self.hiss[:RATE_HZ], pcm, self.hiss[:RATE_HZ]])

    def others(self):
        """(kind, pcm)"""
        for pcm in self.speech.values():
            yield "speech", pcm
        for pcm in self.noises.values():
            yield "noise", pcm
        for pcm in self.speech.values():
            for noise in MIXED_WITH:
                yield "speech and noise", with_noise(pcm, self.noises[noise], 10, 5)


class Detector:
    """Scores of one way to decide: of each recording the highest, of what is not the word all peaks."""

    def __init__(self, name, score, apart, least):
        self.name, self.score, self.apart, self.least = name, score, apart, least
        self.said, self.wrong = {}, {}  # by condition; by (kind, half)

    def hear(self, material_said, others):
        for condition, pcm in material_said:
            self.said.setdefault(condition, []).append(float(self.score(pcm).max(initial=0)))
        for kind, pcm in others:
            scores = self.score(pcm)
            for half, part in (("a", scores[:len(scores) // 2]), ("b", scores[len(scores) // 2:])):
                self.wrong.setdefault((kind, half), []).extend(peaks(part, self.apart, self.least))

    def misses(self, threshold, halves="ab"):
        return {c: sum(s <= threshold for i, s in enumerate(scores) if "ab"[i % 2] in halves) for c, scores in self.said.items()}

    def accepts(self, threshold, halves="ab"):
        return {kind: sum(s > threshold for half in halves for s in self.wrong.get((kind, half), []))
                for kind in ("speech", "noise", "speech and noise")}

    def threshold_for(self, accepts, halves):
        """The lowest that has no more false accepts than these."""
        wrong = sorted((s for (_, half), all_ in self.wrong.items() if half in halves for s in all_), reverse=True)
        return wrong[accepts] if accepts < len(wrong) else self.least


def upper_bound(accepts, minutes):
    """95 %, a hour, of a Poisson rate."""
    low, high = 0.0, 30.0 + 3 * accepts
    for _ in range(60):
        middle = (low + high) / 2
        tail = sum(math.exp(-middle) * middle ** k / math.factorial(k) for k in range(accepts + 1))
        low, high = (middle, high) if tail > 0.05 else (low, middle)
    return round(high / (minutes / 60), 2)


def odds_threshold(cutoff, sensitivity):
    odds = max(math.log(cutoff / (1 - cutoff)) - 1.5, 0.7) + 8 * (0.5 - sensitivity)
    return 1 / (1 + math.exp(-odds))


def curves(ours, data, quick):
    material = Material(data, quick)
    said = [(c[0], pcm) for c in CONDITIONS for pcm in material.said_in(c)]
    others = list(material.others())
    minutes = {kind: sum(len(pcm) for k, pcm in others if k == kind) / RATE_HZ / 60 for kind in ("speech", "noise", "speech and noise")}
    detectors = [Detector("ours", lambda pcm: ours.scores("alexa", pcm), 100, 0.002),
                 Detector("pymicro-wakeword", lambda pcm: peer_scores(ours.outputs("alexa", pcm)), 33, 0.002)]
    for detector in detectors:
        detector.hear(said, others)
    yield {"measure": "material", "recordings": len(material.said), "minutes": {k: round(v, 1) for k, v in minutes.items()}}
    ours_, peer = detectors
    points = [(ours_, "sensitivity", s, odds_threshold(0.9, s)) for s in SENSITIVITIES] + [(peer, "cutoff", c, c) for c in PEER_CUTOFFS]
    for detector, label, value, threshold in points:
        accepts = detector.accepts(threshold)
        yield {"measure": "curve", "of": detector.name, label: value, "misses": detector.misses(threshold), "false_accepts": accepts,
               "at_most_an_hour": {k: upper_bound(accepts[k], minutes[k]) for k in accepts}}
    for half in ("a", "b"):
        for accepts in (0, 1, 2, 4, 8, 16):
            row = {"measure": "equal false accepts", "half": half, "false_accepts": accepts}
            for detector in detectors:
                misses = detector.misses(detector.threshold_for(accepts, half), half)
                row[detector.name] = {"quiet": misses["quiet"], "all": sum(misses.values())}
            row["recordings"] = {"quiet": len(detectors[0].said["quiet"]) // 2, "all": sum(len(s) for s in detectors[0].said.values()) // 2}
            yield row


def levels(ours, data, quick):
    """False accepts of "alexa" at the middle sensitivity, and of the peer at the published cutoff, at other levels of sound and noise."""
    material = Material(data, quick)
    rows = [(f"speech {db:+d} dB", [pcm * 10 ** (db / 20) for pcm in material.speech.values()]) for db in (-30, -20, 10)]
    rows += [(f"noises {db:+d} dB", [pcm * 10 ** (db / 20) for pcm in material.noises.values()]) for db in (-20, 10)]
    rows += [(f"speech and {noise} at {db} dB", [with_noise(pcm, material.noises[noise], db, 7) for pcm in material.speech.values()])
             for noise in ("kitchen", "babble_4talkers") for db in (20, 5, 0)]
    for name, sounds in rows:
        found = {"ours": 0, "pymicro-wakeword": 0}
        for pcm in sounds:
            heard = pcm.clip(-1, 1)
            found["ours"] += len(peaks(ours.scores("alexa", heard), 100, odds_threshold(0.9, 0.5)))
            found["pymicro-wakeword"] += len(peaks(peer_scores(ours.outputs("alexa", heard)), 33, 0.9))
        yield {"measure": "levels", "sound": name, "minutes": round(sum(map(len, sounds)) / RATE_HZ / 60, 1), "false_accepts": found}


def other_words(ours, data, quick):
    """False accepts of the words that nobody says in the recordings."""
    material = Material(data, quick)
    for word in WORDS[1:]:
        cutoff = {"hey_jarvis": 0.97, "hey_mycroft": 0.95, "okay_nabu": 0.85}[word]
        detector = Detector(word, lambda pcm, word=word: ours.scores(word, pcm), 100, 0.002)
        peer = Detector(word, lambda pcm, word=word: peer_scores(ours.outputs(word, pcm)), 33, 0.1)
        others = [(k, pcm) for k, pcm in material.others() if k != "speech and noise"]
        detector.hear([], others)
        peer.hear([], others)
        accepts = peer.accepts(cutoff)
        yield {"measure": "other word", "word": word, "of": "pymicro-wakeword", "cutoff": cutoff,
               "false_accepts": {k: accepts[k] for k in ("speech", "noise")}}
        for sensitivity in (0.3, 0.5, 0.7, 0.9):
            accepts = detector.accepts(odds_threshold(cutoff, sensitivity))
            yield {"measure": "other word", "word": word, "of": "ours", "sensitivity": sensitivity,
                   "false_accepts": {k: accepts[k] for k in ("speech", "noise")}}


def main():
    p = common.parser(__doc__)
    p.set_defaults(program=os.path.join(common.SOURCE, "build", "bench", "bench_wake"), model=os.path.join(common.SOURCE, "build-models"))
    p.add_argument("--part", choices=["difference", "cost", "curves", "levels", "words"], action="append", help="only this part (default: all)")
    p.add_argument("--quick", action="store_true", help="some of the recordings")
    arguments = p.parse_args()
    common.enter_venv(arguments.cache, PEER, "venv-wake")
    ours = Ours(arguments.program, arguments.model)
    parts = {"difference": lambda: difference(ours, arguments.data, arguments.quick), "cost": lambda: cost(ours),
             "curves": lambda: curves(ours, arguments.data, arguments.quick),
             "levels": lambda: levels(ours, arguments.data, arguments.quick), "words": lambda: other_words(ours, arguments.data, arguments.quick)}
    for name in arguments.part or parts:
        for row in parts[name]():
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    sys.exit(main())
