#!/usr/bin/env python3
"""How fast and small commands are: loading 10,000 templates, matching, and a template that stands for 10^12 sentences.

Nothing here times out or fails; it prints figures. Home Assistant's sentences are measured too where they are in
$VA_SHARED_DATA/home-assistant-intents (or ../shared/data).
"""
import argparse
import os
import subprocess
import tempfile
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LINES = 1000  # texts of one measurement
VERBS = ["open", "close", "raise", "drop", "paint", "clean", "fetch", "carry", "count", "bring"]
THINGS = [f"{a}{b}" for a in ("ba", "ke", "li", "mo", "nu", "pra", "sto", "tri", "vel", "zon") for b in
          ("dar", "fen", "gil", "hop", "jun", "kam", "lor", "mip", "nas", "pul")]
PLACES = ["kitchen", "cellar", "attic", "garden", "garage", "hall", "office", "bedroom", "bathroom", "porch"]


def run(program, arguments, text=""):
    """(CPU seconds, wall seconds, output lines) of one run."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as given:
        given.write(text)
        given.seek(0)
        start = time.monotonic()
        process = subprocess.Popen([program, *arguments], stdin=given, stdout=out, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        wall = time.monotonic() - start
        out.seek(0)
        return usage.ru_utime + usage.ru_stime, wall, out.read().splitlines()


def memory_mb(program, sources):
    """The most memory that loading the commands and matching one text took."""
    with subprocess.Popen([program, "match", *sources, "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdin.write("anything\n")
        process.stdin.flush()
        process.stdout.readline()
        with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
        process.stdin.close()
    return peak / 1024


def best(program, arguments, text="", times=3):
    """The run with the least CPU time."""
    return min((run(program, arguments, text) for _ in range(times)), key=lambda figures: figures[0])


def report(name, program, sources, lines):
    """Load time and time per text of a set of commands."""
    load = best(program, ["commands", "check", *sources])
    texts = [lines[i % len(lines)] for i in range(LINES)]
    match = best(program, ["match", *sources, "--batch"], "\n".join(texts) + "\n")
    fitting = sum(line != "null" for line in match[2])
    print(f"{name}: loads in {load[1] * 1000:.0f} ms ({load[0] * 1000:.0f} ms CPU, {memory_mb(program, sources):.1f} MB); "
          f"a text takes {(match[0] - load[0]) / LINES * 1e6:.0f} us CPU ({fitting} of {LINES} fit)")


def templates(path):
    """10,000 templates: every verb, thing and place."""
    with open(path, "w", encoding="utf-8") as out:
        out.write("language: en\nlists:\n  amount: {range: {from: 0, to: 100}}\nskip_words: [please, now]\ncommands:\n")
        for thing in THINGS:
            out.write(f"  {thing}:\n    sentences:\n")
            for verb in VERBS:
                for place in PLACES:
                    out.write(f'      - "[(can|could) you] {verb} [the|a] {thing}[s] (in|at|of) [the] {place} [to {{amount}} [percent]]"\n')
    return [f"could you {verb} the {thing} in the {place} to {i % 100} percent"
            for i, (verb, thing, place) in enumerate((v, t, p) for t in THINGS[::7] for v in VERBS for p in PLACES)]


def home(path):
    """200 entities, 20 areas."""
    with open(path, "w", encoding="utf-8") as out:
        out.write("entities:\n")
        for i in range(200):
            domain = ("light", "switch", "cover", "fan", "media_player")[i % 5]
            out.write(f"  - {{name: {THINGS[i % 100]} {PLACES[i % 10]} {i}, domain: {domain}}}\n")
        out.write("areas:\n" + "".join(f"  - {{name: {place}}}\n" for place in PLACES))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default=os.path.join(SOURCE, "build", "src", "daemon", "voice-assistant"))
    options = parser.parse_args()
    shared = os.environ.get("VA_SHARED_DATA") or os.path.join(SOURCE, "..", "shared", "data")
    intents = os.path.join(shared, "home-assistant-intents")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "templates.yaml")
        lines = templates(path)
        report("10,000 templates", options.program, ["--commands", path], lines)

        path = os.path.join(folder, "large.yaml")
        with open(path, "w", encoding="utf-8") as out:
            out.write('language: en\ncommands:\n  c:\n    sentences:\n      - "go ' + "(a|b|c|d|e|f|g|h|i|j) " * 12 + '"\n')
        wall = run(options.program, ["commands", "check", "--commands", path])[1]
        small = os.path.join(folder, "small.yaml")
        with open(small, "w", encoding="utf-8") as out:
            out.write("language: en\ncommands: {c: {sentences: [go]}}\n")
        print(f"a template of 10^12 sentences: compiled in {wall * 1000:.0f} ms, {memory_mb(options.program, ['--commands', path]):.1f} MB "
              f"in all ({memory_mb(options.program, ['--commands', small]):.1f} MB for a template of one word)")

        if os.path.isdir(intents):
            path = os.path.join(folder, "home.yaml")
            home(path)
            report("Home Assistant's sentences, 200 entities", options.program, ["--commands", intents, "--commands", path],
                   ["turn on the badar kitchen 0", "turn off all the lights in the garage", "set kefen garden 13 to 20 percent",
                    "set a timer for ten minutes named soup", "what is the weather like", "the quick brown fox jumps over the dog",
                    "please add apples and pears to my shopping list", "is the zonpul porch 99 open"])
        else:
            print(f"skipped: {intents} is not there")


if __name__ == "__main__":
    main()
