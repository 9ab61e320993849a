#!/usr/bin/env python3
"""Word errors of voice-assistant and of faster-whisper float32 on the recorded sets, in one run.

Both: English, temperature 0, timestamps on, no conditioning on earlier text, no speech detector; greedy and beam 5. The texts pass
Whisper's English normaliser. --ours-only takes the peer's texts from the cache of an earlier run.
"""
import json
import os
import subprocess
import sys

import common

LONG_FILE_S = 40     # a file of at least this many seconds is looked at for lost and doubled passages
PASSAGE_WORDS = 5    # words in a row that make a passage


def peer_texts(options, rows, beam):
    """{path: text} by faster-whisper; cached after every file."""
    name = os.path.basename(os.path.normpath(options.peer_model)) if options.peer_model else "peer"
    path = os.path.join(options.cache, f"faster-whisper-float32-{name}-beam{beam}.json")
    texts = json.load(open(path)) if os.path.exists(path) else {}
    missing = [p for _, p, _ in rows if key(options, p) not in texts]
    if missing and options.ours_only:
        sys.exit(f"--ours-only: {path} lacks {len(missing)} files; run once without it")
    if missing:
        if not options.peer_model:
            sys.exit("--peer-model is needed: a CTranslate2 folder")
        from faster_whisper import WhisperModel
        model = WhisperModel(options.peer_model, device="cpu", compute_type="float32", cpu_threads=options.threads)
        for i, p in enumerate(missing):
            print(f"\rfaster-whisper float32, beam {beam}: {i + 1} of {len(missing)} ", end="", file=sys.stderr, flush=True)
            segments, _ = model.transcribe(p, language="en", beam_size=beam, temperature=0.0, condition_on_previous_text=False,
                                           without_timestamps=False, vad_filter=False)
            texts[key(options, p)] = " ".join(s.text.strip() for s in segments)
            with open(path + ".new", "w") as f:
                json.dump(texts, f, indent=0)
            os.replace(path + ".new", path)
        print(file=sys.stderr)
    return {p: texts[key(options, p)] for _, p, _ in rows}


def key(options, path):
    return os.path.relpath(path, options.data)


def our_texts(options, rows, beam):
    """{path: (text, seconds of audio)} by our program, every file in one call."""
    command = [options.program, "transcribe", "--model", options.model, "--language", "en", "--beam", str(beam), "--timestamps", "segment", "--no-fallback",
               "--threads", str(options.threads), "--format", "json", *options.ours_args.split()]
    out = subprocess.run([*command, *[p for _, p, _ in rows]], stdout=subprocess.PIPE, text=True, check=False)
    texts = {}
    for line in out.stdout.splitlines():
        answer = json.loads(line)
        if "text" in answer:
            texts[answer["file"]] = (answer["text"], answer["duration"])
    lacking = [p for _, p, _ in rows if p not in texts]
    if lacking:
        sys.exit(f"voice-assistant gave no text for {len(lacking)} files (exit code {out.returncode}), the first: {lacking[0]}")
    return texts


def measure(options, rows, beam, normalise):
    peer = peer_texts(options, rows, beam)
    if options.peer_only:
        return None
    ours = our_texts(options, rows, beam)
    sets, passages, differences = {}, [], []
    for name, path, text in rows:
        reference = normalise(text).split()
        seconds = ours[path][1]
        count = sets.setdefault(name, {"words": 0, "ours": 0, "peer": 0})
        count["words"] += len(reference)
        found = {}
        for engine, heard in (("ours", ours[path][0]), ("peer", peer[path])):
            found[engine] = common.align(reference, normalise(heard).split())
            count[engine] += found[engine][0]
        if seconds >= LONG_FILE_S:
            passages.append((key(options, path), seconds, found["ours"], found["peer"]))
        if found["ours"][0] != found["peer"][0]:
            differences.append((key(options, path), found["ours"][0], found["peer"][0], ours[path][0], peer[path]))
    pool = {k: sum(s[k] for s in sets.values()) for k in ("words", "ours", "peer")}
    return {"beam": beam, "sets": sets, "pool": pool, "passages": passages, "differences": differences}


def worse_passage(ours, peer):
    """What our text of a long file lost or doubled beyond the peer's, as words for a person."""
    notes = []
    for kind, at in (("lost", 1), ("added", 2)):
        if ours[at] >= PASSAGE_WORDS and ours[at] > peer[at]:
            notes.append(f"{kind} {ours[at]} words in a row")
    return ", ".join(notes) or "nothing lost or doubled"


def show(result, verbose):
    print(f"\n{'greedy' if result['beam'] == 1 else 'beam ' + str(result['beam'])}: word errors (rate)")
    print(f"  {'set':14} {'words':>6} {'voice-assistant':>18} {'faster-whisper f32':>20} {'difference':>11}")
    for name, c in [*result["sets"].items(), ("all", result["pool"])]:
        rates = [f"{c[e]} ({100 * c[e] / c['words']:.2f} %)" for e in ("ours", "peer")]
        print(f"  {name:14} {c['words']:6} {rates[0]:>18} {rates[1]:>20} {c['ours'] - c['peer']:+11}")
    print("  long files (longest run of lost / added words; ours, peer):")
    for path, seconds, ours, peer in result["passages"]:
        print(f"    {path:44} {seconds:6.1f} s  {ours[1]:3}/{ours[2]:<3} {peer[1]:3}/{peer[2]:<3}  {worse_passage(ours, peer)}")
    if verbose:
        for path, ours, peer, our_text, peer_text in result["differences"]:
            print(f"  {path}: {ours} errors, peer {peer}\n    ours: {our_text}\n    peer: {peer_text}")


def main():
    p = common.parser(__doc__)
    p.add_argument("--beams", default="1,5", help="beam sizes to run")
    p.add_argument("--ours-only", action="store_true", help="take the peer's texts from the cache")
    p.add_argument("--peer-only", action="store_true", help="only fill the cache of the peer's texts")
    p.add_argument("--ours-args", default="", help="more arguments for our transcribe")
    p.add_argument("--at-most", type=int, default=-1, help="exit with 1 when the pool has more than this many errors beyond the peer's")
    p.add_argument("--verbose", action="store_true", help="print the texts of the files where the counts differ")
    options = p.parse_args()
    common.enter_venv(options.cache)
    from whisper_normalizer.english import EnglishTextNormalizer
    rows = common.load_sets(options.data)
    failed = False
    for beam in [int(b) for b in options.beams.split(",")]:
        result = measure(options, rows, beam, EnglishTextNormalizer())
        if result is None:
            continue
        if options.json:
            print(json.dumps(result))
        else:
            show(result, options.verbose)
        failed |= options.at_most >= 0 and result["pool"]["ours"] - result["pool"]["peer"] > options.at_most
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
