"""The short form of the soak test (tests/load/soak.py): everything mixed, for a few seconds."""
import os
import sys

import pytest

from conftest import KEPT, RECORDINGS, SOURCE, only_without_sanitizers, prepared

pytest.importorskip("websockets")
pytest.importorskip("h2")
if not os.path.isdir(RECORDINGS):
    pytest.skip("the package pocketsphinx-testdata is not installed", allow_module_level=True)
sys.path.insert(0, os.path.join(SOURCE, "tests", "load"))
import soak  # noqa: E402

MAX_GROWTH_KB = 8192  # so few rounds say no more


def test_everything_mixed(program, run, small_model, recordings, tmp_path):
    server = soak.serve(program, small_model, prepared(run, "vad"), str(tmp_path))
    found = soak.soak(server, requests=2000, rounds=5, clients=4)
    assert server.stop() == 0
    assert not found["wrong"], found["wrong"]
    assert sum(found["seen"].values()) == 2000
    assert found["descriptors"] < 2
    only_without_sanitizers(KEPT)
    assert found["memory_kb"] < MAX_GROWTH_KB
