#!/usr/bin/env python3
"""The speech detector on the recorded sets: beside onnxruntime, what the energy gate hides, when utterances begin and end.

The gate is measured on streams of recordings with 4 s between them: clean (white noise at -95 dBFS), and with noises at 20, 10, 5 and 0 dB
below the speech; all at three levels. A chunk counts as hidden when the detector gives it 0.5 or more, and the gate is closed for it and
for the chunks that an ear replays; utterances_lost is the share of the time in utterances without the gate that is in none with it (the
state of the network is another after a gap, so that ends move a little). End-pointing is measured against the first and last chunk of 0.5 or more of each recording, followed
by 2 s of silence.
"""
import glob
import json
import os
import statistics
import subprocess
import sys

import common
from common import CHUNK, RATE_HZ

SETS = ["smarthome_ohf", "picovoice", "librispeech", "misc_read", "wakeword_picovoice", "longform", "noise"]
STREAMS = {"smarthome_ohf": 24, "picovoice": 50, "wakeword_picovoice": 60, "librispeech": 15}
NOISES = ["kitchen", "sc_doing_the_dishes", "sc_white_noise", "sc_pink_noise", "sc_exercise_bike", "sb_noise1", "sb_noise3"]
REPLAY = 16
MAX_S = 60


def load(path):
    from faster_whisper import decode_audio
    return decode_audio(path)[:MAX_S * RATE_HZ]


def whole_chunks(pcm):
    return pcm[:len(pcm) // CHUNK * CHUNK]


class Ours:
    def __init__(self, program, model, kernels):
        self.program, self.model, self.kernels = program, model, kernels

    def run(self, mode, pcm, kernels=None):
        return subprocess.run([self.program, self.model, mode, kernels or self.kernels[0]], input=pcm.astype("<f4").tobytes(),
                              capture_output=True, check=True).stdout

    def probabilities(self, pcm, kernels=None):
        import numpy as np
        return np.frombuffer(self.run("probabilities", pcm, kernels), "<f4")

    def gate(self, pcm):
        import numpy as np
        return np.frombuffer(self.run("gate", pcm), np.uint8).astype(bool)

    def events(self, pcm, judge_all=False):
        lines = self.run("events-judge-all" if judge_all else "events", pcm).decode().splitlines()
        return [(kind, *map(int, numbers)) for kind, *numbers in map(str.split, lines)]


def compare(ours, peer, files):
    import numpy as np
    for name, paths in files.items():
        worst, chunks = 0.0, 0
        for path in paths:
            pcm = whole_chunks(load(path))
            expected = peer.probabilities(pcm)
            chunks += len(expected)
            for kernels in ours.kernels:
                worst = max(worst, float(np.abs(ours.probabilities(pcm, kernels) - expected).max(initial=0)))
        yield {"measure": "difference", "set": name, "chunks": chunks, "kernels": ours.kernels, "max": worst}
    yield {"measure": "peer", "median_us_a_chunk": round(statistics.median(peer.us), 1)}


def streams(files, noises):
    """(condition, pcm)"""
    import numpy as np
    rng = np.random.default_rng(1)
    for name, n in STREAMS.items():
        pieces, levels = [], []
        for i in np.linspace(0, len(files[name]) - 1, min(n, len(files[name]))).astype(int):
            pcm = load(files[name][i])
            power = np.sort((whole_chunks(pcm).reshape(-1, CHUNK) ** 2).mean(1))
            levels.append(power[-len(power) // 3:].mean())
            pieces += [np.zeros(4 * RATE_HZ, np.float32), pcm]
        speech, level = whole_chunks(np.concatenate(pieces)), np.median(levels)
        yield "clean", speech + 10 ** (-95 / 20) * rng.standard_normal(len(speech))
        for noise in NOISES:
            bed = np.resize(noises[noise], len(speech))
            for snr_db in (20, 10, 5, 0):
                yield f"{snr_db} dB", speech + np.sqrt(level / (bed ** 2).mean() * 10 ** (-snr_db / 10)) * bed


def utterances(ours, pcm, judge_all):
    """[milliseconds] True in an utterance."""
    import numpy as np
    result = np.zeros(len(pcm) // 16 + 1, bool)
    for kind, start, end, _ in ours.events(pcm, judge_all):
        if kind in ("end", "too_long"):
            result[start // 16:end // 16] = True
    return result


def measure_gate(ours, files):
    import numpy as np
    noises = {n: load(p) for n in NOISES for p in files["noise"] if os.path.basename(p) == n + ".flac"}
    totals = {}
    for condition, pcm in streams(files, noises):
        for gain_db in (0, -20, -35):
            heard = np.round(pcm * 10 ** (gain_db / 20) * 32768) / 32768
            speech, is_open = ours.probabilities(heard) >= 0.5, ours.gate(heard)
            counts = np.arange(len(is_open))
            next_open = np.minimum.accumulate(np.where(is_open, counts, 10 ** 9)[::-1])[::-1]
            hidden = speech & (next_open - counts > REPLAY)
            gated, whole = (utterances(ours, heard, judge_all) for judge_all in (False, True))
            now = np.array([len(speech), speech.sum(), hidden.sum(), (~is_open & ~speech).sum(), whole.sum(), (whole & ~gated).sum(),
                            (gated & ~whole).sum()])
            totals[condition] = totals.get(condition, 0) + now
    for condition, (chunks, speech, hidden, closed, whole, lost, added) in totals.items():
        yield {"measure": "gate", "condition": condition, "chunks": int(chunks), "speech": int(speech), "hidden": int(hidden),
               "closed_of_rest": round(closed / (chunks - speech), 3), "utterances_lost": round(lost / whole, 5),
               "utterances_added": round(added / whole, 5)}


def quiet_room(ours):
    import numpy as np
    rng = np.random.default_rng(2)
    for level_db in (-90, -75, -60):
        pcm = 10 ** (level_db / 20) * rng.standard_normal(600 * RATE_HZ // CHUNK * CHUNK)
        yield {"measure": "gate", "condition": f"10 min of white noise at {level_db} dBFS", "closed": round(1 - ours.gate(pcm).mean(), 4)}


def endpoints(ours, files):
    import numpy as np
    for name in ("smarthome_ohf", "picovoice"):
        starts, ends, delays, early, missed, several = [], [], [], [], 0, 0
        for path in files[name]:
            pcm = whole_chunks(np.concatenate([load(path), np.zeros(2 * RATE_HZ, np.float32)]))
            speech = np.flatnonzero(ours.probabilities(pcm) >= 0.5)
            events = ours.events(pcm)
            found = [e for e in events if e[0] in ("end", "too_long")]
            if len(speech) == 0 or not found:
                missed += 1
                continue
            several += len(found) > 1
            first, last = speech[0] * CHUNK, (speech[-1] + 1) * CHUNK
            starts.append((found[0][1] - first) / RATE_HZ)
            ends.append((found[-1][2] - last) / RATE_HZ)
            delays.append((found[-1][3] - last) / RATE_HZ)
            early.append(sum(e[0] == "resumed" for e in events))
        yield {"measure": "endpoint", "set": name, "recordings": len(files[name]), "without": missed, "several_utterances": several,
               "start_s": spread(starts), "end_s": spread(ends), "told_after_s": spread(delays),
               "possible_ends_resumed": int(sum(early))}


def spread(values):
    values = sorted(values)
    return {"least": round(values[0], 3), "median": round(statistics.median(values), 3), "most": round(values[-1], 3)}


def main():
    p = common.parser(__doc__)
    p.set_defaults(program=os.path.join(common.SOURCE, "build", "bench", "bench_vad"), model=os.path.join(common.SOURCE, "build-models", "vad.vam"))
    p.add_argument("--part", choices=["difference", "gate", "room", "endpoint"], action="append", help="only this part (default: all)")
    arguments = p.parse_args()
    common.enter_venv(arguments.cache)
    times = subprocess.run([arguments.program, arguments.model], capture_output=True, text=True, check=True).stdout
    kernels = [line.split()[1] for line in times.splitlines() if line.startswith("silero")]
    ours, peer = Ours(arguments.program, arguments.model, kernels), common.Silero(arguments.cache)
    files = {name: sorted(glob.glob(os.path.join(arguments.data, name, "*.flac"))) for name in SETS}
    print(times, end="", flush=True)
    parts = {"difference": compare(ours, peer, files), "gate": measure_gate(ours, files), "room": quiet_room(ours),
             "endpoint": endpoints(ours, files)}
    for name in arguments.part or parts:
        for row in parts[name]:
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
