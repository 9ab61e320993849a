"""The fixtures of tests/e2e, and a room to break things in."""
import importlib.util
import os
import subprocess

import pytest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def load(path):
    spec = importlib.util.spec_from_file_location("e2e_fixtures", os.path.join(SOURCE, path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fixtures = load("tests/e2e/conftest.py")
source, program, run, model, small_model, recordings = (getattr(fixtures, name) for name in ("source", "program", "run", "model", "small_model", "recordings"))


@pytest.fixture(scope="session")
def in_namespaces():
    """in_namespaces(SCRIPT, *ARGUMENTS) runs a shell script as root with mounts, a network and processes of its own."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "--net", "--pid", "--fork", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("needs root and namespaces")

    def call(script, *arguments, timeout=120):
        command = ["unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "bash", "-eu", "-o", "pipefail", "-c", script, "test", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL)
    return call
