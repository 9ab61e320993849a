#!/usr/bin/env python3
"""Instruction counts per second of audio on arm64, exact, and from them an estimate of the time on a Raspberry Pi 4 and 5.

The program for arm64 (./check cross builds it) runs in qemu with a plugin (qemu_count.c) that counts every instruction. The estimate charges
each instruction to the pipes that execute it in a Cortex-A72 or A76; a kernel lasts as long as its busiest pipe, or as its instructions need
to be decoded. The weights, which the decoder reads anew for each token, cannot come faster than the memory gives them. --check applies the
same to this machine's program with --kernels avx2 and sets the result beside the measured time. See docs/arm64.md.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import wave
from collections import defaultdict

from pipes import MACHINES, pipes_of

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RECORDINGS = "/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-%s.wav"
CLIPS = {"3 s": (["0880"], 3.0), "8 s": (["0870", "0890"], 8.0), "30 s": (["0870", "0880", "0890", "0920", "0930", "0870"], 29.5)}
# Width, decoder layers, vocabulary: what the decoder reads for a token.
SHAPES = {"tiny.en": (384, 4, 51864), "base": (512, 6, 51865)}
# What --check measured is this much longer than the estimate: latencies, caches, branches.
REALITY = 1.4
KINDS = [("int8 products", ("gemm_s8",)), ("float products", ("gemm_f32",)), ("attention rows", ("scores_f16", "mix_f16", "scores_f32", "mix_f32")),
         ("quantise, dequantise", ("quantize_row", "quantize_rest", "dequantize")), ("GELU, softmax, norms", ("gelu", "exp_sum", "sum_exp", "layer_norm"))]
KERNELS = {name for _, names in KINDS for name in names}


def make_clips(folder):
    """Recordings of the wanted lengths, joined and cut."""
    clips = {}
    for name, (parts, seconds) in CLIPS.items():
        frames = b"".join(wave.open(RECORDINGS % p).readframes(1 << 24) for p in parts)[:int(seconds * 16000) * 2]
        clips[name] = (os.path.join(folder, name.replace(" ", "") + ".wav"), len(frames) / 32000)
        with wave.open(clips[name][0], "wb") as out:
            out.setparams((1, 2, 16000, 0, "NONE", ""))
            out.writeframes(frames)
    return clips


class Program:
    """The instructions of a program: address -> (function, pipes on each machine)."""

    def __init__(self, path, objdump, architecture):
        self.path, self.code, self.entries = path, {}, {}
        function = ""
        for line in subprocess.run([objdump, "-d", "--no-show-raw-insn", path], check=True, capture_output=True, text=True).stdout.splitlines():
            if m := re.match(r"([0-9a-f]+) <(.*)>:$", line):
                function = m[2]
                self.entries[function] = int(m[1], 16)
            elif m := re.match(r" *([0-9a-f]+):\t(\S+)\s*(.*)", line):
                self.code[int(m[1], 16)] = (function, pipes_of(architecture, m[2], re.sub(r" *(//|#|<).*", "", m[3])))
        self.order = sorted(self.code)
        headers = subprocess.run(["readelf", "-lW", path], check=True, capture_output=True, text=True).stdout
        self.first = int(re.search(r"LOAD +\S+ (\S+) .* R E ", headers)[1], 16)  # of the code as the file has it
        self.index = {address: i for i, address in enumerate(self.order)}

    def profile(self, counts):
        """From the plugin's file: {function: (instructions, {pipe need: times})}, calls of each function's first instruction."""
        start, executed, outside = None, defaultdict(int), 0
        with open(counts) as lines:
            start = int(next(lines).split()[1], 16)
            for line in lines:
                address, instructions, times = line.split()
                at = self.index.get(int(address, 16) - start + self.first)
                if at is None:
                    outside += int(instructions) * int(times)
                    continue
                for i in range(at, at + int(instructions)):
                    executed[self.order[i]] += int(times)
        functions = defaultdict(lambda: [0, defaultdict(int)])
        for address, times in executed.items():
            function, pipes = self.code[address]
            functions[function][0] += times
            functions[function][1][pipes] += times
        functions["libraries"][0] = outside
        return functions, {name: executed.get(address, 0) for name, address in self.entries.items()}


def kernel_of(function):
    name = re.sub(r"^va_kernels_[a-z0-9]+_|\.(constprop|part|isra|cold)\S*|_of$", "", function)
    name = re.sub(r"^(tile|panel|panels)_(s8|f32)$", r"gemm_\2", name)
    return name if name in KERNELS else "rest"


def count(emulator, plugin, program, model, kernels, clip, folder):
    out = os.path.join(folder, "counts")
    command = [*emulator, "-plugin", f"{plugin},out={out}", program.path, "transcribe", "--threads", "1", "--model", model, "--language", "en",
               "--kernels", kernels, "--format", "json", "--quiet", clip]
    text = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["text"]
    functions, calls = program.profile(out)
    kinds = defaultdict(lambda: [0, defaultdict(int)])
    for function, (instructions, needs) in functions.items():
        kind = kinds[kernel_of(function)]
        kind[0] += instructions
        for need, times in needs.items():
            kind[1][need] += times
        if function == "libraries":
            kind[1][()] += instructions
    return text, kinds, calls["va_decoder_run"]


def cycles(machine, instructions, needs):
    """The busiest pipe's, or the decoder's. A need is ((pipes that will do, times) ...) as in pipes.py."""
    use = defaultdict(float)
    for need, times in needs.items():
        for name, n in dict(need).get(machine.name, ()):
            use[name] += n * times
    bounds = [instructions / machine.width]
    for name, pipes in machine.groups.items():
        bounds.append(sum(n for other, n in use.items() if set(machine.groups[other]) <= set(pipes)) / len(pipes))
    return max(bounds)


def estimate(machine, kinds, steps, shape):
    """Seconds of computing and of waiting for the decoder's weights, one thread."""
    width, layers, words = shape
    weights = (14 * layers * width + words) * width  # int8: four matrices of self-attention, two of cross-attention, 4 + 4 widths, the vocabulary
    busy = {kind: cycles(machine, *content) / machine.hz for kind, content in kinds.items()}
    products = 2.0 * weights / machine.products / machine.hz  # two terms: one row of them at a time
    return busy, steps * max(0.0, weights / machine.memory - products)


def table(columns, rows):
    print("| " + " | ".join(columns) + " |\n|" + " --- |" * len(columns))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print(flush=True)


def run_set(options, emulator, plugin, program, kernels, machine, clips, folder):
    counts, times = [], []
    for model in options.models:
        for name, (clip, seconds) in clips.items():
            _, kinds, steps = count(emulator, plugin, program, os.path.join(options.folder, model + ".vam"), kernels, clip, folder)
            total = sum(k[0] for k in kinds.values())
            grouped = [sum(kinds[n][0] for n in names if n in kinds) for _, names in KINDS]
            counts.append([model, name, str(steps), *(f"{n / seconds / 1e6:.1f}" for n in [*grouped, total - sum(grouped), total])])
            busy, wait = estimate(machine, kinds, steps, SHAPES[model])
            least = sum(busy.values()) + wait
            times.append([machine.title, model, name, f"{busy.get('gemm_s8', 0):.3f}", f"{busy.get('gemm_f32', 0):.3f}",
                          f"{sum(busy.values()) - busy.get('gemm_s8', 0) - busy.get('gemm_f32', 0):.3f}", f"{wait:.3f}", f"{least:.3f}"])
            if options.check:
                measured = measure(program.path, model, options, clip)
                times[-1] += [f"{measured:.3f}", f"{measured / least:.2f}"]
            else:
                times[-1] += [f"{least * REALITY:.2f}", f"{least * REALITY / seconds:.3f}"]
    print(f"Millions of instructions per second of audio, {kernels}:\n")
    table(["model", "clip", "decoder runs", *(k for k, _ in KINDS), "rest", "all"], counts)
    print(f"Seconds, one thread, {'estimated and measured' if options.check else 'estimated'}, {kernels}:\n")
    table(["machine", "model", "clip", "int8 products", "float products", "other", "waiting for weights", "at least",
           *(["measured", "ratio"] if options.check else ["expected", "per second of audio"])], times)


def measure(program, model, options, clip):
    """Seconds of one transcription without the start of the program: the least of nine."""
    times = []
    for _ in range(9):
        answer = json.loads(subprocess.run([program, "transcribe", "--threads", "1", "--model", os.path.join(options.folder, model + ".vam"),
                                            "--language", "en", "--kernels", "avx2", "--format", "json", "--quiet", clip], check=True, capture_output=True,
                                           text=True).stdout)
        times.append(answer["timing"]["total_ms"] / 1000)
    return min(times)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--build", default=os.path.join(SOURCE, "build-arm64"), help="build folder for arm64")
    p.add_argument("--root", default=os.path.join(SOURCE, "build-arm64-root"), help="its libraries")
    p.add_argument("--folder", default=os.environ.get("VA_TEST_MODELS") or os.path.join(SOURCE, "build-models"), help="folder of the prepared models")
    p.add_argument("--models", nargs="+", default=["tiny.en", "base"])
    p.add_argument("--clips", nargs="+", default=list(CLIPS))
    p.add_argument("--kernels", nargs="+", default=["neon", "dotprod"])
    p.add_argument("--check", action="store_true", help="this machine instead, with --kernels avx2: estimated and measured")
    options = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        plugin = os.path.join(folder, "libqemu_count.so")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", plugin, os.path.join(SOURCE, "bench", "qemu_count.c")], check=True)
        clips = {name: clip for name, clip in make_clips(folder).items() if name in options.clips}
        if options.check:
            program = Program(os.path.join(SOURCE, "build", "src", "daemon", "voice-assistant"), "objdump", "x86")
            machine = MACHINES["zen"]
            speed = os.path.join(folder, "machine")
            subprocess.run(["cc", "-O3", "-march=native", "-Wno-psabi", "-o", speed, os.path.join(SOURCE, "bench", "machine.c")], check=True)
            machine.hz, machine.memory = map(float, subprocess.run([speed], check=True, capture_output=True, text=True).stdout.split()[:2])
            print(f"This machine: {machine.hz / 1e9:.2f} GHz, {machine.memory / 1e9:.1f} GB/s\n")
            run_set(options, ["qemu-x86_64", "-cpu", "max"], plugin, program, "avx2", machine, clips, folder)
            return
        program = Program(os.path.join(options.build, "src", "daemon", "voice-assistant"), "aarch64-linux-gnu-objdump", "arm64")
        for kernels in options.kernels:
            machine = MACHINES["a76" if kernels == "dotprod" else "a72"]
            run_set(options, ["qemu-aarch64", "-cpu", "max", "-L", options.root], plugin, program, kernels, machine, clips, folder)


if __name__ == "__main__":
    main()
