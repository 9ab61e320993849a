#!/usr/bin/env python3
"""A user's own word: enrolled from five random recordings, looked for in the others and in all other speech.

Draws enrol "computer" and "jarvis" from five of their recordings, by different people; the rest must be found in their first utterance, as they
are and with noises 10 dB below them. All other recordings are listened to as an assistant does (src/word/word.h says which spans), those of
the other words too. Misses are counted at the highest score that other speech got, and at the usual limit of 0.5. "alexa" from its text
alone verifies what a wake-word network found: recall and accepts at several limits.
"""
import glob
import json
import os
import random
import statistics
import subprocess
import sys

import common

OTHER_SPEECH = ["librispeech", "longform", "picovoice", "smarthome_ohf", "misc_read", "noise"]
WORDS, TEXT_WORD = ["computer", "jarvis"], "alexa"
NOISES = ["babble_4talkers", "babble_2talkers", "kitchen"]
LIMITS = [0.1, 0.3, 0.5, 0.7, 0.9]
SAMPLES, LIMIT, NOISE_DB = 5, 0.5, 10


class Bench:
    def __init__(self, program, model, vad, threads):
        self.process = subprocess.Popen([program, model, vad, str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def order(self, *fields):
        self.process.stdin.write("\t".join(fields) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().rstrip("\n")
        if answer.startswith("error") or not answer:
            raise RuntimeError(f"{fields[0]}: {answer}")
        return answer.split("\t")

    def listen(self, how, path):
        """seconds of speech, processor seconds, [best score of each word]"""
        speech_s, cpu_s, *scores = self.order(how, path)
        return float(speech_s), float(cpu_s), list(map(float, scores))

    def scores(self, how, paths):
        """[word][recording]"""
        return list(zip(*(self.listen(how, path)[2] for path in paths)))


def recordings(data, folder):
    return sorted(glob.glob(os.path.join(data, folder, "*.flac")))


def misses(scores, limit):
    return sum(s < limit for s in scores) / len(scores)


def measure_word(bench, word, own, other, draws, noise_paths):
    generator = random.Random(word)
    sets = [generator.sample(own, SAMPLES) for _ in range(draws)]
    bench.order("forget")
    texts = [bench.order("enrol", *files)[1] for files in sets]
    highest = [max(s) for s in bench.scores("all", other)]
    rows = [{"word": word, "draw": i, "text": text, "highest_other": round(top, 4)} for i, (text, top) in enumerate(zip(texts, highest))]
    for name, path in [("clean", None)] + list(noise_paths.items()):
        bench.order(*(["noise", path, str(NOISE_DB)] if path else ["noise"]))
        for row, scores, files in zip(rows, bench.scores("first", own), sets):
            tests = [s for s, path in zip(scores, own) if path not in files]
            row[f"missed_{name}_at_zero"] = misses(tests, max(row["highest_other"], 1e-6) * 1.000001)
            row[f"missed_{name}"] = misses(tests, LIMIT)
    bench.order("noise")
    return rows


def accepts(scores, limit):
    return sum(s >= limit for s in scores)


def measure_text(bench, word, own, other):
    bench.order("forget")
    bench.order("text", word)
    found, false = bench.scores("first", own)[0], bench.scores("all", other)[0]
    return [{"word": word, "limit": limit, "missed": misses(found, limit), "recordings": len(own), "accepted": accepts(false, limit),
             "other_recordings": len(other)} for limit in LIMITS]


def measure_cost(bench, own, data):
    bench.order("forget")
    bench.order("enrol", *own[:SAMPLES])
    speech_s = cpu_s = 0
    for path in recordings(data, "longform"):
        speech, cpu, _ = bench.listen("all", path)
        speech_s, cpu_s = speech_s + speech, cpu_s + cpu
    return {"cpu_s_a_minute": round(60 * cpu_s / speech_s, 2)}


def figures(rows, verified, cost):
    """(name, ours, goal)"""
    def median(field):
        return round(statistics.median(row[field] for row in rows), 4)

    yield "own word: misses at zero accepts, median", median("missed_clean_at_zero"), "<= 0.30"
    for word in WORDS:
        mine = [row for row in rows if row["word"] == word]
        yield f"own word {word}: misses at zero accepts, worst draw", round(max(row["missed_clean_at_zero"] for row in mine), 4), None
        yield f"own word {word}: misses at 0.5, median", round(statistics.median(row["missed_clean"] for row in mine), 4), None
        yield f"own word {word}: misses at 0.5, worst draw", round(max(row["missed_clean"] for row in mine), 4), None
        yield f"own word {word}: draws with an accept at 0.5", sum(row["highest_other"] >= LIMIT for row in mine), "0"
        yield f"own word {word}: highest score of other speech", max(row["highest_other"] for row in mine), None
    for noise in NOISES:
        yield f"own word: misses at 0.5, {noise} at {NOISE_DB} dB, median", median(f"missed_{noise}"), None
    for row in verified:
        yield f"{row['word']} from text at {row['limit']}: misses", round(row["missed"], 4), None
        yield f"{row['word']} from text at {row['limit']}: recordings of other speech accepted", row["accepted"], None
    for name, value in cost.items():
        yield f"continuous speech, one word: {name}", value, None


def main():
    p = common.parser(__doc__)
    p.set_defaults(program=os.path.join(common.SOURCE, "build", "bench", "bench_word"),
                   model=os.path.join(common.SOURCE, "build-models", "base.vam"), threads=1)
    p.add_argument("--vad", default=os.path.join(common.SOURCE, "build-models", "vad.vam"), help="the prepared speech detector")
    p.add_argument("--draws", type=int, default=20)
    p.add_argument("--quick", action="store_true", help="three draws, and a fifth of the other speech")
    arguments = p.parse_args()
    bench = Bench(arguments.program, arguments.model, arguments.vad, arguments.threads)
    words = {w: [f for f in recordings(arguments.data, "wakeword_picovoice") if os.path.basename(f).startswith(w + "_")]
             for w in WORDS + [TEXT_WORD]}
    speech = [f for folder in OTHER_SPEECH for f in recordings(arguments.data, folder)]
    noises = {n: os.path.join(arguments.data, "noise", n + ".flac") for n in NOISES}
    rows = []

    def other(word):
        files = speech + [f for w, own in words.items() if w != word for f in own]
        return files[::5] if arguments.quick else files

    for word in WORDS:
        rows += measure_word(bench, word, words[word], other(word), 3 if arguments.quick else arguments.draws, noises)
        print(f"{word}: done", file=sys.stderr)
    verified = measure_text(bench, TEXT_WORD, words[TEXT_WORD], other(TEXT_WORD))
    cost = measure_cost(bench, words[WORDS[0]], arguments.data)
    if arguments.json:
        for row in rows:
            print(json.dumps(row))
    for name, ours, goal in figures(rows, verified, cost):
        print(json.dumps({"name": name, "ours": ours, "goal": goal}) if arguments.json else f"{name:70} {ours!s:>10} {goal or '':>10}")


if __name__ == "__main__":
    main()
