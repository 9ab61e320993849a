"""What the load test and the soak test share: a server of their own, and how much it holds."""
import os
import re
import sys

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RECORDINGS = "/usr/share/pocketsphinx/test/data"
sys.path.insert(0, os.path.join(SOURCE, "tests", "e2e"))

from test_server import Server  # noqa: E402


class Loaded(Server):
    """`serve` with every interface on a port of its own."""

    def __init__(self, program, *arguments, folder):
        super().__init__(program, "--set", "wyoming.port=0", "--set", "speech.enabled=no", *arguments, folder=folder)
        self.metrics_port = int(re.match(r"metrics on .*:(\d+)/metrics", self.process.stdout.readline())[1])
        self.wyoming_port = int(re.match(r"wyoming on port (\d+)", self.process.stdout.readline())[1])

    def memory_kb(self):
        """What it has for itself: anonymous and shared memory."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            fields = dict(line.split(":", 1) for line in f)
        return sum(int(fields[key].split()[0]) for key in ("RssAnon", "RssShmem"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


def program_path():
    return os.environ.get("VA_PROGRAM") or os.path.join(SOURCE, "build", "src", "daemon", "voice-assistant")


def model_path(name):
    return os.path.join(os.environ.get("VA_TEST_MODELS") or os.path.join(SOURCE, "build-models"), name + ".vam")
