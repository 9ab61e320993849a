#!/usr/bin/env python3
"""How well spoken commands are understood, and what it costs: `voice-assistant eval` over recordings, clean, in noise, and of other speech.

Noise is mixed as the speech-to-intent benchmark does: a piece of the kitchen noise from a random place, scaled by the loudest frames of both
(peak-frame signal-to-noise ratio), the sum with a peak of 0.5; fixed seed. Right is a command whose intent and labelled slots are found;
further slots are no mistake. Tables go to standard error, one JSON line a figure to standard output.

Parts:
  coffee   the coffee commands, clean and at 6, 9, .. 24 dB: acceptance and its mean, beside the published figures
  other    other speech, with the coffee commands active: how much is accepted. Segments of 2 to 8 s of readings and of several talkers at
           once, the smart-home commands
  home     the smart-home commands with the sentences of Home Assistant and a matching home; those out of vocabulary must be rejected
  house    the same with a small grammar of our own
  names    single names, clean and at 6 and 12 dB, with a grammar of our own; and the other speech with it
  time     steered beside unsteered transcription, and beside faster-whisper int8 with the same prompt, in turn
"""
import argparse
import csv
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import common
from common import rounded, say
from virtual_silence import add_noise, write_wav

PARTS = ["coffee", "other", "home", "house", "names", "time"]
SNRS = [6, 9, 12, 15, 18, 21, 24]
# Kitchen noise, 619 clips, at SNRS: the benchmark's published acceptance
PUBLISHED = {"Rhino": [.96, .97, .98, .99, .99, .99, .99], "LUIS": [.86, .89, .90, .91, .92, .93, .93], "Watson": [.72, .84, .89, .93, .95, .95, .96],
             "Lex": [.80, .84, .85, .87, .87, .87, .88], "Dialogflow": [.70, .78, .78, .80, .81, .82, .83]}
GRAMMARS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "grammars")


def report(name, value, **more):
    print(json.dumps({"name": name, "value": rounded(value), **more}), flush=True)


# ---- recordings ----

def rows_of(options, name):
    with open(os.path.join(options.data, name, "manifest.tsv"), newline="") as f:
        return [(os.path.join(options.data, name, row["path"]), row) for row in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE)]


def load(path, cache={}):
    from faster_whisper import decode_audio
    if path not in cache:
        cache[path] = decode_audio(path)
    return cache[path]


def write_set(folder, name, clips):
    """clips: [(pcm, intent, slots)] -> path of a manifest for eval"""
    import numpy as np
    home = os.path.join(folder, name)
    os.makedirs(home)
    with open(os.path.join(home, "manifest.tsv"), "w") as f:
        f.write("path\tintent\tslots_json\n")
        for i, (pcm, intent, slots) in enumerate(clips):
            write_wav(np, os.path.join(home, f"{i}.wav"), pcm)
            f.write(f"{i}.wav\t{intent}\t{json.dumps(slots)}\n")
    return os.path.join(home, "manifest.tsv")


def noisy(options, clips, snr):
    """The clips in kitchen noise; the same pieces of noise in every run."""
    import numpy as np
    noise = load(os.path.join(options.data, "noise", "kitchen.flac"))
    noise = np.concatenate([noise] * (1 + 32 * common.RATE_HZ // len(noise)))
    rng = random.Random(options.seed + snr)
    return [(add_noise(np, pcm, noise, snr, rng), intent, slots) for pcm, intent, slots in clips]


def coffee_clips(options):
    return [(load(path), row["intent"], json.loads(row["slots_json"])) for path, row in options.limit(rows_of(options, "picovoice"))]


def other_clips(options):
    """Segments of 2 to 8 s, twice over, so that they differ; the smart-home commands whole."""
    rng = random.Random(options.seed)
    sources = [path for name in ("librispeech", "longform", "misc_read") for path, _ in rows_of(options, name)]
    sources += [os.path.join(options.data, "noise", f"babble_{n}talkers.flac") for n in (2, 4)]
    clips = [(load(path), "", {}) for path, _ in rows_of(options, "smarthome_ohf")]
    for _ in range(2):
        for path in sources:
            pcm, at = load(path), 0
            while len(pcm) - at >= 2 * common.RATE_HZ:
                length = int(rng.uniform(2, 8) * common.RATE_HZ)
                clips.append((pcm[at:at + length], "", {}))
                at += length
    return options.limit([c for c in clips if len(c[0]) >= common.RATE_HZ // 2])


# ---- running ----

def evaluate(options, commands, manifest, *extra):
    """-> (summary, [details])"""
    command = [options.program, "eval", "--model", options.model, "--language", "en", "--threads", str(options.threads), "--json", "--details"]
    for path in commands:
        command += ["--commands", path]
    out = subprocess.run([*command, *extra, manifest], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    return json.loads(out[-1]), [json.loads(line) for line in out[:-1]]


def show_wrong(options, details):
    for d in details if options.verbose else []:
        if (not d["right"] or d["confidence"] < 0.5) if d["expected"] else d["confidence"] >= 0.5:
            say(f"    {d['expected'] or 'other speech'}: {d['text']!r} {d['command_text']!r} -> {d['intent']} {d['slots']} {d['confidence']:.2f}")


def acceptance(options, folder, name, commands, clips):
    summary, details = evaluate(options, commands, write_set(folder, name, clips))
    say(f"  {name:14} {summary['right']:4}/{summary['commands']} right ({summary['acceptance']:.1%}), {summary['wrong']} wrong, "
        f"{summary['rejected']} rejected")
    show_wrong(options, details)
    report(f"{name}.acceptance", summary["acceptance"], right=summary["right"], of=summary["commands"], wrong=summary["wrong"],
           rejected=summary["rejected"])
    return summary


def rejection(options, folder, name, commands, clips):
    summary, details = evaluate(options, commands, write_set(folder, name, clips))
    say(f"  {name:14} {summary['false_accepts']} of {summary['others']} accepted ({summary['false_accept_rate']:.1%})")
    say("  threshold  " + "  ".join(f"{p['threshold']:.2f}:{p['false_accepts']:.1%}" for p in summary["operating_curve"]))
    show_wrong(options, details)
    report(f"{name}.false_accepts", summary["false_accept_rate"], accepted=summary["false_accepts"], of=summary["others"],
           curve=summary["operating_curve"])


# ---- the parts ----

def part_coffee(options, folder):
    say("\ncoffee commands")
    commands = [os.path.join(GRAMMARS, "coffee.yaml")]
    clips = coffee_clips(options)
    acceptance(options, folder, "coffee.clean", commands, clips)
    found = [acceptance(options, folder, f"coffee.{snr}dB", commands, noisy(options, clips, snr))["acceptance"] for snr in SNRS]
    say(f"  mean over {SNRS[0]}..{SNRS[-1]} dB: {statistics.mean(found):.2%}; published: "
        + ", ".join(f"{name} {statistics.mean(values):.1%}" for name, values in PUBLISHED.items()))
    report("coffee.mean", statistics.mean(found), published={name: statistics.mean(values) for name, values in PUBLISHED.items()})


def part_other(options, folder):
    say("\nother speech, with the coffee commands active")
    rejection(options, folder, "other.coffee", [os.path.join(GRAMMARS, "coffee.yaml")], other_clips(options))


def smart_home(options, folder, name, commands, intents):
    """intents: recording -> (intent, slots); what is not in it must be rejected."""
    known, unknown = [], []
    for path, row in rows_of(options, "smarthome_ohf"):
        expected = intents.get(os.path.basename(path))
        (unknown if expected is None else known).append((load(path), *(expected or ("", {}))))
    acceptance(options, folder, f"{name}.known", commands, known)
    rejection(options, folder, f"{name}.unknown", commands, unknown)


def read_intents(path):
    with open(path) as f:
        return {name: (e["intent"], e["slots"]) for name, e in json.load(f).items()}


def part_home(options, folder):
    say("\nsmart-home commands, with the sentences of Home Assistant")
    commands = [os.path.join(options.data, "home-assistant-intents"), os.path.join(GRAMMARS, "home.yaml")]
    smart_home(options, folder, "home", commands, read_intents(os.path.join(GRAMMARS, "home.json")))


def part_house(options, folder):
    say("\nsmart-home commands, with a grammar of our own")
    smart_home(options, folder, "house", [os.path.join(GRAMMARS, "house.yaml")], read_intents(os.path.join(GRAMMARS, "house.json")))


def part_names(options, folder):
    say("\nsingle names, with a grammar of our own")
    commands = [os.path.join(GRAMMARS, "names.yaml")]
    clips = [(load(path), "call", {"who": row["transcript"]}) for path, row in options.limit(rows_of(options, "wakeword_picovoice"))]
    acceptance(options, folder, "names.clean", commands, clips)
    for snr in (12, 6):
        acceptance(options, folder, f"names.{snr}dB", commands, noisy(options, clips, snr))
    rejection(options, folder, "other.names", commands, other_clips(options))


def children_cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def part_time(options, folder):
    from faster_whisper import WhisperModel
    coffee = options.limit(coffee_clips(options))[:options.time_clips]
    home = [(load(path), "", {}) for path, row in rows_of(options, "smarthome_ohf")]
    peer = WhisperModel(options.peer_model, device="cpu", compute_type="int8", cpu_threads=options.threads)
    for name, commands, clips in (("coffee", "coffee.yaml", coffee), ("house", "house.yaml", home)):
        manifest, path = write_set(folder, f"time.{name}", clips), [os.path.join(GRAMMARS, commands)]
        prompt = evaluate(options, path, manifest)[0]["prompt"]
        walls, cpus = {}, {}

        def add(engine, wall, cpu):
            walls.setdefault(engine, []).append(wall / len(clips))
            cpus.setdefault(engine, []).append(cpu / len(clips))

        for _ in range(options.rounds):
            for engine, extra in (("steered", []), ("unsteered", ["--unsteered"])):
                before = children_cpu_s()
                _, details = evaluate(options, path, manifest, *extra)
                add(engine, sum(d["time_ms"] for d in details) / 1000, children_cpu_s() - before)
            start, cpu = time.perf_counter(), time.process_time()
            for pcm, _, _ in clips:
                list(peer.transcribe(pcm, language="en", beam_size=1, temperature=0.0, condition_on_previous_text=False,
                                     without_timestamps=True, initial_prompt=prompt)[0])
            add("faster-whisper", time.perf_counter() - start, time.process_time() - cpu)
        wall = {e: statistics.median(v) for e, v in walls.items()}
        cpu = {e: statistics.median(v) for e, v in cpus.items()}
        say(f"\ntime, {name}: {len(clips)} clips, {options.threads} thread(s), median of {options.rounds} rounds; wall ms (CPU ms) a clip")
        for e in wall:
            say(f"  {e:15} {1000 * wall[e]:6.0f} ({1000 * cpu[e]:.0f})")
        say(f"  steered / unsteered {wall['steered'] / wall['unsteered']:.2f} (CPU {cpu['steered'] / cpu['unsteered']:.2f});"
            f" faster-whisper / steered {wall['faster-whisper'] / wall['steered']:.1f} (CPU {cpu['faster-whisper'] / cpu['steered']:.1f})")
        for what, numbers in (("wall", wall), ("cpu", cpu)):
            report(f"time.{name}.{what}.over_unsteered", numbers["steered"] / numbers["unsteered"], rounds=options.rounds, clips=len(clips))
            report(f"time.{name}.{what}.peer_ratio", numbers["faster-whisper"] / numbers["steered"], rounds=options.rounds, clips=len(clips))


def main():
    p = common.parser(__doc__)
    p.formatter_class = argparse.RawDescriptionHelpFormatter
    p.description = __doc__
    p.set_defaults(threads=1, peer_model=os.path.join(common.cache_folder(), "base"))
    p.add_argument("--venv", default=common.peers_folder(), help="virtual environment with the peers")
    p.add_argument("--only", default=",".join(PARTS), help="parts to run, separated by commas")
    p.add_argument("--seed", type=int, default=1, help="of noise and segments")
    p.add_argument("--rounds", type=int, default=3, help="of part time")
    p.add_argument("--time-clips", type=int, default=40)
    p.add_argument("--quick", action="store_true", help="every tenth recording")
    p.add_argument("--verbose", action="store_true", help="print what was not understood")
    options = p.parse_args()
    parts = options.only.split(",")
    if not set(parts) <= set(PARTS):
        p.error(f"--only takes {', '.join(PARTS)}")
    options.limit = (lambda items: list(items)[::10]) if options.quick else list
    common.enter_peers(os.path.abspath(options.venv))
    with tempfile.TemporaryDirectory() as folder:
        for part in parts:
            globals()[f"part_{part}"](options, folder)


if __name__ == "__main__":
    main()
