#!/usr/bin/env python3
"""What virtual silence costs in accuracy: short clips with it and with the full window, by the same engine and weights.

Clips of the read and spoken-command sets (at most 28 s), each whole and cut to its speech, clean and in kitchen noise; and recordings of
more than one window, joined from read clips in random order, of which the last window is short. For each condition the table shows word errors
where the exact text is known, commands not accepted where the labelled slots are, texts that differ from the full window's, and windows decoded
again in full. The interval is the 95 % range of the difference in errors (paired bootstrap over clips). English, greedy; no timestamps
but for the joined ones. At the end the read clips of all conditions together, and the commands.
"""
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import wave

import common

RATE_HZ = 16000
LONGEST_S = 28
READ_SETS = ["librispeech", "misc_read", "smarthome_ohf"]
PEAK_FRAME = 2048
JOINED = "joined"


def load_clips(data, limit):
    """[(set, path, text or None, slots or None)]"""
    clips = [(name, path, text, None) for name, path, text in common.load_sets(data, READ_SETS)]
    with open(os.path.join(data, "picovoice", "manifest.tsv"), newline="") as f:
        for row in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE):
            clips.append(("picovoice", os.path.join(data, "picovoice", row["path"]), None, list(json.loads(row["slots_json"]).values())))
    if limit:
        by_set = {}
        for clip in clips:
            by_set.setdefault(clip[0], []).append(clip)
        clips = [clip for group in by_set.values() for clip in group[:limit]]
    return clips


def peak_energy(np, pcm):
    frames = pcm[:len(pcm) // PEAK_FRAME * PEAK_FRAME].reshape(-1, PEAK_FRAME)
    return float((frames ** 2).mean(1).max()) if len(frames) else float((pcm ** 2).mean())


def add_noise(np, pcm, noise, snr_db, rng):
    """As the coffee benchmark mixes: by the loudest frames of both; the sum has a peak of 0.5."""
    start = rng.randrange(len(noise) - len(pcm))
    piece = noise[start:start + len(pcm)]
    mixed = pcm + piece * np.sqrt(peak_energy(np, pcm) / (peak_energy(np, piece) * 10 ** (snr_db / 10)))
    return mixed * (0.5 / np.abs(mixed).max())


def speech_span(np, pcm):
    """First and last sample of the speech, by energy, with 0.2 s before and 0.3 s after."""
    frame = 320
    energy = (pcm[:len(pcm) // frame * frame].reshape(-1, frame) ** 2).mean(1)
    floor = np.percentile(energy, 10)
    loud = np.flatnonzero(energy > max(float(energy.max()) * 1e-3, floor * 4))
    if not len(loud):
        return 0, len(pcm)
    return max(0, loud[0] * frame - RATE_HZ // 5), min(len(pcm), (loud[-1] + 1) * frame + RATE_HZ * 3 // 10)


def write_wav(np, path, pcm):
    with wave.open(path, "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(RATE_HZ)
        f.writeframes((np.clip(pcm, -1, 1) * 32767).astype("<i2").tobytes())


def make_conditions(clips, data, folder, snrs):
    """{condition: [path of clip i, or None when it is too long]}"""
    import numpy as np
    from faster_whisper import decode_audio
    noise = decode_audio(os.path.join(data, "noise", "kitchen.flac"))
    while len(noise) < (LONGEST_S + 2) * RATE_HZ:
        noise = np.concatenate([noise, noise])
    conditions = {}
    rng = random.Random(1)
    for i, (_, source, _, _) in enumerate(clips):
        pcm = decode_audio(source)
        start, end = speech_span(np, pcm)
        for snr in [None, *snrs]:
            heard = pcm if snr is None else add_noise(np, pcm, noise, snr, rng)
            for kind, part in (("whole", heard), ("cut", heard[start:end])):
                name = f"{kind}, " + ("clean" if snr is None else f"{snr} dB")
                paths = conditions.setdefault(name, [])
                if len(pcm) > LONGEST_S * RATE_HZ:
                    paths.append(None)
                    continue
                paths.append(os.path.join(folder, f"{i}-{kind}-{snr}.wav"))
                write_wav(np, paths[-1], part)
    return conditions


def join_clips(clips, folder, n):
    """n recordings of 32 to 58 s with their texts: read clips in random order, 0.5 s between them."""
    import numpy as np
    from faster_whisper import decode_audio
    read = [(decode_audio(source), text) for _, source, text, _ in clips if text is not None]
    rng = random.Random(3)
    joined = []
    for i in range(n):
        seconds, parts, texts = rng.uniform(32, 50), [], []
        while sum(map(len, parts)) < seconds * RATE_HZ:
            pcm, text = rng.choice(read)
            if len(pcm) > 8 * RATE_HZ:
                continue
            parts += [pcm, np.zeros(RATE_HZ // 2, np.float32)]
            texts.append(text)
        path = os.path.join(folder, f"joined-{i}.wav")
        write_wav(np, path, np.concatenate(parts))
        joined.append((JOINED, path, " ".join(texts), None))
    return joined


def without_silence(model, folder):
    """A copy of a prepared model in which the silence is not found: its first tensor has another name."""
    with open(model, "rb") as f:
        data = f.read()
    name = b"silence.encoder.0.v\0"
    if data.count(name) != 1:
        sys.exit(f"bench: {model} has no virtual silence")
    path = os.path.join(folder, "full.vam")
    with open(path, "wb") as f:
        f.write(data.replace(name, b"silence.encoder.0.w\0"))
    return path


def transcribe(options, model, paths, timestamps):
    """-> [(text, retried)]"""
    command = [options.program, "transcribe", "--model", model, "--language", "en", "--beam", "1", "--timestamps", timestamps, "--no-fallback",
               "--threads", str(options.threads), "--format", "json", *[p for p in paths if p]]
    out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True)
    results = iter(json.loads(line) for line in out.stdout.splitlines())
    return [(r["text"], r.get("retried", 0)) if r else None for r in (next(results) if p else None for p in paths)]


def contains(words, wanted):
    return any(words[i:i + len(wanted)] == wanted for i in range(len(words) - len(wanted) + 1))


def score(normalise, clip, text):
    """-> (word errors, reference words) of a clip with a text, or (0 or 1 rejected, 1) of a command."""
    _, _, reference, slots = clip
    words = normalise(text).split()
    if reference is not None:
        wanted = normalise(reference).split()
        return common.align(wanted, words)[0], len(wanted)
    return int(not all(contains(words, normalise(value).split()) for value in slots)), 1


def interval(differences, rng, rounds=2000):
    sums = sorted(sum(rng.choice(differences) for _ in differences) for _ in range(rounds))
    return sums[rounds // 40], sums[-rounds // 40]


def show(condition, model, name, pairs, rng):
    """pairs: [(score, full window's score, (text, retried), full window's (text, retried))]"""
    low, high = interval([a[0] - b[0] for a, b, _, _ in pairs], rng)
    print(f"| {condition} | {os.path.basename(model)} | {name} | {len(pairs)} | {sum(a[0] for a, _, _, _ in pairs)} | "
          f"{sum(a[1] for a, _, _, _ in pairs)} | {sum(b[0] for _, b, _, _ in pairs)} | {low:+} to {high:+} | "
          f"{sum(g[0] != f[0] for _, _, g, f in pairs)} | {sum(g[1] for _, _, g, _ in pairs)} |", flush=True)


def main():
    p = common.parser(__doc__)
    p.add_argument("--variant", action="append", default=[], help="a prepared model with virtual silence; may be given again")
    p.add_argument("--full", help="the same model prepared without it (default: the first variant, with its silence hidden)")
    p.add_argument("--snr", type=int, nargs="*", default=[24, 18, 12, 6])
    p.add_argument("--limit", type=int, default=0, help="only so many clips of each set")
    p.add_argument("--joined", type=int, default=40, help="recordings of more than one window")
    options = p.parse_args()
    common.enter_venv(options.cache)
    if not options.variant:
        p.error("--variant names a prepared model file")
    from whisper_normalizer.english import EnglishTextNormalizer
    normalise = EnglishTextNormalizer()
    clips = load_clips(options.data, options.limit)
    rng = random.Random(2)
    print("| condition | model | set | clips | errors | of | full window's errors | difference, 95 % | other texts | again |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        full_model = options.full or without_silence(options.variant[0], folder)
        runs = [(condition, clips, paths, "none") for condition, paths in make_conditions(clips, options.data, folder, options.snr).items()]
        joined = join_clips(clips, folder, options.joined)
        runs.append(("joined", joined, [path for _, path, _, _ in joined], "segment"))
        pooled = {}
        for condition, heard, paths, timestamps in runs:
            full = transcribe(options, full_model, paths, timestamps)
            for model in options.variant:
                got = transcribe(options, model, paths, timestamps)
                for name in dict.fromkeys(clip[0] for clip in heard):
                    pairs = [(score(normalise, c, g[0]), score(normalise, c, f[0]), (normalise(g[0]), g[1]), (normalise(f[0]), f[1]))
                             for c, g, f in zip(heard, got, full) if c[0] == name and g]
                    show(condition, model, name, pairs, rng)
                    kind = "commands" if name == "picovoice" else "joined" if name == JOINED else "read"
                    pooled.setdefault((model, kind), []).extend(pairs)
        for (model, kind), pairs in pooled.items():
            show("all", model, kind, pairs, rng)


if __name__ == "__main__":
    main()
