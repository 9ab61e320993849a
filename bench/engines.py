#!/usr/bin/env python3
"""One engine in a process of its own, for bench/peers.py: the model is loaded once, its time and its memory are those of this process.

Reads a request a line from standard input and writes an answer a line; both are JSON. The first answer, without a request, comes when the
model is loaded. Clips are headerless float32 files at 16 kHz, so that no engine pays for reading a sound format.
"""
import argparse
import ctypes
import json
import os
import resource
import sys
import threading
import time

import numpy as np

RATE_HZ = 16000


class Error(ctypes.Structure):
    """va_error"""
    _fields_ = [("code", ctypes.c_int), ("text", ctypes.c_char * 256)]


class Options(ctypes.Structure):
    """The head of va_transcribe_options; the rest keeps what va_transcribe_options_init writes."""
    _fields_ = [("language", ctypes.c_char_p), ("translate", ctypes.c_int), ("beam_size", ctypes.c_int), ("timestamps", ctypes.c_int),
                ("prompt", ctypes.c_char_p), ("condition_on_previous_text", ctypes.c_int), ("temperature_fallback", ctypes.c_int),
                ("rest", ctypes.c_char * 256)]


class Transcript(ctypes.Structure):
    """va_transcript"""
    _fields_ = [("text", ctypes.c_char_p), ("confidence", ctypes.c_float), ("language", ctypes.c_char * 8),
                ("language_probability", ctypes.c_float), ("no_speech_prob", ctypes.c_float), ("duration_s", ctypes.c_double),
                ("segments", ctypes.c_void_p), ("n_segments", ctypes.c_size_t), ("mel_ms", ctypes.c_double), ("encode_ms", ctypes.c_double),
                ("decode_ms", ctypes.c_double), ("total_ms", ctypes.c_double)]


class Ours:
    """Our shared library; one context for each worker, all on one model."""

    def __init__(self, options):
        self.library = ctypes.CDLL(options.library)
        self.library.va_model_kernels.restype = ctypes.c_char_p
        self.model = ctypes.c_void_p()
        self.error = Error()
        self.check(self.library.va_model_open(options.model.encode(), None, ctypes.byref(self.model), ctypes.byref(self.error)))
        self.contexts = []
        for _ in range(options.workers):
            context = ctypes.c_void_p()
            self.check(self.library.va_context_new(self.model, options.threads, ctypes.byref(context), ctypes.byref(self.error)))
            self.contexts.append(context)
        self.note = self.library.va_model_kernels(self.model).decode()

    def check(self, status):
        if status != 0:
            raise RuntimeError(self.error.text.decode())

    def transcribe(self, pcm, timestamps, worker=0):
        options, transcript, error = Options(), ctypes.POINTER(Transcript)(), Error()
        self.library.va_transcribe_options_init(ctypes.byref(options))
        options.language, options.beam_size, options.timestamps, options.temperature_fallback = b"en", 1, int(timestamps), 0
        start = time.perf_counter()
        status = self.library.va_transcribe(self.contexts[worker], pcm.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(len(pcm)),
                                            ctypes.byref(options), ctypes.byref(transcript), ctypes.byref(error))
        wall = time.perf_counter() - start
        if status != 0:
            raise RuntimeError(error.text.decode())
        found = transcript.contents
        # The layout above is written by hand: two fields that are known from elsewhere show that it still is that of the header.
        if abs(found.duration_s - len(pcm) / RATE_HZ) > 1e-6 or not 0 < found.total_ms / 1000 <= wall + 0.001:
            sys.exit("bench/engines.py: va_transcript is not laid out as in include/voice_assistant.h")
        text, encode_s = found.text.decode(), found.encode_ms / 1000
        self.library.va_transcript_free(transcript)
        return text, wall, encode_s


class FasterWhisper:
    def __init__(self, options):
        from faster_whisper import WhisperModel
        self.model = WhisperModel(options.model, device="cpu", compute_type="int8", cpu_threads=options.threads)
        self.note = "int8"

    def transcribe(self, pcm, timestamps, worker=0):
        start = time.perf_counter()
        segments, _ = self.model.transcribe(pcm, language="en", beam_size=1, temperature=0.0, condition_on_previous_text=False,
                                            without_timestamps=not timestamps, vad_filter=False)
        text = " ".join(s.text.strip() for s in segments)
        return text, time.perf_counter() - start, 0.0


class WhisperCpp:
    def __init__(self, options):
        from pywhispercpp.model import Model
        self.model = Model(options.model, n_threads=options.threads, language="en", print_progress=False, print_realtime=False,
                           redirect_whispercpp_logs_to=None)
        self.note = os.path.basename(options.model)

    def transcribe(self, pcm, timestamps, worker=0):
        start = time.perf_counter()
        segments = self.model.transcribe(pcm, no_timestamps=not timestamps, single_segment=not timestamps, no_context=True,
                                         temperature_inc=0.0, greedy={"best_of": 1})
        text = " ".join(s.text.strip() for s in segments)
        return text, time.perf_counter() - start, 0.0


ENGINES = {"ours": Ours, "faster-whisper": FasterWhisper, "whisper.cpp": WhisperCpp}


def cpu_s():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def run(engine, clips, timestamps, workers):
    """Every clip once, shared out over the workers -> what bench/peers.py calls a pass."""
    results = [None] * len(clips)
    waiting = list(range(len(clips)))

    def work(worker):
        while True:
            try:
                i = waiting.pop(0)
            except IndexError:
                return
            results[i] = engine.transcribe(clips[i], timestamps, worker)

    cpu, start = cpu_s(), time.perf_counter()
    if workers == 1:
        work(0)
    else:
        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    total = time.perf_counter() - start
    if None in results:
        sys.exit("bench/engines.py: a worker failed")
    return {"texts": [r[0] for r in results], "walls": [r[1] for r in results], "encodes": [r[2] for r in results], "total_s": total,
            "cpu_s": cpu_s() - cpu}


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("engine", choices=ENGINES)
    p.add_argument("--model", required=True)
    p.add_argument("--library", help="our shared library")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--workers", type=int, default=1, help="contexts on one model (ours only)")
    options = p.parse_args()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the engine prints must not mix with the answers
    engine = ENGINES[options.engine](options)
    print(json.dumps({"note": engine.note}), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        clips = [np.fromfile(path, dtype=np.float32) for path in request["clips"]]
        print(json.dumps(run(engine, clips, request["timestamps"], request.get("workers", 1))), file=answers, flush=True)


if __name__ == "__main__":
    main()
