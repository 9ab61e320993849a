"""What the benchmark scripts share: the recorded sets, the virtual environment of the peers, the published speech detector, the word count.

A script calls `enter_venv` first: it makes a virtual environment with the peer's packages once and starts the script again inside it.
"""
import argparse
import csv
import glob
import json
import os
import subprocess
import sys
import time
import venv
import zipfile

RATE_HZ = 16000
CHUNK, CHUNK_CONTEXT = 512, 64  # samples that the speech detector takes at a time, and sees of those before
PACKAGES = ["faster-whisper==1.2.1", "whisper-normalizer==0.1.15"]
SILERO = "silero-vad==6.2.3"
ONNX = "silero_vad/data/silero_vad_16k_op15.onnx"
SETS = ["librispeech", "longform", "misc_read", "smarthome_ohf"]
SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def cache_folder():
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "voice-assistant-bench")


def default_data():
    return os.environ.get("VA_SHARED_DATA") or os.path.join(os.path.dirname(SOURCE), "shared", "data")


def parser(doc):
    """The options that every benchmark has."""
    p = argparse.ArgumentParser(description=doc.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--program", default=os.path.join(SOURCE, "build", "src", "daemon", "voice-assistant"), help="our program")
    p.add_argument("--model", default="base", help="our prepared model: a name or a path")
    p.add_argument("--peer-model", default="", help="CTranslate2 folder of the same weights for faster-whisper")
    p.add_argument("--data", default=default_data(), help="folder of the recorded sets")
    p.add_argument("--cache", default=cache_folder(), help="folder of the virtual environment and of the peer's cached results")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--json", action="store_true", help="print JSON lines instead of a table")
    return p


def enter_venv(cache, packages=None, name="venv"):
    """Starts this script again in a virtual environment that has the packages (None: PACKAGES), unless that is where it runs."""
    packages = packages or PACKAGES
    home = os.path.join(cache, name)
    python = os.path.join(home, "bin", "python")
    stamp = os.path.join(home, "installed")
    wanted = "\n".join(packages) + "\n"
    if not os.path.exists(stamp) or open(stamp).read() != wanted:
        print(f"making a virtual environment in {home}", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        with open(stamp, "w") as f:
            f.write(wanted)
    if os.path.realpath(sys.prefix) != os.path.realpath(home):
        os.execv(python, [python, *sys.argv])


def peers_folder():
    return os.path.join(cache_folder(), "peers")


def enter_peers(folder):
    """Starts this script again in the virtual environment of the peers, which must have PACKAGES."""
    python = os.path.join(folder, "bin", "python")
    if not os.path.exists(python) or subprocess.run([python, "-c", "import faster_whisper, whisper_normalizer"], stderr=subprocess.DEVNULL,
                                                    check=False).returncode != 0:
        sys.exit(f"bench: {folder} is no virtual environment with the peers; bench/prepare_peers.py makes it")
    if os.path.realpath(sys.prefix) != os.path.realpath(folder):
        os.execv(python, [python, *sys.argv])


def load_sets(data, names=SETS):
    """[(set, path, text)] of the manifests; rows without a text and the sentences that must be rejected are left out."""
    rows = []
    for name in names:
        with open(os.path.join(data, name, "manifest.tsv"), newline="") as f:
            for row in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE):
                if row["transcript"].strip() and "oov_" not in row["path"]:
                    rows.append((name, os.path.join(data, name, row["path"]), row["transcript"]))
    return rows


def align(reference, heard):
    """Word lists -> (errors, longest run of lost words, longest run of added words), by the least edits."""
    n, m = len(reference), len(heard)
    cost = [list(range(m + 1))]
    for i in range(1, n + 1):
        row = [i] + [0] * m
        last = cost[-1]
        for j in range(1, m + 1):
            row[j] = min(last[j - 1] + (reference[i - 1] != heard[j - 1]), last[j] + 1, row[j - 1] + 1)
        cost.append(row)
    i, j = n, m
    run = {"lost": 0, "added": 0}
    longest = dict(run)
    while i or j:
        if i and j and cost[i][j] == cost[i - 1][j - 1] + (reference[i - 1] != heard[j - 1]):
            step, i, j = None, i - 1, j - 1
        elif i and cost[i][j] == cost[i - 1][j] + 1:
            step, i = "lost", i - 1
        else:
            step, j = "added", j - 1
        for kind in run:
            run[kind] = run[kind] + 1 if kind == step else 0
            longest[kind] = max(longest[kind], run[kind])
    return cost[n][m], longest["lost"], longest["added"]


class Clip:
    def __init__(self, source, raw, seconds, text, slots):
        self.source, self.raw, self.seconds, self.text, self.slots = source, raw, seconds, text, slots


def load_clips(options, name, folder, shortest=0.0, longest=1e9, n=0):
    """The clips of a set whose length is in the range; n of them (0: all), evenly from short to long."""
    import numpy as np
    from faster_whisper import decode_audio
    clips = []
    with open(os.path.join(options.data, name, "manifest.tsv"), newline="") as f:
        for row in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE):
            if "oov_" in row["path"] or not (row.get("transcript") or row.get("slots_json")):
                continue
            source = os.path.join(options.data, name, row["path"])
            raw = os.path.join(folder, f"{name}-{row['path']}.f32")
            if not os.path.exists(raw):
                decode_audio(source).astype(np.float32).tofile(raw)
            seconds = os.path.getsize(raw) / 4 / RATE_HZ
            if shortest <= seconds <= longest:
                slots = list(json.loads(row["slots_json"]).values()) if row.get("slots_json") else []
                clips.append(Clip(source, raw, seconds, row.get("transcript"), slots))
    clips.sort(key=lambda c: (c.seconds, c.source))
    if 0 < n < len(clips):
        clips = [clips[(2 * i + 1) * len(clips) // (2 * n)] for i in range(n)]
    return clips


def word_errors(clips, texts, normalise):
    pairs = [(normalise(c.text).split(), normalise(t).split()) for c, t in zip(clips, texts) if c.text]
    return sum(align(reference, heard)[0] for reference, heard in pairs), sum(len(reference) for reference, _ in pairs)


def accepted(clips, texts, normalise):
    """In how many clips every labelled slot stands in the text, word for word."""
    def holds(text, slot):
        return f" {normalise(slot)} " in f" {normalise(text)} "
    return sum(all(holds(t, slot) for slot in c.slots) for c, t in zip(clips, texts))


def busy_s():
    """CPU seconds that all programs, and the hosts that share the processors, took since boot."""
    with open("/proc/stat") as f:
        user, nice, system, _, _, irq, softirq, steal = (int(n) for n in f.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def rounded(value):
    return float(f"{value:.4g}") if isinstance(value, float) else value


def say(line=""):
    print(line, file=sys.stderr, flush=True)


def silero_file(cache):
    os.makedirs(cache, exist_ok=True)
    path = os.path.join(cache, os.path.basename(ONNX))
    if not os.path.exists(path):
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", cache, SILERO], check=True)
        with zipfile.ZipFile(glob.glob(os.path.join(cache, "silero_vad-*.whl"))[0]) as wheel, open(path, "wb") as f:
            f.write(wheel.read(ONNX))
    return path


class Silero:
    """The published speech detector by onnxruntime, one thread."""

    def __init__(self, cache):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(silero_file(cache), options, providers=["CPUExecutionProvider"])
        self.us = []

    def probabilities(self, pcm):
        import numpy as np
        state, context = np.zeros((2, 1, 128), np.float32), np.zeros(CHUNK_CONTEXT, np.float32)
        result = []
        for start in range(0, len(pcm) - CHUNK + 1, CHUNK):
            chunk = pcm[start:start + CHUNK]
            before = time.thread_time()
            p, state = self.session.run(None, {"input": np.concatenate([context, chunk])[None], "state": state,
                                               "sr": np.array(RATE_HZ, np.int64)})
            self.us.append((time.thread_time() - before) * 1e6)
            result.append(p[0, 0])
            context = chunk[-CHUNK_CONTEXT:]
        return np.array(result, np.float32)
