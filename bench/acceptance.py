#!/usr/bin/env python3
"""How well it hears: accents, noises, speaking rates; word errors and commands carried out. For docs/acceptance.md.

Word errors are of free transcription, greedy, after Whisper's English normaliser. A command is right when its intent and labelled slots are found among the
commands of its grammar. Noise is mixed by the loudest frames of both (peak-frame signal-to-noise ratio), the sum with a peak of 0.5; fixed seed.
Tables go to standard error, one JSON line a figure to standard output.

Parts:
  people   recordings of people: read sentences (word errors, by set) and spoken commands
  noise    the same in kitchen noise, pink noise and babble of four talkers
  rates    the recordings of people made slower and faster at their own pitch (WSOLA): sentences at 120 to 220 words a minute, commands at 0.7 to 1.5 times their speed
  accents  commands and sentences by synthetic voices in several accents, at 120 to 220 words a minute: flite's, made from recordings of people, and
           espeak-ng's, made by rule. A stand-in for people, who differ more, and a hard one, as the model has learned from people
"""
import argparse
import csv
import json
import os
import random
import subprocess
import tempfile
import zlib

import common
from common import say
from virtual_silence import add_noise, speech_span, write_wav

PACKAGES = ["numpy", "soundfile", "whisper-normalizer==0.1.15"]
PARTS = ["people", "noise", "rates", "accents"]
NOISES = {"kitchen": "kitchen.flac", "pink": "sc_pink_noise.flac", "babble of 4": "babble_4talkers.flac"}
SNRS = [20, 10, 5]
READ = ["librispeech", "misc_read"]
LONGEST_S = 28
POCKETSPHINX = "/usr/share/pocketsphinx/test/data"
VOICES = {"flite": ["slt", "rms", "awb"], "espeak-ng": ["en-us", "en-us-nyc", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029"]}
RATES = [120, 140, 160, 180, 200, 220]  # words a minute
SPEEDS = [0.7, 0.85, 1.0, 1.2, 1.35, 1.5]
QUIET_S = 0.5  # before and behind what a synthesiser says: a recording always has some
HERE = os.path.dirname(os.path.abspath(__file__))
GRAMMARS, SHIPPED = os.path.join(HERE, "grammars"), os.path.join(common.SOURCE, "deploy", "commands")
# Of the commands that are shipped; what each means is what the matcher makes of its text.
SENTENCES = ["what time is it", "what is the date", "set a timer for five minutes", "set a timer for one hour and ten minutes", "cancel the timer",
             "how much time is left", "wake me up at seven in the morning", "set an alarm for half past six", "cancel all alarms", "set the temperature to twenty two degrees",
             "what temperature is it set", "turn the heating down to eighteen degrees", "turn up the volume", "privacy mode on", "stop listening", "repeat that",
             "what can i say", "how much disk space is left", "never mind", "save power"]
# IEEE Recommended Practice for Speech Quality Measurements, 1969, list 1
HARVARD = ["The birch canoe slid on the smooth planks.", "Glue the sheet to the dark blue background.", "It's easy to tell the depth of a well.",
           "These days a chicken leg is a rare dish.", "Rice is often served in round bowls.", "The juice of lemons makes fine punch.",
           "The box was thrown beside the parked truck.", "The hogs were fed chopped corn and garbage.", "Four hours of steady work faced us.",
           "A large size in stockings is hard to sell."]


def load(path, cache={}):
    import soundfile
    if path not in cache:
        pcm, rate = soundfile.read(path, dtype="float32")
        assert rate == common.RATE_HZ and pcm.ndim == 1, path
        cache[path] = pcm
    return cache[path]


# ---- what is heard: [(path, text)] read, [(path, intent, slots)] commands by grammar ----

def read_clips(options):
    """{set: [(path, text)]}, those that fit one window."""
    import soundfile
    sets = {}
    for name, path, text in common.load_sets(options.data, READ):
        sets.setdefault(name, []).append((path, text))
    sets["pocketsphinx"] = []
    for folder, index in (("librivox", "transcription"), ("cards", "cards.transcription")):
        with open(os.path.join(POCKETSPHINX, folder, index)) as f:
            for line in f:
                text, name = line.strip().rsplit("(", 1)
                path = os.path.join(POCKETSPHINX, folder, name.strip(")") + ".wav")
                if os.path.exists(path):
                    sets["pocketsphinx"].append((path, text.replace("<s>", "").replace("</s>", "").strip()))

    def fits(path):
        info = soundfile.info(path)
        return info.duration <= LONGEST_S and info.samplerate == common.RATE_HZ and info.channels == 1
    return {name: options.limit([clip for clip in clips if fits(clip[0])]) for name, clips in sets.items()}


def command_clips(options):
    """{name: (commands, [(path, intent, slots)])}"""
    with open(os.path.join(options.data, "picovoice", "manifest.tsv"), newline="") as f:
        coffee = [(os.path.join(options.data, "picovoice", row["path"]), row["intent"], json.loads(row["slots_json"]))
                  for row in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE)]
    with open(os.path.join(GRAMMARS, "house.json")) as f:
        house = [(os.path.join(options.data, "smarthome_ohf", name), e["intent"], e["slots"]) for name, e in json.load(f).items()]
    return {"coffee": (os.path.join(GRAMMARS, "coffee.yaml"), options.limit(coffee)),
            "smart home": (os.path.join(GRAMMARS, "house.yaml"), options.limit(house))}


def in_noise(options, folder, path, noise, snr):
    """Path of the recording with a piece of the noise; the same pieces in every run."""
    import numpy as np
    name = os.path.join(folder, f"{os.path.basename(path)}-{noise}-{snr}.wav".replace(" ", "_"))
    if not os.path.exists(name):
        sound = load(os.path.join(options.data, "noise", NOISES[noise]))
        sound = np.concatenate([sound] * (1 + 60 * common.RATE_HZ // len(sound)))
        write_wav(np, name, add_noise(np, load(path), sound, snr, random.Random(f"{options.seed} {name[len(folder):]}")))
    return name


# ---- how it is counted ----

def word_errors(options, clips):
    """[(path, text)] -> (errors, words)"""
    from whisper_normalizer.english import EnglishTextNormalizer
    normalise = EnglishTextNormalizer()
    command = [options.program, "transcribe", "--model", options.model, "--language", "en", "--timestamps", "none", "--threads", str(options.threads),
               "--format", "json", *[path for path, _ in clips]]
    out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    pairs = [(normalise(text).split(), normalise(json.loads(line)["text"]).split()) for (_, text), line in zip(clips, out, strict=True)]
    return sum(common.align(reference, heard)[0] for reference, heard in pairs), sum(len(reference) for reference, _ in pairs)


def commands_right(options, folder, commands, clips):
    """[(path, intent, slots)] -> (right, all)"""
    with tempfile.NamedTemporaryFile("w", suffix=".tsv", dir=folder) as f:
        f.write("path\tintent\tslots_json\n")
        f.writelines(f"{os.path.relpath(path, folder)}\t{intent}\t{json.dumps(slots)}\n" for path, intent, slots in clips)
        f.flush()
        out = subprocess.run([options.program, "eval", "--model", options.model, "--language", "en", "--threads", str(options.threads), "--json",
                              "--commands", commands, f.name], stdout=subprocess.PIPE, text=True, check=True).stdout
    summary = json.loads(out.splitlines()[-1])
    return summary["right"], summary["commands"]


def report(name, good, of):
    print(json.dumps({"name": name, "value": common.rounded(good / of), "count": good, "of": of}), flush=True)


def show(title, row):
    say(f"| {title} | " + " | ".join(row) + " |")


def errors_cell(name, counted):
    report("word_errors." + name, *counted)
    return f"{100 * counted[0] / counted[1]:.1f} % ({counted[0]} of {counted[1]})"


def right_cell(name, counted):
    report("commands_right." + name, *counted)
    return f"{counted[0]} of {counted[1]}"


# ---- the parts ----

def part_people(options, folder):
    for name, clips in read_clips(options).items():
        show(f"{name}, word errors", [errors_cell(name, word_errors(options, clips))])
    for name, (commands, clips) in command_clips(options).items():
        show(f"{name} commands, right", [right_cell(name, commands_right(options, folder, commands, clips))])


def part_noise(options, folder):
    reading = [clip for clips in read_clips(options).values() for clip in clips]
    for noise in NOISES:
        for snr in SNRS:
            mixed = [(in_noise(options, folder, path, noise, snr), text) for path, text in reading]
            row = [errors_cell(f"{noise}.{snr}", word_errors(options, mixed))]
            for name, (commands, clips) in command_clips(options).items():
                mixed = [(in_noise(options, folder, path, noise, snr), intent, slots) for path, intent, slots in clips]
                row.append(right_cell(f"{name}.{noise}.{snr}", commands_right(options, folder, commands, mixed)))
            show(f"{noise}, {snr} dB", row)


def meanings(options):
    """[(sentence, intent, slots)] by the matcher"""
    out = subprocess.run([options.program, "match", "--commands", SHIPPED, "--batch"], input="\n".join(SENTENCES) + "\n", stdout=subprocess.PIPE,
                         text=True, check=True).stdout.splitlines()
    return [(text, found["intent"], found["slots"]) for text, found in zip(SENTENCES, map(json.loads, out), strict=True)]


def stretched(np, pcm, factor):
    """The sound `factor` times as long at its own pitch: pieces of 32 ms laid over each other where they fit best (WSOLA)."""
    size, hop, reach = 512, 256, 160
    window = np.hanning(size).astype(np.float32)
    pcm = np.concatenate([np.zeros(reach, np.float32), pcm, np.zeros(size + 2 * reach, np.float32)])
    pieces = int((len(pcm) - size - 3 * reach) * factor / hop)
    out, weight = np.zeros(pieces * hop + size, np.float32), np.zeros(pieces * hop + size, np.float32)
    wanted = pcm[reach:reach + size]
    for i in range(pieces):
        at = min(reach + int(i * hop / factor), len(pcm) - size - reach - hop)
        near = pcm[at - reach:at + reach + size]
        if i:
            at += int(np.argmax(np.correlate(near, wanted))) - reach
        out[i * hop:i * hop + size] += window * pcm[at:at + size]
        weight[i * hop:i * hop + size] += window
        wanted = pcm[at + hop:at + hop + size]
    return out / np.maximum(weight, 1e-3)


def at_speed(folder, path, speed):
    import numpy as np
    name = os.path.join(folder, f"{os.path.basename(path)}-{speed:.3f}.wav")
    if not os.path.exists(name):
        write_wav(np, name, load(path) if speed == 1.0 else stretched(np, load(path), 1 / speed))
    return name


def speech_s(np, pcm):
    start, end = speech_span(np, pcm)
    return max(end - start - common.RATE_HZ // 2, 1) / common.RATE_HZ


def part_rates(options, folder):
    import numpy as np
    reading = [clip for clips in read_clips(options).values() for clip in clips if len(clip[1].split()) >= 5]
    natural = [60 * len(text.split()) / speech_s(np, load(path)) for path, text in reading]
    say(f"sentences as they were read: {sorted(natural)[len(natural) // 2]:.0f} words a minute (median; {min(natural):.0f} to {max(natural):.0f})")
    show("words a minute", [str(rate) for rate in RATES])
    show("sentences, word errors", [errors_cell(f"people.{rate}", word_errors(options, [
        (at_speed(folder, path, rate / own), text) for (path, text), own in zip(reading, natural)])) for rate in RATES])
    show("speed", [str(speed) for speed in SPEEDS])
    for name, (commands, clips) in command_clips(options).items():
        show(f"{name} commands, right", [right_cell(f"{name}.x{speed}", commands_right(options, folder, commands, [
            (at_speed(folder, path, speed), intent, slots) for path, intent, slots in clips])) for speed in SPEEDS])


def spoken(folder, synthesiser, voice, rate, text):
    """Path of the text as the voice says it, with a quiet room around it."""
    import numpy as np
    import soundfile
    path = os.path.join(folder, f"{voice}-{rate}-{zlib.crc32(text.encode())}.wav")

    def say_it(stretch):
        if synthesiser == "espeak-ng":
            command = ["espeak-ng", "-v", voice, "-s", str(rate), "-w", path, text]
        else:
            command = ["flite", "-voice", voice, "--setf", f"duration_stretch={stretch:.3f}", "-o", path, "-t", text]
        subprocess.run(command, check=True)
        return soundfile.read(path, dtype="float32")
    pcm, hz = say_it(1.0)
    if synthesiser == "flite":  # takes no rate: so much longer than it is by itself
        pcm, hz = say_it(60 * len(text.split()) / rate / speech_s(np, pcm))
    quiet = np.random.default_rng(1).normal(0, 1e-4, (2, int(QUIET_S * hz))).astype(np.float32)
    soundfile.write(path, np.concatenate([quiet[0], pcm, quiet[1]]), hz)
    return path


def part_accents(options, folder):
    for synthesiser, voices in VOICES.items():
        table, reading = {}, {}
        for voice in voices:
            for rate in RATES:
                def by(text):
                    return spoken(folder, synthesiser, voice, rate, text)
                clips = [(by(text), intent, slots) for text, intent, slots in options.limit(meanings(options))]
                table[voice, rate] = commands_right(options, folder, SHIPPED, clips)
                reading[voice, rate] = word_errors(options, [(by(text), text) for text in options.limit(HARVARD)])

        def pooled(counts, keep):
            chosen = [counts[key] for key in counts if keep(*key)]
            return sum(a for a, _ in chosen), sum(b for _, b in chosen)
        show(synthesiser, [str(rate) for rate in RATES] + ["commands right", "word errors of sentences"])
        for voice in voices:
            show(voice, [f"{table[voice, rate][0]} of {table[voice, rate][1]}" for rate in RATES]
                 + [right_cell(voice, pooled(table, lambda v, _: v == voice)), errors_cell(voice, pooled(reading, lambda v, _: v == voice))])
        show("all", [right_cell(f"{synthesiser}.{rate}", pooled(table, lambda _, r: r == rate)) for rate in RATES]
             + [right_cell(synthesiser, pooled(table, lambda *_: True)), errors_cell(synthesiser, pooled(reading, lambda *_: True))])
        show("all, word errors of sentences", [errors_cell(f"{synthesiser}.{rate}", pooled(reading, lambda _, r: r == rate)) for rate in RATES] + ["", ""])


def main():
    p = common.parser(__doc__)
    p.formatter_class = argparse.RawDescriptionHelpFormatter
    p.description = __doc__
    p.add_argument("--only", default=",".join(PARTS), help="parts to run, separated by commas")
    p.add_argument("--seed", type=int, default=1, help="of the noise")
    p.add_argument("--quick", action="store_true", help="every tenth recording")
    options = p.parse_args()
    parts = options.only.split(",")
    if not set(parts) <= set(PARTS):
        p.error(f"--only takes {', '.join(PARTS)}")
    options.limit = (lambda items: list(items)[::10]) if options.quick else list
    common.enter_venv(options.cache, PACKAGES, "acceptance")
    with tempfile.TemporaryDirectory() as folder:
        for part in parts:
            say(f"\n{part}")
            globals()[f"part_{part}"](options, folder)


if __name__ == "__main__":
    main()
