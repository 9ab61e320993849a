"""Fixtures of the black-box tests: the built program, its models, recordings. VA_PROGRAM names another program than build/'s.

Where that program was built with sanitizers, VA_REPORTS is the folder of what the address sanitizer finds; undefined behaviour ends the program."""
import glob
import os
import subprocess
import time

import pytest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RECORDINGS = "/usr/share/pocketsphinx/test/data"
REPORTS = os.environ.get("VA_REPORTS")
WAIT_S = 60
KEPT = "they keep what is freed, so memory grows"


@pytest.fixture(scope="module", autouse=True)
def reports():
    """No process of the module's tests, however it ended, had anything for a sanitizer to tell."""
    before = set(glob.glob(f"{REPORTS}/*")) if REPORTS else set()
    yield
    found = set(glob.glob(f"{REPORTS}/*")) - before if REPORTS else set()
    for path in sorted(found):
        with open(path, encoding="utf-8", errors="replace") as file:
            print(file.read())
    assert not found


def wait_until(condition):
    """For what comes by itself; the limit says only that it will not."""
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def only_without_sanitizers(reason):
    """Where a test goes no further with them, for a reason of principle."""
    if REPORTS:
        pytest.skip(f"with sanitizers: {reason}")


@pytest.fixture(scope="session")
def source():
    return SOURCE


@pytest.fixture(scope="session")
def program():
    path = os.environ.get("VA_PROGRAM") or os.path.join(SOURCE, "build", "src", "daemon", "voice-assistant")
    if not os.path.exists(path):
        pytest.skip(f"{path} is not built")
    return path


@pytest.fixture(scope="session")
def run(program):
    """run(ARGUMENT..., input=None, timeout=120) -> CompletedProcess with text output."""
    def call(*arguments, timeout=120, **more):
        return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=timeout, check=False, **more)
    return call


def prepared(run, name):
    """The model of VA_TEST_MODELS, else the program's own; skips where there is none."""
    folder = os.environ.get("VA_TEST_MODELS")
    wanted = os.path.join(folder, name + ".vam") if folder else name
    if run("model", "info", wanted).returncode != 0:
        pytest.skip(f"the model {wanted} is not prepared")
    return wanted


@pytest.fixture(scope="session")
def model(run):
    """A prepared base model, to be given to --model."""
    return prepared(run, "base")


@pytest.fixture(scope="session")
def small_model(run):
    """The fastest model, for tests where the text does not matter."""
    return prepared(run, "tiny.en")


@pytest.fixture(scope="session")
def vad(run):
    """The prepared model that hears whether somebody speaks."""
    return prepared(run, "vad")


@pytest.fixture(scope="session")
def recordings():
    """Folder of Debian's pocketsphinx-testdata."""
    if not os.path.isdir(RECORDINGS):
        pytest.skip("the package pocketsphinx-testdata is not installed")
    return RECORDINGS


@pytest.fixture(scope="session")
def shared_data():
    """Folder of the shared recordings."""
    folder = os.environ.get("VA_SHARED_DATA") or os.path.join(os.path.dirname(SOURCE), "shared", "data")
    if not os.path.isdir(folder):
        pytest.skip(f"no shared recordings in {folder}")
    return folder
