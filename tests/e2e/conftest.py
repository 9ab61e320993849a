"""Fixtures of the black-box tests: the built program, its models, recordings. VA_PROGRAM names another program than build/'s."""
import os
import subprocess

import pytest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RECORDINGS = "/usr/share/pocketsphinx/test/data"


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


@pytest.fixture(scope="session")
def model(run):
    """The name of a prepared model; skips where there is none."""
    if run("model", "info", "base").returncode != 0:
        pytest.skip("the model base is not prepared: voice-assistant model fetch base")
    return "base"


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
