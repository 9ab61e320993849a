"""What the benchmark scripts share: the recorded sets, the virtual environment of the peer, the word count.

A script calls `enter_venv` first: it makes a virtual environment with the peer's packages once and starts the script again inside it.
"""
import argparse
import csv
import os
import subprocess
import sys
import venv

PACKAGES = ["faster-whisper==1.2.1", "whisper-normalizer==0.1.15"]
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


def enter_venv(cache):
    """Starts this script again in a virtual environment that has PACKAGES, unless that is where it runs."""
    home = os.path.join(cache, "venv")
    python = os.path.join(home, "bin", "python")
    stamp = os.path.join(home, "installed")
    wanted = "\n".join(PACKAGES) + "\n"
    if not os.path.exists(stamp) or open(stamp).read() != wanted:
        print(f"making a virtual environment in {home}", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        with open(stamp, "w") as f:
            f.write(wanted)
    if os.path.realpath(sys.prefix) != os.path.realpath(home):
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
