#!/usr/bin/env python3
"""The assistant that listens by itself: `voice-assistant listen` on recordings, in real time where time matters.

The clock of a figure starts at the end of speech: the last sample at which the published speech detector (onnxruntime) gives 0.5 or more on
the clean clip; it stops at the event `acting`, before the action itself. The program's audio comes from a file in pieces of 20 ms, each when
its last sample would have been spoken, as from a device with the usual period; an `acting` event carries the time since the program's own
end of speech, which a `heard` event gives as a place in the audio, so that both together say when any sample was spoken. That the stamps
hold is checked: "clock" is by how much that origin of the audio differs between the commands of a run.

Noise lasts through clips and gaps, so many dB below the loud parts of speech (root mean square). Speech of several talkers is speech: with it
the assistant that always listens hears one endless talk, in which the command must stand out.

Parts:
  latency  commands of three sets (coffee; the smart-home clips with the sentences of Home Assistant, and with a grammar of our own), each
           followed by 3 s: end of speech -> acting, with its stages; commands cut off too early; understood beside the whole clip decoded at
           once. Quiet, and with noise at 10 dB, always listening and right behind a wake word ("woken")
  idle     processor time and memory of a minute of silence, of a kitchen, of somebody who reads
  misses   speech clips in which no utterance is begun, quiet and with noise at 10 dB: the program's energy gate, speech detector and end-pointer
           (bench_vad) on all of them in one stream
  always   commands that readings and noises fire, the coffee commands active, in real time
  wake     wakes by everything that is none of the word's recordings, and misses of the word's; as fast as it goes, which changes no wake.
           Curves beside the models' own runtime: bench/wake.py
  word     bench/own_word.py
  voice    bench/own_voice.py

Tables go to standard error, JSON lines with name, ours and goal to standard output.
"""
import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

import common
import understanding
from common import RATE_HZ, say
from listen_scenes import Busy, Scene, Speech, events_of, hear, load, start, utterances

PARTS = ["latency", "idle", "misses", "always", "wake", "word", "voice"]
GAP_S = 3.0
NOISES = ["kitchen", "babble_4talkers"]
CONDITIONS = {"quiet": (None, False), "kitchen": ("kitchen", False), "babble": ("babble_4talkers", False),
              "kitchen_woken": ("kitchen", True), "babble_woken": ("babble_4talkers", True)}  # noise, behind a wake word
SNR_DB = 10
MAX_S = 14.8              # an utterance of 15 s was ended by its length
EARLY_S = 0.2             # an utterance that ends so long before the end of speech was cut off
SET_TIME_S = 8.0          # of a run, before processor time counts
BOUND = 0.95
NEGATIVES = ["librispeech", "longform", "misc_read", "noise"]
STAGES = ["pause", "decoding", "end of pause", "start"]


def figure(name, ours, goal, **more):
    print(json.dumps({"name": f"listen.{name}", "ours": common.rounded(ours), "goal": goal, **more}), flush=True)


def percentile(values, share):
    values = sorted(values)
    return values[max(0, math.ceil(share * len(values)) - 1)]


def spread(items, n):
    """n of the items, evenly; 0: all."""
    return [items[(2 * i + 1) * len(items) // (2 * n)] for i in range(n)] if 0 < n < len(items) else items


def recordings(options, *names):
    """The paths of sets, with --quick every tenth."""
    return options.limit([path for name in names for path, _ in understanding.rows_of(options, name)])


def bed_of(options, name):
    return None if name is None else load(os.path.join(options.data, "noise", f"{name}.flac"))


def split(items, n):
    """Into n lists, dealt in turn."""
    return [items[i::n] for i in range(n) if items[i::n]]


def commands_of(name):
    return ["--set", f"commands.folder={os.path.join(understanding.GRAMMARS, name)}"]


# ---- latency ----

class CommandSet:
    def __init__(self, name, commands, expected):
        self.name, self.commands, self.expected = name, commands, expected  # path -> (intent, slots), or None: no command


def home_folder(options, folder):
    """The sentences of Home Assistant and the house that they are about, in one folder."""
    home = os.path.join(folder, "home")
    os.makedirs(home)
    intents = os.path.join(options.data, "home-assistant-intents")
    for name in os.listdir(intents):
        os.symlink(os.path.join(intents, name), os.path.join(home, name))
    os.symlink(os.path.join(understanding.GRAMMARS, "home.yaml"), os.path.join(home, "home.yaml"))
    return home


def command_sets(options, folder):
    grammar = understanding.GRAMMARS
    coffee = {p: (row["intent"], json.loads(row["slots_json"])) for p, row in options.limit(understanding.rows_of(options, "picovoice"))}
    sets = [CommandSet("coffee", os.path.join(grammar, "coffee.yaml"), coffee)]
    for name, commands in (("home", home_folder(options, folder)), ("house", os.path.join(grammar, "house.yaml"))):
        intents = understanding.read_intents(os.path.join(grammar, f"{name}.json"))
        paths = recordings(options, "smarthome_ohf")
        sets.append(CommandSet(name, commands, {p: intents.get(os.path.basename(p)) for p in paths}))
    return sets


def meanings(options, commands, texts):
    """{text: (intent, slots) or None}"""
    texts = sorted(set(texts))
    lines = subprocess.run([options.program, "match", "--commands", commands, "--language", "en", "--batch"], input="".join(t + "\n" for t in texts),
                           stdout=subprocess.PIPE, text=True, check=False).stdout.splitlines()
    found = [json.loads(line) for line in lines]
    return {t: (m["intent"], m["slots"]) if m else None for t, m in zip(texts, found)}


def is_right(meaning, expected):
    if meaning is None or expected is None:
        return meaning is None and expected is None
    return meaning[0] == expected[0] and all(str(meaning[1].get(k)).lower() == str(v).lower() for k, v in expected[1].items())


def whole_clips(options, folder, commands, paths):
    """{path: meaning of the clip decoded at once}"""
    import numpy as np
    clips = [(np.asarray(load(p)), "", {}) for p in paths]
    manifest = understanding.write_set(folder, f"whole-{len(os.listdir(folder))}", clips)
    details = understanding.evaluate(options, [commands], manifest)[1]
    return {p: (d["intent"], d["slots"]) if d["intent"] and d["confidence"] >= 0.5 else None for p, d in zip(paths, details)}


class Turn:
    """What became of a clip."""

    def __init__(self, span, speech_end_s, heard, meaning_of):
        self.path, self.heard = span.clip, heard
        self.acts = [h for h in heard if h.acted_at is not None]
        self.meanings = [meaning_of[h.text] for h in self.acts]
        self.end_s = span.end if speech_end_s is None else span.start + speech_end_s
        self.by_length = any(h.end - h.start >= MAX_S for h in heard)
        self.late_s = self.stages = None
        if self.acts and speech_end_s is not None:
            last = self.acts[-1]
            end_at = last.origin + self.end_s
            self.late_s = last.acted_at - end_at
            self.stages = [last.asked_at - end_at, last.ready_at - last.asked_at, last.at - last.ready_at, last.acted_at - last.at]

    def is_cut(self, whole):
        """An utterance ended before its end, and what came of it is not what the whole means."""
        early = any(h.end < self.end_s - EARLY_S for h in self.heard)
        return early and self.meanings != ([] if whole is None else [whole])


def turns_of(scene, events, speech, meaning_of):
    """Each utterance belongs to the clip that most of it lies in."""
    heard = {id(span): [] for span in scene.spans}
    for utterance in utterances(events):
        best = max(scene.spans, key=lambda s: s.overlap(utterance.start, utterance.end))
        if best.overlap(utterance.start, utterance.end) > 0:
            heard[id(best)].append(utterance)
    return [Turn(s, (speech.span_s(s.clip) or (None, None))[1], heard[id(s)], meaning_of) for s in scene.spans]


def clock_ms(runs):
    """How far apart the origins are that the commands of a run tell."""
    origins = [[h.origin for h in utterances(events) if h.acted_at is not None] for events in runs]
    return max((1000 * (max(o) - min(o)) for o in origins if o), default=0.0)


def listen_to(options, commands, paths, speech, condition):
    """-> ([Turn], share of the machine that other programs took, clock)"""
    noise, is_woken = CONDITIONS[condition]
    bed, word = bed_of(options, noise), options.words.split(",")[0]
    words = [p for p, _ in understanding.rows_of(options, "wakeword_picovoice") if word_of(p) == word] if is_woken else []
    scenes = [Scene(part, GAP_S, bed, SNR_DB, seed=i + 1, words=words) for i, part in enumerate(split(paths, options.jobs))]
    runs, others = hear(options, scenes, "--set", f"commands.folder={commands}", *(["--wake", word] if is_woken else []))
    texts = [h.text for events in runs for h in utterances(events) if h.acted_at is not None]
    meaning_of = meanings(options, commands, texts) if texts else {}
    turns = [t for scene, events in zip(scenes, runs) for t in turns_of(scene, events, speech, meaning_of)]
    return turns, others, clock_ms(runs)


def report_times(name, turns, goals, **more):
    late = [t.late_s for t in turns]
    if not late:
        return
    median, worst = statistics.median(late), percentile(late, 0.95)
    stages = [statistics.median(t.stages[i] for t in turns) for i in range(len(STAGES))]
    say(f"  {name:28} {len(late):4} commands: median {median:.3f} s, 95 % {worst:.3f}, least {min(late):.3f}, most {max(late):.3f}; medians of "
        + ", ".join(f"{stage} {value * 1000:.0f}" for stage, value in zip(STAGES, stages)) + " ms")
    figure(f"latency.{name}.median_s", median, goals[0], commands=len(late), **more)
    figure(f"latency.{name}.95_s", worst, goals[1], commands=len(late), **more)
    for stage, value in zip(STAGES, stages):
        figure(f"latency.{name}.stage.{stage.replace(' ', '_')}_ms", value * 1000, None)


def report_turns(options, command_set, name, turns, whole, goals):
    known = [t for t in turns if command_set.expected[t.path] is not None]
    cut = [t for t in turns if t.is_cut(whole[t.path])]
    right = sum(len(t.acts) == 1 and is_right(t.meanings[0], command_set.expected[t.path]) for t in known)
    whole_right = sum(is_right(whole[t.path], command_set.expected[t.path]) for t in known)
    several = sum(len(t.acts) > 1 for t in turns)
    fired = sum(bool(t.acts) for t in turns if command_set.expected[t.path] is None)
    by_length = sum(t.by_length for t in turns)
    good = [t for t in known if t.late_s is not None and t not in cut and not t.by_length]
    report_times(name, good, goals)
    say(f"  {name:28} right {right} of {len(known)}, whole clips {whole_right}; cut off {len(cut)}; acted more than once {several}; "
        f"without action {sum(not t.acts for t in known)}; ended by length {by_length}; others acted on {fired} of {len(turns) - len(known)}")
    figure(f"{name}.cut_off_share", len(cut) / len(turns), 0.01 if goals[0] else None, clips=len(turns))
    figure(f"{name}.right", right, whole_right, commands=len(known))
    figure(f"{name}.ended_by_length_share", by_length / len(turns), None, clips=len(turns))
    for t in turns if options.verbose else []:
        expected = command_set.expected[t.path]
        meaning = t.meanings[0] if len(t.meanings) == 1 else None
        if t in cut or not is_right(meaning, expected) or len(t.acts) > 1 or (t.late_s or 0) > 0.6:
            say(f"    {os.path.basename(t.path)}: {t.late_s} s {'CUT OFF ' if t in cut else ''}expected {expected}, whole {whole[t.path]}")
            for h in t.heard:
                say(f"      {h.start - t.end_s:.2f} .. {h.end - t.end_s:.2f}, decided at {h.decided - t.end_s:.2f}: {h.text!r} {h.intent}"
                    + (f" decoding {1000 * (h.ready_at - h.asked_at):.0f} ms" if h.acted_at else ""))
    return good, cut


def part_latency(options, folder):
    speech, sets = Speech(options.cache), command_sets(options, folder)
    for name in options.conditions.split(","):
        good, cut, n = [], [], 0
        is_quiet = name == "quiet"
        goals = (0.3, 0.6) if is_quiet else (None, None)
        say(f"\nlatency, {name}{'' if is_quiet else f', {SNR_DB} dB'}")
        for command_set in sets:
            paths = spread(list(command_set.expected), options.clips or (0 if is_quiet else options.noisy_clips))
            turns, others, clock = listen_to(options, command_set.commands, paths, speech, name)
            whole = whole_clips(options, folder, command_set.commands, paths)
            more_good, more_cut = report_turns(options, command_set, f"{command_set.name}.{name}", turns, whole, goals)
            say(f"    other programs took {others:.0%} of the machine, {options.jobs} at a time; clock {clock:.1f} ms")
            good, cut, n = good + more_good, cut + more_cut, n + len(turns)
        report_times(f"all.{name}", good, goals)
        say(f"  all.{name}: cut off {len(cut)} of {n}")
        figure(f"all.{name}.cut_off_share", len(cut) / n, 0.01 if is_quiet else None, clips=n)


# ---- idle ----

def cpu_s(pid):
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as f:
            total += int(f.read().split()[0])
    return total / 1e9


def memory_mb(pid):
    with open(f"/proc/{pid}/status") as f:
        fields = dict(line.split(":", 1) for line in f)
    return sum(int(fields[key].split()[0]) for key in ("RssAnon", "RssShmem")) / 1024


def rooms(options):
    """{name: samples}, long enough for the measure."""
    import numpy as np
    n = int((SET_TIME_S + options.idle_s + 3) * RATE_HZ)
    faint = 10 ** (-70 / 20) * np.random.default_rng(3).standard_normal(n)
    kitchen = np.resize(bed_of(options, "kitchen"), n).astype(np.float64)
    reading = np.resize(np.concatenate([load(p) for p in recordings(options, "longform")]), n).astype(np.float64)
    return {"silence": faint, "kitchen": faint + kitchen * 10 ** (-55 / 20) / np.sqrt((kitchen ** 2).mean()), "reading": faint + reading}


def watch(options, source, *more):
    """-> (processor's share of a core, MB)"""
    process = start(options, source, *more)
    time.sleep(SET_TIME_S)
    before, at = cpu_s(process.pid), time.perf_counter()
    time.sleep(options.idle_s)
    share, mb = (cpu_s(process.pid) - before) / (time.perf_counter() - at), memory_mb(process.pid)
    events_of(process)
    return share, mb


def vad_lines(options):
    return subprocess.run([options.bench_vad, options.vad_path], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()


def stages(options):
    """Microseconds of a chunk of 32 ms."""
    times = {line.rsplit(None, 2)[0].rstrip(): float(line.split()[-2]) for line in vad_lines(options)}
    silero = [t for name, t in times.items() if name.startswith("silero")]
    return {"energy gate": times["energy gate"], "speech detector": min(silero)}


def part_idle(options, folder):
    from concurrent.futures import ThreadPoolExecutor
    say("\nidle: processor time in percent of a core, memory (RssAnon + RssShmem)")
    words = options.words.split(",")
    modes = {"button": ["--button"], "wake_1_word": ["--wake", words[0]], f"wake_{min(3, len(words))}_words": ["--wake", ",".join(words[:3])], "always": []}
    sources = {}
    for room, pcm in rooms(options).items():
        scene = Scene([], 0, lead_s=len(pcm) / RATE_HZ)
        scene.pcm = pcm
        sources[room] = os.path.join(folder, f"{room}.wav")
        scene.write(sources[room])
    for room, path in sources.items():
        busy = Busy()
        with ThreadPoolExecutor(len(modes)) as pool:
            found = list(pool.map(lambda mode: watch(options, f"file:{path}", *commands_of("coffee.yaml"), *mode), modes.values()))
        for mode, (share, mb) in zip(modes, found):
            say(f"  {room:8} {mode:13} {100 * share:6.2f} %  {mb:6.1f} MB")
            figure(f"idle.{room}.{mode}.cpu_percent", 100 * share, 1 if room == "silence" else None, seconds=options.idle_s)
            figure(f"idle.{room}.{mode}.memory_mb", mb, None)
        say(f"           other programs took {busy.others():.0%} of the machine")
    for stage, us in stages(options).items():
        say(f"  {stage}: {us:.1f} us for 32 ms where it is awake, {us / 320:.2f} % of a core")
        figure(f"idle.stage.{stage.replace(' ', '_')}.cpu_percent", us / 320, None)


# ---- misses ----

def ear_hears(options, scene, kernels):
    """[(start, end)] of the utterances, in seconds."""
    import numpy as np
    found = subprocess.run([options.bench_vad, options.vad_path, "events", kernels], input=scene.pcm.astype(np.float32).tobytes(), stdout=subprocess.PIPE,
                           check=True).stdout.decode().splitlines()
    return [(int(start) / RATE_HZ, int(end) / RATE_HZ) for kind, start, end, _ in map(str.split, found) if kind in ("end", "too_long")]


def part_misses(options, folder):
    say("\nmisses of the energy gate and the speech detector")
    paths = recordings(options, "smarthome_ohf", "picovoice", "librispeech", "misc_read", "wakeword_picovoice", "longform")
    paths = spread(paths, options.clips)
    random.Random(1).shuffle(paths)
    kernels = vad_lines(options)[0].split()[1]
    for noise in [None, *NOISES]:
        scene, name = Scene(paths, 2.0, bed_of(options, noise), SNR_DB), noise or "quiet"
        heard = ear_hears(options, scene, kernels)
        lost = [s.clip for s in scene.spans if not any(s.overlap(*h) > 0 for h in heard)]
        false = sum(not any(s.overlap(*h) > 0 for s in scene.spans) for h in heard)
        say(f"  {name:16} {len(lost)} of {len(paths)} clips, {false} utterances in the gaps of {scene.seconds / 60:.0f} min"
            + (": " + ", ".join(map(os.path.basename, lost[:8])) if lost else ""))
        figure(f"misses.{name}.share", len(lost) / len(paths), 0.005, clips=len(paths), in_gaps=false)


# ---- false alarms ----

def upper_bound(count, hours):
    """Of events an hour, with BOUND confidence, when so many came in that time."""
    low, high = 0.0, 50.0 + 3 * count
    for _ in range(100):
        mean = (low + high) / 2
        at_most = sum(math.exp(-mean) * mean ** k / math.factorial(k) for k in range(count + 1))
        low, high = (mean, high) if at_most > 1 - BOUND else (low, mean)
    return high / hours


def part_always(options, folder):
    say("\nalways listening, the coffee commands active: commands fired by readings and noises")
    paths = recordings(options, *NEGATIVES)
    longest_first = sorted(paths, key=lambda p: -len(load(p)))
    parts = [[] for _ in range(options.jobs)]
    for path in longest_first:
        min(parts, key=lambda part: sum(len(load(p)) for p in part)).append(path)
    scenes = [Scene(part, 1.0) for part in parts if part]
    runs, others = hear(options, scenes, *commands_of("coffee.yaml"))
    minutes = sum(len(load(p)) for p in paths) / RATE_HZ / 60
    heard = [h for events in runs for h in utterances(events)]
    fired = [h for h in heard if h.is_command]
    say(f"  {len(fired)} commands in {minutes:.1f} min, {len(heard)} utterances with a text; at most {upper_bound(len(fired), minutes / 60):.2f} an hour "
        f"(95 %); other programs took {others:.0%} of the machine")
    for h in fired:
        say(f"    {h.text!r} {h.intent}")
    figure("always.commands_fired", len(fired), 0, minutes=round(minutes, 2), bound_per_hour=round(upper_bound(len(fired), minutes / 60), 3))


def word_of(path):
    name = os.path.basename(path)
    return next((w for w in ("alexa", "jarvis", "computer") if name.startswith(w + "_")), None)


def wakes(options, word, paths, gap_s):
    """[(path, score)] of the wakes."""
    scene = Scene(paths, gap_s)
    runs, _ = hear(options, [scene], *commands_of("house.yaml"), "--wake", f"{word}:{options.sensitivity}", "--set", "listen.partial=0", fast=True)
    found = []
    for event in runs[0]:
        if event["event"] == "wake":
            span = max((s for s in scene.spans if s.start <= event["end"]), key=lambda s: s.start, default=None)
            found.append((span.clip if span is not None else "", event["score"]))
    return found


def part_wake(options, folder):
    say(f"\nwake words at sensitivity {options.sensitivity}")
    paths = recordings(options, *NEGATIVES, "picovoice", "smarthome_ohf", "wakeword_picovoice")
    total, total_hours = 0, 0.0
    for word in options.words.split(","):
        own = [p for p in paths if word_of(p) is not None and word_of(p) in word.split("_")]
        other = [p for p in paths if p not in own]
        minutes = sum(len(load(p)) for p in other) / RATE_HZ / 60
        false = wakes(options, word, other, 1.0)
        total, total_hours = total + len(false), total_hours + minutes / 60
        bound = upper_bound(len(false), minutes / 60)
        say(f"  {word:12} {len(false)} wakes in {minutes:.1f} unique min: at most {bound:.2f} an hour (95 %)"
            + "".join(f"; {os.path.relpath(p, options.data)} {score}" for p, score in false))
        near = sum(word_of(p) is not None for p, _ in false)
        figure(f"wake.{word}.false_wakes", len(false), 0, minutes=round(minutes, 2), bound_per_hour=round(bound, 3), by_other_words=near)
        if not own:
            continue
        woken = {p for p, _ in wakes(options, word, own, GAP_S)}
        if word == word_of(own[0]):
            say(f"  {word:12} missed {len(own) - len(woken)} of {len(own)}")
            figure(f"wake.{word}.missed_share", 1 - len(woken) / len(own), None, recordings=len(own))
        else:
            say(f"  {word:12} woken by {len(woken)} of {len(own)} recordings of '{word_of(own[0])}' alone")
            figure(f"wake.{word}.woken_by_part_share", len(woken) / len(own), None, recordings=len(own))
    say(f"  all words: {total} in {total_hours:.2f} h of listening, at most {upper_bound(total, total_hours):.2f} an hour a word (95 %)")


# ---- the others ----

def run_script(options, name, *more):
    """Passes its figures on; what else it prints as JSON stays behind."""
    say(f"\n{name}")
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    command = [sys.executable, script, "--data", options.data, "--json", *more]
    for line in subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines():
        if "name" in json.loads(line):
            print(line, flush=True)
            say(f"  {line}")


def part_word(options, folder):
    run_script(options, "own_word.py", "--model", options.model_path, "--vad", options.vad_path, *(["--quick"] if options.quick else []))


def part_voice(options, folder):
    run_script(options, "own_voice.py", "--program", options.program, "--model", options.model, "--vad-model", options.vad_path,
               *(["--only", "levels"] if options.quick else []))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--program", default=os.path.join(common.SOURCE, "build", "src", "daemon", "voice-assistant"), help="our program")
    p.add_argument("--model", default="base", help="our prepared model: a name or a path")
    p.add_argument("--vad", default="vad", help="the prepared model that finds speech")
    p.add_argument("--models", default="", help="folder of the prepared models; empty: the program's own")
    p.add_argument("--words", default="alexa,okay_nabu,hey_jarvis,hey_mycroft", help="wake words")
    p.add_argument("--sensitivity", type=float, default=0.5, help="of the wake words")
    p.add_argument("--bench-vad", default=os.path.join(common.SOURCE, "build", "bench", "bench_vad"))
    p.add_argument("--venv", default=common.peers_folder(), help="virtual environment with the peers")
    p.add_argument("--cache", default=common.cache_folder(), help="folder of the published speech detector")
    p.add_argument("--data", default=common.default_data(), help="folder of the recorded sets")
    p.add_argument("--only", default=",".join(PARTS), help="parts to run, separated by commas")
    p.add_argument("--conditions", default=",".join(CONDITIONS), help="of part latency")
    p.add_argument("--jobs", type=int, default=2, help="how many of the program run at once where time matters")
    p.add_argument("--nice", type=int, default=0, help="nice value of the program, for a machine that has other work")
    p.add_argument("--idle-s", type=float, default=60, help="seconds of part idle")
    p.add_argument("--clips", type=int, default=0, help="most clips of a set in latency and misses; 0: all")
    p.add_argument("--noisy-clips", type=int, default=30, help="the same, in noise; 0: all")
    p.add_argument("--quick", action="store_true", help="every tenth recording")
    p.add_argument("--verbose", action="store_true", help="print what was not understood, cut off or late")
    options = p.parse_args()
    options.threads = 1
    parts = options.only.split(",")
    if not set(parts) <= set(PARTS):
        p.error(f"--only takes {', '.join(PARTS)}")
    if not set(options.conditions.split(",")) <= set(CONDITIONS):
        p.error(f"--conditions takes {', '.join(CONDITIONS)}")
    for path in (options.program, options.data):
        if not os.path.exists(path):
            sys.exit(f"bench: {path} is absent")
    options.limit = (lambda items: list(items)[::10]) if options.quick else list
    models = options.models or os.path.join(common.SOURCE, "build-models")
    options.model_path, options.vad_path = (name if "/" in name else os.path.join(models, f"{name}.vam") for name in (options.model, options.vad))
    common.enter_peers(os.path.abspath(options.venv))
    for part in parts:
        with tempfile.TemporaryDirectory() as folder:
            globals()[f"part_{part}"](options, folder)


if __name__ == "__main__":
    main()
