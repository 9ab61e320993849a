"""The machine's disk: made from cached pieces, each known by what went into it."""
import fcntl
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
MODELS = ("tiny.en", "vad", "wake-okay_nabu")
KEPT = 4  # of each kind, the youngest


class Unavailable(Exception):
    """What is needed to begin is not there; the text says what to do."""


def digest(paths):
    total = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            total.update(os.path.basename(path).encode() + b"\0" + hashlib.sha256(file.read()).digest())
    return total.hexdigest()[:16]


def logged(arguments, log, **options):
    """Runs a step with its output in LOG, the last lines of which are shown when it fails."""
    begun = time.monotonic()
    with open(log, "wb") as file:
        code = subprocess.run(arguments, stdout=file, stderr=file, stdin=subprocess.DEVNULL, check=False, **options).returncode
    if code != 0:
        with open(log, encoding="utf-8", errors="replace") as file:
            sys.stderr.write("".join(file.readlines()[-15:]))
        raise Unavailable(f"{os.path.basename(arguments[0])} failed; its output is in {log}")
    print(f"   {os.path.basename(arguments[0])}: {time.monotonic() - begun:.0f} s", flush=True)


def cached(kind, key, folder, make):
    """FOLDER/KIND/KEY, made by MAKE(path) unless it is there. Something half-made never has that name."""
    place = os.path.join(folder, kind, key)
    if not os.path.exists(place):
        shutil.rmtree(place + ".new", ignore_errors=True)
        os.makedirs(place + ".new")
        make(place + ".new")
        os.rename(place + ".new", place)
    os.utime(place)
    for old in sorted(glob.glob(os.path.join(folder, kind, "*")), key=os.path.getmtime, reverse=True)[KEPT:]:
        shutil.rmtree(old)
    return place


def find_models():
    for folder in (os.environ.get("VA_TEST_MODELS"), os.path.join(SOURCE, "build-models")):
        if folder and all(os.path.exists(os.path.join(folder, model + ".vam")) for model in MODELS):
            return folder
    raise Unavailable(f"no folder with the models {', '.join(MODELS)}: run ./check unit once, or set VA_TEST_MODELS")


def ensure(folder, package):
    """The folder of the disk, for the Debian package PACKAGE."""
    if os.geteuid() != 0:
        raise Unavailable("making the disk needs root")
    logs, models = os.path.join(folder, "logs"), find_models()
    os.makedirs(logs, exist_ok=True)
    guest = sorted(glob.glob(os.path.join(HERE, "guest", "*")))
    base_parts = [os.path.join(HERE, name) for name in ("packages.txt", "modules.txt", "build-base", "../../scripts/debian-tree")]
    base_key = digest(base_parts + [path for path in guest if os.path.basename(path).startswith("initramfs")])
    image_key = digest([package, os.path.join(HERE, "build-image"), *guest, *(os.path.join(models, model + ".vam") for model in MODELS)])
    with open(os.path.join(folder, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        base = cached("base", base_key, folder, lambda place: logged([os.path.join(HERE, "build-base"), place], f"{logs}/build-base.log"))
        return cached("image", f"{base_key}-{image_key}", folder, lambda place: logged(
            [os.path.join(HERE, "build-image"), f"{base}/tree", package, place], f"{logs}/build-image.log", env={**os.environ, "VA_TEST_MODELS": models}))
